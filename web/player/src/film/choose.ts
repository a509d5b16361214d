/** Which source plays films in this browser. */

import { native } from "./native";
import type { Bring } from "./source";

const hasMediaSource = () => "MediaSource" in window || "ManagedMediaSource" in window;

/** Loads what plays films here, so that a later start does not wait for it. */
export async function preloadFilms(): Promise<void> {
  if (hasMediaSource()) await import("./hls");
}

/** hls.js where it can play, else the browser by itself; nothing where neither can. */
export async function sourceFor(video: HTMLVideoElement): Promise<Bring | undefined> {
  if (hasMediaSource()) {
    const { bring, canPlay } = await import("./hls");
    if (canPlay()) return bring;
  }
  return video.canPlayType("application/vnd.apple.mpegurl") ? native : undefined;
}
