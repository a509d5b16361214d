/** Where tracks were in the last moments, so that they draw a line behind them that fades. */

import { foot } from "./geometry";
import type { Glimpse, Point } from "./types";

/** How long a place is seen behind a track. */
export const TRAIL_MS = 4000;
/** Places that one trail has at most: what comes sixty times a second is thinned out. */
const MOST = 60;
const APART_MS = TRAIL_MS / MOST;

export interface Trail {
  track: number;
  places: (Point & { at: number })[];
}

export class Trails {
  #trails = new Map<number, Trail>();

  /** What was seen, now by the page's own clock. */
  add({ things }: Pick<Glimpse, "things">, now: number): void {
    for (const { track, place } of things) {
      const trail = this.#trails.get(track) ?? { track, places: [] };
      this.#trails.set(track, trail);
      const { places } = trail;
      const last = places[places.length - 1];
      const before = places[places.length - 2];
      // The newest place is where the track is; what lies too close behind it is left out.
      if (last && before && last.at - before.at < APART_MS) places.pop();
      places.push({ ...foot(place), at: now });
    }
  }

  /** What is still seen; what has faded is forgotten. */
  at(now: number): Trail[] {
    for (const [track, { places }] of this.#trails) {
      const fresh = places.findIndex(({ at }) => now - at < TRAIL_MS);
      if (fresh < 0) this.#trails.delete(track);
      else places.splice(0, fresh);
    }
    return [...this.#trails.values()];
  }

  clear(): void {
    this.#trails.clear();
  }
}

/** How much is left of a place after this long: 1 is all, 0 is nothing. */
export const freshness = (age: number): number => Math.max(0, 1 - age / TRAIL_MS);
