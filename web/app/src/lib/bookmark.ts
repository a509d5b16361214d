/** Where a film was left: what is written down, and when. */

/** So often while it plays. */
export const EVERY_MS = 10_000;
/** Who leaves earlier has not begun. */
export const BEGUN_S = 5;
/** The credits: who leaves within this part of a film, and at most this long before its end, has seen it. */
const CREDITS = 0.05;
const CREDITS_S = 180;

export interface Place {
  seconds: number;
  finished: boolean;
}

/** What is to be written down of a film that was left there; nothing where it was hardly begun. */
export function placeAt(seconds: number, duration: number, ended = false): Place | undefined {
  const credits = duration > 0 && duration - seconds <= Math.min(CREDITS_S, duration * CREDITS);
  if (ended || credits) return { seconds: Math.round(seconds * 10) / 10, finished: true };
  return seconds < BEGUN_S ? undefined : { seconds: Math.round(seconds * 10) / 10, finished: false };
}

/** Where to go on with a film; 0 is its beginning. */
export function goesOnAt(film: { position_s: number | null; finished: boolean; duration_s: number | null }): number {
  const seconds = film.finished ? 0 : (film.position_s ?? 0);
  return seconds >= BEGUN_S && seconds < (film.duration_s ?? Infinity) ? seconds : 0;
}

/** Writes a film's place down: every ten seconds, at each pause, and when the page goes away. */
export class Bookmark {
  #written: Place | undefined;
  #at: number;

  /** `write` sends a place; `leaving` where the page may be gone before the answer. */
  constructor(
    private write: (place: Place, leaving: boolean) => Promise<void>,
    private now: () => number = () => performance.now(),
  ) {
    this.#at = now();
  }

  /** The film plays and is there now. */
  pass(seconds: number, duration: number): void {
    if (this.now() - this.#at >= EVERY_MS) this.keep(seconds, duration);
  }

  /** Writes down now, unless it is written already. */
  keep(seconds: number, duration: number, { ended = false, leaving = false } = {}): void {
    this.#at = this.now();
    const place = placeAt(seconds, duration, ended);
    if (!place || (place.seconds === this.#written?.seconds && place.finished === this.#written.finished)) return;
    this.#written = place;
    // What could not be written is written with the next.
    this.write(place, leaving).catch(() => (this.#written = undefined));
  }
}
