/** Which source plays films in this browser. */

import { native } from "./native";
import type { Bring } from "./source";

const hasMediaSource = () => "MediaSource" in window || "ManagedMediaSource" in window;

/** Loads what plays films here, so that a later start does not wait for it. */
export async function preloadFilms(): Promise<void> {
  // A browser starts its sound for the first page that wants it, which takes as long as a film's first picture. Asking
  // what there is to hear with is a reason to, and neither asks anybody nor is heard.
  void navigator.mediaDevices?.enumerateDevices().catch(() => undefined);
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
