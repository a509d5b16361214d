/** The films of the house, as far as the pages have asked for them. */

import { api } from "./api";
import { type Place, goesOnAt } from "./bookmark";
import type { Film, FilmDetail } from "./types";

/** What a film's page has just asked for need not be asked for again to play it. */
const FRESH_MS = 60_000;

class Films {
  list = $state<Film[] | undefined>();
  /** The last place that is being written down: what is asked for meanwhile would not have it yet. */
  #written: Promise<unknown> = Promise.resolve();
  #last: { at: number; film: FilmDetail } | undefined;

  /** Films that were begun and not finished; what was watched last comes first. */
  get going(): Film[] | undefined {
    return this.list
      ?.filter((film) => film.state === "ready" && goesOnAt(film) > 0)
      .sort((a, b) => (b.watched_ms ?? 0) - (a.watched_ms ?? 0));
  }

  async load(): Promise<void> {
    await this.#written;
    this.list = (await api<{ films: Film[] }>("GET", "/api/films")).films;
  }

  /** A film with its tracks and addresses. */
  async one(id: string): Promise<FilmDetail> {
    await this.#written;
    const film = await api<FilmDetail>("GET", path(id));
    this.#last = { at: performance.now(), film };
    this.take(film);
    return film;
  }

  /** The film that was asked for last, if it was this one, and just now. */
  fresh(id: string): FilmDetail | undefined {
    const last = this.#last;
    return last?.film.id === id && performance.now() - last.at < FRESH_MS ? last.film : undefined;
  }

  /** Writes down where a film was left; `leaving` where the page may be gone before the answer. */
  keep(id: string, place: Place, leaving: boolean): Promise<void> {
    const writing = api("PUT", `${path(id)}/position`, place, leaving);
    this.#written = writing.catch(() => undefined);
    this.#last = undefined;
    return writing;
  }

  /** Looks for new, moved and missing files. */
  async rescan(): Promise<void> {
    this.list = (await api<{ films: Film[] }>("POST", "/api/films/rescan")).films;
  }

  /** Takes a film away, and its file with it. */
  async remove(film: Film): Promise<void> {
    await api("DELETE", `${path(film.id)}${film.state === "missing" ? "" : "?file=true"}`);
    this.list = this.list?.filter(({ id }) => id !== film.id);
  }

  /** Somebody else is watching now, who sees other films and left them elsewhere. */
  forget(): void {
    this.list = undefined;
    this.#last = undefined;
  }

  /** Says whether a film was watched, without watching it. */
  async mark(film: Film, finished: boolean): Promise<void> {
    await this.keep(film.id, { seconds: 0, finished }, false);
    this.take({ ...film, finished, position_s: 0, watched_ms: Date.now() });
  }

  /** A film's newer state. */
  take(film: Film): void {
    this.list = this.list?.map((each) => (each.id === film.id ? film : each));
  }
}

export const films = new Films();

/** The address of a film in the API. */
const path = (id: string) => `/api/films/${encodeURIComponent(id)}`;
