/** Players that we did not write play our films: shaka-player and dash.js by DASH, shaka-player by HLS too. */

import type { Page } from "@playwright/test";
import { createRequire } from "node:module";
import { PART_S, found, make, put } from "../src/films";
import { brightness } from "../src/play";
import { expect, test } from "../src/test";

// Their scripts are not ours, which the pages' policy rightly forbids.
test.use({ houseOptions: { titles: {} }, bypassCSP: true });

const resolve = createRequire(import.meta.url).resolve;
const SHAKA = resolve("shaka-player/dist/shaka-player.compiled.js");
const DASH = resolve("dashjs");
const WHOLE = { x: 0, y: 0, width: 1280, height: 720 };

test.beforeAll(({ house }) => {
  put(house, make("general.mp4"), "The General (1926).mp4");
});

/** An empty page of the house with a video that fills it, and a player's script. */
async function stage(page: Page, script: string): Promise<string> {
  const film = await found(page, "The General");
  await page.goto("/api/health");
  await page.setContent('<body style="margin:0;background:#000"><video muted autoplay style="width:100vw;height:100vh"></video>');
  await page.addScriptTag({ path: script });
  return film.id;
}

/** The picture of a place tells that it is there: black, grey and white, a third each. */
async function seekAndLook(page: Page): Promise<void> {
  const time = () => page.evaluate(() => document.querySelector("video")!.currentTime);
  await expect.poll(time).toBeGreaterThan(0.5);
  expect(await brightness(page, WHOLE)).toBeLessThan(40);
  await page.evaluate((to) => (document.querySelector("video")!.currentTime = to), 2.5 * PART_S);
  await expect.poll(() => brightness(page, WHOLE)).toBeGreaterThan(200);
  await expect.poll(time).toBeGreaterThan(2.5 * PART_S + 0.5);
}

declare global {
  interface Window {
    shaka: any;
    dashjs: any;
  }
}

for (const file of ["manifest.mpd", "master.m3u8"]) {
  test(`shaka-player plays a film from ${file}`, async ({ owner }) => {
    const id = await stage(owner, SHAKA);
    await owner.evaluate(async (address) => {
      const player = new window.shaka.Player();
      await player.attach(document.querySelector("video"));
      await player.load(address);
    }, `/api/films/${id}/${file}`);
    await seekAndLook(owner);
  });
}

test("dash.js plays a film", async ({ owner }) => {
  const id = await stage(owner, DASH);
  await owner.evaluate((address) => {
    const player = window.dashjs.MediaPlayer().create();
    player.initialize(document.querySelector("video"), address, true);
  }, `/api/films/${id}/manifest.mpd`);
  await seekAndLook(owner);
});
