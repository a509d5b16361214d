/** A gamepad on the screen, for those who have only their fingers: a stick to the left, buttons to the right. */

import type { PadState } from "./protocol";

/** Buttons by their number in the standard mapping, their sign, and their place in pixels from a lower corner. */
const BUTTONS: readonly { button: number; sign: string; side: "left" | "right"; x: number; y: number; size?: number }[] = [
  { button: 0, sign: "A", side: "right", x: 84, y: 24 },
  { button: 1, sign: "B", side: "right", x: 24, y: 84 },
  { button: 2, sign: "X", side: "right", x: 144, y: 84 },
  { button: 3, sign: "Y", side: "right", x: 84, y: 144 },
  { button: 4, sign: "L", side: "left", x: 24, y: 204, size: 52 },
  { button: 6, sign: "ZL", side: "left", x: 96, y: 204, size: 52 },
  { button: 5, sign: "R", side: "right", x: 24, y: 212, size: 52 },
  { button: 7, sign: "ZR", side: "right", x: 96, y: 212, size: 52 },
  { button: 8, sign: "−", side: "left", x: 154, y: 210, size: 40 },
  { button: 9, sign: "+", side: "right", x: 154, y: 218, size: 40 },
];

const STICK = 144;
const KNOB = 60;
/** How far the knob goes from the middle. */
const REACH = (STICK - KNOB) / 2;
const LIT = "rgb(244 183 64 / 60%)";
const GLASS = "rgb(17 14 23 / 38%)";
const ROUND = `position:absolute;display:grid;place-items:center;border-radius:50%;background:${GLASS};color:#f4f1fa;
  border:2px solid rgb(244 241 250 / 35%);font:600 18px/1 Inter,system-ui,sans-serif;touch-action:none;user-select:none;
  -webkit-user-select:none;pointer-events:auto`;

/** A point of the stick as axes: full scale at the edge, further away no more. */
export function axes(dx: number, dy: number, reach: number): [number, number] {
  const far = Math.hypot(dx, dy);
  const scale = far > reach ? 1 / far : 1 / reach;
  return [Math.round(dx * scale * 32767), Math.round(dy * scale * 32767)];
}

/** Tells its state whenever a finger changes it. */
export class ScreenPad {
  readonly element = document.createElement("div");
  #buttons = 0;
  #axes: [number, number] = [0, 0];

  constructor(private changed: (state: PadState) => void) {
    this.element.dataset.pad = "";
    // Fingers find it by place; for everyone else there are keys and pads.
    this.element.setAttribute("aria-hidden", "true");
    this.element.style.cssText =
      "position:absolute;inset:auto env(safe-area-inset-right) calc(max(72px, 16vh) + env(safe-area-inset-bottom)) env(safe-area-inset-left);" +
      "height:280px;pointer-events:none;z-index:1";
    this.#stick();
    for (const each of BUTTONS) this.#button(each);
  }

  #tell(): void {
    const pulled = (button: number) => (this.#buttons & (1 << button) ? 255 : 0);
    this.changed({ buttons: this.#buttons, axes: [...this.#axes, 0, 0], triggers: [pulled(6), pulled(7)] });
  }

  #button({ button, sign, side, x, y, size = 64 }: (typeof BUTTONS)[number]): void {
    const part = document.createElement("div");
    part.textContent = sign;
    part.dataset.button = String(button);
    part.style.cssText = `${ROUND};width:${size}px;height:${size}px;${side}:${x}px;bottom:${y}px`;
    this.element.append(part);
    const set = (pressed: boolean) => {
      this.#buttons = pressed ? this.#buttons | (1 << button) : this.#buttons & ~(1 << button);
      part.style.background = pressed ? LIT : GLASS;
      this.#tell();
    };
    take(part, { down: () => set(true), move: () => undefined, up: () => set(false) });
  }

  #stick(): void {
    const base = document.createElement("div");
    const knob = document.createElement("div");
    base.style.cssText = `${ROUND};width:${STICK}px;height:${STICK}px;left:24px;bottom:24px`;
    knob.style.cssText = `width:${KNOB}px;height:${KNOB}px;border-radius:50%;background:rgb(244 241 250 / 55%)`;
    base.append(knob);
    this.element.append(base);
    const put = (x: number, y: number) => {
      this.#axes = [x, y];
      knob.style.transform = `translate(${(x / 32767) * REACH}px, ${(y / 32767) * REACH}px)`;
      this.#tell();
    };
    const follow = (event: PointerEvent) => {
      const box = base.getBoundingClientRect();
      put(...axes(event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2, REACH));
    };
    take(base, { down: follow, move: follow, up: () => put(0, 0) });
  }
}

/** Follows one finger from where it touches `part` until it leaves the screen; the picture beneath does not see it. */
function take(part: HTMLElement, act: Record<"down" | "move" | "up", (event: PointerEvent) => void>): void {
  let finger: number | undefined;
  part.addEventListener("pointerdown", (event) => {
    event.stopPropagation();
    event.preventDefault();
    if (finger !== undefined) return;
    finger = event.pointerId;
    part.setPointerCapture(finger);
    act.down(event);
  });
  part.addEventListener("pointermove", (event) => {
    event.stopPropagation();
    if (event.pointerId === finger) act.move(event);
  });
  const end = (event: PointerEvent) => {
    event.stopPropagation();
    if (event.pointerId !== finger) return;
    finger = undefined;
    act.up(event);
  };
  part.addEventListener("pointerup", end);
  part.addEventListener("pointercancel", end);
  for (const name of ["mousedown", "mouseup", "contextmenu"]) part.addEventListener(name, (event) => event.stopPropagation());
}
