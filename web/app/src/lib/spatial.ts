/** The focus moves to what lies in the direction of an arrow key or a stick. */

export type Direction = "up" | "down" | "left" | "right";

export interface Rect {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Being off to the side counts this much more than being far away. */
const ASIDE = 3;

const gap = (aStart: number, aEnd: number, bStart: number, bEnd: number) => Math.max(0, bStart - aEnd, aStart - bEnd);

/** How far `to` is from `from` in that direction; `undefined` where it does not lie there. */
export function distance(from: Rect, to: Rect, direction: Direction): number | undefined {
  const centre = (rect: Rect) => ({ x: (rect.left + rect.right) / 2, y: (rect.top + rect.bottom) / 2 });
  const a = centre(from);
  const b = centre(to);
  const sideways = direction === "left" || direction === "right";
  const ahead = { up: a.y - b.y, down: b.y - a.y, left: a.x - b.x, right: b.x - a.x }[direction];
  const aside = sideways
    ? gap(from.top, from.bottom, to.top, to.bottom)
    : gap(from.left, from.right, to.left, to.right);
  if (ahead <= 1) return undefined;
  // A neighbour in the same row shares some height; what shares none is rather above or below than beside.
  if (sideways && aside > 0 && aside > ahead) return undefined;
  const off = sideways ? Math.abs(a.y - b.y) : Math.abs(a.x - b.x);
  return ahead + aside * ASIDE + off * 0.2;
}

const FOCUSABLE =
  'a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"]';

/** Everything that can have the focus now: within the dialog on top, where there is one. */
export function reachable(): HTMLElement[] {
  const dialogs = document.querySelectorAll<HTMLElement>("dialog[open]");
  const root: ParentNode = dialogs[dialogs.length - 1] ?? document;
  return [...root.querySelectorAll<HTMLElement>(FOCUSABLE)].filter((element) => {
    if (element.closest("[inert]")) return false;
    return element.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  });
}

/** Moves the focus; false where nothing lies there. */
export function move(direction: Direction): boolean {
  const all = reachable();
  const now = document.activeElement;
  const from = now instanceof HTMLElement && all.includes(now) ? now : undefined;
  if (!from) {
    const first = all.find((element) => element.hasAttribute("data-first")) ?? all.find(inMain) ?? all[0];
    return focus(first);
  }
  const rect = from.getBoundingClientRect();
  let best: HTMLElement | undefined;
  let least = Infinity;
  for (const element of all) {
    if (element === from) continue;
    const far = distance(rect, element.getBoundingClientRect(), direction);
    if (far !== undefined && far < least) {
      least = far;
      best = element;
    }
  }
  return focus(best);
}

function inMain(element: HTMLElement): boolean {
  return element.closest("main") !== null;
}

function focus(element: HTMLElement | undefined): boolean {
  if (!element) return false;
  // `focusVisible` shows the ring although the key may have been a button of a pad.
  element.focus({ preventScroll: true, focusVisible: true } as FocusOptions);
  const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ block: "nearest", inline: "nearest", behavior: smooth ? "smooth" : "auto" });
  return true;
}

/** Whether an element needs the arrow keys for itself. */
export function keepsArrows(element: Element | null, direction: Direction): boolean {
  if (element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement) return true;
  if (element?.closest('[role="application"], video[controls]')) return true;
  if (!(element instanceof HTMLInputElement)) return false;
  const sideways = direction === "left" || direction === "right";
  if (element.type === "range") return sideways;
  return element.type !== "checkbox" && sideways;
}
