/** Where programmes stand in the guide's grid. */

const HOUR_MS = 3_600_000;

/** Half an hour, which the guide's columns are. */
export const STEP_MS = HOUR_MS / 2;
/** What the guide shows at once. */
export const SHOWN_MS = 3 * HOUR_MS;

/** The half hour that a moment lies in. */
export const column = (at: number) => Math.floor(at / STEP_MS) * STEP_MS;

/** Where a span lies within another, in hundredths; nothing where it lies outside. */
export function place(span: { start_ms: number; stop_ms: number }, from: number, to: number): { left: number; width: number } | undefined {
  const start = Math.max(span.start_ms, from);
  const stop = Math.min(span.stop_ms, to);
  if (stop <= start) return undefined;
  return { left: ((start - from) / (to - from)) * 100, width: ((stop - start) / (to - from)) * 100 };
}

/** The channel that stands so many places after another, round about. */
export function neighbour<Channel extends { id: string }>(channels: readonly Channel[], id: string, by: number): Channel | undefined {
  const at = channels.findIndex((channel) => channel.id === id);
  return at < 0 ? undefined : channels[(at + by + channels.length) % channels.length];
}
