/** Lines and zones while they are drawn: every change gives a new draft, and what is wrong with it is known before it is kept. */

import type { Key } from "../text.svelte";
import { type Size, distance, inside, middle, tangled, within } from "./geometry";
import type { InputSize, Line, Point, Settings, Zone } from "./types";

/** What a sensor can have; the same limits as in its settings. */
export const MOST_AREAS = 32;
export const MOST_CORNERS = 32;
export const FEWEST_CORNERS = 3;
export const LONGEST_NAME = 60;
/** What is shorter, in fractions of the picture, was a click and no line. */
export const SHORTEST = 0.02;

/** The input of a device of AITRIOS that says nothing of it, and what is possible; pixels. */
export const INPUT: InputSize = { width: 300, height: 300 };
export const INPUT_LEAST = 2;
export const INPUT_MOST = 8192;

/** What can be changed here; the model and the apps have pages of their own. */
export type Draft = Required<Pick<Settings, "lines" | "zones" | "low" | "high" | "rate" | "gate" | "crops" | "input_size">>;
export type Kind = "line" | "zone";

/** One point of an area: 0 and 1 are a line's ends, others a zone's corners. */
export interface Handle {
  kind: Kind;
  id: number;
  at: number;
}

export const draftOf = ({ lines, zones, low, high, rate, gate, crops = false, input_size = null }: Settings): Draft => ({ lines, zones, low, high, rate, gate, crops, input_size });

/** Another size of the network's input; the usual one is told by leaving it out. */
export function sized(draft: Draft, by: Partial<InputSize>): Draft {
  const size = { ...(draft.input_size ?? INPUT), ...by };
  return { ...draft, input_size: size.width === INPUT.width && size.height === INPUT.height ? null : size };
}

/** A number that none of them has, nor had: what is counted goes by it. */
export function freeId(areas: readonly { id: number }[], before: readonly { id: number }[] = []): number {
  return Math.max(0, ...areas.map(({ id }) => id), ...before.map(({ id }) => id)) + 1;
}

export function addLine(draft: Draft, id: number, name: string, from: Point, to: Point): Draft {
  return { ...draft, lines: [...draft.lines, { id, name, from: inside(from), to: inside(to) }] };
}

export function addZone(draft: Draft, id: number, name: string, corners: readonly Point[]): Draft {
  return { ...draft, zones: [...draft.zones, { id, name, corners: corners.map(inside) }] };
}

const line = (draft: Draft, id: number, change: (line: Line) => Line): Draft => ({ ...draft, lines: draft.lines.map((each) => (each.id === id ? change(each) : each)) });
const zone = (draft: Draft, id: number, change: (zone: Zone) => Zone): Draft => ({ ...draft, zones: draft.zones.map((each) => (each.id === id ? change(each) : each)) });

/** Another name, or another time after which a stay is told of. */
export const rename = (draft: Draft, kind: Kind, id: number, name: string): Draft =>
  kind === "line" ? line(draft, id, (each) => ({ ...each, name })) : zone(draft, id, (each) => ({ ...each, name }));

export function dwell(draft: Draft, id: number, milliseconds: number | undefined): Draft {
  return zone(draft, id, ({ dwell_ms: _, ...rest }) => ({ ...rest, ...(milliseconds !== undefined && { dwell_ms: milliseconds }) }));
}

/** In becomes out, and out in. */
export const swap = (draft: Draft, id: number): Draft => line(draft, id, (each) => ({ ...each, from: each.to, to: each.from }));

export function remove(draft: Draft, kind: Kind, id: number): Draft {
  const others = <Area extends { id: number }>(areas: readonly Area[]) => areas.filter((each) => each.id !== id);
  return kind === "line" ? { ...draft, lines: others(draft.lines) } : { ...draft, zones: others(draft.zones) };
}

/** The points of an area, in order. */
export function pointsOf(draft: Draft, kind: Kind, id: number): Point[] {
  if (kind === "zone") return draft.zones.find((each) => each.id === id)?.corners ?? [];
  const found = draft.lines.find((each) => each.id === id);
  return found ? [found.from, found.to] : [];
}

/** A point goes elsewhere, as far as the picture reaches. */
export function place(draft: Draft, { kind, id, at }: Handle, to: Point): Draft {
  const there = inside(to);
  if (kind === "line") return line(draft, id, (each) => (at === 0 ? { ...each, from: there } : { ...each, to: there }));
  return zone(draft, id, (each) => ({ ...each, corners: each.corners.map((corner, index) => (index === at ? there : corner)) }));
}

export function nudge(draft: Draft, handle: Handle, by: Point): Draft {
  const point = pointsOf(draft, handle.kind, handle.id)[handle.at];
  return point ? place(draft, handle, { x: point.x + by.x, y: point.y + by.y }) : draft;
}

