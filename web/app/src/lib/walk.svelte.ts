/** Walking through the pages by arrow keys and by gamepad. */

import { back } from "./router.svelte";
import { type Direction, keepsArrows, move } from "./spatial";
import { sit } from "./theme.svelte";

/** A held direction repeats after this long, and then so often. */
const REPEAT_FIRST_MS = 420;
const REPEAT_MS = 140;
/** The stick counts as a direction beyond this part of its way. */
const STICK = 0.5;

const ARROWS: Record<string, Direction> = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
};

/** A page that takes directions and the way back for itself, as far as it wants them: it answers whether it did. */
export interface Guide {
  turn(direction: Direction): boolean;
  back(): boolean;
}

/** Whether pads walk through the page; a game that is being played has them for itself. */
export const walk = $state({ pads: true, menu: false, guide: undefined as Guide | undefined });

/** Closes what is on top, else goes back a page. */
function leave(): void {
  const dialogs = document.querySelectorAll<HTMLDialogElement>("dialog[open]");
  const top = dialogs[dialogs.length - 1];
  if (top) top.dispatchEvent(new Event("cancel", { cancelable: true }));
  else if (!walk.guide?.back()) back();
}

/** Goes in a direction: within the dialog on top, else as the page has it, else to what lies there. */
function turn(direction: Direction): boolean {
  const open = document.querySelector("dialog[open]") !== null;
  return (!open && walk.guide?.turn(direction) === true) || move(direction);
}

function keys(event: KeyboardEvent): void {
  const direction = ARROWS[event.key];
  if (!direction || event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (keepsArrows(document.activeElement, direction)) return;
  if (turn(direction)) event.preventDefault();
}

function directionOf(pad: Gamepad): Direction | undefined {
  const pressed = (index: number) => pad.buttons[index]?.pressed;
  const [x = 0, y = 0] = pad.axes;
  if (pressed(12) || (y < -STICK && Math.abs(y) >= Math.abs(x))) return "up";
  if (pressed(13) || (y > STICK && Math.abs(y) >= Math.abs(x))) return "down";
  if (pressed(14) || x < -STICK) return "left";
  if (pressed(15) || x > STICK) return "right";
  return undefined;
}

/** What one pad was doing at the last look. */
interface Held {
  direction: Direction | undefined;
  next: number;
  buttons: boolean[];
}

function act(held: Held, pad: Gamepad, now: number): void {
  const direction = directionOf(pad);
  if (direction !== held.direction || (direction && now >= held.next)) {
    if (direction) {
      sit(true);
      const active = document.activeElement;
      const slider = active instanceof HTMLInputElement && active.type === "range";
      if (slider && (direction === "left" || direction === "right")) step(active, direction);
      else turn(direction);
    }
    held.next = now + (direction === held.direction ? REPEAT_MS : REPEAT_FIRST_MS);
    held.direction = direction;
  }
  const edge = (index: number) => pad.buttons[index]?.pressed === true && !held.buttons[index];
  if (edge(0) && document.activeElement instanceof HTMLElement) {
    sit(true);
    document.activeElement.click();
  }
  if (edge(1)) leave();
  if (edge(9)) walk.menu = !walk.menu;
  held.buttons = pad.buttons.map((button) => button.pressed);
}

function step(slider: HTMLInputElement, direction: Direction): void {
  const by = direction === "right" ? 1 : -1;
  // A slider without steps of its own says how far one goes.
  if (slider.step === "any") slider.valueAsNumber += by * Number(slider.dataset.step ?? 1);
  else slider.stepUp(by);
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Starts listening; pads are looked at only while there are any. */
export function startWalk(): void {
  const held = new Map<number, Held>();
  let loop = 0;
  const poll = (now: number) => {
    const pads = navigator.getGamepads().filter((pad) => pad !== null);
    loop = pads.length > 0 ? requestAnimationFrame(poll) : 0;
    for (const pad of pads) {
      const before = held.get(pad.index) ?? { direction: undefined, next: 0, buttons: [] };
      held.set(pad.index, before);
      if (walk.pads) act(before, pad, now);
      // What is held while a game has the pad must not count as pressed when the page gets it back.
      else before.buttons = pad.buttons.map((button) => button.pressed);
    }
  };
  addEventListener("keydown", keys);
  addEventListener("gamepadconnected", () => loop === 0 && (loop = requestAnimationFrame(poll)));
  addEventListener("pointerdown", () => sit(false));
}
