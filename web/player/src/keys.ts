/** The keyboard: physical keys as Linux evdev codes, whatever the layout. */

/** `KeyboardEvent.code` to `KEY_*` of `linux/input-event-codes.h`. */
export const EVDEV: Readonly<Record<string, number>> = {
  Escape: 1, Digit1: 2, Digit2: 3, Digit3: 4, Digit4: 5, Digit5: 6, Digit6: 7, Digit7: 8, Digit8: 9, Digit9: 10,
  Digit0: 11, Minus: 12, Equal: 13, Backspace: 14, Tab: 15, KeyQ: 16, KeyW: 17, KeyE: 18, KeyR: 19, KeyT: 20,
  KeyY: 21, KeyU: 22, KeyI: 23, KeyO: 24, KeyP: 25, BracketLeft: 26, BracketRight: 27, Enter: 28, ControlLeft: 29,
  KeyA: 30, KeyS: 31, KeyD: 32, KeyF: 33, KeyG: 34, KeyH: 35, KeyJ: 36, KeyK: 37, KeyL: 38, Semicolon: 39, Quote: 40,
  Backquote: 41, ShiftLeft: 42, Backslash: 43, KeyZ: 44, KeyX: 45, KeyC: 46, KeyV: 47, KeyB: 48, KeyN: 49, KeyM: 50,
  Comma: 51, Period: 52, Slash: 53, ShiftRight: 54, NumpadMultiply: 55, AltLeft: 56, Space: 57, CapsLock: 58, F1: 59,
  F2: 60, F3: 61, F4: 62, F5: 63, F6: 64, F7: 65, F8: 66, F9: 67, F10: 68, NumLock: 69, ScrollLock: 70, Numpad7: 71,
  Numpad8: 72, Numpad9: 73, NumpadSubtract: 74, Numpad4: 75, Numpad5: 76, Numpad6: 77, NumpadAdd: 78, Numpad1: 79,
  Numpad2: 80, Numpad3: 81, Numpad0: 82, NumpadDecimal: 83, Lang5: 85, IntlBackslash: 86, F11: 87, F12: 88,
  IntlRo: 89, Lang3: 90, Lang4: 91, Convert: 92, KanaMode: 93, NonConvert: 94, NumpadEnter: 96, ControlRight: 97,
  NumpadDivide: 98, PrintScreen: 99, AltRight: 100, Home: 102, ArrowUp: 103, PageUp: 104, ArrowLeft: 105,
  ArrowRight: 106, End: 107, ArrowDown: 108, PageDown: 109, Insert: 110, Delete: 111, AudioVolumeMute: 113,
  AudioVolumeDown: 114, AudioVolumeUp: 115, Power: 116, NumpadEqual: 117, Pause: 119, NumpadComma: 121, Lang1: 122,
  Lang2: 123, IntlYen: 124, MetaLeft: 125, MetaRight: 126, ContextMenu: 127, BrowserStop: 128, Again: 129, Props: 130,
  Undo: 131, Copy: 133, Open: 134, Paste: 135, Find: 136, Cut: 137, Help: 138, LaunchApp2: 140, Sleep: 142,
  WakeUp: 143, LaunchApp1: 144, LaunchMail: 155, BrowserFavorites: 156, BrowserBack: 158, BrowserForward: 159,
  Eject: 161, MediaTrackNext: 163, MediaPlayPause: 164, MediaTrackPrevious: 165, MediaStop: 166, BrowserHome: 172,
  BrowserRefresh: 173, NumpadParenLeft: 179, NumpadParenRight: 180, F13: 183, F14: 184, F15: 185, F16: 186, F17: 187,
  F18: 188, F19: 189, F20: 190, F21: 191, F22: 192, F23: 193, F24: 194, BrowserSearch: 217, MediaSelect: 226,
  Fn: 464,
};

/** Older names that browsers still give some keys. */
const ALIASES: Readonly<Record<string, string>> = {
  OSLeft: "MetaLeft", OSRight: "MetaRight", VolumeMute: "AudioVolumeMute", VolumeDown: "AudioVolumeDown",
  VolumeUp: "AudioVolumeUp",
};

