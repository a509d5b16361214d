/** The session's clock, as far as pings tell it. */

/** Answers that are remembered; the quickest of them is believed. */
const REMEMBERED = 24;

/** Milliseconds of this page and microseconds of the session, put together. */
export class Clock {
  #samples: { offset: number; trip: number }[] = [];
  #offset: number | undefined;
  #trip = 0;

  /** This page's clock in microseconds, as pings carry it. */
  static now(): number {
    return Math.round(performance.now() * 1000);
  }

  /** Takes an answer that arrived at `now`; all in microseconds. */
  answer(client: number, server: number, now: number): void {
    const trip = now - client;
    if (trip < 0) return;
    // The shorter the trip, the less its two ways can differ.
    this.#samples.push({ offset: server - (client + trip / 2), trip });
    if (this.#samples.length > REMEMBERED) this.#samples.shift();
    const best = this.#samples.reduce((a, b) => (b.trip < a.trip ? b : a));
    this.#offset = best.offset;
    this.#trip = best.trip;
  }

  /** Forgets the session that it knew. */
  reset(): void {
    this.#samples = [];
    this.#offset = undefined;
  }

  /** Whether the session's clock is known. */
  get known(): boolean {
    return this.#offset !== undefined;
  }

  /** The shortest round trip lately, in milliseconds. */
  get trip(): number {
    return this.#trip / 1000;
  }

  /** A session's time (µs) as this page's (`performance.now()`, ms). */
  toPage(micros: number): number {
    return (micros - (this.#offset ?? 0)) / 1000;
  }

  /** A page's time (ms) as the session's (µs). */
  toSession(millis: number): number {
    return millis * 1000 + (this.#offset ?? 0);
  }
}
