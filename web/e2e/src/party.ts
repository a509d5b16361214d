/** Watch parties in a test: who is in step with whom. */

import type { Browser, BrowserContext, Page } from "@playwright/test";

/** Opens a party's page in a browser of one's own, with the same person signed in. */
export async function member(browser: Browser, origin: string, state: Awaited<ReturnType<BrowserContext["storageState"]>>, path: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: origin, storageState: state, viewport: { width: 640, height: 480 } });
  const page = await context.newPage();
  await page.goto(path);
  await page.waitForFunction(() => window.__party !== undefined && (document.querySelector("video")?.readyState ?? 0) >= 3, undefined, { timeout: 60_000 });
  return page;
}

/** Where a page's film is, and where the shared clock has it, taken at the same moment, in seconds. */
export const place = (page: Page) =>
  page.evaluate(() => {
    const video = document.querySelector("video")!;
    return { at: window.__party!.now, film: video.currentTime, skew: window.__party!.skew, paused: video.paused, rate: video.playbackRate };
  });

/**
 * By how many milliseconds each page's pictures are late against the shared clock, over some pictures each: from the
 * time that the browser says for each picture it shows.
 */
export const skews = (page: Page, pictures = 24) =>
  page.evaluate(
    (count) =>
      new Promise<number[]>((done) => {
        const video = document.querySelector("video")!;
        const party = window.__party!;
        const seen: number[] = [];
        const look = (_: number, { mediaTime, expectedDisplayTime }: { mediaTime: number; expectedDisplayTime: number }) => {
          const late = (expectedDisplayTime - performance.now()) / 1000;
          seen.push((party.position + late - mediaTime) * 1000);
          if (seen.length < count) video.requestVideoFrameCallback(look);
          else done(seen);
        };
        video.requestVideoFrameCallback(look);
      }),
    pictures,
  );

/** The one in the middle. */
export function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

declare global {
  interface Window {
    __party?: { now: number; position: number; skew: number; steer(steer: { playing?: boolean; position?: number }): void };
  }
}
