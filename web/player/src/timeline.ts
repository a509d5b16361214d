/** Each frame's way from the input to the screen, put together from what the session and the browser saw. */

import type { Clock } from "./clock";
import type { SessionTimeline } from "./protocol";

/** The steps of a frame's way, in order. */
export const STEPS = ["input", "game", "convert", "encode", "send", "network", "decode", "show"] as const;
export type Step = (typeof STEPS)[number];

/** A frame that was shown. Times are `performance.now()` milliseconds of this page. */
export interface Frame {
  rtp: number;
  bytes: number;
  /** Number of the input that this frame is the first to answer; 0 where there is none. */
  inputSeq: number;
  /** When that input left the page, where it is known. */
  inputSent: number | undefined;
  committed: number;
  received: number;
  decoded: number;
  /** When the browser gave the frame to its compositor. */
  presented: number;
  /** When the browser expects it on the screen. */
  shown: number;
  /** Milliseconds per step; `input` and `game` are zero where the frame answers no input. */
  steps: Record<Step, number>;
  /** Milliseconds of all steps. */
  total: number;
}

/** What a browser says about a frame in `requestVideoFrameCallback`. */
export interface Shown {
  rtp: number | undefined;
  received: number | undefined;
  /** Seconds. */
  decoding: number | undefined;
  presented: number;
  expected: number;
}

/** Percentiles of a list, in its own unit. */
export interface Spread {
  p50: number;
  p95: number;
  p99: number;
}

/** Frames that wait for their other half. */
const PENDING = 256;
/** Frames that are remembered. */
const RECENT = 600;

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** Joins the two halves of each frame's way by its RTP timestamp. */
export class Timelines {
  #session = new Map<number, SessionTimeline>();
  #browser = new Map<number, Shown>();
  #recent: Frame[] = [];
  #answered = 0;

  constructor(
    private clock: Clock,
    private sentAt: (seq: number) => number | undefined,
    private ready: (frame: Frame) => void,
  ) {}

  /** What the session says of a frame. */
  session(half: SessionTimeline): void {
    const other = this.#browser.get(half.rtp);
    if (other) this.#join(half, other);
    else keep(this.#session, half.rtp, half);
  }

  /** What the browser says of a frame. */
  shown(half: Shown): void {
    if (half.rtp === undefined) return;
    const other = this.#session.get(half.rtp);
    if (other) this.#join(other, half);
    else keep(this.#browser, half.rtp, half);
  }

  /** The last frames that were shown, oldest first. */
  recent(): readonly Frame[] {
    return this.#recent;
  }

  /** Percentiles per step and of the whole way, of the frames of the last `seconds`. */
  summary(seconds = 10): Record<Step | "total", Spread> & { frames: number } {
    const since = performance.now() - seconds * 1000;
    const frames = this.#recent.filter((frame) => frame.shown >= since);
    const answers = frames.filter((frame) => frame.inputSeq !== 0);
    const steps = Object.fromEntries(
      STEPS.map((step) => {
        const of = step === "input" || step === "game" ? answers : frames;
        return [step, spread(of.map((frame) => frame.steps[step]))];
      }),
    ) as Record<Step, Spread>;
    return { ...steps, total: spread(frames.map((frame) => frame.total)), frames: frames.length };
  }

  /** A new connection starts with nothing. */
  reset(): void {
    this.#session.clear();
    this.#browser.clear();
    this.#answered = 0;
  }

  #join(session: SessionTimeline, browser: Shown): void {
    this.#session.delete(session.rtp);
    this.#browser.delete(session.rtp);
    // Until a ping was answered, the two clocks cannot be compared.
    if (!this.clock.known) return;
    const page = (micros: number) => this.clock.toPage(micros);
    const sent = page(session.sent);
    const received = browser.received ?? sent;
    const decoded = Math.min(browser.presented, received + (browser.decoding ?? 0) * 1000);
    const first = session.inputSeq !== 0 && session.inputSeq !== this.#answered;
    this.#answered = session.inputSeq;
    const inputSent = first ? this.sentAt(session.inputSeq) : undefined;
    const span = (from: number, to: number) => Math.max(0, to - from);
    const steps: Record<Step, number> = {
      input: inputSent === undefined ? 0 : span(inputSent, page(session.input)),
      game: first ? span(session.input, session.commit) / 1000 : 0,
      convert: span(session.commit, session.converted) / 1000,
      encode: span(session.converted, session.encoded) / 1000,
      send: span(session.encoded, session.sent) / 1000,
      network: span(sent, received),
      decode: span(received, decoded),
      show: span(decoded, browser.expected),
    };
    const frame: Frame = {
      rtp: session.rtp,
      bytes: session.bytes,
      inputSeq: first ? session.inputSeq : 0,
      inputSent,
      committed: page(session.commit),
      received,
      decoded,
      presented: browser.presented,
      shown: browser.expected,
      steps,
      total: STEPS.reduce((sum, step) => sum + steps[step], 0),
    };
    this.#recent.push(frame);
    if (this.#recent.length > RECENT) this.#recent.shift();
    this.ready(frame);
  }
}

function keep<Value>(map: Map<number, Value>, key: number, value: Value): void {
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > PENDING && !oldest.done) map.delete(oldest.value);
}
