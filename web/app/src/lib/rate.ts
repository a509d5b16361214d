/** How fast something goes, over its last seconds. */

/** Longer hides that it slows down, shorter jumps about. */
const WINDOW_MS = 6000;

export class Rate {
  #samples: { at: number; done: number }[] = [];

  /** So much is done now; after a break that is the beginning of a new measurement. */
  add(done: number, now: number): void {
    const last = this.#samples[this.#samples.length - 1];
    if (last && (now - last.at > WINDOW_MS || done < last.done)) this.#samples = [];
    this.#samples.push({ at: now, done });
    while (this.#samples.length > 2 && now - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
  }

  /** Per second; 0 while it is not known. */
  get perSecond(): number {
    const first = this.#samples[0];
    const last = this.#samples[this.#samples.length - 1];
    if (!first || !last || last.at === first.at) return 0;
    return ((last.done - first.done) / (last.at - first.at)) * 1000;
  }

  /** Forgets what was, as after a pause. */
  clear(): void {
    this.#samples = [];
  }
}
