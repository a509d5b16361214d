/** More than one quality: films in other codings, and live channels that a slow network carries too. */

import { type ChildProcess, spawn } from "node:child_process";
import type { Page } from "@playwright/test";
import { found, make, playing, position, put } from "../src/films";
import { channel, freePort } from "../src/publish";
import { ask, expect, findings, test } from "../src/test";

const port = await freePort();
test.use({ houseOptions: { titles: {}, args: ["--rtmp", `127.0.0.1:${port}`] } });

/** Encoding takes what time others leave. */
const PATIENCE_MS = 300_000;

let publisher: ChildProcess | undefined;
test.afterEach(() => {
  publisher?.kill("SIGKILL");
});

test("a film is made in AV1 as well, and the browser plays that", async ({ owner, house }) => {
  test.setTimeout(PATIENCE_MS * 2);
  put(house, make("plain.mp4"), "Plain.mp4");
  const film = await found(owner, "Plain");
  await owner.goto(`/films/${film.id}`);
  await owner.getByRole("button", { name: "More codings" }).click();
  const dialog = owner.getByRole("dialog");
  await expect(dialog.getByRole("checkbox", { name: "AV1" })).toBeChecked();
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Make them" }).click();
  const state = async () => (await ask(owner, "GET", `/api/films/${film.id}`)).body.rendering?.state;
  await expect.poll(state, { timeout: PATIENCE_MS }).toBe("done");

  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: "Quality" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: /in AV1/ }).first().click();
  await owner.keyboard.press("Escape");
  await owner.keyboard.press("i");
  await expect(owner.locator("[data-numbers]")).toContainText("av01.", { timeout: 30_000 });
  const before = await position(owner);
  await expect.poll(() => position(owner), { timeout: 30_000 }).toBeGreaterThan(before + 1);
});

/** Publishes a picture that takes 2.5 Mbit/s, whatever is in it. */
function publish(key: string): ChildProcess {
  const picture = "testsrc2=size=640x480:rate=25,noise=alls=20:allf=t";
  return spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-re", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=frequency=440"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "25", "-pix_fmt", "yuv420p"],
      ...["-b:v", "2500k", "-minrate", "2500k", "-maxrate", "2500k", "-bufsize", "1250k"],
      ...["-c:a", "aac", "-b:a", "64k", "-ar", "48000", "-f", "flv", `rtmp://127.0.0.1:${port}/live/${key}`],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
}

const height = (page: Page) => page.evaluate(() => document.querySelector("video")?.videoHeight ?? 0);

test("a channel goes on in a lower quality where the network gets slow", async ({ owner }) => {
  test.setTimeout(PATIENCE_MS);
  const { id, key } = await channel(owner, "Ladder");
  await owner.goto("/studio");
  const desk = owner.getByRole("region", { name: "Ladder" });
  await desk.getByRole("checkbox", { name: /Lower qualities/ }).check();
  publisher = publish(key);
  await expect(desk.getByText("360p, 240p")).toBeVisible({ timeout: 60_000 });
  expect(await findings(owner)).toEqual([]);

  await owner.goto(`/live/${id}`);
  await owner.waitForFunction(() => window.__film?.state === "playing", undefined, { timeout: 60_000 });
  await expect.poll(() => height(owner), { timeout: 60_000 }).toBe(480);
  const devtools = await owner.context().newCDPSession(owner);
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 10, downloadThroughput: 1_000_000 / 8, uploadThroughput: -1 });
  await expect.poll(() => height(owner), { timeout: 120_000 }).toBeLessThan(480);
  const before = await position(owner);
  await expect.poll(() => position(owner), { timeout: 60_000 }).toBeGreaterThan(before + 4);
});

test("somebody chooses a quality of a channel, and gives the choice back", async ({ owner }) => {
  test.setTimeout(PATIENCE_MS);
  const { id, key } = await channel(owner, "Chosen");
  expect((await ask(owner, "PATCH", `/api/channels/${id}`, { ladder: true })).status).toBe(200);
  publisher = publish(key);
  await expect
    .poll(async () => (await owner.request.get(`/api/channels/${id}/live/master.m3u8`)).text(), { timeout: 60_000 })
    .toContain("RESOLUTION=320x240");

  await owner.goto(`/live/${id}`);
  await owner.waitForFunction(() => window.__film?.state === "playing", undefined, { timeout: 60_000 });
  await expect.poll(() => height(owner), { timeout: 60_000 }).toBe(480);
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: "Quality" }).click();
  const dialog = owner.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Automatic" })).toHaveAttribute("aria-pressed", "true");
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: /^240 lines/ }).click();
  await expect(dialog.getByRole("button", { name: /^240 lines/ })).toHaveAttribute("aria-pressed", "true");
  await owner.keyboard.press("Escape");
  await expect.poll(() => height(owner), { timeout: 60_000 }).toBe(240);
  // It stays that one although the network carries more, and the broadcast goes on.
  const before = await position(owner);
  await expect.poll(() => position(owner), { timeout: 60_000 }).toBeGreaterThan(before + 5);
  expect(await height(owner)).toBe(240);
  await owner.mouse.move(520, 320);
  await owner.getByRole("button", { name: "Quality" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Automatic" }).click();
  await owner.keyboard.press("Escape");
  await expect.poll(() => height(owner), { timeout: 60_000 }).toBe(480);
});
