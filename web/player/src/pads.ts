/** Gamepads: the browser's standard mapping, polled once per picture of the display while a pad is there. */

import { type Input, type PadState, MAX_PADS } from "./protocol";

/** Least change of an axis, of 32767, that is worth sending. */
const AXIS_STEP = 96;
/** Polls without change after which the resting state is sent reliably, since the last unreliable one may be lost. */
const SETTLED = 3;
/** Select and start, held together, are the menu for pads without a guide button. */
const MENU_CHORD = (1 << 8) | (1 << 9);
const GUIDE = 1 << 16;
/** Stands for the pad on the screen where the browser's pads have their index. */
const SCREEN = -1;

const scaled = (value: number) => Math.round(Math.max(-1, Math.min(1, value)) * 32767);

/** Reads a pad as the browser gives it. */
export function padState(pad: Pick<Gamepad, "buttons" | "axes">): PadState {
  let buttons = 0;
  pad.buttons.slice(0, 17).forEach((button, index) => {
    if (button.pressed) buttons |= 1 << index;
  });
  const axis = (index: number) => scaled(pad.axes[index] ?? 0);
  const trigger = (index: number) => Math.round((pad.buttons[index]?.value ?? 0) * 255);
  return { buttons, axes: [axis(0), axis(1), axis(2), axis(3)], triggers: [trigger(6), trigger(7)] };
}

/** How a state differs from the one before: edges are sent reliably, movement is not. */
export function change(before: PadState, now: PadState): "edge" | "movement" | "none" {
  if (before.buttons !== now.buttons) return "edge";
  const moved = now.axes.some((value, index) => {
    const old = before.axes[index] ?? 0;
    return Math.abs(value - old) >= AXIS_STEP || (value !== old && (value === 0 || Math.abs(value) === 32767));
  });
  const pulled = now.triggers.some((value, index) => value !== before.triggers[index]);
  return moved || pulled ? "movement" : "none";
}

const neutral = (): PadState => ({ buttons: 0, axes: [0, 0, 0, 0], triggers: [0, 0] });

interface Slot {
  /** The browser's index of the pad. */
  index: number;
  last: PadState;
  /** Polls since the last change. */
  quiet: number;
  menuDown: boolean;
}

/** What pads need of the player. */
export interface PadEvents {
  send(input: Input, reliably?: boolean): void;
  /** The guide button, or select and start together. */
  menu(): void;
  /** How many pads there are now. */
  count(pads: number): void;
}

/** Watches the browser's pads. */
export class Pads {
  #slots: (Slot | undefined)[] = Array.from({ length: MAX_PADS }, () => undefined);
  #abort = new AbortController();
  #loop = 0;
  #active = true;

  constructor(private events: PadEvents) {
    const { signal } = this.#abort;
    window.addEventListener("gamepadconnected", (event) => this.#join(event.gamepad), { signal });
    window.addEventListener("gamepaddisconnected", (event) => this.#leave(event.gamepad.index), { signal });
    for (const pad of navigator.getGamepads?.() ?? []) if (pad) this.#join(pad);
  }

  /** Whether pads go to the game; while not, the game sees them at rest. */
  set active(active: boolean) {
    if (this.#active === active) return;
    this.#active = active;
    this.#slots.forEach((slot, pad) => {
      if (!slot) return;
      slot.last = neutral();
      if (!active) this.events.send({ kind: "pad", pad, state: neutral() }, true);
    });
  }

  /** Tells a new connection which pads there are. */
  announce(): void {
    this.#slots.forEach((slot, pad) => {
      if (!slot) return;
      slot.last = neutral();
      this.events.send({ kind: "pad_connect", pad, connected: true }, true);
    });
  }

  /** Shakes a pad; motors from 0 to 65535. */
  rumble(pad: number, strong: number, weak: number, milliseconds: number): void {
    const slot = this.#slots[pad];
    const actuator = slot && navigator.getGamepads()[slot.index]?.vibrationActuator;
    // A pad without motors refuses; there is nothing to do about it.
    actuator
      ?.playEffect("dual-rumble", {
        duration: milliseconds,
        strongMagnitude: strong / 65535,
        weakMagnitude: weak / 65535,
      })
      .catch(() => undefined);
  }

  close(): void {
    this.#abort.abort();
    cancelAnimationFrame(this.#loop);
  }

  /** The pad on the screen: its state from now on, or nothing where it went away. */
  screen(state: PadState | undefined): void {
    if (!state) {
      this.#leave(SCREEN);
      return;
    }
    this.#join({ index: SCREEN });
    const pad = this.#slots.findIndex((slot) => slot?.index === SCREEN);
    const slot = this.#slots[pad];
    if (!slot || !this.#active) return;
    const kind = change(slot.last, state);
    // Where the stick rests must not be lost: nothing follows it.
    const rests = state.axes.every((axis) => axis === 0);
    slot.last = state;
    if (kind !== "none") this.events.send({ kind: "pad", pad, state }, kind === "edge" || rests);
  }

  #join(gamepad: Pick<Gamepad, "index">): void {
    if (this.#slots.some((slot) => slot?.index === gamepad.index)) return;
    const pad = this.#slots.indexOf(undefined);
    if (pad < 0) return;
    this.#slots[pad] = { index: gamepad.index, last: neutral(), quiet: 0, menuDown: false };
    this.events.send({ kind: "pad_connect", pad, connected: true }, true);
    this.#counted();
    if (this.#loop === 0) this.#poll();
  }

  #leave(index: number): void {
    const pad = this.#slots.findIndex((slot) => slot?.index === index);
    if (pad < 0) return;
    this.#slots[pad] = undefined;
    this.events.send({ kind: "pad_connect", pad, connected: false }, true);
    this.#counted();
  }

  #counted(): void {
    this.events.count(this.#slots.filter((slot) => slot !== undefined).length);
  }

  #poll = (): void => {
    this.#loop = 0;
    const pads = navigator.getGamepads();
    this.#slots.forEach((slot, pad) => {
      const gamepad = slot && pads[slot.index];
      if (slot && gamepad) this.#read(slot, pad, gamepad);
    });
    if (this.#slots.some((slot) => slot !== undefined && slot.index !== SCREEN)) this.#loop = requestAnimationFrame(this.#poll);
  };

  #read(slot: Slot, pad: number, gamepad: Gamepad): void {
    const state = padState(gamepad);
    const menu = (state.buttons & GUIDE) !== 0 || (state.buttons & MENU_CHORD) === MENU_CHORD;
    if (menu && !slot.menuDown) this.events.menu();
    slot.menuDown = menu;
    if (!this.#active) return;
    const kind = change(slot.last, state);
    if (kind === "none") {
      slot.quiet += 1;
      if (slot.quiet === SETTLED) this.events.send({ kind: "pad", pad, state: slot.last }, true);
      return;
    }
    slot.quiet = 0;
    slot.last = state;
    this.events.send({ kind: "pad", pad, state }, kind === "edge");
  }
}
