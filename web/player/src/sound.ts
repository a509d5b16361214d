/** The sound of a session: an element of its own, so that it never delays the picture. */

/** Plays an audio track as soon as the browser allows it. */
export class Sound {
  readonly element = document.createElement("audio");
  #blocked = false;

  /** `changed` is told when the browser refuses sound until the person does something, and when that is over. */
  constructor(private changed: (blocked: boolean) => void) {
    this.element.autoplay = true;
    this.element.addEventListener("playing", () => this.#set(false));
  }

  /** Whether the browser waits for a click before it plays sound. */
  get blocked(): boolean {
    return this.#blocked;
  }

  attach(track: MediaStreamTrack): void {
    this.element.srcObject = new MediaStream([track]);
    this.start();
  }

  /** Tries to play: to be called when the person did something. */
  start(): void {
    if (!this.element.srcObject || !this.element.paused) return;
    this.element.play().then(
      () => this.#set(false),
      (error: unknown) => error instanceof DOMException && error.name === "NotAllowedError" && this.#set(true),
    );
  }

  /** Loudness from 0 to 1. */
  set volume(volume: number) {
    this.element.volume = Math.max(0, Math.min(1, volume));
    this.element.muted = volume <= 0;
  }

  close(): void {
    this.element.srcObject = null;
    this.element.remove();
  }

  #set(blocked: boolean): void {
    if (this.#blocked === blocked) return;
    this.#blocked = blocked;
    this.changed(blocked);
  }
}
