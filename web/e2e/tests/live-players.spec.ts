/** Players that we did not write play a live channel at its edge, by LL-HLS, HLS and DASH, and say how far behind they are. */

import type { Page } from "@playwright/test";
import type { ChildProcess } from "node:child_process";
import { type SCRIPTS, playsOn, stage } from "../src/players";
import { channel, freePort, publish } from "../src/publish";
import { ask, expect, test } from "../src/test";

const port = await freePort();
// Their scripts are not ours, which the pages' policy rightly forbids.
test.use({ houseOptions: { titles: {}, args: ["--rtmp", `127.0.0.1:${port}`] }, bypassCSP: true });

/** Seconds of several segments, which begin at each keyframe: one a second. */
const SEGMENTS_S = 8;

let publisher: ChildProcess | undefined;
let id: string;
test.beforeEach(async ({ owner }) => {
  if (publisher) return;
  const made = await channel(owner, "Workshop");
  id = made.id;
  publisher = publish(port, made.key);
  // Until there is a window to begin in, as there is for most who tune in.
  await expect.poll(async () => {
    const { channels } = (await ask(owner, "GET", "/api/channels")).body;
    return channels[0].until_ms - channels[0].from_ms || 0;
  }, { timeout: 30_000 }).toBeGreaterThan(10_000);
});
test.afterAll(() => {
  publisher?.kill("SIGKILL");
});

/** Seconds behind what happens that still are at the edge: three target durations, a segment, and a slow machine. */
const EDGE_S = 10;
/** The same for a player that takes parts: three of them, and time to catch up. */
const LOW_S = 4;

/** Comes so close to what happens now, by the player's own count, and plays on there for several segments. */
async function playsAtTheEdge(page: Page, name: string, edge = EDGE_S): Promise<void> {
  const latency = () => page.evaluate(() => window.latency());
  await expect.poll(latency, { timeout: 40_000, message: "seconds behind" }).toBeLessThan(edge);
  await playsOn(page, SEGMENTS_S);
  const seconds = await latency();
  expect(seconds).toBeGreaterThan(0);
  // A machine that is busy lets any player fall back, but not out of reach.
  expect(seconds).toBeLessThan(2 * EDGE_S);
  const said = `${name} is ${seconds.toFixed(1)} s behind`;
  test.info().annotations.push({ type: "latency", description: said });
  console.log(`    ${said}`);
}

/** A player's page that counts the requests for parts that do not exist yet. */
async function staged(page: Page, player: keyof typeof SCRIPTS): Promise<{ parts: number }> {
  const asked = { parts: 0 };
  page.on("request", (request) => (asked.parts += request.url().includes("_HLS_part=") ? 1 : 0));
  await stage(page, player);
  return asked;
}

for (const low of [true, false]) {
  const name = low ? "LL-HLS" : "HLS";
  test(`hls.js plays a channel by ${name}`, async ({ owner }) => {
    const asked = await staged(owner, "hls");
    await owner.evaluate(
      ([address, lowLatencyMode]) => {
        const player = new window.Hls({ lowLatencyMode, maxLiveSyncPlaybackRate: lowLatencyMode ? 1.5 : 1 });
        player.loadSource(address);
        player.attachMedia(document.querySelector("video"));
        window.latency = () => player.latency || Infinity;
      },
      [`/api/channels/${id}/live/master.m3u8`, low] as const,
    );
    await playsAtTheEdge(owner, `hls.js by ${name}`, low ? LOW_S : EDGE_S);
    if (low) expect(asked.parts).toBeGreaterThan(0);
  });

  test(`shaka-player plays a channel by ${name}`, async ({ owner }) => {
    const asked = await staged(owner, "shaka");
    await owner.evaluate(
      async ([address, lowLatencyMode]) => {
        const player = new window.shaka.Player();
        player.configure({ streaming: { lowLatencyMode } });
        await player.attach(document.querySelector("video"));
        await player.load(address);
        window.latency = () => player.getStats().liveLatency || Infinity;
      },
      [`/api/channels/${id}/live/master.m3u8`, low] as const,
    );
    await playsAtTheEdge(owner, `shaka-player by ${name}`);
    if (low) expect(asked.parts).toBeGreaterThan(0);
  });
}

test("shaka-player plays a channel by DASH", async ({ owner }) => {
  await staged(owner, "shaka");
  await owner.evaluate(async (address) => {
    const player = new window.shaka.Player();
    await player.attach(document.querySelector("video"));
    await player.load(address);
    window.latency = () => player.getStats().liveLatency || Infinity;
  }, `/api/channels/${id}/live/manifest.mpd`);
  await playsAtTheEdge(owner, "shaka-player by DASH");
});

test("dash.js plays a channel", async ({ owner }) => {
  await staged(owner, "dash");
  await owner.evaluate((address) => {
    const player = window.dashjs.MediaPlayer().create();
    player.initialize(document.querySelector("video"), address, true);
    window.latency = () => player.getCurrentLiveLatency() || Infinity;
  }, `/api/channels/${id}/live/manifest.mpd`);
  await playsAtTheEdge(owner, "dash.js by DASH");
});
