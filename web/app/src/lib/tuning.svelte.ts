/** A channel as it is being watched here: the player package's events as state for the page. */

import { type FilmNumbers, FilmPlayer, type FilmState, LiveConnection, type Rendition, keepStep } from "@playhouse/player";
import { path } from "./channels.svelte";
import { guide } from "./guide.svelte";
import { prefs } from "./prefs";
import type { Channel } from "./types";

/** What has to be known of a channel, or of what is being recorded of one, to play it. */
export type Tuned = Pick<Channel, "id" | "name" | "kind"> & { hls: string; live: boolean; cover?: string };

/** How often the place in the broadcast is read: it moves even while the picture stands still. */
const READ_MS = 250;
/** Somebody who is less than this behind sees it live. */
const LIVE_S = 4;

/** By which way a channel comes: in segments, which can be rewound, or by WebRTC, with the least delay. */
export type Way = "segments" | "webrtc";

/** The player of one channel, and what the page shows of it. */
export class Tuning {
  state = $state<FilmState>("idle");
  waiting = $state(false);
  blocked = $state(false);
  away = $state(false);
  error = $state("");
  volume = $state(prefs.volume);
  numbers = $state.raw<FilmNumbers | undefined>();
  /** Place in the broadcast, and from where to where one can go, in seconds. */
  position = $state(0);
  start = $state(0);
  end = $state(0);
  /** Seconds behind what happens now. */
  behind = $state(0);
  way = $state<Way>("segments");
  renditions = $state.raw<readonly Rendition[]>([]);
  /** The rendition that was asked for; nothing leaves it to the player. */
  chosen = $state<number | undefined>();
  canFloat = $state(false);
  #player: FilmPlayer | undefined;
  #connection: LiveConnection | undefined;
  #video: HTMLVideoElement | undefined;
  #timer = 0;
  #stepping: (() => void) | undefined;
  #unheard: (() => void) | undefined;

  /** Whether what is shown happens now. */
  get live(): boolean {
    return this.behind < LIVE_S;
  }

  /** Begins to play in `element`; without sound where others are heard. */
  begin(element: HTMLElement, channel: Tuned, { silent = false } = {}): void {
    this.close();
    this.way = "segments";
    // Channels of the library begin where their playlist says, and are kept in step with everybody.
    const step = channel.kind === "schedule";
    const player = new FilmPlayer(element, {
      hls: channel.hls,
      ...(step ? { start: -1 } : { live: channel.live }),
      volume: silent ? 0 : this.volume,
      ...(!silent && { label: { title: channel.name, ...(channel.cover && { poster: channel.cover }) } }),
    });
    if (step) this.#stepping = keepStep(player, () => guide.now());
    this.#player = player;
    window.__film = player;
    this.canFloat = player.canFloat;
    this.error = "";
    player.on("state", (state) => (this.state = state));
    player.on("waiting", (waiting) => (this.waiting = waiting));
    player.on("blocked", (blocked) => (this.blocked = blocked));
    player.on("away", (away) => (this.away = away));
    player.on("error", (error) => (this.error = error.message));
    // A playlist that is read again may have others.
    player.on("renditions", (all) => ((this.renditions = all), (this.chosen = undefined)));
    this.#timer = window.setInterval(() => this.#read(), READ_MS);
    void player.load();
  }

  /** Shows a channel by WebRTC; throws where that is not to be had. `lost` is called once it is over. */
  async hurry(element: HTMLElement, channel: Tuned, lost: () => void): Promise<void> {
    this.close();
    this.way = "webrtc";
    this.state = "loading";
    const video = document.createElement("video");
    video.playsInline = true;
    video.style.cssText = "display:block;width:100%;height:100%;object-fit:contain;background:#000";
    element.append(video);
    this.#video = video;
    this.#sound();
    video.addEventListener("playing", () => (this.state = "playing"));
    video.addEventListener("pause", () => (this.state = "paused"));
    this.#connection = new LiveConnection(video, { url: `${path(channel.id)}/whep` }, { lost });
    await this.#connection.open();
    this.waiting = false;
    this.behind = 0;
    this.blocked = video.paused;
  }

  /** Shows this rendition alone; nothing follows the network again. */
  choose(rendition: number | undefined): void {
    this.chosen = rendition;
    this.#player?.choose(rendition);
  }

  #sound(): void {
    if (this.#player) this.#player.volume = this.volume;
    if (!this.#video) return;
    this.#video.volume = this.volume;
    this.#video.muted = this.volume <= 0;
  }

  #read(): void {
    const player = this.#player;
    if (!player) return;
    this.position = player.position;
    ({ start: this.start, end: this.end } = player.range);
    this.behind = player.behind;
  }

  toggle(): void {
    this.#player?.toggle();
    const video = this.#video;
    if (video?.paused) void video.play().then(() => (this.blocked = false), () => undefined);
    else video?.pause();
  }

  seek(seconds: number): void {
    this.#player?.seek(seconds);
    this.#read();
  }

  nudge(seconds: number): void {
    this.#player?.nudge(seconds);
    this.#read();
  }

  toLive(): void {
    this.#player?.toLive();
    this.#read();
  }

  setVolume(volume: number): void {
    this.volume = Math.max(0, Math.min(1, volume));
    prefs.volume = this.volume;
    this.#sound();
  }

  /** Tries again. */
  again(): void {
    this.error = "";
    void this.#player?.load();
  }

  /** Whether it is to be heard, where several play. */
  hear(heard: boolean): void {
    if (this.#player) this.#player.volume = heard ? this.volume || 1 : 0;
  }

  async toggleFloat(): Promise<void> {
    await this.#player?.togglePictureInPicture();
  }

  #loud = 1;
  mute(): void {
    if (this.volume > 0) this.#loud = this.volume;
    this.setVolume(this.volume > 0 ? 0 : this.#loud);
  }

  toggleNumbers(): void {
    this.#unheard?.();
    this.#unheard = this.numbers ? undefined : this.#player?.on("numbers", (now) => (this.numbers = now));
    this.numbers = this.numbers ? undefined : this.#player?.numbers;
  }

  async toggleFullscreen(target: HTMLElement): Promise<void> {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (this.#player) return this.#player.toggleFullscreen(target);
    await target.requestFullscreen({ navigationUI: "hide" });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stepping?.();
    this.#stepping = undefined;
    this.#unheard?.();
    this.#unheard = undefined;
    this.numbers = undefined;
    if (window.__film === this.#player) delete window.__film;
    this.#player?.close();
    this.#player = undefined;
    this.canFloat = false;
    this.renditions = [];
    this.chosen = undefined;
    this.state = "idle";
    this.#connection?.close();
    this.#connection = undefined;
    this.#video?.remove();
    this.#video = undefined;
  }
}
