/** Where the video of a session is shown: a seam, so that another way to decode can take the element's place. */

import type { Shown } from "./timeline";

/** Shows a video track. */
export interface VideoSink {
  /** What is put into the page. */
  readonly element: HTMLElement;
  /** The picture's size in pixels, zeros before the first frame. */
  readonly size: { width: number; height: number };
  /** Shows this track from now on. */
  attach(track: MediaStreamTrack): void;
  /** Called for each frame that is shown. */
  onframe: ((shown: Shown) => void) | undefined;
  close(): void;
}

/** The browser's own video element. */
export class ElementSink implements VideoSink {
  readonly element: HTMLVideoElement;
  onframe: ((shown: Shown) => void) | undefined;
  #callback = 0;

  constructor() {
    const video = document.createElement("video");
    Object.assign(video, { autoplay: true, muted: true, playsInline: true, disablePictureInPicture: true });
    video.setAttribute("disableremoteplayback", "");
    video.style.cssText = "display:block;width:100%;height:100%;object-fit:contain;pointer-events:none";
    this.element = video;
    if ("requestVideoFrameCallback" in video) this.#listen();
  }

  get size(): { width: number; height: number } {
    return { width: this.element.videoWidth, height: this.element.videoHeight };
  }

  attach(track: MediaStreamTrack): void {
    this.element.srcObject = new MediaStream([track]);
    // Muted video may always play; an element that leaves the page meanwhile refuses, which is its right.
    this.element.play().catch(() => undefined);
  }

  close(): void {
    if (this.#callback) this.element.cancelVideoFrameCallback(this.#callback);
    this.element.srcObject = null;
  }

  #listen(): void {
    this.#callback = this.element.requestVideoFrameCallback((_now, metadata) => {
      this.#listen();
      this.onframe?.({
        rtp: metadata.rtpTimestamp,
        received: metadata.receiveTime,
        decoding: metadata.processingDuration,
        presented: metadata.presentationTime,
        expected: metadata.expectedDisplayTime,
      });
    });
  }
}
