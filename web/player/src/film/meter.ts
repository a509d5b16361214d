/** How well a film plays, in numbers. */

import { type Span, ahead } from "./spans";

/** A film's numbers now. */
export interface FilmNumbers {
  /** Size of the picture as it arrives. */
  width: number;
  height: number;
  /** Pictures of the last second. */
  framesPerSecond: number;
  /** Pictures since the start, and those of them that were not shown. */
  frames: number;
  dropped: number;
  /** Seconds that can be played without loading more. */
  buffer: number;
  /** Bits per second that the way to the server carries; 0 where unknown. */
  bandwidth: number;
  /** Seconds behind what happens now; 0 where nothing is live. */
  latency: number;
  /** Milliseconds until the first picture; 0 while there is none. */
  start: number;
  /** Milliseconds from the last seek to its first picture; 0 while there was none. */
  seek: number;
}

/** Measures an element; each reading is about the span since the one before. */
export class FilmMeter {
  #began = 0;
  #sought = 0;
  #start = 0;
  #seek = 0;
  #before: { at: number; frames: number } | undefined;

  constructor(private video: HTMLVideoElement) {
    video.addEventListener("seeking", () => (this.#sought ||= performance.now()));
    video.addEventListener("seeked", () => this.#shown(() => {
      if (this.#sought && !video.seeking) {
        // Where a film begins elsewhere than at its start is no seek of somebody.
        if (this.#start) this.#seek = performance.now() - this.#sought;
        this.#sought = 0;
      }
    }));
    video.addEventListener("loadeddata", () => this.#shown(() => (this.#start ||= performance.now() - this.#began)));
  }

  /** Somebody asked for the film now. */
  begin(): void {
    this.#began = performance.now();
    this.#start = 0;
    this.#before = undefined;
  }

  read(buffered: readonly Span[], bandwidth: number, latency = 0): FilmNumbers {
    const { video } = this;
    const { totalVideoFrames: frames, droppedVideoFrames: dropped } = video.getVideoPlaybackQuality();
    const now = { at: performance.now(), frames };
    const before = this.#before ?? now;
    this.#before = now;
    const seconds = (now.at - before.at) / 1000;
    return {
      width: video.videoWidth,
      height: video.videoHeight,
      framesPerSecond: seconds > 0 ? Math.max(0, frames - before.frames) / seconds : 0,
      frames,
      dropped,
      buffer: ahead(buffered, video.currentTime),
      bandwidth,
      latency,
      start: this.#start,
      seek: this.#seek,
    };
  }

  /** Calls back with the next picture, or at once where the browser does not tell of pictures. */
  #shown(then: () => void): void {
    if ("requestVideoFrameCallback" in this.video) this.video.requestVideoFrameCallback(then);
    else then();
  }
}
