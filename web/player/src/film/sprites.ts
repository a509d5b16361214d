/** Small pictures of a film: a list of WebVTT whose cues name a region of a sheet (Media Fragments, W3C, 4.2.2). */

/** One small picture. */
export interface Sprite {
  /** Seconds from which on it stands for the film. */
  start: number;
  /** Address of its sheet. */
  sheet: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const CUE = /^(?:(\d+):)?(\d+):(\d+(?:\.\d+)?) --> [^\n]*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm;

/** Reads a list that is at `address`. */
export function readSprites(list: string, address: string): Sprite[] {
  return [...list.matchAll(CUE)].map(([, hours = "0", minutes, seconds, sheet, x, y, width, height]) => ({
    start: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    sheet: new URL(sheet!, address).href,
    x: Number(x),
    y: Number(y),
    width: Number(width),
    height: Number(height),
  }));
}

/** Fetches a list; an empty one where there is none. */
export async function loadSprites(path: string): Promise<Sprite[]> {
  const answer = await fetch(path).catch(() => undefined);
  return answer?.ok ? readSprites(await answer.text(), new URL(path, location.href).href) : [];
}

/** The picture that stands for a time, in seconds. */
export function spriteAt(sprites: readonly Sprite[], seconds: number): Sprite | undefined {
  let low = 0;
  let high = sprites.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sprites[middle]!.start <= seconds) low = middle + 1;
    else high = middle;
  }
  return sprites[low - 1];
}
