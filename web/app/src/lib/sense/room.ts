/** What a page knows of a sensor that it looks at, and how each message changes that. Knows no socket and no clock. */

import { occupancy } from "./geometry";
import { markOf } from "./told";
import type { Counts, Glimpse, Happening, Health, Live, SensorState, Thing, Zone } from "./types";

/** Sentences that are kept on the page. */
const KEPT = 200;
/** Beyond this long without a glimpse, nobody knows who is in the picture. */
const STALE_MS = 3000;

export interface Crossings {
  in: number;
  out: number;
}

export class Room {
  /** The newest glimpse, and when it came by the page's clock. */
  glimpse: { seen: Glimpse; at: number } | undefined;
  /** What happened, newest first. */
  happenings: readonly Happening[] = [];
  /** Crossings of each line today. */
  crossings: ReadonlyMap<number, Crossings> = new Map();
  /** When each line was crossed last, by the page's clock, and which way. */
  crossed = new Map<number, { at: number; direction: "in" | "out" }>();
  health: Health | undefined;
  state: SensorState | undefined;
  #told = new Map<number, number>();
  #known = new Set<string>();
  #day = "";

  /** Takes a message; says what changed with it. */
  take(message: Live, now: number): { glimpse: boolean; happenings: boolean; health: boolean; state: boolean } {
    const { glimpse, health, state } = message;
    // One that was overtaken on its way is no news.
    const newer = glimpse !== undefined && !this.#older(glimpse);
    if (glimpse && newer) this.glimpse = { seen: glimpse, at: now };
    const fresh = (message.events ?? []).filter((happening) => !this.#known.has(markOf(happening)));
    for (const happening of fresh) this.#count(happening, now);
    if (fresh.length > 0) this.#keep([...fresh].reverse().concat(this.happenings));
    if (health) this.health = health;
    if (state) this.state = state;
    if (state && state !== "online") this.glimpse = undefined;
    return { glimpse: newer, happenings: fresh.length > 0, health: health !== undefined, state: state !== undefined };
  }

  /** What happened before, as the server has it; newest first. It is not counted again. */
  recall(happenings: readonly Happening[]): void {
    const known = new Set(happenings.map(markOf));
    this.#keep([...this.happenings.filter((each) => !known.has(markOf(each))), ...happenings].sort((a, b) => b.at - a.at || b.seq - a.seq));
  }

  /** Today's crossings as the server has counted them; `day` names the day. */
  settle(counts: Counts, day: string): void {
    const same = day === this.#day;
    this.#day = day;
    const settled = counts.lines.map(({ id, rows }): [number, Crossings] => {
      const sum = (way: "in" | "out") => rows.reduce((all, row) => all + row[way], 0);
      const now = same ? this.crossings.get(id) : undefined;
      // What came meanwhile may not be in the answer yet.
      return [id, { in: Math.max(sum("in"), now?.in ?? 0), out: Math.max(sum("out"), now?.out ?? 0) }];
    });
    this.crossings = new Map([...(same ? this.crossings : []), ...settled]);
  }

  /** What is in the picture; `undefined` where nobody knows at the moment. */
  things(now: number): readonly Thing[] | undefined {
    return this.glimpse && now - this.glimpse.at < STALE_MS ? this.glimpse.seen.things : undefined;
  }

  /** How many are in each zone; `undefined` where nobody knows at the moment. */
  inside(zones: readonly Zone[], now: number): Map<number, number | undefined> {
    const things = this.things(now);
    if (things) return occupancy(things, zones);
    const known = this.state === "online";
    return new Map(zones.map(({ id }) => [id, known ? this.#told.get(id) : undefined]));
  }

  #older(glimpse: Glimpse): boolean {
    const before = this.glimpse?.seen;
    return before !== undefined && glimpse.at < before.at && glimpse.frame < before.frame;
  }

  #count({ what }: Happening, now: number): void {
    if (what.Occupancy) this.#told.set(what.Occupancy.zone, what.Occupancy.count);
    if (!what.Crossed) return;
    const { line, direction } = what.Crossed;
    const before = this.crossings.get(line) ?? { in: 0, out: 0 };
    this.crossings = new Map(this.crossings).set(line, { ...before, [direction]: before[direction] + 1 });
    this.crossed.set(line, { at: now, direction });
  }

  #keep(happenings: readonly Happening[]): void {
    this.happenings = happenings.slice(0, KEPT);
    this.#known = new Set(this.happenings.map(markOf));
  }
}

/** The sum over all lines. */
export function total(crossings: ReadonlyMap<number, Crossings>): Crossings {
  return [...crossings.values()].reduce((sum, each) => ({ in: sum.in + each.in, out: sum.out + each.out }), { in: 0, out: 0 });
}
