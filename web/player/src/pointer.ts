/** The pointer: mouse and pen as absolute or locked motion, wheel, and fingers. */

import { type Box, onPicture } from "./geometry";
import { type Input, TouchPhase } from "./protocol";

/** Least time between two states of the same kind: mice report up to 8000 times a second, games read 60 times. */
const STATE_EVERY_MS = 4;
/** A resting pointer is told once more after this long, since its last state may have been lost. */
const REPEAT_AFTER_MS = 60;
/** Relative motion travels in 1/16 pixel. */
const MOTION_UNIT = 16;
/** Fingers that are followed at a time. */
const FINGERS = 10;

/** `PointerEvent.button` to `BTN_LEFT`, `BTN_MIDDLE`, `BTN_RIGHT`, `BTN_SIDE`, `BTN_EXTRA`. */
const BUTTONS = [0x110, 0x112, 0x111, 0x113, 0x114];

/** The wheel's turn in 1/120 notches. */
export function notches(delta: number, mode: number): number {
  if (mode === 1) return delta * 40; // Three lines are a notch.
  if (mode === 2) return delta * 120;
  return delta * 1.2; // 100 pixels are a notch.
}

/** What the pointer needs of the player. */
export interface PointerEvents {
  send(input: Input, reliably?: boolean): void;
  /** Where the picture is on the page now. */
  picture(): Box;
  /** Anything the person did: sound may start, controls may appear. */
  touched(): void;
  /** The lock of the pointer came or went. */
  locked(locked: boolean): void;
}

