/** What is on the air: sessions that go live, recordings in the making, the channel of a fresh house, channels of others. */

import { type ChildProcess, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { make, playing, position, put } from "../src/films";
import { brightness, play, probe } from "../src/play";
import { channel, freePort, publish } from "../src/publish";
import { ask, expect, findings, test } from "../src/test";

const port = await freePort();
test.use({ houseOptions: { titles: { probe: probe("Probe", ["--still"]) }, args: ["--rtmp", `127.0.0.1:${port}`] } });

const WHOLE = { x: 0, y: 0, width: 1280, height: 720 };
let publisher: ChildProcess | undefined;
let others: Server | undefined;
test.afterEach(() => {
  publisher?.kill("SIGKILL");
  others?.close();
});

test("a player goes live from the game, is watched, and stops", async ({ owner, house }) => {
  await play(owner, "probe");
  await owner.mouse.move(500, 600);
  await owner.getByRole("button", { name: "Go live" }).click();
  const dialog = owner.getByRole("dialog", { name: "Go live" });
  await dialog.getByRole("button", { name: "Make the channel Probe and go live" }).click();
  await expect(dialog.getByText("Live on Probe")).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  const { channels } = (await ask(owner, "GET", "/api/channels")).body;
  const { id } = channels.find(({ name }: { name: string }) => name === "Probe");

  const viewer = await owner.context().newPage();
  await viewer.goto(`${house.origin}/live/${id}`);
  await playing(viewer);
  const first = await position(viewer);
  await expect.poll(() => position(viewer)).toBeGreaterThan(first + 3);
  expect(await brightness(viewer, WHOLE)).toBeGreaterThan(5);

  // The picture changes its size, as it does with the network, and goes on.
  await owner.keyboard.press("Escape");
  await owner.mouse.move(500, 620);
  await owner.getByRole("button", { name: "Quality" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: /480/ }).first().click();
  await expect.poll(() => viewer.evaluate(() => document.querySelector("video")!.videoHeight), { timeout: 30_000 }).toBeLessThan(720);
  const after = await position(viewer);
  await expect.poll(() => position(viewer)).toBeGreaterThan(after + 2);

  await viewer.goto(`${house.origin}/studio`);
  const desk = viewer.getByRole("region", { name: "Probe" });
  await expect(desk.getByText("What arrives")).toBeVisible();
  await expect(desk).toContainText(/avc1\.\w+ \d+x480/);
  await owner.keyboard.press("Escape");
  await owner.mouse.move(500, 640);
  await owner.getByRole("button", { name: "Live on Probe" }).click();
  await dialog.getByRole("button", { name: "Stop" }).click();
  await expect(dialog.getByRole("button", { name: "Go live on Probe" })).toBeVisible();
  await expect(desk.getByText("Off the air")).toBeVisible();
  await expect.poll(() => owner.evaluate(() => window.__playhouse!.state)).toBe("playing");
});

test("what is being recorded is watched from its start, and is a film in the end", async ({ owner }) => {
  const { id, key } = await channel(owner, "Match");
  publisher = publish(port, key);
  await expect.poll(async () => (await ask(owner, "GET", `/api/channels/${id}`)).body.from_ms).toBeTruthy();
  const start_ms = Date.now();
  const wanted = { channel: id, start_ms, stop_ms: start_ms + 25_000, title: "The match", pad_before_s: 0, pad_after_s: 0 };
  await ask(owner, "POST", "/api/recordings", wanted);
  await owner.goto("/recordings");
  await owner.getByRole("link", { name: "From the start" }).click({ timeout: 30_000 });
  await playing(owner);
  // It is where the recording begins, not where the channel is.
  expect(await position(owner)).toBeLessThan(8);
  expect(await findings(owner)).toEqual([]);
  await owner.goto("/recordings");
  await expect(owner.getByText(/Kept until/).first()).toBeVisible({ timeout: 60_000 });
  const list = (await ask(owner, "GET", "/api/recordings")).body;
  expect(list.recordings[0].state).toBe("done");
});

test("a fresh house has a channel on its first page", async ({ owner, house }) => {
  put(house, make("lantern.mp4"), "The Little Lantern (2026).mp4");
  await owner.goto("/");
  await expect(owner.getByRole("link", { name: /Lantern/ }).first()).toBeVisible({ timeout: 60_000 });
  const { channels } = (await ask(owner, "GET", "/api/channels")).body;
  const { id } = channels.find(({ name }: { name: string }) => name === "Lantern");
  await owner.goto(`/channels/${id}`);
  await playing(owner);
});

test("a channel of others plays here", async ({ owner }) => {
  const folder = mkdtempSync(join(tmpdir(), "playhouse-hls-"));
  const film = make("others.mp4");
  execFileSync("ffmpeg", ["-v", "error", "-i", film, "-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0", join(folder, "tv.m3u8")]);
  others = createServer((request, response) => {
    try {
      response.end(readFileSync(join(folder, (request.url ?? "/").slice(1))));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => others!.listen(0, "127.0.0.1", done));
  const address = others.address();
  const base = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  writeFileSync(join(folder, "list.m3u"), `#EXTM3U\n#EXTINF:-1,City TV\n${base}/tv.m3u8\n`);
  await ask(owner, "POST", "/api/guide/sources", { name: "City", playlist: `${base}/list.m3u`, private: true });
  const { channels } = (await ask(owner, "GET", "/api/guide")).body;
  const id = (name: string) => channels.find((each: { name: string }) => each.name === name).id;
  await owner.goto(`/channels/${id("City TV")}`);
  await playing(owner);
  const first = await position(owner);
  await expect.poll(() => position(owner)).toBeGreaterThan(first + 2);
  expect(await findings(owner)).toEqual([]);
});
