/** The keys of keyboards, headsets and lock screens for what is being played. */

/** What a lock screen shows. */
export interface Label {
  title: string;
  /** The line below it, for instance a show's name. */
  artist?: string;
  /** A picture's address. */
  poster?: string;
}

/** What the keys do. */
export interface Keys {
  play(): void;
  pause(): void;
  nudge(seconds: number): void;
  seek(seconds: number): void;
}

/** Seconds of a step where the device does not say how far. */
const STEP_S = 10;

const ACTIONS = ["play", "pause", "stop", "seekbackward", "seekforward", "seekto"] as const;

/** Takes the keys until it is closed. */
export class MediaKeys {
  #session = "mediaSession" in navigator ? navigator.mediaSession : undefined;

  constructor(label: Label, keys: Keys) {
    const session = this.#session;
    if (!session) return;
    session.metadata = new MediaMetadata({
      title: label.title,
      ...(label.artist && { artist: label.artist }),
      ...(label.poster && { artwork: [{ src: new URL(label.poster, location.href).href }] }),
    });
    const acts: Record<(typeof ACTIONS)[number], MediaSessionActionHandler> = {
      play: () => keys.play(),
      pause: () => keys.pause(),
      stop: () => keys.pause(),
      seekbackward: ({ seekOffset }) => keys.nudge(-(seekOffset ?? STEP_S)),
      seekforward: ({ seekOffset }) => keys.nudge(seekOffset ?? STEP_S),
      seekto: ({ seekTime }) => seekTime !== undefined && keys.seek(seekTime),
    };
    for (const action of ACTIONS) this.#handle(action, acts[action]);
  }

  /** Tells where the film is. */
  update(playing: boolean, position: number, duration: number, rate: number): void {
    const session = this.#session;
    if (!session) return;
    session.playbackState = playing ? "playing" : "paused";
    if (duration > 0 && position <= duration) session.setPositionState({ duration, position, playbackRate: rate });
  }

  close(): void {
    for (const action of ACTIONS) this.#handle(action, null);
    if (!this.#session) return;
    this.#session.metadata = null;
    this.#session.playbackState = "none";
  }

  #handle(action: MediaSessionAction, act: MediaSessionActionHandler | null): void {
    try {
      this.#session?.setActionHandler(action, act);
    } catch {
      // A browser that does not know this key has none.
    }
  }
}
