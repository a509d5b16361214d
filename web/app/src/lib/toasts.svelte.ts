/** Short messages at the edge of the page, and ten seconds in which an act can be undone. */

import { sentence } from "./api";

export interface Toast {
  id: number;
  text: string;
  kind: "note" | "bad";
  /** Present while the act can be undone. */
  undo?: () => void;
  /** Seconds until the act is done. */
  left?: number;
  link?: { href: string; text: string };
}

const SHOWN_MS = 6000;
const UNDO_SECONDS = 10;

class Toasts {
  list = $state<Toast[]>([]);
  #next = 1;

  add(toast: Omit<Toast, "id">): number {
    const id = this.#next++;
    this.list.push({ id, ...toast });
    return id;
  }

  drop(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}

export const toasts = new Toasts();

/** Says something for a few seconds. */
export function note(text: string, link?: Toast["link"]): void {
  const id = toasts.add({ text, kind: "note", ...(link && { link }) });
  setTimeout(() => toasts.drop(id), SHOWN_MS);
}

/** Says what went wrong, until it is put away. */
export function complain(error: unknown): void {
  toasts.add({ text: sentence(error), kind: "bad" });
}

/**
 * Does something that cannot be taken back, but only ten seconds from now. The act is done at once where the page
 * is left before, since the person meant it. Gives whether it was done.
 */
export function undoable(text: string, act: (leaving: boolean) => Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    let open = true;
    const settle = (done: boolean) => {
      open = false;
      clearInterval(timer);
      removeEventListener("pagehide", leaving);
      toasts.drop(id);
      resolve(done);
    };
    const run = (leavingPage: boolean) => {
      if (!open) return;
      settle(true);
      act(leavingPage).catch(complain);
    };
    const leaving = () => run(true);
    addEventListener("pagehide", leaving);
    const id = toasts.add({ text, kind: "note", left: UNDO_SECONDS, undo: () => open && settle(false) });
    const end = Date.now() + UNDO_SECONDS * 1000;
    const timer = setInterval(() => {
      const toast = toasts.list.find((each) => each.id === id);
      const left = Math.ceil((end - Date.now()) / 1000);
      if (toast) toast.left = Math.max(0, left);
      if (left <= 0) run(false);
    }, 250);
  });
}
