/** Playing in a test: start a title, look at its picture, listen to its sound. */

import { type Page, expect } from "@playwright/test";
import { type Titles } from "./house";
import { manifest } from "./test";

/** Manifest of the first-party game for measuring, which the test's house finds in the title's own folder. */
export function probe(name: string, args: string[] = [], more: Record<string, string> = {}): Titles[string] {
  return manifest(name, { host: '"wayland"', command: JSON.stringify(["./probe", ...args]), ...more });
}

/** Waits until the picture is there. */
export async function picture(page: Page): Promise<void> {
  await page.waitForFunction(() => window.__playhouse?.state === "playing", undefined, { timeout: 30_000 });
}

/** Opens a title's page and plays it. */
export async function play(page: Page, title: string): Promise<string> {
  await page.goto(`/title/${title}`);
  await page.getByRole("button", { name: "Play" }).click();
  await expect(page).toHaveURL(/\/play\//);
  await picture(page);
  return new URL(page.url()).pathname.replace("/play/", "");
}

/** A part of the picture. */
export interface Part {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where the probe flips its mark at each press, on a grid of 1280 × 720. */
export const MARK: Part = { x: 592, y: 312, width: 96, height: 96 };

/** Mean brightness of a part of the picture, 0 to 255; parts are given on a grid of 1280 × 720. */
export function brightness(page: Page, part: Part): Promise<number> {
  return page.evaluate(({ x, y, width, height }) => {
    const video = document.querySelector("video")!;
    const canvas = Object.assign(document.createElement("canvas"), { width: 16, height: 16 });
    const context = canvas.getContext("2d")!;
    const across = video.videoWidth / 1280;
    const down = video.videoHeight / 720;
    context.drawImage(video, x * across, y * down, width * across, height * down, 0, 0, 16, 16);
    const { data } = context.getImageData(0, 0, 16, 16);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += data[at]! + data[at + 1]! + data[at + 2]!;
    return sum / (data.length / 4) / 3;
  }, part);
}

/** Whether the probe's mark is light. */
export const marked = async (page: Page) => (await brightness(page, MARK)) > 128;

/**
 * Does something that flips the probe's mark, until it is so. A game listens to its keys and pads a moment after its
 * first picture; a person would press again, too.
 */
export async function flip(page: Page, light: boolean, act: () => Promise<void>): Promise<void> {
  await expect(async () => {
    await act();
    await expect.poll(() => marked(page), { timeout: 1500 }).toBe(light);
  }).toPass();
}

/** A small grey copy of the picture, to compare with another. */
export function sketch(page: Page): Promise<number[]> {
  return page.evaluate(() => {
    const video = document.querySelector("video")!;
    const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 36 });
    const context = canvas.getContext("2d")!;
    context.drawImage(video, 0, 0, 64, 36);
    const { data } = context.getImageData(0, 0, 64, 36);
    return Array.from({ length: 64 * 36 }, (_, at) => (data[at * 4]! + data[at * 4 + 1]! + data[at * 4 + 2]!) / 3);
  });
}

/** Mean difference of two sketches, 0 to 255. */
export function difference(a: number[], b: number[]): number {
  return a.reduce((sum, value, at) => sum + Math.abs(value - b[at]!), 0) / a.length;
}

/** The loudest root mean square of the sound during `milliseconds`, 0 to 1. */
export function loudness(page: Page, milliseconds = 1500): Promise<number> {
  return page.evaluate(async (span) => {
    // A session's sound has an element of its own; a film's belongs to its picture.
    const audio = document.querySelector("audio");
    const video = document.querySelector("video") as HTMLVideoElement & { captureStream(): MediaStream };
    const stream = audio ? (audio.srcObject as MediaStream) : video.captureStream();
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(stream).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    let loudest = 0;
    const end = performance.now() + span;
    while (performance.now() < end) {
      await new Promise((done) => requestAnimationFrame(done));
      analyser.getFloatTimeDomainData(samples);
      loudest = Math.max(loudest, Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length));
    }
    await context.close();
    return loudest;
  }, milliseconds);
}

declare global {
  interface Window {
    __playhouse?: { state: string; seat: number; timeline: { recent(): readonly unknown[] } };
  }
}
