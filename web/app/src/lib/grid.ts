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

/** What is shorter has no room for its name in the grid. */
const SHORT_MS = STEP_MS / 6;

/** Programmes that stand in the grid as one. */
export interface Run<Programme> {
  start_ms: number;
  stop_ms: number;
  programmes: Programme[];
}

interface Span {
  start_ms: number;
  stop_ms: number;
  title: string;
  film: string | null;
}

/** Short programmes that are shown again and again, one right after the other, as one. */
export function runs<Programme extends Span>(programmes: readonly Programme[]): Run<Programme>[] {
  const all: Run<Programme>[] = [];
  for (const programme of programmes) {
    const run = all[all.length - 1];
    const before = run?.programmes[run.programmes.length - 1];
    const short = (span: Span) => span.stop_ms - span.start_ms < SHORT_MS;
    const again = before && before.film === programme.film && before.title === programme.title && before.stop_ms === programme.start_ms;
    if (run && again && short(before) && short(programme)) {
      run.stop_ms = programme.stop_ms;
      run.programmes.push(programme);
    } else {
      all.push({ start_ms: programme.start_ms, stop_ms: programme.stop_ms, programmes: [programme] });
    }
  }
  return all;
}

/** The channel that stands so many places after another, round about. */
export function neighbour<Channel extends { id: string }>(channels: readonly Channel[], id: string, by: number): Channel | undefined {
  const at = channels.findIndex((channel) => channel.id === id);
  return at < 0 ? undefined : channels[(at + by + channels.length) % channels.length];
}
