/** A session in an element of a page: picture, sound, and everything that the person does. */

import { type Channels, pieces } from "./channels";
import { Clock } from "./clock";
import { Display, nextBlank } from "./display";
import { Emitter } from "./emitter";
import { contain } from "./geometry";
import { Keyboard, lockKeyboard } from "./keys";
import { Overlay, type OverlayLabels } from "./overlay";
import { Pads } from "./pads";
import { Pointer } from "./pointer";
import type { Input, Notice } from "./protocol";
import { ScreenPad } from "./screenpad";
import { ElementSink, type VideoSink } from "./sink";
import { Sound } from "./sound";
import { Meter, type Numbers } from "./stats";
import { type Frame, Timelines } from "./timeline";
import { Whep, WhepError, type WhepOptions } from "./whep";

/** How long to wait before each try to take up a lost connection; after the last one the player gives up. */
const BACKOFF_MS = [200, 500, 1000, 2000, 4000, 8000, 8000, 8000, 8000, 8000];
/** Pings in a row at the start, so that the clock is known with the first frames; then one a second. */
const FIRST_PINGS = 8;
const PING_FAST_MS = 40;
const PING_MS = 1000;
const NUMBERS_MS = 1000;

/** What the person may ask the picture to be; zeros leave it to the session. */
export interface Quality {
  width: number;
  height: number;
  rate: number;
  kbps: number;
}

/** The way of a connection; `ended` and `failed` are final until {@link Player.connect} is called again. */
export type State = "idle" | "connecting" | "playing" | "reconnecting" | "ended" | "failed";

/** What a player tells its page. */
export interface PlayerEvents {
  state: State;
  /** The session's seat for this player: 0 watches. */
  seat: number;
  quality: { width: number; height: number; rate: number; bitrate: number; automatic: boolean };
  /** The session is over; a sentence. */
  ended: string;
  /** The connection could not be made or taken up again. */
  error: WhepError;
  /** The browser waits for a click before it plays sound. */
  soundBlocked: boolean;
  /** The game wants the pointer and the page needs a click for it; or it has it. */
  pointer: { wanted: boolean; locked: boolean };
  /** A pad's guide button, or Ctrl+Alt+M: the page's controls, please. */
  menu: void;
  /** Number of gamepads in use. */
  pads: number;
  /** The person did something over the picture. */
  activity: void;
  /** A frame was shown, with its whole way. */
  frame: Frame;
  /** The last second's numbers. */
  numbers: Numbers;
}

/** How to play. */
export interface PlayerOptions {
  /** The session's WHEP endpoint. */
  whep: string;
  headers?: Record<string, string>;
  iceServers?: RTCIceServer[];
  /** 0 to 1. */
  volume?: number;
  quality?: Quality;
  /** What a screen reader calls the picture. */
  label?: string;
  /** Words of the overlay. */
  overlay?: Partial<OverlayLabels>;
  /** Another way to show the video. */
  sink?: VideoSink;
}

/** Plays one session; see the package's README for the ten lines that embed it. */
export class Player extends Emitter<PlayerEvents> {
  readonly clock = new Clock();
  readonly timeline: Timelines;
  readonly overlay: Overlay;
  #sink: VideoSink;
  #sound: Sound;
  #keyboard: Keyboard;
  #pointer: Pointer;
  #pads: Pads;
  #display: Display;
  #screenPad: ScreenPad | undefined;
  #meter = new Meter();
  #whep: Whep | undefined;
  #channels: Channels | undefined;
  #state: State = "idle";
  #seat = 0;
  #pictured = false;
  #greeted = false;
  #attempt = 0;
  #retry = 0;
  #ping = 0;
  #numbers: number;
  #quality: Quality | undefined;
  #abort = new AbortController();

