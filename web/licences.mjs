// Fails when a package of the pages is not licensed permissively: reads what the lock file says of each.
import { readFileSync } from "node:fs";

const PERMISSIVE = new Set([
  "MIT", "MIT-0", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "CC0-1.0", "Unlicense", "Zlib",
  "BlueOak-1.0.0", "Python-2.0", "CC-BY-4.0", "OFL-1.1",
]);
/** Used to build or to test, never shipped: a file-level copyleft touches nobody. */
const TOOLS = new Set(["MPL-2.0"]);

const lock = JSON.parse(readFileSync(new URL("package-lock.json", import.meta.url), "utf8"));
const wrong = Object.entries(lock.packages)
  .filter(([path, entry]) => path.includes("node_modules/") && !entry.link)
  .filter(([, entry]) => {
    const options = (entry.license ?? "none").replaceAll(/[()]/g, "").split(" OR ");
    const fine = (name) => PERMISSIVE.has(name) || (entry.dev && TOOLS.has(name));
    return !options.some((option) => option.split(" AND ").every(fine));
  })
  .map(([path, entry]) => `${path.replace(/^.*node_modules\//, "")}: ${entry.license ?? "no licence"}`);
if (wrong.length > 0) {
  console.error(`Not permissively licensed:\n${wrong.join("\n")}`);
  process.exit(1);
}
