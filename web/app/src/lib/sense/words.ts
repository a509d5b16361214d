/** What things and spans are called, in the person's language. */

import { length } from "../format";
import { type Key, t } from "../text.svelte";

/** What our own models call things; those of others keep their own words. */
const THINGS: Record<string, Key> = { person: "thing.person", trolley: "thing.trolley", box: "thing.box" };

/** A thing as a sentence begins with it; a number where the model does not say. */
export function thing(labels: readonly string[] | undefined, label: number): string {
  const word = labels?.[label];
  if (!word) return `#${label}`;
  const key = THINGS[word];
  return key ? t(key) : word.charAt(0).toUpperCase() + word.slice(1);
}

/** "12 s", or "3 min". */
export const span = (ms: number): string => (ms < 60_000 ? t("told.seconds", { count: Math.max(1, Math.round(ms / 1000)) }) : length(ms / 1000));
