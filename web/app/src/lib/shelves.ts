/** How films are put into order, found and named. */

import type { Film } from "./types";

/** "S2 E5" of an episode. */
export function episode(film: Pick<Film, "season" | "episode">): string | undefined {
  const parts = [film.season !== null && `S${film.season}`, film.episode !== null && `E${film.episode}`].filter(Boolean);
  return parts.length > 0 ? parts.join(" ") : undefined;
}

/** A show's episodes stand together, in their order; the rest by title. */
export function inOrder(films: readonly Film[]): Film[] {
  const name = (film: Film) => film.show ?? film.title;
  return [...films].sort(
    (a, b) =>
      name(a).localeCompare(name(b)) ||
      (a.season ?? 0) - (b.season ?? 0) ||
      (a.episode ?? 0) - (b.episode ?? 0) ||
      a.title.localeCompare(b.title),
  );
}

/** What came last comes first. */
export function newest(films: readonly Film[]): Film[] {
  return [...films].sort((a, b) => b.added_ms - a.added_ms || a.title.localeCompare(b.title));
}

/** Films in whose title, show or year every word stands, whatever its accents. */
export function find(films: readonly Film[], words: string): Film[] {
  const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLocaleLowerCase();
  const wanted = plain(words).split(/\s+/).filter(Boolean);
  return films.filter((film) => {
    const text = plain([film.title, film.show, film.year, episode(film)].join(" "));
    return wanted.every((word) => text.includes(word));
  });
}

/** The other episodes of a film's show. */
export function siblings(films: readonly Film[], film: Film): Film[] {
  return film.show === null ? [] : inOrder(films.filter((each) => each.show === film.show && each.id !== film.id));
}

/** The episode after this one. */
export function next(films: readonly Film[], film: Film): Film | undefined {
  if (film.show === null) return undefined;
  const show = inOrder(films.filter((each) => each.show === film.show && each.state === "ready"));
  const at = show.findIndex((each) => each.id === film.id);
  return at < 0 ? undefined : show[at + 1];
}