/** The evdev code of a physical key; `undefined` for one that Linux has no name for. */
export function evdev(code: string): number | undefined {
  return EVDEV[ALIASES[code] ?? code];
}

/** What the keyboard tells the player. */
export interface KeyEvents {
  key(code: number, pressed: boolean): void;
  text(text: string): void;
  releaseAll(): void;
  /** The player's own key combination (Ctrl+Alt+letter): true where it was one. */
  shortcut(letter: string): boolean;
}

/** Listens to the keyboard while `element`, or what is in it, has the focus. */
export class Keyboard {
  #held = new Set<number>();
  #abort = new AbortController();
  #composer: HTMLTextAreaElement | undefined;
  /** Whether keys go to the game; the page turns it off while its own controls are open. */
  active = true;

  constructor(
    private element: HTMLElement,
    private events: KeyEvents,
  ) {
    const { signal } = this.#abort;
    element.addEventListener("keydown", (event) => this.#down(event), { signal });
    element.addEventListener("keyup", (event) => this.#up(event), { signal });
    element.addEventListener("paste", (event) => this.#paste(event), { signal });
    element.addEventListener("focusout", () => this.release(), { signal });
    window.addEventListener("blur", () => this.release(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.release(), { signal });
  }

  /** Lets everything go that is held, in the game too. */
  release(): void {
    // Asked even where no key is held: a mouse button or a pad may be.
    this.#held.clear();
    this.events.releaseAll();
  }

  /**
   * The game asks for text, or no longer: a hidden field takes the focus, so that input methods and the keyboards
   * of phones work.
   */
  wantText(wanted: boolean): void {
    if (!wanted) {
      this.#composer?.remove();
      this.#composer = undefined;
      this.element.focus({ preventScroll: true });
      return;
    }
    if (this.#composer) return;
    const field = document.createElement("textarea");
    field.setAttribute("aria-label", "Text");
    field.autocapitalize = "off";
    field.spellcheck = false;
    field.style.cssText = "position:absolute;opacity:0;width:1px;height:1px;border:0;padding:0;pointer-events:none";
    field.addEventListener("input", (event) => {
      if ((event as InputEvent).isComposing) return;
      if (field.value) this.events.text(field.value);
      field.value = "";
    });
    field.addEventListener("compositionend", () => {
      if (field.value) this.events.text(field.value);
      field.value = "";
    });
    this.#composer = field;
    this.element.append(field);
    field.focus({ preventScroll: true });
  }

  close(): void {
    this.#composer?.remove();
    this.#abort.abort();
  }

  #down(event: KeyboardEvent): void {
    if (!this.active || event.isComposing) return;
    if (event.ctrlKey && event.altKey && this.events.shortcut(event.code.replace(/^Key/, ""))) {
      event.preventDefault();
      return;
    }
    // A character typed into the hidden field arrives as text; its key would come a second time.
    if (this.#composer && [...event.key].length === 1 && !event.ctrlKey && !event.altKey && !event.metaKey) return;
    // The browser turns Ctrl+V into a paste event, which brings the text itself.
    if (this.#composer && event.ctrlKey && event.code === "KeyV") return;
    event.preventDefault();
    const code = evdev(event.code);
    // The game repeats held keys by itself.
    if (code === undefined || event.repeat || this.#held.has(code)) return;
    this.#held.add(code);
    this.events.key(code, true);
  }

  #up(event: KeyboardEvent): void {
    const code = evdev(event.code);
    if (code === undefined) return;
    if (this.active) event.preventDefault();
    if (this.#held.delete(code)) this.events.key(code, false);
    // macOS sends no key-up for keys that were let go while Command was down.
    if (event.code.startsWith("Meta") && this.#held.size > 0) this.release();
  }

  #paste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain");
    if (!this.active || !text) return;
    event.preventDefault();
    this.events.text(text);
  }
}

/** Keys that a browser keeps for itself are given to the game while it fills the screen, where the browser can. */
export async function lockKeyboard(): Promise<void> {
  const keyboard = (navigator as { keyboard?: { lock?: () => Promise<void> } }).keyboard;
  // Refused outside full screen or without permission: the game then simply lacks those keys.
  await keyboard?.lock?.().catch(() => undefined);
}
