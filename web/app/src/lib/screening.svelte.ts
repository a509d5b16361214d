/** A channel as it is being watched here: in step with everybody else, where it is made of the library. */

import { FilmPlayer, type FilmState, keepStep } from "@playhouse/player";
import { guide } from "./guide.svelte";
import { prefs } from "./prefs";
import type { GuideChannel } from "./types";

/** The player of one channel, and what the page shows of it. */
export class Screening {
  state = $state<FilmState>("idle");
  waiting = $state(false);
  blocked = $state(false);
  away = $state(false);
  error = $state("");
  #player: FilmPlayer | undefined;
  #stop: (() => void) | undefined;

  /** Begins to play in `element`; `heard` where its sound is wanted. */
  begin(element: HTMLElement, channel: GuideChannel, heard: boolean): void {
    this.end();
    if (!channel.hls) return;
    const player = new FilmPlayer(element, { hls: channel.hls, start: -1, volume: heard ? prefs.volume : 0, label: { title: channel.name } });
    this.#player = player;
    window.__film = player;
    player.on("state", (state) => (this.state = state));
    player.on("waiting", (waiting) => (this.waiting = waiting));
    player.on("blocked", (blocked) => (this.blocked = blocked));
    player.on("away", (away) => (this.away = away));
    player.on("error", (error) => (this.error = error.message));
    // Live channels have their own distance to what is live.
    if (channel.kind === "schedule") this.#stop = keepStep(player, () => guide.now());
    void player.load();
  }

  /** Tries again. */
  again(): void {
    this.error = "";
    void this.#player?.load();
  }

  play(): void {
    void this.#player?.play();
  }

  /** Whether it is to be heard. */
  hear(heard: boolean): void {
    if (this.#player) this.#player.volume = heard ? prefs.volume || 1 : 0;
  }

  end(): void {
    this.#stop?.();
    this.#player?.close();
    if (window.__film === this.#player) delete window.__film;
    this.#player = undefined;
    this.#stop = undefined;
    this.state = "idle";
    this.error = "";
  }
}
