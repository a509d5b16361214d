/** Draws what a sensor sees from data alone: boxes, names and trails on a canvas, and how warm places are. */

import type { Size } from "./geometry";
import { type Trail, freshness } from "./trails";
import type { Glimpse, Thing } from "./types";

/** Colours of the theme; read once per theme, since asking for them takes long. */
export interface Ink {
  house: string;
  ink: string;
  sense: string;
  marquee: string;
  dark: boolean;
}

export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  return { house: read("--house"), ink: read("--ink"), sense: read("--sense"), marquee: read("--marquee"), dark: style.colorScheme !== "light" };
}

/** Colours of tracks go round from the sensors' own over blue to pink: never as lines, nor as what is live. */
const FIRST_HUE = 172;
const HUES = 160;
const HUE_STEP = 61;

/** A track's colour, always the same. */
export function hueOf(track: number): number {
  return FIRST_HUE + ((track * HUE_STEP) % HUES);
}
const colour = (track: number, ink: Ink, part = 1) => `hsl(${hueOf(track)} ${ink.dark ? "70% 66%" : "75% 33%"} / ${part})`;

const FONT = "600 12px Inter, system-ui, sans-serif";
const ROUND = 6;

/** Draws a moment; `size` is in pixels of the page, which the canvas' context is scaled to. */
export function paint(context: CanvasRenderingContext2D, size: Size, seen: Glimpse | undefined, trails: readonly Trail[], now: number, ink: Ink, name: (label: number) => string): void {
  context.clearRect(0, 0, size.width, size.height);
  for (const trail of trails) drawTrail(context, size, trail, now, ink);
  for (const thing of seen?.things ?? []) drawThing(context, size, thing, ink, name(thing.label));
}

function drawTrail(context: CanvasRenderingContext2D, { width, height }: Size, { track, places }: Trail, now: number, ink: Ink): void {
  context.lineCap = "round";
  for (let at = 1; at < places.length; at += 1) {
    const [a, b] = [places[at - 1]!, places[at]!];
    const left = freshness(now - b.at);
    context.strokeStyle = colour(track, ink, left * 0.8);
    context.lineWidth = 1 + 3 * left;
    context.beginPath();
    context.moveTo(a.x * width, a.y * height);
    context.lineTo(b.x * width, b.y * height);
    context.stroke();
  }
}

function drawThing(context: CanvasRenderingContext2D, size: Size, { track, place, provisional }: Thing, ink: Ink, name: string): void {
  const [left, top, right, bottom] = [place[0] * size.width, place[1] * size.height, place[2] * size.width, place[3] * size.height];
  const stroke = colour(track, ink);
  context.beginPath();
  context.roundRect(left, top, Math.max(1, right - left), Math.max(1, bottom - top), ROUND);
  context.fillStyle = colour(track, ink, 0.14);
  context.fill();
  context.strokeStyle = stroke;
  context.lineWidth = 2;
  context.setLineDash(provisional ? [6, 5] : []);
  context.stroke();
  context.setLineDash([]);

  const text = `${name} ${track}`;
  context.font = FONT;
  const width = context.measureText(text).width + 12;
  const x = Math.min(Math.max(0, left), size.width - width);
  const y = top >= 22 ? top - 21 : Math.min(bottom + 3, size.height - 18);
  context.beginPath();
  context.roundRect(x, y, width, 18, 9);
  context.fillStyle = ink.house;
  context.globalAlpha = 0.85;
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = stroke;
  context.textBaseline = "middle";
  context.fillText(text, x + 6, y + 9.5);
}

/** Cells of the barcode that tells a camera which picture is drawn, and their size in pixels. */
export const CODE_CELLS = 32;
const CODE_CELL = 6;

/** A picture's number in cells, the highest first; white is 1. */
export const codeOf = (frame: number): boolean[] => Array.from({ length: CODE_CELLS }, (_, at) => Math.floor(frame / 2 ** (CODE_CELLS - 1 - at)) % 2 === 1);

/** Draws a picture's number in the upper left corner, on a quiet border. */
export function drawCode(context: CanvasRenderingContext2D, frame: number): void {
  context.fillStyle = "#000";
  context.fillRect(0, 0, (CODE_CELLS + 2) * CODE_CELL, 3 * CODE_CELL);
  context.fillStyle = "#fff";
  for (const [at, on] of codeOf(frame).entries()) if (on) context.fillRect((at + 1) * CODE_CELL, CODE_CELL, CODE_CELL, CODE_CELL);
}

/** Draws how warm each cell is, softly: small, and made large by the canvas. */
export function drawHeat(context: CanvasRenderingContext2D, size: Size, warmth: readonly number[], columns: number, rows: number, ink: Ink): void {
  context.clearRect(0, 0, size.width, size.height);
  if (columns < 1 || rows < 1) return;
  const small = new OffscreenCanvas(columns, rows);
  const cells = small.getContext("2d");
  if (!cells) return;
  for (const [index, warm] of warmth.entries()) {
    if (warm <= 0) continue;
    // From the sensors' colour to the warm one, and denser.
    cells.fillStyle = `color-mix(in oklab, ${ink.marquee} ${Math.round(warm * 100)}%, ${ink.sense})`;
    cells.globalAlpha = 0.12 + 0.78 * warm;
    cells.fillRect(index % columns, Math.floor(index / columns), 1, 1);
  }
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  // Cells are coarse: what is shown is about where, not where exactly.
  context.filter = `blur(${Math.round(size.width / columns / 3)}px)`;
  context.drawImage(small, 0, 0, size.width, size.height);
  context.filter = "none";
}
