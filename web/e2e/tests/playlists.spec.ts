/** A strict parser that we did not write takes every playlist of ours: films, live channels, channels of the library. */

import type { Page } from "@playwright/test";
import type { ChildProcess } from "node:child_process";
import * as HLS from "hls-parser";
import { found, make, put } from "../src/films";
import { channel, freePort, publish } from "../src/publish";
import { ask, expect, test } from "../src/test";

const port = await freePort();
test.use({ houseOptions: { titles: {}, args: ["--rtmp", `127.0.0.1:${port}`] } });

let publisher: ChildProcess | undefined;
test.afterAll(() => {
  publisher?.kill("SIGKILL");
});
// What is out of order is an error instead of a line on the console.
HLS.setOptions({ strictMode: true });

async function text(page: Page, path: string): Promise<string> {
  const answer = await page.request.get(path);
  expect(answer.status(), path).toBe(200);
  return answer.text();
}

async function master(page: Page, path: string): Promise<HLS.types.MasterPlaylist> {
  const playlist = HLS.parse(await text(page, path));
  if (!playlist.isMasterPlaylist) throw new Error(`${path} has no variants`);
  expect(playlist.variants.length).toBeGreaterThan(0);
  return playlist;
}

/** A playlist of segments, none of which is longer than it promises. */
async function media(page: Page, path: string): Promise<HLS.types.MediaPlaylist> {
  const playlist = HLS.parse(await text(page, path));
  if (playlist.isMasterPlaylist) throw new Error(`${path} has no segments`);
  for (const { duration } of playlist.segments) {
    // A segment that is still made has no length yet.
    if (duration) expect(Math.round(duration)).toBeLessThanOrEqual(playlist.targetDuration);
  }
  return playlist;
}

test("a film's playlists are in order", async ({ house, owner }) => {
  put(house, make("general.mp4"), "The General (1926).mp4");
  const { id } = await found(owner, "The General");
  const film = await master(owner, `/api/films/${id}/master.m3u8`);
  for (const { uri } of film.variants) {
    const { segments, endlist, playlistType } = await media(owner, `/api/films/${id}/${uri}`);
    expect(segments.length).toBeGreaterThan(2);
    expect([endlist, playlistType]).toEqual([true, "VOD"]);
  }
});

test("the playlists of a channel of the library are in order", async ({ house, owner }) => {
  put(house, make("navigator.mp4"), "The Navigator (1924).mp4");
  await found(owner, "The Navigator");
  const made = await ask(owner, "POST", "/api/guide/channels", { name: "Silent", schedule: { zone: "UTC", always: { everything: true } } });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  const base = made.body.hls.replace("master.m3u8", "");
  const { variants } = await master(owner, made.body.hls);
  const { segments, endlist } = await media(owner, `${base}${variants[0]!.uri}`);
  expect(endlist).toBe(false);
  expect(segments.length).toBeGreaterThan(0);
  expect(segments[0]!.programDateTime).toBeInstanceOf(Date);
});

test("the playlists of a live channel are in order, also what is left out and what is not there yet", async ({ owner }) => {
  const { id, key } = await channel(owner, "Workshop");
  // Segments as long as playlists promise: the parser takes the last three for three target durations.
  publisher = publish(port, key, 50);
  const base = `/api/channels/${id}/live`;
  await expect.poll(async () => (await owner.request.get(`${base}/master.m3u8`)).status()).toBe(200);
  const { variants } = await master(owner, `${base}/master.m3u8`);
  const address = `${base}/${variants[0]!.uri}`;
  // Until there are segments that a player can be supposed to know: six target durations back.
  await expect.poll(async () => (await media(owner, `${address}?_HLS_skip=YES`)).skip, { timeout: 60_000 }).toBeGreaterThan(0);
  const whole = await media(owner, address);
  expect(whole.lowLatencyCompatibility).toMatchObject({ canBlockReload: true });
  expect(whole.partTargetDuration).toBeGreaterThan(0.1);
  const parts = whole.segments.flatMap(({ parts }) => parts.filter(({ hint }) => !hint));
  expect(parts.length).toBeGreaterThan(4);
  for (const { duration } of parts) expect(duration!).toBeLessThanOrEqual(whole.partTargetDuration!);
  // The parts of a segment are the segment.
  const over = whole.segments.find(({ parts, duration }) => parts.length > 1 && duration)!;
  expect(over.parts.reduce((sum, { duration }) => sum + (duration ?? 0), 0)).toBeCloseTo(over.duration, 3);
  expect(whole.renditionReports.map(({ uri }) => uri)).toEqual(["1.m3u8"]);
  const skipped = await media(owner, `${address}?_HLS_skip=YES`);
  expect(skipped.mediaSequenceBase).toBeGreaterThanOrEqual(whole.mediaSequenceBase!);
  expect(skipped.segments.length).toBeLessThan(whole.segments.length);
  // And once it is over.
  publisher.kill("SIGKILL");
  await expect.poll(() => text(owner, address), { timeout: 40_000 }).toContain("#EXT-X-ENDLIST");
  expect((await media(owner, address)).endlist).toBe(true);
});
