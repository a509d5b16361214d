/** What the player remembers in this browser: loudness, letters, and the quality asked for. */

import type { Quality } from "@playhouse/player";

const VOLUME = "playhouse.volume";
const QUALITY = "playhouse.quality";
const EVEN = "playhouse.even";

export interface Choice {
  name: string;
  quality: Quality | undefined;
}

/** Qualities to choose from; the first leaves it to the session. */
export const CHOICES: readonly Choice[] = [
  { name: "auto", quality: undefined },
  { name: "1080p60", quality: { width: 1920, height: 1080, rate: 60, kbps: 10_000 } },
  { name: "720p60", quality: { width: 1280, height: 720, rate: 60, kbps: 6000 } },
  { name: "720p30", quality: { width: 1280, height: 720, rate: 30, kbps: 3500 } },
  { name: "480p30", quality: { width: 854, height: 480, rate: 30, kbps: 1500 } },
];

/** How the letters of texts look. */
export interface Letters {
  size: "small" | "medium" | "large";
  /** What is behind them. */
  ground: "none" | "shade" | "solid";
}

const LETTERS = "playhouse.letters";

export const prefs = {
  get letters(): Letters {
    const [size, ground] = (localStorage.getItem(LETTERS) ?? "").split(" ");
    return {
      size: size === "small" || size === "large" ? size : "medium",
      ground: ground === "none" || ground === "solid" ? ground : "shade",
    };
  },
  set letters({ size, ground }: Letters) {
    localStorage.setItem(LETTERS, `${size} ${ground}`);
  },
  get volume(): number {
    const stored = Number(localStorage.getItem(VOLUME) ?? "1");
    return Number.isFinite(stored) ? Math.max(0, Math.min(1, stored)) : 1;
  },
  set volume(volume: number) {
    localStorage.setItem(VOLUME, String(volume));
  },
  /** Whether films are made equally loud. */
  get even(): boolean {
    return localStorage.getItem(EVEN) !== "false";
  },
  set even(even: boolean) {
    localStorage.setItem(EVEN, String(even));
  },
  get choice(): Choice {
    const stored = localStorage.getItem(QUALITY);
    return CHOICES.find((choice) => choice.name === stored) ?? CHOICES[0]!;
  },
  set choice(choice: Choice) {
    localStorage.setItem(QUALITY, choice.name);
  },
};
