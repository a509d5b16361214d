import { describe, expect, it } from "vitest";
import { match } from "../src/lib/match";
import { distance } from "../src/lib/spatial";

const rect = (left: number, top: number, width = 100, height = 50) => ({ left, top, right: left + width, bottom: top + height });

describe("walking by arrows", () => {
  it("prefers the neighbour in the row to one below it", () => {
    const from = rect(0, 0);
    const beside = distance(from, rect(400, 0), "right")!;
    const below = distance(from, rect(120, 200), "right");
    expect(beside).toBeGreaterThan(0);
    expect(below === undefined || below > beside).toBe(true);
  });

  it("goes nowhere where nothing lies", () => {
    expect(distance(rect(100, 100), rect(0, 100), "right")).toBeUndefined();
    expect(distance(rect(100, 100), rect(100, 0), "down")).toBeUndefined();
  });

  it("finds what is straight below before what is aside", () => {
    const from = rect(300, 0);
    expect(distance(from, rect(300, 100), "down")!).toBeLessThan(distance(from, rect(0, 100), "down")!);
  });
});

describe("addresses", () => {
  it("fit their page", () => {
    expect(match("/", "/")).toEqual({});
    expect(match("/title/:id", "/title/freedoom")).toEqual({ id: "freedoom" });
    expect(match("/title/:id", "/title/a%20b/")).toEqual({ id: "a b" });
    expect(match("/title/:id", "/title/")).toBeUndefined();
    expect(match("/title/:id", "/title/%E0%A4%A")).toBeUndefined();
    expect(match("/", "/sessions")).toBeUndefined();
  });
});
