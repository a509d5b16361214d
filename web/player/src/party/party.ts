/** A watch party: one connection that tells where the film is, who is there and what is said, and keeps a player in step. */

import { Clock } from "../clock";
import { Emitter } from "../emitter";
import type { FilmPlayer } from "../film/player";
import { Follower } from "./follow";
import { type Timeline, positionAt } from "./timeline";

/** What somebody can show without words. */
export const SIGNS = ["heart", "laugh", "wow", "sad", "clap", "fire"] as const;
export type Sign = (typeof SIGNS)[number];

export interface PartyMember {
  id: number;
  name: string;
  host: boolean;
  /** Whether the film stands there since something has to arrive first. */
  waiting: boolean;
}

export interface PartyLine {
  number: number;
  name: string;
  text: string;
}

export interface PartyEvents {
  members: readonly PartyMember[];
  steering: "host" | "everyone";
  lines: readonly PartyLine[];
  reaction: { name: string; sign: Sign };
  timeline: Timeline;
  /** What was asked for was not done; a sentence. */
  refused: string;
  /** Whether the server is out of reach; the film goes on meanwhile. */
  away: boolean;
  /** It is over; a sentence. */
  over: string;
}

/** What to change about where the film is. */
export interface Steer {
  playing?: boolean;
  position?: number;
  rate?: number;
}

interface State {
  you: number;
  at: number;
  timeline: Timeline;
  steering: "host" | "everyone";
  members: PartyMember[];
  lines: PartyLine[];
}

type Told =
  | ({ kind: "state" } & State)
  | { kind: "pong"; sent: number; at: number }
  | { kind: "timeline"; timeline: Timeline }
  | { kind: "steering"; steering: "host" | "everyone" }
  | { kind: "members"; members: PartyMember[] }
  | { kind: "line"; line: PartyLine }
  | { kind: "reaction"; name: string; sign: Sign }
  | { kind: "refused"; detail: string }
  | { kind: "over"; detail: string };

/** How often the film is looked at. */
const TURN_MS = 100;
/** The clock is asked for so often at first, until it was asked so many times, and then less often. */
const FIRST_PINGS = 6;
const FIRST_PING_MS = 150;
const PING_MS = 3000;
/** Steps within this time go together. */
const STEER_MS = 250;
/** A connection that broke is opened again after this long. */
const AGAIN_MS = 1500;
/** After this many tries without a connection the party is taken for over. */
const TRIES = 20;
/** Of the first guess at the clock, in microseconds: longer than any real answer takes, so that those are believed. */
const HALF_TRIP = 5_000_000;
/** Lines that are kept. */
const LINES = 100;

/** A party. */
export class Party {
  #events = new Emitter<PartyEvents>();
  #clock = new Clock();
  #socket: WebSocket | undefined;
  #timeline: Timeline | undefined;
  #lines: PartyLine[] = [];
  #player: FilmPlayer | undefined;
  #follower = new Follower();
  #timers: number[] = [];
  #turn = 0;
  #waiting: boolean | undefined;
  #pings = 0;
  #failed = 0;
  #closed = false;
  #you = 0;
  #steer: Steer = {};
  #steering = 0;

  /** `address` is the party's `live`. */
  constructor(readonly address: string) {}

