/** A model's card as text: TOML as our scripts write it, or JSON as the house keeps it. */

import { parse } from "smol-toml";
import type { Card } from "./models";

/** Reads a card; throws with the reason, in one line, where it is none. */
export function readCard(text: string): Card {
  if (text.trim() === "") return {};
  try {
    const card: unknown = text.trimStart().startsWith("{") ? JSON.parse(text) : parse(text);
    // Dates and large numbers of TOML become what JSON has for them.
    return JSON.parse(JSON.stringify(card)) as Card;
  } catch (error) {
    // The reader of TOML draws below its first line where it stopped.
    throw new Error(String((error as Error).message).split("\n")[0]);
  }
}

/** As JSON that people can read. */
export const writeCard = (card: Card): string => (Object.keys(card).length === 0 ? "" : JSON.stringify(card, undefined, 2));
