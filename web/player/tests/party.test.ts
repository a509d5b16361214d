import { describe, expect, it } from "vitest";
import { Clock } from "../src/clock";
import { BEND, Follower, JUMP_S } from "../src/party/follow";
import { type Timeline, positionAt, until } from "../src/party/timeline";

/** Random numbers that are the same for the same seed (mulberry32). */
function dice(seed: number): (low: number, high: number) => number {
  let state = seed;
  return (low, high) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return low + (high - low) * (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32);
  };
}

const TURN_S = 0.1;
const STEP_S = 0.005;
const DURATION_S = 3600;

/** Somebody at home: an element that takes its time, a clock that is wrong, and a way to the server that is long. */
class Home {
  position = 0;
  paused = true;
  rate = 1;
  seeks = 0;
  fastest = 1;
  /** Until when nothing arrives, and until when the page does not run. */
  stalled = 0;
  frozen = 0;
  #busy = 0;
  #starts = Infinity;
  #next = 0;
  #follower = new Follower();
  #clock = new Clock();
  #answers: { at: number; client: number; server: number }[] = [];
  #ping = 0;
  readonly #offset: number;
  readonly #skew: number;
  readonly #way: number;

  constructor(private roll: (low: number, high: number) => number) {
    this.#offset = roll(-5e4, 5e4);
    this.#skew = 1 + roll(-2e-4, 2e-4);
    this.#way = roll(0.001, 0.08);
  }

  /** The page's clock in microseconds, at a true time in seconds. */
  local(true_: number): number {
    return (true_ * this.#skew + this.#offset) * 1e6;
  }

  run(now: number, timeline: Timeline): void {
    const ready = now >= this.#busy && now >= this.stalled;
    if (!this.paused && ready && now >= this.#starts) this.position += this.rate * STEP_S;
    if (now < this.frozen) return;
    if (now >= this.#ping) {
      this.#ping = now + (this.#ping < 1 ? 0.15 : 3);
      const there = now + this.#way + this.roll(0, 0.03);
      this.#answers.push({ at: there + this.#way + this.roll(0, 0.03), client: this.local(now), server: there * 1e6 });
    }
    this.#answers = this.#answers.filter((answer) => {
      if (answer.at > now) return true;
      this.#clock.answer(answer.client, answer.server, this.local(now));
      return false;
    });
    if (now < this.#next || !this.#clock.known) return;
    this.#next = now + TURN_S;
    const seen = { position: this.position, paused: this.paused, ready, duration: DURATION_S };
    const act = this.#follower.step(timeline, seen, this.#clock.toSession(this.local(now) / 1000));
    if (act.rate !== undefined) {
      this.rate = act.rate;
      this.fastest = Math.max(this.fastest, Math.abs(act.rate / timeline.rate - 1) + 1);
    }
    if (act.pause) this.paused = true;
    if (act.seek !== undefined) {
      this.position = act.seek;
      this.#busy = now + this.roll(0.03, 1.2);
      this.seeks += 1;
    }
    if (act.play) {
      this.paused = false;
      this.#starts = now + this.roll(0.01, 0.08);
    }
    if (act.again !== undefined) this.#next = now + Math.min(TURN_S, act.again);
  }

  /** A new timeline is heard a little later than it is said. */
  hear(): void {
    this.#follower.reset();
    this.#next = 0;
  }
}

/** Runs a party for so long; `each` is told every step. */
function party(homes: Home[], from: number, seconds: number, timeline: Timeline, each?: (now: number) => void): number {
  let now = from;
  for (; now < from + seconds; now += STEP_S) {
    for (const home of homes) home.run(now, timeline);
    each?.(now);
  }
  return now;
}

const skew = (home: Home, now: number, timeline: Timeline) => home.position - positionAt(timeline, now * 1e6);

describe("a party", () => {
  it("is within 50 ms of the shared clock, whatever the ways, clocks and elements are like", () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const roll = dice(seed);
      const homes = Array.from({ length: 4 }, () => new Home(roll));
      const timeline: Timeline = { at: 2e6, position: roll(0, 1000), playing: true, rate: seed % 5 === 0 ? 1.5 : 1 };
      let now = party(homes, 0, 30, timeline);
      let worst = 0;
      now = party(homes, now, 20, timeline, (at) => {
        for (const home of homes) worst = Math.max(worst, Math.abs(skew(home, at, timeline)));
      });
      expect(worst, `seed ${seed}`).toBeLessThan(0.05);
      for (const home of homes) expect(home.fastest).toBeLessThanOrEqual(1 + BEND + 1e-9);
    }
  });

  it("goes on for the others while one is frozen or gets nothing, and that one comes back by itself", () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const roll = dice(1000 + seed);
      const homes = Array.from({ length: 3 }, () => new Home(roll));
      const [unlucky, ...others] = homes as [Home, ...Home[]];
      const timeline: Timeline = { at: 1e6, position: 0, playing: true, rate: 1 };
      let now = party(homes, 0, 25, timeline);
      const seeks = others.map((home) => home.seeks);
      const away = roll(0.3, 12);
      if (seed % 2) unlucky.stalled = now + away;
      else unlucky.stalled = unlucky.frozen = now + away;
      let worst = 0;
      const watch = (at: number) => {
        for (const home of others) worst = Math.max(worst, Math.abs(skew(home, at, timeline)));
      };
      now = party(homes, now, away + 5, timeline, watch);
      // Up to two seconds are made up for by playing faster: by a twentieth, that takes a while.
      now = party(homes, now, JUMP_S / BEND + 10, timeline, watch);
      expect(worst, `the others, seed ${seed}`).toBeLessThan(0.05);
      expect(others.map((home) => home.seeks)).toEqual(seeks);
      expect(Math.abs(skew(unlucky, now, timeline)), `the frozen one, seed ${seed}`).toBeLessThan(0.05);
      expect(unlucky.seeks).toBeLessThanOrEqual(seeks.length + 3);
    }
  });

  it("stands at one picture when somebody pauses, and goes on from there", () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      const roll = dice(2000 + seed);
      const homes = Array.from({ length: 3 }, () => new Home(roll));
      const playing: Timeline = { at: 1e6, position: 50, playing: true, rate: 1 };
      let now = party(homes, 0, 20, playing);
      const stands: Timeline = { at: now * 1e6, position: positionAt(playing, now * 1e6), playing: false, rate: 1 };
      homes.forEach((home) => home.hear());
      now = party(homes, now, 5, stands);
      for (const home of homes) {
        expect(home.paused).toBe(true);
        expect(Math.abs(skew(home, now, stands))).toBeLessThan(0.021);
      }
      const goes: Timeline = { ...stands, at: (now + 0.25) * 1e6, playing: true };
      homes.forEach((home) => home.hear());
      const seeks = homes.map((home) => home.seeks);
      now = party(homes, now, 12, goes);
      for (const home of homes) expect(Math.abs(skew(home, now, goes))).toBeLessThan(0.05);
      expect(homes.map((home) => home.seeks)).toEqual(seeks);
    }
  });
});

it("tells where a party's film is and when it comes by a place", () => {
  const timeline: Timeline = { at: 10e6, position: 4, playing: true, rate: 2 };
  expect([positionAt(timeline, 9e6), positionAt(timeline, 11e6)]).toEqual([4, 6]);
  expect([until(timeline, 6, 9e6), until(timeline, 6, 11.5e6)]).toEqual([2, -0.5]);
  expect(positionAt({ ...timeline, playing: false }, 99e6)).toBe(4);
});
