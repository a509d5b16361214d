/** A film as it is being watched here: the player package's events as state for the page. */

import { type AudioTrack, type FilmError, type FilmNumbers, FilmPlayer, type FilmState, type Party, type Rendition, type Span, type Sprite, type TextChoice, loadSprites } from "@playhouse/player";
import { type Command, nextRate } from "./commands";
import { type Letters, prefs } from "./prefs";
import { t } from "./text.svelte";
import type { Chapter, FilmDetail, Profile } from "./types";

declare global {
  interface Window {
    /** For benchmarks and browser tests: the film of this page. */
    __film?: FilmPlayer;
  }
}

/** Why it does not play, in the page's language; what the server says is kept as it says it. */
function words(error: FilmError): string {
  if (error.kind === "broken") return t("watch.broken");
  if (error.kind === "unsupported") return t("watch.unsupported");
  return error.message;
}

/** The player of one film, and what the page shows of it. */
export class Watching {
  state = $state<FilmState>("idle");
  position = $state(0);
  duration = $state(0);
  buffered = $state.raw<readonly Span[]>([]);
  waiting = $state(false);
  blocked = $state(false);
  away = $state(false);
  error = $state("");
  volume = $state(prefs.volume);
  /** Whether films are made equally loud, and whether this one can be. */
  even = $state(prefs.even);
  uneven = $state(false);
  rate = $state(1);
  renditions = $state.raw<readonly Rendition[]>([]);
  rendition = $state(0);
  /** The rendition that was asked for; nothing leaves it to the player. */
  chosen = $state<number | undefined>();
  tracks = $state.raw<readonly AudioTrack[]>([]);
  track = $state(-1);
  texts = $state.raw<readonly TextChoice[]>([]);
  /** The text that is shown, -1 where none is. */
  text = $state(-1);
  letters = $state(prefs.letters);
  chapters = $state.raw<readonly Chapter[]>([]);
  sprites = $state.raw<readonly Sprite[]>([]);
  canFloat = $state(false);
  floating = $state(false);
  /** Whether another device is near that the browser itself can play on. */
  remote = $state(false);
  numbers = $state.raw<FilmNumbers | undefined>();
  #player: FilmPlayer | undefined;
  /** Whoever moves the film in place of this page alone. */
  #party: Party | undefined;
  #unheard: (() => void) | undefined;

  /** Begins to play in `element`, at `start` seconds, as `who` likes it; in step with a party, where there is one. */
  begin(element: HTMLElement, film: FilmDetail, start: number, who?: Profile, party?: Party): void {
    this.end();
    this.#party = party;
    const player = new FilmPlayer(element, {
      hls: film.hls,
      bundle: film.start,
      start,
      autoplay: !party,
      volume: this.volume,
      gains: film.loudness.map((measured) => measured?.gain_db),
      even: this.even,
      languages: { audio: who?.audio ?? undefined, texts: who?.subtitles ?? undefined },
      label: { title: film.title, poster: film.poster, ...(film.show && { artist: film.show }) },
    });
    this.#player = player;
    window.__film = player;
    this.position = start;
    this.duration = film.duration_s ?? 0;
    this.canFloat = player.canFloat;
    this.uneven = film.loudness.some((measured) => measured !== null);
    this.chapters = film.chapters;
    if (film.sprites) void loadSprites(film.sprites).then((sprites) => (this.sprites = sprites));
    this.#write();
    player.on("state", (state) => (this.state = state));
    player.on("position", (position) => (this.position = position));
    player.on("duration", (duration) => (this.duration = duration || this.duration));
    player.on("buffered", (buffered) => (this.buffered = buffered));
    player.on("waiting", (waiting) => (this.waiting = waiting));
    player.on("blocked", (blocked) => (this.blocked = blocked));
    player.on("away", (away) => (this.away = away));
    player.on("error", (error) => (this.error = words(error)));
    player.on("renditions", (all) => (this.renditions = all));
    player.on("rendition", (index) => (this.rendition = index));
    player.on("audioTracks", (all) => (this.tracks = all));
    player.on("audioTrack", (index) => (this.track = index));
    player.on("texts", (all) => (this.texts = all));
    player.on("text", (index) => (this.text = index));
    player.on("remote", (near) => (this.remote = near));
    player.on("pictureInPicture", (floating) => (this.floating = floating));
    void player.load();
    if (!party) return;
    party.follow(player);
    party.on("timeline", ({ rate }) => (this.rate = rate));
    this.rate = party.timeline?.rate ?? 1;
  }

