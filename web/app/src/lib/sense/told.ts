/** What happened, as sentences: which one, and what stands in it. */

import type { Key } from "../text.svelte";
import type { Happening, Happenings, Sensor, What } from "./types";

export interface Sentence {
  key: Key;
  values: Record<string, string | number>;
  /** What kind of thing it is about, for its sign. */
  sign: "in" | "out" | "zone" | "track" | "warn" | "app";
}

/** Names by number, as a sensor has them. */
export interface Names {
  thing(label: number): string;
  /** A track by what it is; `label` where that was said with it. */
  who(track: number, label?: number): string;
  line(id: number): string;
  zone(id: number): string;
  /** A span in words. */
  span(ms: number): string;
}

/** What each track is, as far as it was told; the newest of it first. */
export function labelsOf(happenings: readonly Happening[]): Map<number, number> {
  const known = new Map<number, number>();
  for (const { what } of happenings) {
    const told = what.Appeared ?? what.Crossed ?? what.Entered ?? what.Corrected;
    if (told && told.label !== null && !known.has(told.track)) known.set(told.track, told.label);
  }
  return known;
}

/** The names that a sensor's settings give, and what happened before; what none of them names is a number. */
export function names(sensor: Pick<Sensor, "desired">, known: ReadonlyMap<number, number>, thing: Names["thing"], span: Names["span"]): Names {
  const { lines, zones } = sensor.desired.settings;
  const among = (all: readonly { id: number; name: string }[], id: number) => all.find((each) => each.id === id)?.name ?? `#${id}`;
  return {
    thing,
    who: (track, label = known.get(track)) => (label === undefined ? `#${track}` : `${thing(label)} ${track}`),
    line: (id) => among(lines, id),
    zone: (id) => among(zones, id),
    span,
  };
}

type Teller = { [Kind in keyof Happenings]: (what: Happenings[Kind], names: Names) => Sentence | undefined };

const TELLERS: Teller = {
  Appeared: ({ track, label }, { who }) => ({ key: "told.appeared", values: { who: who(track, label) }, sign: "track" }),
  Left: ({ track, lasted_ms }, { who, span }) => ({ key: "told.left", values: { who: who(track), time: span(lasted_ms) }, sign: "track" }),
  Crossed: ({ line, track, label, direction }, { who, line: named }) => ({
    key: direction === "in" ? "told.in" : "told.out",
    values: { who: who(track, label), line: named(line) },
    sign: direction,
  }),
  Entered: ({ zone, track, label }, { who, zone: named }) => ({ key: "told.entered", values: { who: who(track, label), zone: named(zone) }, sign: "zone" }),
  Exited: ({ zone, track, dwelt_ms }, { who, zone: named, span }) => ({ key: "told.exited", values: { who: who(track), zone: named(zone), time: span(dwelt_ms) }, sign: "zone" }),
  Dwelt: ({ zone, track, dwelt_ms }, { who, zone: named, span }) => ({ key: "told.dwelt", values: { who: who(track), zone: named(zone), time: span(dwelt_ms) }, sign: "warn" }),
  Occupancy: ({ zone, count }, { zone: named }) => ({ key: count === 1 ? "told.one" : "told.many", values: { zone: named(zone), count }, sign: "zone" }),
  // Where feet stood is shown as a picture.
  Heat: () => undefined,
  Corrected: ({ track, label }, { thing }) =>
    label === null ? { key: "told.nothing", values: { track }, sign: "track" } : { key: "told.corrected", values: { track, thing: thing(label) }, sign: "track" },
  App: ({ app, name, value }) => ({ key: "told.app", values: { app, name, value }, sign: "app" }),
  Lost: ({ count }) => ({ key: "told.lost", values: { count }, sign: "warn" }),
  Camera: ({ works }) => ({ key: works ? "told.sees" : "told.blind", values: {}, sign: works ? "track" : "warn" }),
};

/** The name of what happened. */
export const kindOf = (what: What): keyof Happenings | undefined => (Object.keys(what) as (keyof Happenings)[]).find((kind) => kind in TELLERS);

/** What happened in words; nothing for what is not to be read, or not known here. */
export function tell(what: What, names: Names): Sentence | undefined {
  const kind = kindOf(what);
  if (!kind) return undefined;
  const teller = TELLERS[kind] as (what: unknown, names: Names) => Sentence | undefined;
  return teller(what[kind], names);
}

/** Tells a happening from others; numbers alone begin anew when a sensor's outbox does. */
export const markOf = ({ seq, at }: Happening): string => `${seq}.${at}`;
