/** What was counted, by minute, hour and day: spans, bars and the marks beside them. */

import type { By, Counts, Heat } from "./types";

export const SPANS: readonly By[] = ["minute", "hour", "day"];
const STEP_MS: Record<By, number> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
/** Bars of a chart: an hour of minutes, a day of hours, a month of days. */
const BARS: Record<By, number> = { minute: 60, hour: 24, day: 30 };

/** The local midnight that a moment comes after. */
export function midnight(now: number): number {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

/** The beginning of the minute, hour or day that a moment lies in, by the clock of this place. */
export function begin(at: number, by: By): number {
  if (by === "day") return midnight(at);
  const hour = new Date(at);
  if (by === "hour") hour.setMinutes(0, 0, 0);
  else hour.setSeconds(0, 0);
  return hour.getTime();
}

/** The bar that a row belongs to. The server's days are all as long, and so begin an hour off where the clocks were changed. */
const within = (at: number, by: By) => begin(by === "day" ? at + STEP_MS.day / 2 : at, by);

/** The one before or after, by so many: days have 23 to 25 hours. */
function step(at: number, by: By, count: number): number {
  if (by !== "day") return at + count * STEP_MS[by];
  const day = new Date(at);
  day.setDate(day.getDate() + count);
  return day.getTime();
}

/** What a chart shows: the beginnings of its bars, and where the last one ends. */
export function span(by: By, now: number): { from: number; to: number; starts: number[] } {
  const last = begin(now, by);
  const starts = Array.from({ length: BARS[by] }, (_, index) => step(last, by, index - BARS[by] + 1));
  return { from: starts[0] ?? last, to: step(last, by, 1), starts };
}

export interface Bar {
  at: number;
  in: number;
  out: number;
}

/** In and out of one line, or of all, for each bar. */
export function bars(lines: Counts["lines"], starts: readonly number[], by: By, line?: number): Bar[] {
  const found = new Map(starts.map((at): [number, Bar] => [at, { at, in: 0, out: 0 }]));
  for (const { id, rows } of lines) {
    if (line !== undefined && id !== line) continue;
    for (const row of rows) {
      const bar = found.get(within(row.at, by));
      if (bar) {
        bar.in += row.in;
        bar.out += row.out;
      }
    }
  }
  return [...found.values()];
}

export interface Level {
  at: number;
  most: number;
  mean: number;
}

/** How many were in a zone, for each bar. */
export function levels(zones: Counts["zones"], starts: readonly number[], by: By, zone: number): Level[] {
  const rows = zones.find(({ id }) => id === zone)?.rows ?? [];
  return starts.map((at) => {
    const here = rows.filter((row) => within(row.at, by) === at);
    const mean = here.length > 0 ? here.reduce((sum, row) => sum + row.mean, 0) / here.length : 0;
    return { at, most: Math.max(0, ...here.map((row) => row.most)), mean };
  });
}

/** The top of a scale: the next round number. */
export function round(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 4, 6, 8, 10].find((factor) => factor * power >= most) ?? 10) * power;
}

/** Which bars have their time below them: so many that they do not touch. */
export const labelled = (count: number, room: number): number => Math.max(1, Math.ceil(count / Math.max(1, room)));

/** How warm each cell is, 0 to 1: a place where somebody stood all day does not hide where people walk. */
export function warmth({ columns, rows, cells }: Heat): number[] {
  const all = new Array<number>(columns * rows).fill(0);
  const most = Math.max(1, ...cells.map(([, tenths]) => tenths));
  for (const [index, tenths] of cells) if (index < all.length) all[index] = Math.sqrt(tenths / most);
  return all;
}
