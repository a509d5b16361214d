/** Patterns of addresses. */

/** The parts of a path that fit a pattern such as `/title/:id`; `undefined` where it does not fit. */
export function match(pattern: string, path: string): Record<string, string> | undefined {
  const want = pattern.split("/");
  const have = path.replace(/\/$/, "").split("/");
  if (path === "/") have.splice(1);
  if (pattern === "/") want.splice(1);
  if (want.length !== have.length) return undefined;
  const found: Record<string, string> = {};
  for (const [index, part] of want.entries()) {
    const given = have[index] ?? "";
    if (part.startsWith(":") && given) {
      try {
        found[part.slice(1)] = decodeURIComponent(given);
      } catch {
        return undefined;
      }
    } else if (part !== given) return undefined;
  }
  return found;
}
