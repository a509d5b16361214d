/** Which page is shown: paths of the history API, matched one after the other. */

import { tick } from "svelte";

/** Where the page is. */
export const place = $state({ path: location.pathname, query: new URLSearchParams(location.search) });

function read(): void {
  place.path = location.pathname;
  place.query = new URLSearchParams(location.search);
}

/** Goes to a path of the app. */
export function go(path: string, how: "push" | "replace" = "push"): void {
  if (how === "push") history.pushState({ inside: true }, "", path);
  else history.replaceState(history.state, "", path);
  read();
  void arrive();
}

/** Goes back, or to another path where there is nothing to go back to. */
export function back(otherwise = "/"): void {
  if ((history.state as { inside?: boolean } | null)?.inside) history.back();
  else if (place.path !== otherwise) go(otherwise, otherwise === "/" ? "push" : "replace");
}

/** The focus follows the page: to what the page names, else to its heading. */
async function arrive(): Promise<void> {
  await tick();
  scrollTo(0, 0);
  const main = document.querySelector<HTMLElement>("main");
  const target = main?.querySelector<HTMLElement>("[data-first]") ?? main?.querySelector<HTMLElement>("h1") ?? main;
  target?.focus({ preventScroll: true });
}

/** Takes clicks on links within the app. */
export function start(): void {
  addEventListener("popstate", () => {
    read();
    void arrive();
  });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest?.("a");
    if (!link || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href, location.href);
    const elsewhere = url.origin !== location.origin || url.pathname.startsWith("/api");
    if (elsewhere || link.target || link.hasAttribute("download")) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
}
