/** Films in a test: made by ffmpeg, put where the house looks for them, and watched. */

import { type Page, expect } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { House } from "./house";
import { ask } from "./test";

/** Seconds of each part of a film: black, then grey, then white, so that its picture tells where it is. */
export const PART_S = 10;

/** Makes a film with a picture that moves and a tone, and answers where it is. */
export function make(name: string, { seconds = 3 * PART_S, noise = 0 } = {}): string {
  const part = seconds / 3;
  const size = "s=640x360:r=24";
  const shades = ["black", "gray", "white"].map((shade, index) => `color=${shade}:${size}:d=${part}[p${index}]`);
  const grain = noise > 0 ? `noise=alls=${noise}:allf=t,` : "";
  const picture = `${shades.join(";")};[p0][p1][p2]concat=n=3:v=1,${grain}drawbox=x=mod(t*200\\,600):y=160:w=40:h=40:color=red:t=fill,format=yuv420p[v]`;
  const file = join(mkdtempSync(join(tmpdir(), "playhouse-film-")), name);
  execFileSync("ffmpeg", [
    ...["-v", "error", "-filter_complex", `${picture};sine=frequency=440:duration=${seconds}[a]`, "-map", "[v]", "-map", "[a]"],
    ...["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-c:a", "aac", "-movflags", "+faststart", file],
  ]);
  return file;
}

/** Puts a file into the house's folder of films, at once and whole, as moving one does. */
export function put(house: House, file: string, name: string): void {
  mkdirSync(house.films, { recursive: true });
  renameSync(file, join(house.films, name));
}

/** The film of that title, once the house has found it. */
export async function found(page: Page, title: string): Promise<any> {
  let film: any;
  await expect(async () => {
    const { body } = await ask(page, "POST", "/api/films/rescan");
    film = body.films.find((each: { title: string }) => each.title === title);
    expect(film, `the film ${title}`).toBeTruthy();
  }).toPass({ timeout: 30_000 });
  return film;
}

/** Waits until the film plays. */
export async function playing(page: Page): Promise<void> {
  await page.waitForFunction(() => window.__film?.state === "playing", undefined, { timeout: 30_000 });
}

/** Seconds at which the film is. */
export const position = (page: Page) => page.evaluate(() => window.__film!.position);

/** Pictures that were shown, without those that were left out. */
export const shown = (page: Page) =>
  page.evaluate(() => {
    const { totalVideoFrames, droppedVideoFrames } = document.querySelector("video")!.getVideoPlaybackQuality();
    return totalVideoFrames - droppedVideoFrames;
  });

declare global {
  interface Window {
    __film?: { state: string; date: number | undefined; position: number; seek(seconds: number): void; pause(): void };
  }
}
