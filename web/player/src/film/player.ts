/** Plays a film in a page: picture, sound, seeking, and what there is to choose. Saves nothing itself. */

import { Emitter } from "../emitter";
import { sourceFor } from "./choose";
import { Level } from "./level";
import { type Label, MediaKeys } from "./mediakeys";
import { FilmMeter, type FilmNumbers } from "./meter";
import { type AudioTrack, type FilmError, type Languages, type Rendition, type Source, type TextChoice, failure } from "./source";
import { type Span, spans } from "./spans";

/** `loading` until the first picture; `failed` is for good, unless `load` is called again. */
export type FilmState = "idle" | "loading" | "playing" | "paused" | "ended" | "failed";

export interface FilmOptions {
  /** Address of the film's HLS playlist. */
  hls: string;
  /** Address of what is read first, in one answer; a film begins sooner with it. */
  bundle?: string | undefined;
  /** Seconds to begin at; -1 leaves it to the playlist, as channels want it. */
  start?: number;
  /** Whether it is being made while it is watched. */
  live?: boolean;
  /** Whether it plays as soon as it can; otherwise it stands until somebody says so. */
  autoplay?: boolean;
  /** 0 to 1. */
  volume?: number;
  /** By how many dB each sound is to be made louder so that all films are alike; left out is not at all. */
  gains?: readonly (number | undefined)[];
  /** Whether films are made equally loud. */
  even?: boolean;
  /** In which languages to begin, where the film has them. */
  languages?: Languages;
  /** What lock screens show. */
  label?: Label;
}

export interface FilmEvents {
  state: FilmState;
  /** Seconds; some four times each second, and at once after a seek. */
  position: number;
  duration: number;
  buffered: readonly Span[];
  /** Whether the film stands since something has to arrive first. */
  waiting: boolean;
  /** Whether the browser plays only once the person did something. */
  blocked: boolean;
  /** Whether the server is out of reach; the film goes on by itself. */
  away: boolean;
  renditions: readonly Rendition[];
  /** Index of the rendition that is shown. */
  rendition: number;
  audioTracks: readonly AudioTrack[];
  /** Index of the track that is heard, -1 where there is no choice. */
  audioTrack: number;
  texts: readonly TextChoice[];
  /** Index of the text that is shown, -1 where none is. */
  text: number;
  pictureInPicture: boolean;
  /** Whether another device is near that the browser itself can play on. */
  remote: boolean;
  error: FilmError;
  /** Once a second, while somebody listens. */
  numbers: FilmNumbers;
}

const NUMBERS_EVERY_MS = 1000;
/** A seek waits this long for the one before it, so that dragging shows pictures on its way; then it goes ahead. */
const SEEK_TURN_MS = 250;
/** Seeking stays this far before the end: whoever seeks wants to see something. */
const BEFORE_END_S = 0.5;
/** Nobody who points at a place in a film means it more exactly than this: a pixel of the bar is more. */
const NEAR_S = 1;
/** As far behind a picture's beginning a rounded time is surely within it. */
const WITHIN_S = 0.005;

/** What Safari has in place of the Remote Playback API. */
type AirPlay = HTMLVideoElement & { webkitShowPlaybackTargetPicker?: () => void };

/** A film in an element of the page. */
export class FilmPlayer {
  readonly video = document.createElement("video");
  #events = new Emitter<FilmEvents>();
  #meter = new FilmMeter(this.video);
  #level = new Level(this.video);
  #even: boolean;
  #sound = 0;
  #keys: MediaKeys | undefined;
  #source: Source | undefined;
  #state: FilmState = "idle";
  #waiting = false;
  #blocked = false;
  #next: number | undefined;
  #sought = 0;
  #timer = 0;
  #closed = false;

