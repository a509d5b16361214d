/** A session as it is being played here: the player package's events as state for the page. */

import { type Numbers, Player, type State, WhepError } from "@playhouse/player";
import { number } from "./format";
import { prefs } from "./prefs";
import { t } from "./text.svelte";

declare global {
  interface Window {
    /** For benchmarks and browser tests: the player of this page. */
    __playhouse?: Player;
  }
}

/** The words of the player's overlay, in the page's language. */
function words() {
  return {
    title: t("overlay.title"),
    unit: t("overlay.unit"),
    steps: {
      input: t("overlay.input"),
      game: t("overlay.game"),
      convert: t("overlay.convert"),
      encode: t("overlay.encode"),
      send: t("overlay.send"),
      network: t("overlay.network"),
      decode: t("overlay.decode"),
      show: t("overlay.show"),
    },
    numbers: (n: Numbers) =>
      t("overlay.numbers", {
        size: `${n.width}×${n.height}`,
        fps: number(n.framesPerSecond),
        rate: number(n.bitrate / 1e6, 1),
        loss: number(n.loss * 100, 1),
      }),
  };
}

/** The player of one session, and what the page shows of it. */
export class Playing {
  state = $state<State>("idle");
  seat = $state(0);
  ended = $state("");
  error = $state("");
  silent = $state(false);
  wantsPointer = $state(false);
  locked = $state(false);
  pads = $state(0);
  overlay = $state(false);
  fingers = $state(false);
  volume = $state(prefs.volume);
  choice = $state(prefs.choice);
  picture = $state("");
  /** Whether a picture was ever there. */
  shown = $state(false);
  #player: Player | undefined;
  #capture = false;
  #menu: () => void;
  #activity: () => void;

  constructor(events: { menu(): void; activity(): void }) {
    this.#menu = events.menu;
    this.#activity = events.activity;
  }

  /** Begins to play in `element`. */
  begin(element: HTMLElement, whep: string, label: string): void {
    this.end();
    const { quality } = this.choice;
    const player = new Player(element, {
      whep,
      label,
      volume: this.volume,
      overlay: words(),
      ...(quality && { quality }),
    });
    this.#player = player;
    player.capture = this.#capture;
    window.__playhouse = player;
    player.on("state", (state) => {
      this.state = state;
      if (state === "playing") this.shown = true;
    });
    player.on("seat", (seat) => (this.seat = seat));
    player.on("ended", (sentence) => (this.ended = sentence));
    player.on("error", (error: WhepError) => (this.error = error.message));
    player.on("soundBlocked", (blocked) => (this.silent = blocked));
    player.on("pointer", ({ wanted, locked }) => {
      this.wantsPointer = wanted;
      this.locked = locked;
    });
    player.on("pads", (pads) => (this.pads = pads));
    player.on("menu", () => this.#menu());
    player.on("activity", () => this.#activity());
    player.on("quality", (quality) => (this.picture = `${quality.width}×${quality.height} · ${quality.rate}`));
    void this.connect();
  }

  async connect(): Promise<void> {
    this.error = "";
    // The sentence has already arrived by the event.
    await this.#player?.connect().catch(() => undefined);
  }

  /** Whether input goes to the game; remembered for a player that begins later. */
  set capture(capture: boolean) {
    this.#capture = capture;
    if (this.#player) this.#player.capture = capture;
  }

  focus(): void {
    this.#player?.element.focus({ preventScroll: true });
  }

  startSound(): void {
    this.#player?.startSound();
  }

  setVolume(volume: number): void {
    this.volume = volume;
    prefs.volume = volume;
    if (this.#player) this.#player.volume = volume;
  }

  setChoice(choice: typeof this.choice): void {
    this.choice = choice;
    prefs.choice = choice;
    this.#player?.setQuality(choice.quality);
  }

  /** Shows or hides the gamepad on the screen. */
  setFingers(shown: boolean): void {
    this.fingers = shown;
    if (this.#player) this.#player.screenPad = shown;
  }

  toggleOverlay(): void {
    this.#player?.toggleOverlay();
    this.overlay = this.#player?.overlay.shown ?? false;
  }

  async toggleFullscreen(target: HTMLElement): Promise<void> {
    await this.#player?.toggleFullscreen(target);
  }

  end(): void {
    this.#player?.close();
    this.#player = undefined;
    delete window.__playhouse;
  }
}
