/** Where the picture lies in its element, and points on it. */

/** Full scale of a coordinate in the input protocol. */
const SCALE = 65535;

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The largest box of the picture's proportions within `outer`, centred: `object-fit: contain`. */
export function contain(outer: Box, width: number, height: number): Box {
  if (width <= 0 || height <= 0) return outer;
  const scale = Math.min(outer.width / width, outer.height / height);
  const inner = { width: width * scale, height: height * scale };
  return {
    left: outer.left + (outer.width - inner.width) / 2,
    top: outer.top + (outer.height - inner.height) / 2,
    ...inner,
  };
}

/** A point of the page on the picture, 0 to 65535 each way, at the edge where it is outside. */
export function onPicture(box: Box, clientX: number, clientY: number): { x: number; y: number } {
  const part = (value: number, extent: number) =>
    extent <= 0 ? 0 : Math.round(Math.max(0, Math.min(1, value / extent)) * SCALE);
  return { x: part(clientX - box.left, box.width), y: part(clientY - box.top, box.height) };
}
