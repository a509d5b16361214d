/** When this display shows its next picture: told to the session, so that frames can arrive just in time. */

/** How often the session is told. */
const EVERY_MS = 500;
/** Pictures that one measurement looks at. */
const BURST = 5;
/** Periods that are remembered for the median. */
const REMEMBERED = 61;

/** The coming vertical blank after `now`, from one at `last`; all milliseconds. */
export function nextBlank(last: number, period: number, now: number): number {
  return last + Math.max(1, Math.ceil((now - last) / period)) * period;
}

/** Measures the display in short bursts, which cost less than watching it all the time. */
export class Display {
  #timer = 0;
  #periods: number[] = [];

  /** `report` gets the last vertical blank and the period, in milliseconds of this page. */
  constructor(private report: (blank: number, period: number) => void) {
    this.#timer = window.setInterval(() => !document.hidden && this.#measure(), EVERY_MS);
    this.#measure();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #measure(): void {
    let before = 0;
    let left = BURST;
    const step = (at: number) => {
      if (before > 0 && at > before) this.#periods.push(at - before);
      before = at;
      left -= 1;
      if (left > 0) {
        requestAnimationFrame(step);
        return;
      }
      this.#periods = this.#periods.slice(-REMEMBERED);
      const sorted = [...this.#periods].sort((a, b) => a - b);
      const period = sorted[sorted.length >> 1];
      // Faster than 1000 or slower than 10 pictures a second is no display, but a page that is throttled.
      if (period !== undefined && period > 1 && period < 100) this.report(at, period);
    };
    requestAnimationFrame(step);
  }
}
