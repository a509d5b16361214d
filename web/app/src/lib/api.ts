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

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** What an answer that is none says. */
export async function problem(response: Response): Promise<Problem> {
  const answer: unknown = await response.json().catch(() => undefined);
  const more = (typeof answer === "object" && answer !== null ? answer : {}) as Record<string, unknown>;
  const sentence = typeof more.detail === "string" ? more.detail : more.title;
  const slug = typeof more.type === "string" ? more.type.replace(/^.*#/, "") : "";
  const text = typeof sentence === "string" ? sentence : t("error.status", { status: response.status });
  return new Problem(text, response.status, slug, more);
}

/** Asks the server; gives its answer, whatever it is. Throws {@link Problem} where there is none. */
export async function request(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Problem(t("error.unreachable"), 0, "unreachable");
  }
}

/** Asks the server; `Answer` is what the API promises for this route. Throws {@link Problem}. */
export async function api<Answer = void>(method: Method, path: string, body?: unknown, keepalive = false): Promise<Answer> {
  const response = await request(path, {
    method,
    keepalive,
    headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (response.status === 204) return undefined as Answer;
  if (!response.ok) throw await problem(response);
  return (await response.json().catch(() => undefined)) as Answer;
}

/** The sentence of anything that was thrown. */
export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
