/** The words of the pages, in the person's language. */

import en from "../text/en.json";

export type Key = keyof typeof en;
export type Language = "en" | "de" | "ja";

/** Languages by their own names. */
export const LANGUAGES: Record<Language, string> = { en: "English", de: "Deutsch", ja: "日本語" };

const load: Record<Language, () => Promise<Record<Key, string>>> = {
  en: () => Promise.resolve(en),
  de: () => import("../text/de.json").then((module) => module.default),
  ja: () => import("../text/ja.json").then((module) => module.default),
};

const STORED = "playhouse.language";

class Words {
  table = $state.raw<Record<Key, string>>(en);
  language = $state<Language>("en");
}

const words = new Words();

/** The sentence of a key, with `{names}` filled in. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  return words.table[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The language in use. */
export function language(): Language {
  return words.language;
}

/** Changes the language and remembers it. */
export async function speak(choice: Language, remember = true): Promise<void> {
  words.table = await load[choice]();
  words.language = choice;
  document.documentElement.lang = choice;
  if (remember) localStorage.setItem(STORED, choice);
}

/** Starts in the chosen language, else in the browser's first that the pages know. */
export async function startText(): Promise<void> {
  const stored = localStorage.getItem(STORED);
  const known = (name: string | null | undefined): name is Language => !!name && name in LANGUAGES;
  const choice = known(stored) ? stored : navigator.languages.map((name) => name.slice(0, 2)).find(known);
  if (choice && choice !== "en") await speak(choice, false).catch(() => undefined);
}
