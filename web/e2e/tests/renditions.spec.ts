/** A film that browsers do not play: it is made playable, with its texts, chapters and small pictures. */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PART_S, found, make, playing, position, put } from "../src/films";
import { brightness } from "../src/play";
import { ask, expect, findings, test } from "../src/test";

test.use({ houseOptions: { titles: {} } });

/** Encoding takes what time others leave. */
const PATIENCE_MS = 300_000;

/** The film of three shades as MPEG-4 and MP3 in Matroska, with a text in German and a chapter for each shade. */
function old(name: string): string {
  const film = make("new.mp4");
  const folder = dirname(film);
  const srt = join(folder, "text.srt");
  writeFileSync(srt, `1\n00:00:00,100 --> 00:00:${PART_S * 3},000\nEs war <i>einmal</i>\n`);
  const chapters = ["Night", "Dusk", "Day"].map((title, part) => `[CHAPTER]\nTIMEBASE=1/1\nSTART=${part * PART_S}\nEND=${(part + 1) * PART_S}\ntitle=${title}\n`);
  const notes = join(folder, "chapters");
  writeFileSync(notes, `;FFMETADATA1\n${chapters.join("")}`);
  const file = join(folder, name);
  execFileSync("ffmpeg", [
    ...["-v", "error", "-i", film, "-i", srt, "-i", notes, "-map", "0", "-map", "1", "-map_chapters", "2"],
    ...["-c:v", "mpeg4", "-q:v", "4", "-c:a", "mp3", "-c:s", "subrip", "-metadata:s:s:0", "language=ger", file],
  ]);
  return file;
}

test("an old film is made playable, and plays with its subtitles, chapters and small pictures", async ({ owner, house }) => {
  test.setTimeout(PATIENCE_MS * 2);
  put(house, old("Old Times (1921).mkv"), "Old Times (1921).mkv");
  const film = await found(owner, "Old Times");
  await owner.goto("/films");
  await expect(owner.getByRole("link", { name: /Old Times/ }).first()).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.goto(`/films/${film.id}`);
  await expect(owner.getByRole("link", { name: "Play", exact: true })).toBeVisible({ timeout: PATIENCE_MS });
  await expect
    .poll(async () => (await ask(owner, "GET", `/api/films/${film.id}`)).body.sprites, { timeout: PATIENCE_MS })
    .toBeTruthy();
  expect(await findings(owner)).toEqual([]);

  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: "Subtitles" }).click();
  await owner.getByRole("button", { name: "German" }).click();
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: "Large" }).click();
  await owner.keyboard.press("Escape");
  const shown = () =>
    owner.evaluate(() => {
      const tracks = [...document.querySelector("video")!.textTracks].filter(({ mode }) => mode === "showing");
      return tracks.flatMap(({ activeCues }) => [...(activeCues ?? [])]).map((cue) => (cue as VTTCue).text);
    });
  await expect.poll(shown).toEqual(["Es war <i>einmal</i>"]);
  expect(await owner.evaluate(() => document.querySelector("video")!.dataset.letters)).toBe("large");

  await owner.mouse.move(500, 320);
  await owner.getByRole("button", { name: "Chapters" }).click();
  await owner.getByRole("button", { name: /Day/ }).click();
  await expect.poll(() => position(owner)).toBeGreaterThanOrEqual(2 * PART_S);
  await expect.poll(() => brightness(owner, { x: 0, y: 0, width: 1280, height: 720 })).toBeGreaterThan(200);

  await owner.mouse.move(500, 300);
  const box = (await owner.getByRole("slider", { name: "Place in the film" }).boundingBox())!;
  await owner.mouse.move(box.x + box.width * 0.5, box.y + box.height / 2);
  await expect(owner.locator("[data-sprite]")).toBeVisible();
  await expect(owner.getByText("Dusk")).toBeVisible();
  await expect(owner.locator("[data-chapter]")).toHaveCount(2);
});