  constructor(
    readonly element: HTMLElement,
    private options: PlayerOptions,
  ) {
    super();
    element.tabIndex = 0;
    element.setAttribute("role", "application");
    if (options.label) element.setAttribute("aria-label", options.label);
    this.#quality = options.quality;
    this.timeline = new Timelines(
      this.clock,
      (seq) => this.#channels?.sentAt(seq),
      (frame) => this.emit("frame", frame),
    );
    this.#sink = options.sink ?? new ElementSink();
    this.#sink.onframe = (shown) => {
      this.#pictured = true;
      this.#playing();
      this.timeline.shown(shown);
    };
    this.#sound = new Sound((blocked) => this.emit("soundBlocked", blocked));
    this.#sound.volume = options.volume ?? 1;
    this.overlay = new Overlay(this, options.overlay);
    element.append(this.#sink.element, this.#sound.element, this.overlay.element);
    this.#keyboard = new Keyboard(element, {
      key: (code, pressed) => this.#act({ kind: "key", code, pressed }),
      text: (text) => pieces(text).forEach((piece) => this.#act({ kind: "text", text: piece })),
      releaseAll: () => this.send({ kind: "release_all" }),
      shortcut: (letter) => this.#shortcut(letter),
    });
    this.#pointer = new Pointer(element, {
      send: (input, reliably) => this.send(input, reliably),
      picture: () => contain(element.getBoundingClientRect(), this.#sink.size.width, this.#sink.size.height),
      touched: () => this.#touched(),
      locked: () => this.#pointerChanged(),
    });
    this.#pads = new Pads({
      send: (input, reliably) => this.send(input, reliably),
      menu: () => this.emit("menu", undefined),
      count: (pads) => this.emit("pads", pads),
    });
    this.#display = new Display((blank, period) => this.#reportDisplay(blank, period));
    this.#numbers = window.setInterval(() => void this.#count(), NUMBERS_MS);
    const { signal } = this.#abort;
    window.addEventListener("pagehide", () => this.#whep?.close(), { signal });
    // A page that comes back out of the browser's memory takes its session up again.
    window.addEventListener("pageshow", (event) => event.persisted && void this.#reconnect(), { signal });
    window.addEventListener("online", () => this.#state === "reconnecting" && void this.#reconnect(), { signal });
  }

  get state(): State {
    return this.#state;
  }

  /** The seat, from 1; 0 watches. */
  get seat(): number {
    return this.#seat;
  }

  /** Whether the browser waits for a click before it plays sound. */
  get soundBlocked(): boolean {
    return this.#sound.blocked;
  }

  /** Joins the session; done when it has answered. Throws {@link WhepError} with a sentence. */
  async connect(): Promise<void> {
    this.#attempt = 0;
    this.#set("connecting");
    try {
      await this.#open();
    } catch (error) {
      const known = error instanceof WhepError ? error : new WhepError(String(error), 0);
      this.#set("failed");
      this.emit("error", known);
      throw known;
    }
  }

  /** Sends an input; gives its number in the sequence, 0 where the session is out of reach. */
  send(input: Input, reliably?: boolean): number {
    return this.#channels?.send(input, reliably) ?? 0;
  }

  /** Whether keyboard, pointer and pads go to the game; off while the page shows controls of its own. */
  set capture(capture: boolean) {
    if (!capture) this.#keyboard.release();
    this.#keyboard.active = capture;
    this.#pointer.active = capture;
    this.#pads.active = capture;
    if (!capture && this.#pointer.isLocked) document.exitPointerLock();
  }

  /** Loudness from 0 to 1. */
  set volume(volume: number) {
    this.#sound.volume = volume;
    this.#sound.start();
  }

  /** Asks for a quality; nothing leaves it to the session. */
  setQuality(quality: Quality | undefined): void {
    this.#quality = quality;
    this.send({ kind: "quality", ...(quality ?? { width: 0, height: 0, rate: 0, kbps: 0 }) });
  }

  /** Fills the screen with `target`, or leaves it; the keys that browsers keep go to the game meanwhile. */
  async toggleFullscreen(target: HTMLElement = this.element): Promise<void> {
    if (document.fullscreenElement) {
      await document.exitFullscreen();
      return;
    }
    await target.requestFullscreen({ navigationUI: "hide" });
    await lockKeyboard();
  }

  /** Shows or hides each frame's way. */
  toggleOverlay(shown = !this.overlay.shown): void {
    this.overlay.shown = shown;
  }

  /** Shows or hides a gamepad for fingers over the picture. */
  set screenPad(shown: boolean) {
    if (shown === (this.#screenPad !== undefined)) return;
    this.#screenPad?.element.remove();
    this.#screenPad = shown ? new ScreenPad((state) => this.#pads.screen(state)) : undefined;
    if (this.#screenPad) this.element.append(this.#screenPad.element);
    else this.#pads.screen(undefined);
  }

  /** Starts sound where the browser waited for the person. */
  startSound(): void {
    this.#sound.start();
  }

  /** Leaves the session, which goes on without this player. */
  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#ping);
    clearInterval(this.#numbers);
    this.#whep?.close();
    this.#set("idle");
    this.#abort.abort();
    this.#keyboard.close();
    this.#pointer.close();
    this.#pads.close();
    this.#display.close();
    this.overlay.close();
    this.#sink.close();
    this.#sound.close();
    this.element.replaceChildren();
  }

  async #open(): Promise<void> {
    this.#whep?.close();
    this.#pictured = false;
    this.#greeted = false;
    this.#meter = new Meter();
    this.clock.reset();
    this.timeline.reset();
    this.#pointer.restart();
    const { whep: url, headers, iceServers } = this.options;
    const options: WhepOptions = { url, ...(headers && { headers }), ...(iceServers && { iceServers }) };
    const whep: Whep = new Whep(options, {
      track: (track) => (track.kind === "video" ? this.#sink : this.#sound).attach(track),
      lost: () => this.#whep === whep && this.#lost(),
      open: () => this.#whep === whep && this.#opened(),
      close: () => undefined,
      notice: (notice) => this.#notice(notice),
      frame: (half) => this.timeline.session(half),
      pong: ({ client, server }) => this.clock.answer(client, server, Clock.now()),
    });
    this.#whep = whep;
    this.#channels = whep.channels;
    try {
      await whep.open();
    } catch (error) {
      whep.close();
      throw error;
    }
  }

  #opened(): void {
    this.send({ kind: "timelines", wanted: true });
    if (this.#quality) this.setQuality(this.#quality);
    this.#pads.announce();
    clearTimeout(this.#ping);
    this.#pingNext(FIRST_PINGS);
  }

  #pingNext(fast: number): void {
    this.send({ kind: "ping", client: Clock.now() });
    this.#ping = window.setTimeout(() => this.#pingNext(fast - 1), fast > 0 ? PING_FAST_MS : PING_MS);
  }

  /** It plays once there is a picture and the session has said which seat this is: from then on inputs count. */
  #playing(): void {
    if (!this.#pictured || !this.#greeted) return;
    if (this.#state !== "connecting" && this.#state !== "reconnecting") return;
    this.#attempt = 0;
    this.#set("playing");
    this.#sound.start();
  }

  #lost(): void {
    if (this.#state === "ended" || this.#state === "failed" || this.#state === "idle") return;
    this.#set("reconnecting");
    const wait = BACKOFF_MS[this.#attempt];
    this.#attempt += 1;
    clearTimeout(this.#retry);
    if (wait === undefined) this.#fail(new WhepError("The connection was lost and could not be taken up again.", 0));
    else this.#retry = window.setTimeout(() => void this.#reconnect(), wait);
  }

  async #reconnect(): Promise<void> {
    clearTimeout(this.#retry);
    this.#set("reconnecting");
    try {
      await this.#open();
    } catch (error) {
      const known = error instanceof WhepError ? error : new WhepError(String(error), 0);
      if (known.passing) this.#lost();
      else this.#fail(known);
    }
  }

  #fail(error: WhepError): void {
    this.#set("failed");
    this.emit("error", error);
  }

  #set(state: State): void {
    if (this.#state === state) return;
    this.#state = state;
    this.emit("state", state);
  }

  #notice(notice: Notice): void {
    switch (notice.type) {
      case "hello":
        this.#greeted = true;
        this.#seat = notice.seat;
        this.emit("seat", notice.seat);
        this.#playing();
        break;
      case "seat":
        this.#seat = notice.seat;
        this.emit("seat", notice.seat);
        break;
      case "pointer_lock":
        this.#pointer.want(notice.locked);
        this.#pointerChanged();
        break;
      case "text_input":
        this.#keyboard.wantText(notice.active);
        break;
      case "rumble":
        this.#pads.rumble(notice.pad, notice.strong, notice.weak, notice.milliseconds);
        break;
      case "quality":
        this.emit("quality", notice);
        break;
      case "ended":
        this.#set("ended");
        this.#whep?.close();
        this.emit("ended", notice.message);
        break;
    }
  }

  #act(input: Input): void {
    this.#sound.start();
    this.send(input);
  }

  #touched(): void {
    this.#sound.start();
    this.emit("activity", undefined);
  }

  #pointerChanged(): void {
    this.emit("pointer", { wanted: this.#pointer.waitsForClick, locked: this.#pointer.isLocked });
  }

  #shortcut(letter: string): boolean {
    if (letter === "O") this.toggleOverlay();
    else if (letter === "M") this.emit("menu", undefined);
    else return false;
    return true;
  }

  #reportDisplay(blank: number, period: number): void {
    if (!this.clock.known) return;
    const vblank = this.clock.toSession(nextBlank(blank, period, performance.now()));
    this.send({ kind: "display", vblank, period: Math.round(period * 1000) });
  }

  async #count(): Promise<void> {
    const connection = this.#whep?.connection;
    if (this.#state !== "playing" || !connection || !this.heard("numbers")) return;
    const numbers = await this.#meter.read(connection);
    if (numbers) this.emit("numbers", numbers);
  }
}
