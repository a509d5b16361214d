/** Cards as somebody chooses or writes them; what is wrong with one is said in a sentence. */

import { sentence } from "../../lib/api";
import { readCard } from "../../lib/sense/card";
import type { Card } from "../../lib/sense/models";
import { t } from "../../lib/text.svelte";

/** The longest card that the house keeps, in bytes. */
const LONGEST_CARD = 32 * 1024;

export function cardOf(text: string): Card {
  try {
    return readCard(text);
  } catch (error) {
    throw new Error(t("models.cardUnread", { why: sentence(error) }));
  }
}

export async function cardIn(file: File): Promise<Card> {
  if (file.size > LONGEST_CARD) throw new Error(t("models.cardLong", { file: file.name, most: LONGEST_CARD / 1024 }));
  return cardOf(await file.text());
}
