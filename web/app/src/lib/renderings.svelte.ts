/** Films that are being made playable, as far as the pages know of them. */

import { api } from "./api";
import type { Rendering } from "./types";

class Renderings {
  all = $state<Rendering[]>([]);

  /** Those that run or wait. */
  get open(): Rendering[] {
    return this.all.filter(({ state }) => state === "running" || state === "paused" || state === "waiting");
  }

  of(film: string): Rendering | undefined {
    return this.all.find((each) => each.film === film);
  }

  async load(): Promise<void> {
    this.all = (await api<{ renderings: Rendering[] }>("GET", "/api/renderings")).renderings;
  }

  /** The newer state of one. */
  take(rendering: Rendering): void {
    const known = this.all.some(({ film }) => film === rendering.film);
    this.all = known ? this.all.map((each) => (each.film === rendering.film ? rendering : each)) : [...this.all, rendering];
  }

  /** Has it made playable, or in other codings beside those that there are. */
  async ask(film: string, also: readonly string[] = []): Promise<void> {
    const wish = also.length > 0 ? `?also=${also.join(",")}` : "";
    this.take(await api<Rendering>("POST", `${path(film)}${wish}`));
  }

  async cancel(film: string): Promise<void> {
    await api("DELETE", path(film));
    await this.load();
  }
}

export const renderings = new Renderings();

const path = (film: string) => `/api/films/${encodeURIComponent(film)}/rendering`;
