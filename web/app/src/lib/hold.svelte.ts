/** This device's place among the streams that an account may watch at a time. */

import { Problem, api } from "./api";
import { house } from "./house.svelte";
import type { Stream } from "./types";

export class Hold {
  /** Who has all the places, where there is none left. */
  taken = $state.raw<Stream[] | undefined>();
  /** The sentence of a place that was ended on another device. */
  lost = $state("");
  #id: string | undefined;
  #timer = 0;
  #left = false;

  /** `out` is called when this device may not go on. */
  constructor(private out: () => void) {}

  /** Takes a place for a film; `insteadOf` ends another stream for it. Whether there is one. */
  async take(film: string, insteadOf?: string): Promise<boolean> {
    if (house.me?.kind !== "account") return true;
    this.taken = undefined;
    this.lost = "";
    clearTimeout(this.#timer);
    try {
      const taken = await api<{ id: string; renew_s: number }>("POST", "/api/streams", { film, ...(insteadOf && { instead_of: insteadOf }) });
      this.#id = taken.id;
      if (this.#left) this.leave();
      else this.#renew(film, taken.renew_s * 1000);
    } catch (error) {
      if (error instanceof Problem && error.slug === "streams-taken") {
        this.taken = error.more.streams as Stream[];
        this.out();
        return false;
      }
      // Whatever else is wrong, the film itself says better.
    }
    return true;
  }

  #renew(film: string, every: number): void {
    this.#timer = window.setTimeout(() => {
      api("PUT", `/api/streams/${this.#id}`, {})
        .then(() => this.#renew(film, every))
        .catch((error: unknown) => {
          if (error instanceof Problem && error.slug === "stream-ended") {
            this.lost = error.message;
            this.#id = undefined;
            this.out();
          } else if (error instanceof Problem && error.status === 404) void this.take(film);
          else this.#renew(film, every);
        });
    }, every);
  }

  /** Gives the place up. */
  leave(): void {
    this.#left = true;
    clearTimeout(this.#timer);
    if (this.#id) void api("DELETE", `/api/streams/${this.#id}`, undefined, true).catch(() => undefined);
    this.#id = undefined;
  }
}