  constructor(
    readonly element: HTMLElement,
    private options: FilmOptions,
  ) {
    const { video } = this;
    video.playsInline = true;
    video.style.cssText = "display:block;width:100%;height:100%;object-fit:contain;background:#000";
    this.volume = options.volume ?? 1;
    this.#even = options.even ?? true;
    this.#balance();
    element.append(video);
    this.#listen();
    this.#near();
    if (options.label) {
      this.#keys = new MediaKeys(options.label, {
        play: () => void this.play(),
        pause: () => this.pause(),
        nudge: (seconds) => this.nudge(seconds),
        seek: (seconds) => this.seek(seconds),
      });
    }
    this.#timer = window.setInterval(() => {
      if (this.#events.heard("numbers")) this.#events.emit("numbers", this.numbers);
    }, NUMBERS_EVERY_MS);
  }

  /** Listens; the answer stops listening. */
  on<Name extends keyof FilmEvents>(name: Name, listener: (value: FilmEvents[Name]) => void): () => void {
    return this.#events.on(name, listener);
  }

  get state(): FilmState {
    return this.#state;
  }

  /** Seconds; where a seek goes to, while there is one. */
  get position(): number {
    return this.#next ?? this.video.currentTime;
  }

  /** Seconds, 0 while it is not known. */
  get duration(): number {
    return Number.isFinite(this.video.duration) ? this.video.duration : 0;
  }

  /** When the picture that is shown was dated, in Unix milliseconds; nothing where it has no date, as in films. */
  get date(): number | undefined {
    return this.#source?.date;
  }

  get buffered(): Span[] {
    return spans(this.video.buffered);
  }

  get numbers(): FilmNumbers {
    return this.#meter.read(this.buffered, this.#source?.bandwidth ?? 0, this.#source?.latency ?? 0);
  }

  /** From where to where one can go, in seconds. */
  get range(): Span {
    if (!this.options.live) return { start: 0, end: this.duration };
    const { seekable } = this.video;
    return seekable.length > 0 ? { start: seekable.start(0), end: seekable.end(seekable.length - 1) } : { start: 0, end: 0 };
  }

  /** Seconds behind what happens now; 0 where nothing is live. */
  get behind(): number {
    const edge = this.#source?.edge;
    return edge === undefined ? 0 : Math.max(0, edge - this.position);
  }

  /** Goes to what happens now, and plays. */
  toLive(): void {
    const edge = this.#source?.edge;
    if (edge !== undefined) this.seek(edge);
    void this.play();
  }

  get volume(): number {
    return this.#level.volume;
  }

  /** Loudness from 0 to 1. */
  set volume(volume: number) {
    this.#level.volume = volume;
  }

  /** Whether films are made equally loud. */
  get even(): boolean {
    return this.#even;
  }

  set even(even: boolean) {
    this.#even = even;
    this.#balance();
  }

  #balance(): void {
    this.#level.gain = this.#even ? (this.options.gains?.[this.#sound] ?? 0) : 0;
  }

  get rate(): number {
    return this.video.playbackRate;
  }

  /** How fast it plays, 1 being as it was made; voices keep their pitch. */
  set rate(rate: number) {
    this.video.defaultPlaybackRate = rate;
    this.video.playbackRate = rate;
    this.#tellKeys();
  }

  /** Begins to load and to play; after a failure, at the place where it was. */
  async load(): Promise<void> {
    const live = this.options.live === true;
    // What begins where its playlist says does so again.
    const own = !live && this.options.start !== -1;
    const start = this.#source && own ? this.position : (this.options.start ?? 0);
    this.#source?.close();
    this.#meter.begin();
    this.#set("loading");
    const bring = await sourceFor(this.video).catch(() => undefined);
    if (this.#closed) return;
    if (!bring) return this.#fail(failure("unsupported"));
    const { hls, bundle, languages } = this.options;
    this.#source = bring(this.video, { hls, bundle, start, live, languages }, {
      renditions: (all) => this.#events.emit("renditions", all),
      rendition: (index) => this.#events.emit("rendition", index),
      audioTracks: (all, chosen) => {
        this.#sound = Math.max(0, chosen);
        this.#balance();
        this.#events.emit("audioTracks", all);
        this.#events.emit("audioTrack", chosen);
      },
      texts: (all, chosen) => {
        this.#events.emit("texts", all);
        this.#events.emit("text", chosen);
      },
      failed: (error) => this.#fail(error),
      away: (away) => this.#events.emit("away", away),
    });
    if (this.options.autoplay ?? true) await this.play();
  }

  /** Whether the browser plays only once the person did something. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Plays, as far as the browser allows it; after the end from the beginning. */
  async play(): Promise<void> {
    try {
      await this.video.play();
      this.#block(false);
    } catch (error) {
      // A pause or a new source takes a beginning back, which is no failure; others arrive by the source.
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#block(true);
    }
  }

  pause(): void {
    this.video.pause();
  }

  toggle(): void {
    if (this.video.paused || this.video.ended) void this.play();
    else this.pause();
  }

  /** Goes to a time in seconds. While one seek is under way the newest waits, and those between are left out. */
  seek(seconds: number): void {
    const range = this.range;
    const end = range.end > 0 ? Math.max(range.start, range.end - BEFORE_END_S) : Infinity;
    const target = Math.max(range.start, Math.min(end, seconds));
    const busy = this.video.seeking && performance.now() - this.#sought < SEEK_TURN_MS;
    this.#next = target;
    if (!busy) this.#jump();
    this.#events.emit("position", target);
  }

  /**
   * Goes close to a time in seconds: where decoding can begin within a second of it there, so that the picture comes
   * without those before it; else exactly there.
   */
  seekNear(seconds: number): void {
    const near = this.#source?.near?.(seconds);
    this.seek(near !== undefined && Math.abs(near - seconds) <= NEAR_S ? near + WITHIN_S : seconds);
  }

  /** Goes so many seconds forward, or back where it is negative. */
  nudge(seconds: number): void {
    this.seek(this.position + seconds);
  }

  /** Shows this rendition alone; nothing follows the network again. */
  choose(rendition: number | undefined): void {
    this.#source?.choose(rendition);
  }

  /** Changes the sound to another track. */
  listen(track: number): void {
    this.#source?.listen(track);
  }

  /** Shows a text; -1 shows none. */
  read(text: number): void {
    this.#source?.read(text);
  }

  /** Fills the screen with `target`, or leaves it. */
  async toggleFullscreen(target: HTMLElement = this.element): Promise<void> {
    if (document.fullscreenElement) return document.exitFullscreen();
    // Phones of Apple fill the screen with videos only.
    const { webkitEnterFullscreen } = this.video as HTMLVideoElement & { webkitEnterFullscreen?: () => void };
    if (!("requestFullscreen" in target) && webkitEnterFullscreen) return webkitEnterFullscreen.call(this.video);
    await target.requestFullscreen({ navigationUI: "hide" });
  }

  /** Whether the picture can leave the page. */
  get canFloat(): boolean {
    return "pictureInPictureEnabled" in document && document.pictureInPictureEnabled;
  }

  /** Takes the picture out of the page into a small window, or back. */
  async togglePictureInPicture(): Promise<void> {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.video.requestPictureInPicture();
  }

  /** Lets the person choose a device to play on, or to come back from. */
  async playRemotely(): Promise<void> {
    const { webkitShowPlaybackTargetPicker } = this.video as AirPlay;
    if (webkitShowPlaybackTargetPicker) webkitShowPlaybackTargetPicker.call(this.video);
    else await this.video.remote.prompt();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#keys?.close();
    this.#source?.close();
    this.#level.close();
    this.video.remove();
  }

  #listen(): void {
    const { video } = this;
    const on = (names: string, act: () => void) => {
      for (const name of names.split(" ")) video.addEventListener(name, () => this.#closed || act());
    };
    on("loadeddata play playing pause ended", () => this.#look());
    on("waiting playing canplay seeking seeked pause", () => this.#wait());
    on("timeupdate seeking", () => this.#events.emit("position", this.position));
    on("durationchange", () => this.#events.emit("duration", this.duration));
    on("progress timeupdate seeked", () => this.#events.emit("buffered", this.buffered));
    on("seeked play pause durationchange", () => this.#tellKeys());
    on("seeked", () => this.#next !== undefined && this.#jump());
    on("enterpictureinpicture leavepictureinpicture", () =>
      this.#events.emit("pictureInPicture", document.pictureInPictureElement === video));
  }

  /** Hears of devices that the browser can play on: AirPlay, or what the Remote Playback API finds. */
  #near(): void {
    const { video } = this;
    video.addEventListener("webkitplaybacktargetavailabilitychanged", (event) => {
      this.#events.emit("remote", (event as Event & { availability?: string }).availability === "available");
    });
    if ((video as AirPlay).webkitShowPlaybackTargetPicker || !("remote" in video)) return;
    // A browser that cannot look for devices all the time says so, and has none for us.
    video.remote.watchAvailability((near) => this.#events.emit("remote", near)).catch(() => undefined);
  }

  #jump(): void {
    const target = this.#next ?? 0;
    this.#next = undefined;
    this.#sought = performance.now();
    this.video.currentTime = target;
  }

  /** What the element does, in the player's words. */
  #look(): void {
    const { video } = this;
    if (this.#state === "failed" || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this.#set(video.ended ? "ended" : video.paused ? "paused" : "playing");
  }

  #wait(): void {
    const { video } = this;
    const waiting = !video.ended && (video.seeking || (!video.paused && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA));
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.#events.emit("waiting", waiting);
  }

  #tellKeys(): void {
    this.#keys?.update(!this.video.paused, this.position, this.duration, this.rate);
  }

  #block(blocked: boolean): void {
    if (this.#blocked === blocked) return;
    this.#blocked = blocked;
    this.#events.emit("blocked", blocked);
  }

  #set(state: FilmState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#events.emit("state", state);
  }

  #fail(error: FilmError): void {
    this.video.pause();
    this.#set("failed");
    this.#events.emit("error", error);
  }
}
