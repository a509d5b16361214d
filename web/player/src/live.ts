/** A live channel with the least delay: WHEP into a video element, with nothing to steer. */

import { Whep, WhepError, type WhepOptions } from "./whep";

export interface LiveEvents {
  /** The connection is over: nobody publishes any more, or the way is cut. */
  lost(): void;
}

/** One connection to a channel; a new one is made for each try. */
export class LiveConnection {
  #whep: Whep;
  #stream = new MediaStream();

  constructor(
    /** Shows the picture and plays the sound. */
    readonly video: HTMLVideoElement,
    /** `url` is the channel's WHEP endpoint, `/api/channels/{id}/whep`. */
    options: WhepOptions,
    events: LiveEvents,
  ) {
    this.#whep = new Whep(
      { ...options, live: true },
      {
        track: (track) => this.#stream.addTrack(track),
        lost: () => {
          this.close();
          events.lost();
        },
        notice: () => undefined,
        frame: () => undefined,
        pong: () => undefined,
        open: () => undefined,
        close: () => undefined,
      },
    );
  }

  /**
   * Connects; the picture follows. Throws {@link WhepError}, whose `type` ends with `unsuitable` where the stream
   * cannot be sent this way and `not-live` where nobody publishes: its HLS playlist is what to play then.
   */
  async open(): Promise<void> {
    try {
      await this.#whep.open();
    } catch (error) {
      this.close();
      throw error instanceof WhepError ? error : new WhepError(String(error), 0);
    }
    this.video.srcObject = this.#stream;
    // A browser that waits for a click says so by pausing; the page has the button.
    await this.video.play().catch(() => undefined);
  }

  /** Leaves. */
  close(): void {
    this.#whep.close();
    if (this.video.srcObject === this.#stream) this.video.srcObject = null;
  }
}