  /** Tries again, where it was. */
  again(): void {
    this.error = "";
    void this.#player?.load();
  }

  toggle(): void {
    const { timeline } = this.#party ?? {};
    // What the browser holds back is let go here, whoever moves the film.
    if (!timeline || this.blocked) this.#player?.toggle();
    else if (this.state === "ended") this.#party?.steer({ playing: true, position: 0 });
    else this.#party?.steer({ playing: !timeline.playing });
  }

  seek(seconds: number): void {
    if (this.#party) this.#party.steer({ position: Math.max(0, Math.min(this.duration, seconds)) });
    else this.#player?.seekNear(seconds);
  }

  setVolume(volume: number): void {
    this.volume = Math.max(0, Math.min(1, volume));
    prefs.volume = this.volume;
    if (this.#player) this.#player.volume = this.volume;
  }

  /** Makes films equally loud, or leaves them as they are. */
  setEven(even: boolean): void {
    this.even = even;
    prefs.even = even;
    if (this.#player) this.#player.even = even;
  }

  #loud = 1;
  mute(): void {
    if (this.volume > 0) this.#loud = this.volume;
    this.setVolume(this.volume > 0 ? 0 : this.#loud);
  }

  setRate(rate: number): void {
    if (this.#party) return this.#party.steer({ rate });
    this.rate = rate;
    if (this.#player) this.#player.rate = rate;
  }

  choose(rendition: number | undefined): void {
    this.chosen = rendition;
    this.#player?.choose(rendition);
  }

  listen(track: number): void {
    this.#player?.listen(track);
  }

  /** Shows a text; -1 shows none. */
  read(text: number): void {
    this.#player?.read(text);
  }

  /** Changes how the letters of texts look. */
  setLetters(letters: Letters): void {
    this.letters = letters;
    prefs.letters = letters;
    this.#write();
  }

  #write(): void {
    const { size, ground } = this.letters;
    const { dataset } = this.#player?.video ?? {};
    if (dataset) Object.assign(dataset, { letters: size, ground });
  }

  /** The chapter at a time. */
  chapterAt(seconds: number): Chapter | undefined {
    return this.chapters.findLast(({ start_s }) => start_s <= seconds);
  }

  /** Shows or hides the numbers, which are only taken while somebody looks. */
  toggleNumbers(): void {
    const { numbers } = this.#player ?? {};
    this.#unheard?.();
    this.#unheard = this.numbers ? undefined : this.#player?.on("numbers", (now) => (this.numbers = now));
    this.numbers = this.numbers ? undefined : numbers;
  }

  async toggleFloat(): Promise<void> {
    await this.#player?.togglePictureInPicture();
  }

  async playRemotely(): Promise<void> {
    await this.#player?.playRemotely();
  }

  async toggleFullscreen(target: HTMLElement): Promise<void> {
    await this.#player?.toggleFullscreen(target);
  }

  /** Does what a key means; what needs the page's own element is the page's. */
  obey(command: Exclude<Command, { act: "full" | "float" }>): void {
    switch (command.act) {
      case "toggle":
        return this.toggle();
      case "mute":
        return this.mute();
      case "numbers":
        return this.toggleNumbers();
      case "nudge":
        return this.seek((this.#player?.position ?? 0) + command.seconds);
      case "louder":
        return this.setVolume(this.volume + command.by);
      case "faster":
        return this.setRate(nextRate(this.rate, command.by));
      case "jump":
        return this.seek(command.part * this.duration);
    }
  }

  end(): void {
    this.#unheard?.();
    this.#player?.close();
    this.#player = undefined;
    delete window.__film;
  }
}
