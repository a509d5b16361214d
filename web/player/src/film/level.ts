/**
 * How loud a film is heard: as loud as the person wants it, and all films alike. What is too loud is turned down by the
 * element itself; what is too quiet is amplified, which takes a way of its own for the sound and only begins with it.
 */

/** Seconds within which the sound becomes louder, so that nothing jumps. */
const RISE_S = 0.2;

/** Safari's element, whose sound has to stay its own: it may go on on another device. */
const stays = (video: HTMLVideoElement) => "webkitShowPlaybackTargetPicker" in video;

/** The loudness of one element. */
export class Level {
  #volume = 1;
  #gain = 0;
  #context: AudioContext | undefined;
  #amplifier: GainNode | undefined;
  #closed = false;

  constructor(private video: HTMLVideoElement) {
    // Only what plays is allowed to sound, and nothing of this may take time from a beginning.
    video.addEventListener("playing", () => this.#amplify());
  }

  /** What the person wants, 0 to 1; 0 is silence. */
  get volume(): number {
    return this.video.muted ? 0 : this.#volume;
  }

  set volume(volume: number) {
    this.#volume = Math.max(0, Math.min(1, volume));
    this.video.muted = volume <= 0;
    this.#apply();
  }

  /** By how much this film is made louder, or quieter where it is negative, in dB. */
  get gain(): number {
    return this.#gain;
  }

  set gain(gain: number) {
    if (gain === this.#gain) return;
    this.#gain = gain;
    this.#apply();
    this.#amplify();
  }

  close(): void {
    this.#closed = true;
    void this.#context?.close().catch(() => undefined);
  }

  get #factor(): number {
    return 10 ** (this.#gain / 20);
  }

  #apply(): void {
    this.video.volume = this.#volume * Math.min(1, this.#factor);
    const { currentTime } = this.#context ?? {};
    if (currentTime !== undefined) this.#amplifier?.gain.setTargetAtTime(Math.max(1, this.#factor), currentTime, RISE_S / 3);
  }

  /** Takes the sound over as soon as that is allowed: before, it would be silent. */
  #amplify(): void {
    const { video } = this;
    if (this.#closed || (this.#gain <= 0 && !this.#amplifier)) return;
    if (video.paused || stays(video) || !("AudioContext" in globalThis)) return;
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      this.#context.addEventListener("statechange", () => this.#connect());
    }
    if (this.#context.state === "running") this.#connect();
    // Where nobody has done anything yet it stays suspended, and is tried again with the next beginning.
    else void this.#context.resume().catch(() => undefined);
  }

  #connect(): void {
    const context = this.#context;
    if (this.#closed || this.#amplifier || context?.state !== "running") return;
    const amplifier = context.createGain();
    amplifier.gain.value = 1;
    context.createMediaElementSource(this.video).connect(amplifier).connect(context.destination);
    this.#amplifier = amplifier;
    this.#apply();
  }
}
