/** Keeps a channel in step with everybody else who watches it: small changes of speed, and a jump where much is missing. */

import type { FilmPlayer } from "./player";

/** What is done about being late, or early. */
export interface Step {
  /** How fast to play, 1 being as it was made. */
  rate: number;
  /** Seconds to go forward, or back where negative; 0 stays. */
  jump: number;
}

/** Nobody sees less than this. */
const ENOUGH_S = 0.06;
/** What is further off is not caught up with by speed. */
const JUMP_S = 1;
/** The most that the speed is changed: voices stay as they are. */
const MOST = 0.05;
const EVERY_MS = 500;

/** What to do where the picture is so many seconds late; negative where it is early. */
export function stepOf(late: number): Step {
  if (Math.abs(late) > JUMP_S) return { rate: 1, jump: late };
  if (Math.abs(late) < ENOUGH_S) return { rate: 1, jump: 0 };
  return { rate: 1 + Math.max(-MOST, Math.min(MOST, late / 5)), jump: 0 };
}

/** Keeps a player where the clock is, which answers in Unix milliseconds, or not at all while it is not known. The answer ends it. */
export function keepStep(player: FilmPlayer, clock: () => number | undefined): () => void {
  const timer = window.setInterval(() => {
    const { date, state } = player;
    const now = clock();
    if (date === undefined || now === undefined || state !== "playing" || player.video.seeking) return;
    const { rate, jump } = stepOf((now - date) / 1000);
    if (jump !== 0) player.nudge(jump);
    if (player.rate !== rate) player.rate = rate;
  }, EVERY_MS);
  return () => clearInterval(timer);
}
