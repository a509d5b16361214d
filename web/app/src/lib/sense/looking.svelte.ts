/** Looking at a sensor: one connection that tells what it sees, for as long as somebody has its page before them. */

import { midnight } from "./history";
import { type Crossings, Room } from "./room";
import { path, sensors } from "./sensors.svelte";
import { Trails } from "./trails";
import type { Happening, Health, Live, SensorState, Zone } from "./types";

/** What was lost is connected again after these. */
const AGAIN_MS = [250, 1000, 2000, 5000];
/** What the server has counted is asked for this often: it is right, and what was added up here may not be. */
const SETTLE_MS = 60_000;
/** People in zones are counted this often; faster cannot be read. */
const INSIDE_MS = 200;
/** Sentences that are asked for at first. */
const RECALLED = 60;
/** Frame rates that are kept for the little chart. */
const RATES = 60;

export class Looking {
  /** What happened, newest first. */
  happenings = $state.raw<readonly Happening[]>([]);
  /** Today's crossings of each line. */
  crossings = $state.raw<ReadonlyMap<number, Crossings>>(new Map());
  /** Which line was crossed last, when, and which way. */
  crossed = $state.raw<ReadonlyMap<number, { at: number; direction: "in" | "out" }>>(new Map());
  /** People in each zone; `undefined` where nobody knows. */
  inside = $state.raw<ReadonlyMap<number, number | undefined>>(new Map());
  /** How many are in the picture. */
  count = $state<number | undefined>();
  health = $state.raw<Health | undefined>();
  state = $state<SensorState | undefined>();
  rates = $state.raw<number[]>([]);
  /** Where what happened goes on into the past; nothing where that is all. */
  next = $state<string | undefined>();
  /** Whether the connection is lost at the moment. */
  away = $state(false);

  /** What a picture is drawn from. */
  readonly room = new Room();
  readonly trails = new Trails();
  /** Told of each new glimpse. */
  wake: () => void = () => undefined;

  #socket: WebSocket | undefined;
  #failed = 0;
  #timer = 0;
  #closed = false;

  /** `zones` gives those that the sensor has now. */
  constructor(
    readonly id: string,
    readonly zones: () => readonly Zone[],
  ) {}

  /** Begins; the answer ends it. */
  open(): () => void {
    this.#closed = false;
    // Nobody looks at what is in the background: the sensor need not send its glimpses, then.
    const seen = () => (document.hidden ? this.#leave() : this.#connect());
    document.addEventListener("visibilitychange", seen);
    const inside = setInterval(() => this.#look(), INSIDE_MS);
    const settle = setInterval(() => document.hidden || void this.#settle(), SETTLE_MS);
    seen();
    return () => {
      this.#closed = true;
      document.removeEventListener("visibilitychange", seen);
      clearInterval(inside);
      clearInterval(settle);
      this.#leave();
    };
  }

  #connect(): void {
    if (this.#closed || this.#socket) return;
    const url = new URL(`${path(this.id)}/live`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#failed = 0;
      this.away = false;
      void this.#settle();
      void this.#recall();
    });
    socket.addEventListener("message", ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as Live));
    socket.addEventListener("close", () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.away = true;
      this.#timer = window.setTimeout(() => document.hidden || this.#connect(), AGAIN_MS[Math.min(this.#failed, AGAIN_MS.length - 1)]);
      this.#failed += 1;
    });
  }

  #leave(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  #take(message: Live): void {
    const now = performance.now();
    const changed = this.room.take(message, now);
    if (changed.glimpse && message.glimpse) {
      this.trails.add(message.glimpse, now);
      this.wake();
    }
    if (changed.happenings) {
      this.happenings = this.room.happenings;
      this.crossings = this.room.crossings;
      this.crossed = new Map(this.room.crossed);
    }
    if (changed.health) {
      this.health = this.room.health;
      this.rates = [...this.rates, this.health?.fps ?? 0].slice(-RATES);
    }
    // What was left out is asked for.
    if (message.missed) {
      void this.#settle();
      void this.#recall();
    }
    if (changed.state) {
      this.state = this.room.state;
      this.wake();
    }
  }

  /** Counts who is in the zones now. */
  #look(): void {
    const now = performance.now();
    const inside = this.room.inside(this.zones(), now);
    if (inside.size !== this.inside.size || [...inside].some(([id, count]) => this.inside.get(id) !== count)) this.inside = inside;
    this.count = this.room.things(now)?.length;
  }

  async #settle(): Promise<void> {
    const now = Date.now();
    const from = midnight(now);
    // What is not counted at the moment is counted the next time.
    const counts = await sensors.counts(this.id, from, now, "hour").catch(() => undefined);
    if (!counts) return;
    this.room.settle(counts, String(from));
    this.crossings = this.room.crossings;
  }

  async #recall(): Promise<void> {
    const answer = await sensors.happenings(this.id, { limit: RECALLED }).catch(() => undefined);
    if (!answer) return;
    if (this.happenings.length === 0) this.next = answer.next ?? undefined;
    this.room.recall(answer.events);
    this.happenings = this.room.happenings;
  }
}
