/** Points, lines and polygons in a picture, as fractions of its width and height; and where they are on a screen. */

import type { Line, Point, Thing, Zone } from "./types";

export interface Size {
  width: number;
  height: number;
}

/** What a picture's sides are to each other while the sensor has not said. */
const USUAL: [number, number] = [4, 3];

/** Width over height of a sensor's picture. */
export function aspect(size: readonly [number, number] | undefined): number {
  const [width, height] = size && size[0] > 0 && size[1] > 0 ? size : USUAL;
  return width / height;
}

/** Pixels of a canvas for so many of a page: whole ones, so that lines are sharp. */
export function sharp({ width, height }: Size, ratio: number): Size {
  return { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)) };
}

export const clamp = (value: number, least = 0, most = 1): number => Math.min(most, Math.max(least, value));

/** The nearest place that lies in the picture. */
export const inside = ({ x, y }: Point): Point => ({ x: clamp(x), y: clamp(y) });

/** Where a pointer is in the picture that fills `box`. */
export function placeOf(at: { clientX: number; clientY: number }, box: { left: number; top: number } & Size): Point {
  return inside({ x: (at.clientX - box.left) / box.width, y: (at.clientY - box.top) / box.height });
}

export const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** Where something that is seen there stands. */
export const foot = ([left, , right, bottom]: Thing["place"]): Point => ({ x: (left + right) / 2, y: bottom });

/** Twice the signed area of a triangle: positive where `c` lies to the right of the way from `a` to `b`. */
export const side = (a: Point, b: Point, c: Point): number => (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);

/** Whether two segments cross at an inner point of both. */
export function cross([a, b]: [Point, Point], [c, d]: [Point, Point]): boolean {
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

/** Whether edges of a polygon cross each other, so that it has no inside to speak of. */
export function tangled(corners: readonly Point[]): boolean {
  const count = corners.length;
  const edge = (at: number): [Point, Point] => [corners[at]!, corners[(at + 1) % count]!];
  for (let a = 0; a < count; a += 1) for (let b = 0; b < a; b += 1) if (cross(edge(a), edge(b))) return true;
  return false;
}

/** Whether a point lies in a polygon (even-odd rule). */
export function within(point: Point, corners: readonly Point[]): boolean {
  let odd = false;
  for (const [at, a] of corners.entries()) {
    const b = corners[(at + corners.length - 1) % corners.length]!;
    const between = a.y > point.y !== b.y > point.y;
    if (between && point.x < ((b.x - a.x) * (point.y - a.y)) / (b.y - a.y) + a.x) odd = !odd;
  }
  return odd;
}

/** How many of the things stand in each zone, by its number. */
export function occupancy(things: readonly Thing[], zones: readonly Zone[]): Map<number, number> {
  return new Map(zones.map(({ id, corners }) => [id, things.filter(({ place }) => within(foot(place), corners)).length]));
}

/** How far a point is from a segment. */
export function distance(point: Point, a: Point, b: Point): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const part = length > 0 ? clamp(((point.x - a.x) * dx + (point.y - a.y) * dy) / length) : 0;
  return Math.hypot(point.x - a.x - part * dx, point.y - a.y - part * dy);
}

/** How far below a zone's upper edge its name stands. */
const NAME_BELOW = 0.05;

/** Where a zone's name stands: below its upper edge, in the middle of the widest span that lies in it at that height. */
export function nameplace(corners: readonly Point[]): Point {
  const heights = corners.map(({ y }) => y);
  const [top, bottom] = [Math.min(...heights), Math.max(...heights)];
  const y = top + Math.min(NAME_BELOW, (bottom - top) / 2);
  const cuts = corners
    .flatMap((a, at) => {
      const b = corners[(at + 1) % corners.length]!;
      return a.y > y === b.y > y ? [] : [((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x];
    })
    .sort((a, b) => a - b);
  let best = { x: corners[0]?.x ?? 0, width: -1 };
  for (let at = 0; at + 1 < cuts.length; at += 2) {
    const [from, to] = [cuts[at]!, cuts[at + 1]!];
    if (to - from > best.width) best = { x: (from + to) / 2, width: to - from };
  }
  return { x: best.x, y };
}

/** The arrow across a line that shows which way is in: from its middle, so many pixels long, in pixels. */
export function arrow({ from, to }: Pick<Line, "from" | "to">, { width, height }: Size, length: number): { from: Point; to: Point } {
  const [dx, dy] = [(to.x - from.x) * width, (to.y - from.y) * height];
  const whole = Math.hypot(dx, dy) || 1;
  const start = { x: ((from.x + to.x) / 2) * width, y: ((from.y + to.y) / 2) * height };
  // To the right of the way, where y points down.
  return { from: start, to: { x: start.x - (dy / whole) * length, y: start.y + (dx / whole) * length } };
}