/** Sends a state now, or soon if one was just sent; and once more when it rests. */
class Throttle {
  #last = 0;
  #timer = 0;
  constructor(private run: () => void) {}
  call(): void {
    const wait = this.#last + STATE_EVERY_MS - performance.now();
    clearTimeout(this.#timer);
    if (wait <= 0) this.#fire(true);
    else this.#timer = window.setTimeout(() => this.#fire(true), wait);
  }
  stop(): void {
    clearTimeout(this.#timer);
  }
  #fire(repeat: boolean): void {
    this.#last = performance.now();
    this.run();
    if (repeat) this.#timer = window.setTimeout(() => this.#fire(false), REPEAT_AFTER_MS);
  }
}

/** Listens to the pointer over `element`. */
export class Pointer {
  #abort = new AbortController();
  #at = { x: 0, y: 0 };
  #sum = { x: 0, y: 0 };
  #wheel = { x: 0, y: 0 };
  #wanted = false;
  #rawMotion = false;
  #fingers = new Map<number, { id: number; throttle: Throttle; x: number; y: number }>();
  #absolute = new Throttle(() => this.events.send({ kind: "pointer", ...this.#at }));
  #relative = new Throttle(() =>
    this.events.send({ kind: "motion", sum_x: Math.round(this.#sum.x), sum_y: Math.round(this.#sum.y) }),
  );
  /** Whether the pointer goes to the game. */
  active = true;

  constructor(
    private element: HTMLElement,
    private events: PointerEvents,
  ) {
    const on = (name: string, listener: (event: never) => void) =>
      element.addEventListener(name, listener as EventListener, { signal: this.#abort.signal, passive: false });
    element.style.touchAction = "none";
    // Raw updates come as the mouse reports them; plain moves wait for the next picture of the page.
    on("pointerrawupdate", (event: PointerEvent) => this.#move(event, true));
    on("pointermove", (event: PointerEvent) => this.#move(event, false));
    on("pointerdown", (event: PointerEvent) => this.#down(event));
    on("pointerup", (event: PointerEvent) => this.#up(event, TouchPhase.up));
    on("pointercancel", (event: PointerEvent) => this.#up(event, TouchPhase.cancel));
    // A second mouse button is no pointer event of its own, so that buttons are taken from mouse events.
    on("mousedown", (event: MouseEvent) => this.#press(event));
    on("mouseup", (event: MouseEvent) => this.active && this.#button(event.button, false));
    on("wheel", (event: WheelEvent) => this.#turn(event));
    on("contextmenu", (event: Event) => event.preventDefault());
    on("dragstart", (event: Event) => event.preventDefault());
    document.addEventListener("pointerlockchange", () => this.events.locked(this.isLocked), {
      signal: this.#abort.signal,
    });
  }

  get isLocked(): boolean {
    return document.pointerLockElement === this.element;
  }

  /** The game takes the pointer (locked at the next click, which browsers ask for) or frees it. */
  want(locked: boolean): void {
    this.#wanted = locked;
    if (locked) this.#lock();
    else if (this.isLocked) document.exitPointerLock();
  }

  /** Whether the game wants the pointer and the page does not have it yet. */
  get waitsForClick(): boolean {
    return this.#wanted && !this.isLocked;
  }

  /** A new connection counts relative motion from zero. */
  restart(): void {
    this.#sum = { x: 0, y: 0 };
  }

  close(): void {
    this.#abort.abort();
    this.#absolute.stop();
    this.#relative.stop();
    for (const finger of this.#fingers.values()) finger.throttle.stop();
    if (this.isLocked) document.exitPointerLock();
  }

  #lock(): void {
    const ask = (options?: { unadjustedMovement: boolean }) =>
      // Older browsers answer nothing where newer ones answer a promise.
      Promise.resolve((this.element.requestPointerLock as (options?: object) => unknown)(options));
    ask({ unadjustedMovement: true })
      // Not every system can give motion without acceleration.
      .catch((error: unknown) => (error instanceof DOMException && error.name === "NotSupportedError" ? ask() : undefined))
      // Refused without a click: the hint stays and the next click asks again.
      .catch(() => undefined)
      .finally(() => this.events.locked(this.isLocked));
  }

  #move(event: PointerEvent, raw: boolean): void {
    if (!this.active) return;
    if (event.pointerType === "touch") this.#fingerMove(event);
    else if (this.isLocked) this.#moveBy(event, raw);
    else {
      const at = onPicture(this.events.picture(), event.clientX, event.clientY);
      if (at.x === this.#at.x && at.y === this.#at.y) return;
      this.#at = at;
      this.#absolute.call();
    }
  }

  #moveBy(event: PointerEvent, raw: boolean): void {
    // A browser that tells relative motion as it comes tells it again, summed, with the next plain move.
    if (!raw && this.#rawMotion) return;
    // An event's own movement is the sum of its coalesced ones.
    if (event.movementX === 0 && event.movementY === 0) return;
    this.#rawMotion ||= raw;
    this.#sum.x = (this.#sum.x + event.movementX * MOTION_UNIT) | 0;
    this.#sum.y = (this.#sum.y + event.movementY * MOTION_UNIT) | 0;
    this.#relative.call();
  }

  #fingerMove(event: PointerEvent): void {
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    const at = onPicture(this.events.picture(), event.clientX, event.clientY);
    if (at.x === finger.x && at.y === finger.y) return;
    Object.assign(finger, at);
    finger.throttle.call();
  }

  #down(event: PointerEvent): void {
    this.events.touched();
    if (!this.active) return;
    if (event.pointerType === "touch") {
      // No mouse events follow a finger.
      event.preventDefault();
      this.element.focus({ preventScroll: true });
      this.#fingerDown(event);
    } else if (!this.isLocked) {
      this.element.setPointerCapture(event.pointerId);
    }
  }

  #press(event: MouseEvent): void {
    if (!this.active) return;
    event.preventDefault();
    this.element.focus({ preventScroll: true });
    if (this.waitsForClick) this.#lock();
    if (!this.isLocked) this.#at = onPicture(this.events.picture(), event.clientX, event.clientY);
    this.#button(event.button, true);
  }

  #fingerDown(event: PointerEvent): void {
    const taken = new Set([...this.#fingers.values()].map((finger) => finger.id));
    const id = Array.from({ length: FINGERS }, (_, index) => index).find((index) => !taken.has(index));
    if (id === undefined) return;
    const at = onPicture(this.events.picture(), event.clientX, event.clientY);
    const finger = { id, ...at, throttle: new Throttle(() => this.#touch(finger, TouchPhase.move)) };
    this.#fingers.set(event.pointerId, finger);
    this.#touch(finger, TouchPhase.down);
  }

  #up(event: PointerEvent, phase: TouchPhase): void {
    const finger = this.#fingers.get(event.pointerId);
    if (!finger) return;
    this.#fingers.delete(event.pointerId);
    finger.throttle.stop();
    if (phase === TouchPhase.up) Object.assign(finger, onPicture(this.events.picture(), event.clientX, event.clientY));
    this.#touch(finger, phase);
  }

  #touch(finger: { id: number; x: number; y: number }, phase: TouchPhase): void {
    this.events.send({ kind: "touch", id: finger.id, phase, x: finger.x, y: finger.y });
  }

  #button(button: number, pressed: boolean): void {
    const code = BUTTONS[button];
    if (code !== undefined) this.events.send({ kind: "button", code, pressed, ...this.#at });
  }

  #turn(event: WheelEvent): void {
    if (!this.active) return;
    event.preventDefault();
    this.#wheel.x += notches(event.deltaX, event.deltaMode);
    this.#wheel.y += notches(event.deltaY, event.deltaMode);
    const clamp = (value: number) => Math.max(-32768, Math.min(32767, Math.trunc(value)));
    const dx = clamp(this.#wheel.x);
    const dy = clamp(this.#wheel.y);
    this.#wheel = { x: this.#wheel.x - dx, y: this.#wheel.y - dy };
    if (dx !== 0 || dy !== 0) this.events.send({ kind: "wheel", dx, dy });
  }
}