/** All of an area goes elsewhere, without losing its form at the edge. */
export function shift(draft: Draft, kind: Kind, id: number, by: Point): Draft {
  const points = pointsOf(draft, kind, id);
  const room = (way: "x" | "y") => {
    const [least, most] = [Math.min(...points.map((each) => each[way])), Math.max(...points.map((each) => each[way]))];
    return Math.min(1 - most, Math.max(-least, by[way]));
  };
  const step = { x: room("x"), y: room("y") };
  return points.reduce((moved, _, at) => nudge(moved, { kind, id, at }, step), draft);
}

/** A new corner in the middle of the edge that begins at this one. */
export function split(draft: Draft, id: number, at: number): Draft {
  return zone(draft, id, (each) => {
    const { corners } = each;
    const [a, b] = [corners[at], corners[(at + 1) % corners.length]];
    if (!a || !b || corners.length >= MOST_CORNERS) return each;
    return { ...each, corners: [...corners.slice(0, at + 1), middle(a, b), ...corners.slice(at + 1)] };
  });
}

/** Takes a corner away, as long as an area is left. */
export function drop(draft: Draft, id: number, at: number): Draft {
  return zone(draft, id, (each) => (each.corners.length > FEWEST_CORNERS ? { ...each, corners: each.corners.filter((_, index) => index !== at) } : each));
}

/** What is wrong with a draft, and with which area. */
export interface Fault {
  key: Key;
  values: Record<string, string | number>;
}

/** The first thing that the sensor would refuse. */
export function fault(draft: Draft): Fault | undefined {
  for (const areas of [draft.lines, draft.zones]) {
    if (areas.length > MOST_AREAS) return { key: "areas.tooMany", values: { most: MOST_AREAS } };
    const unnamed = areas.some(({ name }) => name.trim() === "" || [...name.trim()].length > LONGEST_NAME);
    if (unnamed) return { key: "areas.nameless", values: { most: LONGEST_NAME } };
  }
  const pointless = draft.lines.find(({ from, to }) => from.x === to.x && from.y === to.y);
  if (pointless) return { key: "areas.noLength", values: { name: pointless.name } };
  const knotted = draft.zones.find(({ corners }) => tangled(corners));
  if (knotted) return { key: "areas.tangled", values: { name: knotted.name } };
  const { width, height } = draft.input_size ?? INPUT;
  if (![width, height].every((pixels) => Number.isInteger(pixels) && pixels >= INPUT_LEAST && pixels <= INPUT_MOST)) return { key: "areas.inputSize", values: { least: INPUT_LEAST, most: INPUT_MOST } };
  if (draft.low > draft.high) return { key: "areas.thresholds", values: {} };
  return undefined;
}

/** What differs, as a merge patch (RFC 7396); nothing where all is the same. */
export function patchOf(before: Draft, after: Draft): Partial<Draft> | undefined {
  const changed = (Object.keys(after) as (keyof Draft)[]).filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]));
  return changed.length > 0 ? Object.fromEntries(changed.map((key) => [key, after[key]])) : undefined;
}

/** A draft of older settings as one of newer ones: what was changed here stays, what only others changed is taken over. */
export const rebase = (draft: Draft, before: Draft, after: Draft): Draft => ({ ...after, ...patchOf(before, draft) });

/** What the drafts of a page were, so that a step can be taken back. */
export class Steps {
  #past: Draft[] = [];
  /** What the last step was about: steps of one movement are one. */
  #about = "";

  /** Steps that can be taken back. */
  static readonly MOST = 100;

  get any(): boolean {
    return this.#past.length > 0;
  }

  /** A draft is about to change; `about` names the movement where there are several steps of it. */
  keep(draft: Draft, about = ""): void {
    if (about !== "" && about === this.#about) return;
    this.#about = about;
    this.#past = [...this.#past, draft].slice(-Steps.MOST);
  }

  /** A movement has ended. */
  rest(): void {
    this.#about = "";
  }

  back(): Draft | undefined {
    this.#about = "";
    return this.#past.pop();
  }
}

/** The area at a place, lines first since they are thin; `reach` says how far a line may be, in pixels. */
export function hit(draft: Pick<Draft, "lines" | "zones">, at: Point, { width, height }: Size, reach: number): { kind: Kind; id: number } | undefined {
  const pixels = ({ x, y }: Point): Point => ({ x: x * width, y: y * height });
  const line = draft.lines.find(({ from, to }) => distance(pixels(at), pixels(from), pixels(to)) <= reach);
  if (line) return { kind: "line", id: line.id };
  // What was drawn last lies on top.
  const zone = [...draft.zones].reverse().find(({ corners }) => within(at, corners));
  return zone && { kind: "zone", id: zone.id };
}
