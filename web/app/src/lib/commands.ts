/** Which key does what while a film is watched. */

export type Command =
  | { act: "toggle" | "mute" | "full" | "float" | "numbers" }
  | { act: "nudge"; seconds: number }
  | { act: "louder"; by: number }
  | { act: "faster"; by: 1 | -1 }
  /** A part of the film, 0 to 1. */
  | { act: "jump"; part: number };

/** A step of the arrow keys and of the buttons. */
export const STEP_S = 10;
/** How fast films play. */
export const RATES = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;
const LOUDER = 0.05;

const COMMANDS: Record<string, Command> = {
  " ": { act: "toggle" },
  k: { act: "toggle" },
  j: { act: "nudge", seconds: -STEP_S },
  l: { act: "nudge", seconds: STEP_S },
  f: { act: "full" },
  m: { act: "mute" },
  p: { act: "float" },
  i: { act: "numbers" },
  "+": { act: "louder", by: LOUDER },
  "-": { act: "louder", by: -LOUDER },
  "<": { act: "faster", by: -1 },
  ">": { act: "faster", by: 1 },
};

/** What a key of the keyboard means; keys with Ctrl, Alt or Meta belong to the browser. */
export function command(event: Pick<KeyboardEvent, "key" | "ctrlKey" | "altKey" | "metaKey">): Command | undefined {
  if (event.ctrlKey || event.altKey || event.metaKey) return undefined;
  if (/^\d$/.test(event.key)) return { act: "jump", part: Number(event.key) / 10 };
  return COMMANDS[event.key.toLowerCase()];
}

/** What an arrow means where nothing is to be walked through. */
export function arrow(direction: "up" | "down" | "left" | "right"): Command {
  if (direction === "left" || direction === "right") return { act: "nudge", seconds: direction === "left" ? -STEP_S : STEP_S };
  return { act: "louder", by: direction === "up" ? LOUDER : -LOUDER };
}

/** The next rate in that direction; the same at the end of the list. */
export function nextRate(rate: number, by: 1 | -1): number {
  const at = RATES.findIndex((each) => each >= rate);
  return RATES[Math.max(0, Math.min(RATES.length - 1, (at < 0 ? RATES.length - 1 : at) + by))] ?? 1;
}
