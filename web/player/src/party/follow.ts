/**
 * Keeps a film in step with a party: what to do about the element, from where it is and where it should be. Knows no
 * element and no clock, so that it can be tried out in any time.
 *
 * Small differences are made up for by playing a little faster or slower, which nobody sees or hears. Where the film is
 * far off, or only begins, it goes a little ahead and waits there until the others come by: that ends in step at once,
 * however long a seek takes.
 */

import { type Timeline, positionAt, until } from "./timeline";

/** Differences beyond this many seconds are jumped over. */
export const JUMP_S = 2;
/** How much faster or slower a film may play to make up for a difference. */
export const BEND = 0.05;
/** Differences from here on are made up for, in seconds, and until they are this small. */
const NOTICED_S = 0.025;
const GONE_S = 0.008;
/** A difference is made up for within about this many seconds. */
const WITHIN_S = 1.5;
/** Speeds are set in steps, so that the element is not bothered all the time. */
const STEP = 0.0025;
/** A film that stands may be off by half a picture. */
const STILL_S = 0.02;
/** How far ahead the first seek goes, and how far at most. */
const AHEAD_S = 0.6;
const AHEAD_MOST_S = 5;
/** How much more than the last seek took the next one is given. */
const SPARE = 1.5;

/** What the element does at the moment. */
export interface Seen {
  /** Seconds. */
  position: number;
  paused: boolean;
  /** Whether the picture of its position is there and more after it. */
  ready: boolean;
  /** Seconds; 0 where it is not known. */
  duration: number;
}

/** What to do; what is left out stays. */
export interface Act {
  seek?: number;
  play?: boolean;
  pause?: boolean;
  rate?: number;
  /** Look again in so many seconds rather than at the next turn. */
  again?: number;
}

/** Follows a party. */
export class Follower {
  /** Where the film waits for the others, and since when. */
  #meeting: { place: number; since: number } | undefined;
  #bending = false;
  #ahead = AHEAD_S;
  /** How long the element takes from being told to play until it does. */
  #start = 0;
  #started: { at: number } | undefined;

  /** Seconds by which the film is late; negative where it is early. Of use only while it plays. */
  skew = 0;

  /** Forgets what it was about to do: the timeline is another one. */
  reset(): void {
    this.#meeting = undefined;
    this.#bending = false;
  }

  /** What to do now, in microseconds of the party's clock. */
  step(timeline: Timeline, seen: Seen, now: number): Act {
    const end = seen.duration > 0 ? seen.duration : Infinity;
    const target = Math.min(positionAt(timeline, now), end);
    this.skew = target - seen.position;
    if (!timeline.playing || target >= end) return this.#stand(Math.min(target, end), seen);
    if (this.#meeting) return this.#meet(timeline, seen, now);
    // What has to arrive first cannot be hurried, and nobody waits for it.
    if (!seen.ready && !seen.paused) return {};
    if (seen.paused || Math.abs(this.skew) > JUMP_S) return this.#arrange(timeline, seen, now);
    return this.#bend(timeline.rate, now);
  }

  #stand(target: number, seen: Seen): Act {
    this.#meeting = undefined;
    this.#bending = false;
    const off = Math.abs(seen.position - target) > STILL_S;
    return { ...(!seen.paused && { pause: true }), ...(off && seen.ready && { seek: target }) };
  }

  /** Goes ahead to where the others will be. */
  #arrange(timeline: Timeline, seen: Seen, now: number): Act {
    const target = positionAt(timeline, now);
    // Where it stands may be where the others come by in a moment anyway.
    const wait = until(timeline, seen.position, now);
    const here = wait >= -this.#start && wait < this.#ahead && Math.abs(seen.position - target) < JUMP_S;
    const place = here ? seen.position : Math.min(target + this.#ahead * timeline.rate, seen.duration || Infinity);
    this.#meeting = { place, since: now };
    return { ...(!seen.paused && { pause: true }), ...(!here && { seek: place }), rate: timeline.rate, ...(here && { again: 0 }) };
  }

  /** Stands at a place until the others come by. */
  #meet(timeline: Timeline, seen: Seen, now: number): Act {
    const meeting = this.#meeting!;
    const left = until(timeline, meeting.place, now) - this.#start;
    if (!seen.ready) return {};
    if (left > 0) return { again: left };
    this.#meeting = undefined;
    const late = -left * timeline.rate;
    if (late > JUMP_S) {
      // The seek took longer than was thought; the next one is given as long.
      this.#ahead = Math.min(AHEAD_MOST_S, ((now - meeting.since) / 1e6) * SPARE);
      return this.#arrange(timeline, seen, now);
    }
    this.#started = { at: now };
    return { play: true, rate: timeline.rate };
  }

  /** Plays a little faster or slower. */
  #bend(rate: number, now: number): Act {
    const off = this.skew;
    if (this.#started && now - this.#started.at > 300_000) {
      // What it was late by after a start is what a start takes.
      this.#start = Math.max(0, Math.min(0.25, this.#start + off / 2));
      this.#started = undefined;
    }
    if (Math.abs(off) > NOTICED_S) this.#bending = true;
    else if (Math.abs(off) < GONE_S) this.#bending = false;
    const bend = this.#bending ? Math.max(-BEND, Math.min(BEND, off / rate / WITHIN_S)) : 0;
    return { rate: rate * (1 + Math.round(bend / STEP) * STEP) };
  }
}
