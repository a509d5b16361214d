/** Controls over a picture: they come with movement, leave by themselves, and what hides does not keep the focus. */

import { tick } from "svelte";
import { t } from "./text.svelte";
import { note } from "./toasts.svelte";

/** Controls leave after this long without movement. */
const LEAVE_MS = 2500;

/** A player whose picture can leave its place in the page. */
interface Movable {
  toggleFullscreen(target: HTMLElement): Promise<void>;
  toggleFloat(): Promise<void>;
}

export class Chrome {
  visible = $state(true);
  full = $state(false);
  root = $state<HTMLElement>();
  /** Where the picture is. */
  stage = $state<HTMLElement>();
  /** What lies on the picture and takes clicks. */
  cover = $state<HTMLElement>();
  #timer = 0;

  /** `stay` says whether controls stay although nobody moves. */
  constructor(readonly stay: () => boolean) {}

  /** Begins to follow the full screen; the answer ends that. */
  open(): () => void {
    const changed = () => (this.full = document.fullscreenElement !== null);
    document.addEventListener("fullscreenchange", changed);
    return () => {
      document.removeEventListener("fullscreenchange", changed);
      clearTimeout(this.#timer);
    };
  }

  /** Whether somebody is among the controls. */
  get within(): boolean {
    return this.root?.querySelector("[data-bar]")?.contains(document.activeElement) ?? false;
  }

  appear(): void {
    this.visible = true;
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      const walked = this.root?.querySelector("[data-bar] :focus-visible") != null;
      if (walked || this.stay()) return;
      if (this.within) this.hold();
      this.visible = false;
    }, LEAVE_MS);
  }

  /** The picture takes the focus, without a ring that nobody asked for. */
  hold(): void {
    this.cover?.focus({ preventScroll: true, focusVisible: false } as FocusOptions);
  }

  /** Gives the focus back to the picture; whether it was elsewhere. */
  rest(): boolean {
    if (!this.within) return false;
    this.cover?.focus({ preventScroll: true });
    this.appear();
    return true;
  }

  /** Gives the focus to the controls, which have to be there before they can have it. */
  reach(): void {
    this.appear();
    void tick().then(() => this.root?.querySelector<HTMLElement>("[data-bar] [data-first]")?.focus({ focusVisible: true } as FocusOptions));
  }

  /** Fills the screen with picture and controls, or leaves it; a browser that refuses is told of. */
  async fill(player: Movable): Promise<void> {
    try {
      if (this.root) await player.toggleFullscreen(this.root);
    } catch {
      note(t("play.noFullscreen"));
    }
  }

  /** Takes the picture out of the page into a small window, or back; a browser that refuses is told of. */
  async float(player: Movable): Promise<void> {
    await player.toggleFloat().catch(() => note(t("watch.noFloat")));
  }

  /** Puts the picture back into the page, where it fills the screen. */
  async leave(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen();
  }
}