  on<Name extends keyof PartyEvents>(name: Name, listener: (value: PartyEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  /** The number that this member goes by. */
  get you(): number {
    return this.#you;
  }

  get timeline(): Timeline | undefined {
    return this.#timeline;
  }

  /** The party's clock in microseconds, as far as it is known. */
  get now(): number {
    return this.#clock.toSession(performance.now());
  }

  /** Where the film should be, in seconds. */
  get position(): number {
    return this.#timeline ? positionAt(this.#timeline, this.now) : 0;
  }

  /** By how many seconds the film here is late; negative where it is early. */
  get skew(): number {
    return this.#player ? this.position - this.#player.video.currentTime : 0;
  }

  /** Connects, and connects again where that breaks. */
  open(): void {
    if (this.#closed) return;
    const url = new URL(this.address, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.addEventListener("message", (event: MessageEvent<string>) => this.#take(JSON.parse(event.data) as Told));
    socket.addEventListener("close", () => {
      if (this.#closed || this.#socket !== socket) return;
      this.#failed += 1;
      this.#events.emit("away", true);
      if (this.#failed > TRIES) return this.#end("");
      this.#later(() => this.open(), AGAIN_MS);
    });
  }

  /** Keeps a player in step from now on. */
  follow(player: FilmPlayer): void {
    this.#player = player;
    this.#follower.reset();
    this.#tick();
  }

  /** Moves the film for everybody. Steps that follow each other quickly go together, as dragging makes them. */
  steer(steer: Steer): void {
    this.#steer = { ...this.#steer, ...steer };
    if (this.#steering) return;
    this.#send({ kind: "steer", steer: this.#steer });
    this.#steer = {};
    this.#steering = window.setTimeout(() => {
      this.#steering = 0;
      if (Object.keys(this.#steer).length > 0) this.steer({});
    }, STEER_MS);
  }

  say(text: string): void {
    this.#send({ kind: "say", text });
  }

  react(sign: Sign): void {
    this.#send({ kind: "react", sign });
  }

  close(): void {
    this.#closed = true;
    this.#socket?.close();
    this.#timers.forEach(clearTimeout);
    clearTimeout(this.#turn);
    clearTimeout(this.#steering);
    this.#player = undefined;
  }

  #take(told: Told): void {
    switch (told.kind) {
      case "pong":
        this.#clock.answer(told.sent, told.at, Clock.now());
        return;
      case "state":
        return this.#begin(told);
      case "timeline":
        return this.#move(told.timeline);
      case "line":
        this.#lines = [...this.#lines, told.line].slice(-LINES);
        return this.#events.emit("lines", this.#lines);
      case "members":
        return this.#events.emit("members", told.members);
      case "steering":
        return this.#events.emit("steering", told.steering);
      case "reaction":
        return this.#events.emit("reaction", { name: told.name, sign: told.sign });
      case "refused":
        return this.#events.emit("refused", told.detail);
      case "over":
        return this.#end(told.detail);
    }
  }

  #begin(state: State): void {
    this.#failed = 0;
    this.#you = state.you;
    this.#lines = state.lines.slice(-LINES);
    this.#waiting = undefined;
    // Another server's clock may be another one.
    this.#clock.reset();
    this.#pings = 0;
    this.#ping(this.#socket);
    // Until the first answer: as if the way took no time.
    const now = Clock.now();
    this.#clock.answer(now - HALF_TRIP, state.at, now + HALF_TRIP);
    this.#events.emit("away", false);
    this.#events.emit("members", state.members);
    this.#events.emit("steering", state.steering);
    this.#events.emit("lines", this.#lines);
    this.#move(state.timeline);
  }

  #move(timeline: Timeline): void {
    this.#timeline = timeline;
    this.#follower.reset();
    this.#events.emit("timeline", timeline);
    this.#tick();
  }

  #ping(socket: WebSocket | undefined): void {
    if (this.#closed || this.#socket !== socket) return;
    this.#send({ kind: "ping", sent: Clock.now() });
    this.#pings += 1;
    this.#later(() => this.#ping(socket), this.#pings < FIRST_PINGS ? FIRST_PING_MS : PING_MS);
  }

  /** Looks where the film is, and does what is to be done about it. */
  #tick(): void {
    clearTimeout(this.#turn);
    if (this.#closed) return;
    let next = TURN_MS;
    const player = this.#player;
    if (player && this.#timeline && player.video.readyState > 0 && !player.blocked) {
      const { video } = player;
      const ready = !video.seeking && video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
      const seen = { position: video.currentTime, paused: video.paused, ready, duration: player.duration };
      const act = this.#follower.step(this.#timeline, seen, this.now);
      if (act.rate !== undefined && Math.abs(act.rate - video.playbackRate) > 1e-4) video.playbackRate = act.rate;
      if (act.pause) video.pause();
      if (act.seek !== undefined) video.currentTime = act.seek;
      if (act.play) void player.play();
      if (act.again !== undefined) next = Math.min(TURN_MS, Math.max(0, act.again * 1000));
      this.#wait(this.#timeline.playing && !ready && !video.ended);
    }
    this.#turn = window.setTimeout(() => this.#tick(), next);
  }

  #wait(waiting: boolean): void {
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.#send({ kind: "waiting", waiting });
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #later(act: () => void, milliseconds: number): void {
    this.#timers = [...this.#timers.slice(-8), window.setTimeout(act, milliseconds)];
  }

  #end(detail: string): void {
    this.#events.emit("over", detail);
    this.close();
  }
}
