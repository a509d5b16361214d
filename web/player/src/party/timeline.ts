/** Where a party's film is, on the party's clock. */

/** Times are microseconds of the server's clock, places seconds of the film. */
export interface Timeline {
  /** From when on this holds; before, the film stands at `position`. */
  at: number;
  position: number;
  playing: boolean;
  /** Seconds of the film for a second of the clock. */
  rate: number;
}

/** Where the film is at `now`, not held against its end. */
export function positionAt(timeline: Timeline, now: number): number {
  const since = timeline.playing ? Math.max(0, now - timeline.at) / 1e6 : 0;
  return timeline.position + timeline.rate * since;
}

/** Seconds of the clock until the film comes by a place; negative where it was there already. */
export function until(timeline: Timeline, place: number, now: number): number {
  return (timeline.at - now) / 1e6 + (place - timeline.position) / timeline.rate;
}
