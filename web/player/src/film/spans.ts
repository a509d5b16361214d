/** Spans of a film's time, in seconds: what is buffered, and how far it reaches. */

export interface Span {
  start: number;
  end: number;
}

/** A gap this small between two spans is no gap: browsers play over it. */
const SEAM_S = 0.15;

/** The element's ranges as plain spans; those that touch are one. */
export function spans(ranges: TimeRanges): Span[] {
  const found: Span[] = [];
  for (let index = 0; index < ranges.length; index += 1) {
    const span = { start: ranges.start(index), end: ranges.end(index) };
    const last = found[found.length - 1];
    if (last && span.start - last.end <= SEAM_S) last.end = span.end;
    else found.push(span);
  }
  return found;
}

/** Seconds that can be played from `position` without loading more. */
export function ahead(buffered: readonly Span[], position: number): number {
  const span = buffered.find(({ start, end }) => position >= start - SEAM_S && position <= end);
  return span ? Math.max(0, span.end - position) : 0;
}

/** The beginning that lies nearest to `seconds`, of pieces in order; nothing where there are none. */
export function nearest(pieces: readonly { start: number }[], seconds: number): number | undefined {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((pieces[middle]?.start ?? 0) <= seconds) low = middle + 1;
    else high = middle;
  }
  const [before, after] = [pieces[low - 1]?.start, pieces[low]?.start];
  if (before === undefined || after === undefined) return before ?? after;
  return seconds - before <= after - seconds ? before : after;
}
