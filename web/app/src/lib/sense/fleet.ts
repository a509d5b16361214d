/** Many sensors at a glance: which are asked for, in which groups, and where their tiles lie. */

import type { Brief, Reported, SensorState } from "./types";

export const STATES: readonly SensorState[] = ["online", "offline", "waiting", "revoked"];

export interface Filter {
  words: string;
  group: string;
  tag: string;
  state: SensorState | "";
}

export const ALL: Filter = { words: "", group: "", tag: "", state: "" };

const collator = new Intl.Collator(undefined, { numeric: true });

const distinct = (words: readonly string[]) => [...new Set(words)].sort(collator.compare);
const groupsOf = (sensors: readonly Brief[]): string[] => distinct(sensors.flatMap(({ group }) => (group ? [group] : [])));

/** How many are in each state. */
export function tally(sensors: readonly Brief[]): Record<SensorState, number> {
  const counts = { online: 0, offline: 0, waiting: 0, revoked: 0 };
  for (const { state } of sensors) counts[state] += 1;
  return counts;
}

/** The sensors of each group, those without one last. */
export function grouped(sensors: readonly Brief[]): { group: string; sensors: Brief[] }[] {
  const groups = [...groupsOf(sensors), ""];
  return groups.map((group) => ({ group, sensors: sensors.filter((sensor) => (sensor.group ?? "") === group) })).filter((each) => each.sensors.length > 0);
}

/** Tiles get smaller the more there are, as long as a finger or an eye finds them. */
export function tileSize(count: number): number {
  if (count <= 48) return 32;
  if (count <= 400) return 22;
  return count <= 2000 ? 16 : 11;
}

/** Tiles of groups, row by row in a given width. */
export interface Tiles {
  size: number;
  height: number;
  /** Where each group's name is, and how much room it has. */
  groups: { group: string; count: number; left: number; top: number; width: number }[];
  /** Each tile's place, in the order of the sensors. */
  places: { x: number; y: number }[];
}

/** Room for a group's name above its tiles, and beside each other. */
const NAME = 26;
const NARROWEST = 112;
const GAP = 3;
const BETWEEN = 20;

/** Lays tiles out: small groups beside each other, large ones over the whole width. */
export function lay(groups: readonly { group: string; sensors: readonly unknown[] }[], width: number): Tiles {
  const size = tileSize(groups.reduce((sum, each) => sum + each.sensors.length, 0));
  const pitch = size + GAP;
  const named = groups.length > 1 || groups.some(({ group }) => group !== "") ? NAME : 0;
  const tiles: Tiles = { size, height: 0, groups: [], places: [] };
  let [left, top] = [0, 0];
  for (const { group, sensors } of groups) {
    const count = sensors.length;
    const wanted = Math.max(NARROWEST, Math.min(width, count * pitch - GAP));
    if (left > 0 && left + wanted > width) [left, top] = [0, tiles.height + BETWEEN];
    const columns = Math.max(1, Math.floor((wanted + GAP) / pitch));
    tiles.groups.push({ group, count, left, top, width: wanted });
    for (let at = 0; at < count; at += 1) {
      tiles.places.push({ x: left + (at % columns) * pitch, y: top + named + Math.floor(at / columns) * pitch });
    }
    tiles.height = Math.max(tiles.height, top + named + Math.ceil(count / columns) * pitch - GAP);
    left += wanted + BETWEEN;
  }
  return tiles;
}

/** The tile at a place; nothing between tiles. */
export function tileAt({ places, size }: Tiles, x: number, y: number): number | undefined {
  const at = places.findIndex((place) => x >= place.x && x < place.x + size && y >= place.y && y < place.y + size);
  return at < 0 ? undefined : at;
}

/** The tile that lies in a direction; nothing at the edge. */
export function tileBeside({ places }: Tiles, at: number, direction: "left" | "right" | "up" | "down"): number | undefined {
  const here = places[at];
  if (!here) return undefined;
  if (direction === "left" || direction === "right") {
    const way = direction === "right" ? 1 : -1;
    const ahead = places.flatMap(({ x, y }, index) => (y === here.y && (x - here.x) * way > 0 ? [index] : []));
    return ahead.length === 0 ? undefined : ahead.reduce((best, index) => (Math.abs(places[index]!.x - here.x) < Math.abs(places[best]!.x - here.x) ? index : best));
  }
  const rows = [...new Set(places.map(({ y }) => y))].sort((a, b) => a - b);
  const row = rows[rows.indexOf(here.y) + (direction === "down" ? 1 : -1)];
  if (row === undefined) return undefined;
  const off = (index: number) => Math.abs(places[index]!.x - here.x);
  return places.flatMap(({ y }, index) => (y === row ? [index] : [])).reduce((best, index) => (off(index) < off(best) ? index : best));
}

/** The rows of a long table that are in view, with some beyond: from this one up to that one. */
export function inView(count: number, row: number, top: number, height: number): [from: number, to: number] {
  const BEYOND = 8;
  const from = Math.max(0, Math.floor(-top / row) - BEYOND);
  return [Math.min(from, count), Math.max(0, Math.min(count, Math.ceil((height - top) / row) + BEYOND))];
}

/** Whether a sensor does what it is told, and if not why. */
export type Following = { kind: "follows" } | { kind: "waits" } | { kind: "refused"; why: string };

export function following(version: number, reported: Pick<Reported, "version" | "refused"> | null | undefined): Following {
  if (!reported || reported.version < version) return { kind: "waits" };
  return reported.refused ? { kind: "refused", why: reported.refused } : { kind: "follows" };
}
