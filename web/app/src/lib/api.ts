/** Requests to the server; every failure is a sentence. */

import { t } from "./text.svelte";

/** A problem+json answer, or no answer at all (`status` 0). */
export class Problem extends Error {
  override name = "Problem";
  constructor(
    message: string,
    readonly status: number,
    /** The slug of the problem's type, for instance `capacity`. */
    readonly slug: string,
    /** Everything else the server said. */
    readonly more: Record<string, unknown> = {},
  ) {
    super(message);
  }
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Asks the server; `Answer` is what the API promises for this route. Throws {@link Problem}. */
export async function api<Answer = void>(method: Method, path: string, body?: unknown, keepalive = false): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      keepalive,
      headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  } catch {
    throw new Problem(t("error.unreachable"), 0, "unreachable");
  }
  if (response.status === 204) return undefined as Answer;
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer as Answer;
  const more = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const sentence = typeof more.detail === "string" ? more.detail : more.title;
  const slug = typeof more.type === "string" ? more.type.replace(/^.*#/, "") : "";
  throw new Problem(
    typeof sentence === "string" ? sentence : t("error.status", { status: response.status }),
    response.status,
    slug,
    more,
  );
}

/** The sentence of anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
