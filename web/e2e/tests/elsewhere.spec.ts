/** Other players, in and out: links to a film, addresses for Kodi, lists of others; and how a film begins for whom. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { found, make, playing, position, put } from "../src/films";
import { A, DOWN, plugIn, press } from "../src/pad";
import { scan } from "../src/scan";
import { ask, expect, findings, test } from "../src/test";

// A house of its own: others want one that nobody has entered yet.
test.use({ houseOptions: { titles: {}, args: [], config: "" } });

test.beforeAll(({ house }) => {
  put(house, make("general.mp4"), "The General (1926).mp4");
});

test("a film that was begun asks whether to go on there, by mouse, keyboard and gamepad", async ({ owner }) => {
  const film = await found(owner, "The General");
  const left = () => ask(owner, "PUT", `/api/films/${film.id}/position`, { seconds: 14, finished: false });
  await left();
  await owner.goto(`/films/${film.id}/watch`);
  const dialog = owner.getByRole("dialog", { name: "The General" });
  await expect(dialog.getByRole("button", { name: "Go on at 0:14" })).toBeFocused();
  expect(await findings(owner)).toEqual([]);
  await plugIn(owner);
  await press(owner, A);
  await playing(owner);
  expect(await position(owner)).toBeGreaterThan(13.5);

  await left();
  await owner.goto(`/films/${film.id}/watch`);
  await expect(dialog.getByRole("button", { name: "Go on at 0:14" })).toBeFocused();
  await plugIn(owner);
  await press(owner, DOWN);
  await expect(dialog.getByRole("button", { name: "From the beginning" })).toBeFocused();
  await owner.keyboard.press("Enter");
  await playing(owner);
  expect(await position(owner)).toBeLessThan(6);

  // Who goes on from Home, or from the film's page, has said so already.
  await left();
  await owner.goto("/");
  await owner.getByRole("link", { name: "Go on at 0:14" }).first().click();
  await playing(owner);
  expect(await position(owner)).toBeGreaterThan(13.5);
});

test("a film begins in the languages of whoever watches", async ({ owner, house }) => {
  const file = join(mkdtempSync(join(tmpdir(), "playhouse-film-")), "voices.mp4");
  execFileSync("ffmpeg", [
    ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=20", "-f", "lavfi", "-i", "sine=frequency=440:d=20"],
    ...["-f", "lavfi", "-i", "sine=frequency=880:d=20", "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264", "-preset", "ultrafast"],
    ...["-g", "48", "-pix_fmt", "yuv420p", "-c:a", "aac", "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu", file],
  ]);
  for (const language of ["en", "de"]) {
    const text = join(dirname(file), `${language}.srt`);
    writeFileSync(text, `1\n00:00:00,500 --> 00:00:19,000\nWords in ${language}\n`);
    put(house, text, `Voices (2011).${language}.srt`);
  }
  put(house, file, "Voices (2011).mp4");
  const film = await found(owner, "Voices");
  await expect.poll(async () => (await ask(owner, "GET", `/api/films/${film.id}`)).body.subtitles.length, { timeout: 60_000 }).toBe(2);
  const { profiles } = (await ask(owner, "GET", "/api/profiles")).body;
  await ask(owner, "PATCH", `/api/profiles/${profiles[0].id}`, { audio: "de", subtitles: "de" });
  await owner.goto(`/films/${film.id}/watch`);
  await playing(owner);
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: "Sound track" }).click();
  await expect(owner.getByRole("button", { name: /^German/ })).toHaveAttribute("aria-pressed", "true");
  await owner.keyboard.press("Escape");
  await owner.mouse.move(520, 320);
  await owner.getByRole("button", { name: "Subtitles" }).click();
  await expect(owner.getByRole("button", { name: "German" })).toHaveAttribute("aria-pressed", "true");
  // What is chosen can be told from what is not, also among quiet buttons.
  expect(await findings(owner)).toEqual([]);
  await expect.poll(() => owner.evaluate(() => [...document.querySelector("video")!.textTracks].some(({ mode, language }) => mode === "showing" && language === "de"))).toBe(true);
});

test("a film is played elsewhere by a link, which a phone reads from the screen", async ({ owner, playwright, house }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: "Play elsewhere" }).click();
  const dialog = owner.getByRole("dialog", { name: "Play elsewhere" });
  const address = await dialog.getByLabel("Address (HLS)").inputValue();
  expect(await findings(owner)).toEqual([]);
  expect(await scan(dialog.getByRole("img", { name: "QR code of the address" }))).toBe(address);
  // Somebody without a cookie.
  const other = await playwright.request.newContext();
  expect((await other.get(address)).status()).toBe(200);
  const length = execFileSync("ffprobe", ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", address], { encoding: "utf8" });
  expect(Number(length)).toBeGreaterThan(29);
  const list = await other.get((await dialog.getByRole("link", { name: "List for VLC (M3U)" }).getAttribute("href"))!);
  expect(await list.text()).toContain(address);

  await dialog.getByRole("link", { name: "Channels in and out" }).click();
  await expect(owner).toHaveURL("/guide/others");
  await owner.getByRole("button", { name: "Revoke The General" }).click();
  await expect(owner.getByText("The key “The General” opens nothing any more.")).toBeVisible();
  expect((await other.get(address)).status()).toBe(401);
  await other.dispose();
  expect(house.log()).not.toContain(address.split("token=")[1]);
});

test("a device that the browser itself plays on is offered while it is near", async ({ owner }) => {
  // No such device is near a test: the browser is told of one.
  await owner.addInitScript(() => {
    RemotePlayback.prototype.watchAvailability = (near) => {
      queueMicrotask(() => near(true));
      return Promise.resolve(1);
    };
    RemotePlayback.prototype.prompt = () => {
      document.title = "asked for a device";
      return Promise.resolve();
    };
  });
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: "Play elsewhere" }).click();
  await owner.getByRole("button", { name: "Choose a device" }).click();
  await expect(owner).toHaveTitle("asked for a device");
});

test("a player of one's own gets addresses, and a list of others comes in from a file", async ({ owner, playwright }) => {
  await owner.goto("/guide");
  await owner.getByRole("link", { name: "Channels in and out" }).click();
  await expect(owner.getByRole("heading", { name: "Your players" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.getByLabel("Which player it is for").fill("Kodi in the kitchen");
  await owner.getByRole("button", { name: "Make addresses" }).click();
  const dialog = owner.getByRole("dialog");
  const list = await dialog.getByLabel("List of channels (M3U)").inputValue();
  expect(await findings(owner)).toEqual([]);
  const other = await playwright.request.newContext();
  expect(await (await other.get(list)).text()).toContain("#EXTM3U");
  await owner.keyboard.press("Escape");
  await owner.getByRole("button", { name: "Revoke Kodi in the kitchen" }).click();
  await expect(owner.getByRole("button", { name: "Revoke Kodi in the kitchen" })).toHaveCount(0);
  expect((await other.get(list)).status()).toBe(401);
  await other.dispose();

  const m3u = '#EXTM3U\n#EXTINF:-1 tvg-id="one.tv" tvg-chno="70",News of the City\nhttps://tv.example/1.m3u8\n';
  await owner.getByLabel("From a file").setInputFiles({ name: "city.m3u", mimeType: "audio/x-mpegurl", buffer: Buffer.from(m3u) });
  await expect(owner.getByText("Channels: 1, programmes: 0.")).toBeVisible();
  await expect(owner.getByRole("heading", { name: "city" })).toBeVisible();
  await owner.getByLabel("From a file").setInputFiles({ name: "none.m3u", mimeType: "audio/x-mpegurl", buffer: Buffer.from("nothing such") });
  await expect(owner.getByRole("alert")).not.toBeEmpty();
  // What cannot be fetched says why, and is not kept.
  await owner.getByLabel("Name", { exact: true }).fill("Nowhere");
  await owner.getByLabel("Address of a list of channels (M3U)").fill("http://127.0.0.1:9/none.m3u");
  await owner.getByRole("button", { name: "Fetch" }).click();
  await expect(owner.getByRole("alert")).toContainText(/network|address|127\.0\.0\.1/);
  expect(await findings(owner)).toEqual([]);
  await owner.goto("/search?q=news");
  await owner.getByRole("link", { name: /^News of the City/ }).click();
  await expect(owner.getByText(/A player such as VLC may open it: https:\/\/tv\.example/)).toBeVisible({ timeout: 30_000 });
  expect(await findings(owner)).toEqual([]);
});

test("a finger calls the controls and stops nothing, and twice at a side goes a step", async ({ owner, house, ownerState, browser }) => {
  const film = await found(owner, "The General");
  const context = await browser.newContext({ baseURL: house.origin, storageState: ownerState, viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const page = await context.newPage();
  await page.goto(`/films/${film.id}/watch?from=0`);
  await playing(page);
  const controls = page.getByRole("toolbar", { name: "Player" });
  await expect(controls).toHaveCSS("opacity", "0");
  await page.touchscreen.tap(195, 400);
  await expect(controls).toHaveCSS("opacity", "1");
  expect(await page.evaluate(() => window.__film!.state)).toBe("playing");
  const before = await position(page);
  await page.touchscreen.tap(350, 400);
  await page.touchscreen.tap(350, 400);
  await expect.poll(() => position(page)).toBeGreaterThan(before + 9);
  await context.close();
});

test("Home has rows of what to go on with, new films and what is on, and channels are turned by keys", async ({ owner }) => {
  const film = await found(owner, "The General");
  await ask(owner, "PUT", `/api/films/${film.id}/position`, { seconds: 14, finished: false });
  const schedule = { zone: "UTC", always: { films: [film.id] } };
  const ids: string[] = [];
  for (const name of ["First", "Second"]) ids.push((await ask(owner, "POST", "/api/guide/channels", { name, schedule })).body.id);
  await owner.goto("/");
  for (const name of ["New films", "On now"]) await expect(owner.getByRole("heading", { name }).first()).toBeAttached();
  await owner.getByRole("link", { name: "First The General" }).click();
  await expect(owner).toHaveURL(`/channels/${ids[0]}`);
  await playing(owner);
  await owner.mouse.move(500, 300);
  await expect(owner.getByRole("toolbar", { name: "Player" })).toContainText("The General");
  expect(await findings(owner)).toEqual([]);
  // Nobody stops what everybody sees.
  await expect(owner.getByRole("button", { name: "Pause" })).toHaveCount(0);
  await owner.keyboard.press("ArrowDown");
  await expect(owner).toHaveURL(`/channels/${ids[1]}`);
  await playing(owner);
});
