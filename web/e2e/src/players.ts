/** Players that we did not write, on an empty page of the house. */

import { type Page, expect } from "@playwright/test";
import { createRequire } from "node:module";

const resolve = createRequire(import.meta.url).resolve;

/** Where the script of each is. Theirs are not ours, so that tests with them have to bypass the pages' policy. */
export const SCRIPTS = {
  hls: resolve("hls.js/dist/hls.js"),
  shaka: resolve("shaka-player/dist/shaka-player.compiled.js"),
  dash: resolve("dashjs"),
};

/** An empty page of the house with a video that fills it, and a player's script. */
export async function stage(page: Page, player: keyof typeof SCRIPTS): Promise<void> {
  await page.goto("/api/health");
  await page.setContent('<body style="margin:0;background:#000"><video muted autoplay style="width:100vw;height:100vh"></video>');
  await page.addScriptTag({ path: SCRIPTS[player] });
}

/** Seconds of the video, as the player counts them. */
export const time = (page: Page) => page.evaluate(() => document.querySelector("video")!.currentTime);

/** Waits until the video has played on for so many seconds without standing still. */
export async function playsOn(page: Page, seconds: number): Promise<void> {
  const stalls = () =>
    page.evaluate(async (span) => {
      const video = document.querySelector("video")!;
      const end = video.currentTime + span;
      let count = 0;
      const stalled = () => count++;
      video.addEventListener("waiting", stalled);
      while (video.currentTime < end && count === 0) await new Promise((done) => requestAnimationFrame(done));
      video.removeEventListener("waiting", stalled);
      return count;
    }, seconds);
  // A machine that does something else for a moment is forgiven; one run without a stall has to come.
  await expect.poll(stalls, { timeout: 60_000, message: "stalls" }).toBe(0);
}

declare global {
  interface Window {
    Hls: any;
    shaka: any;
    dashjs: any;
    /** Seconds that a live player says it is behind. */
    latency(): number;
  }
}
