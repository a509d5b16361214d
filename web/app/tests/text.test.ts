import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import de from "../src/text/de.json";
import en from "../src/text/en.json";
import ja from "../src/text/ja.json";

const source = join(import.meta.dirname, "../src");
const code = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(svelte|ts)$/.test(name))
  .map((name) => readFileSync(join(source, name), "utf8"))
  .join("\n");
const used = new Set([...code.matchAll(/"([a-z]\w*\.[a-z]\w*)"/gi)].map(([, key]) => key));
const names = (sentence: string) => [...sentence.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

describe("the words of the pages", () => {
  it("are all used", () => {
    expect(Object.keys(en).filter((key) => !used.has(key))).toEqual([]);
  });

  it("are all there", () => {
    const asked = [...code.matchAll(/\bt\(\s*"([^"]+)"/g)].map(([, key]) => key ?? "");
    expect(asked.length).toBeGreaterThan(100);
    expect(asked.filter((key) => !(key in en))).toEqual([]);
  });

  for (const [language, table] of Object.entries({ de, ja })) {
    it(`exist in ${language}, with the same names to fill in`, () => {
      expect(Object.keys(table).sort()).toEqual(Object.keys(en).sort());
      const other = (key: string) => (table as Record<string, string>)[key] ?? "";
      expect(Object.keys(en).filter((key) => other(key).trim() === "")).toEqual([]);
      expect(Object.entries(en).filter(([key, sentence]) => names(other(key)).join() !== names(sentence).join())).toEqual([]);
    });
  }

  it("shout at nobody", () => {
    expect([...Object.entries(en), ...Object.entries(de)].filter(([, sentence]) => sentence.includes("!"))).toEqual([]);
  });
});
