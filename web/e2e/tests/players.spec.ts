/** Players that we did not write play our films: shaka-player and dash.js by DASH, hls.js and shaka-player by HLS. */

import type { Page } from "@playwright/test";
import { PART_S, found, make, put } from "../src/films";
import { type SCRIPTS, stage, time } from "../src/players";
import { brightness } from "../src/play";
import { expect, test } from "../src/test";

// Their scripts are not ours, which the pages' policy rightly forbids.
test.use({ houseOptions: { titles: {} }, bypassCSP: true });

const WHOLE = { x: 0, y: 0, width: 1280, height: 720 };

test.beforeAll(({ house }) => {
  put(house, make("general.mp4"), "The General (1926).mp4");
});

/** A player's page; gives the film. */
async function staged(page: Page, player: keyof typeof SCRIPTS): Promise<string> {
  const film = await found(page, "The General");
  await stage(page, player);
  return film.id;
}

/** The picture of a place tells that it is there: black, grey and white, a third each. */
async function seekAndLook(page: Page): Promise<void> {
  await expect.poll(() => time(page)).toBeGreaterThan(0.5);
  expect(await brightness(page, WHOLE)).toBeLessThan(40);
  await page.evaluate((to) => (document.querySelector("video")!.currentTime = to), 2.5 * PART_S);
  await expect.poll(() => brightness(page, WHOLE)).toBeGreaterThan(200);
  await expect.poll(() => time(page)).toBeGreaterThan(2.5 * PART_S + 0.5);
}

for (const file of ["manifest.mpd", "master.m3u8"]) {
  test(`shaka-player plays a film from ${file}`, async ({ owner }) => {
    const id = await staged(owner, "shaka");
    await owner.evaluate(async (address) => {
      const player = new window.shaka.Player();
      await player.attach(document.querySelector("video"));
      await player.load(address);
    }, `/api/films/${id}/${file}`);
    await seekAndLook(owner);
  });
}

test("dash.js plays a film", async ({ owner }) => {
  const id = await staged(owner, "dash");
  await owner.evaluate((address) => {
    const player = window.dashjs.MediaPlayer().create();
    player.initialize(document.querySelector("video"), address, true);
  }, `/api/films/${id}/manifest.mpd`);
  await seekAndLook(owner);
});

test("hls.js plays a film", async ({ owner }) => {
  const id = await staged(owner, "hls");
  await owner.evaluate((address) => {
    const player = new window.Hls();
    player.loadSource(address);
    player.attachMedia(document.querySelector("video"));
  }, `/api/films/${id}/master.m3u8`);
  await seekAndLook(owner);
});
