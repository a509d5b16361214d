import { describe, expect, it } from "vitest";
import { STEP_MS, column, neighbour, place } from "../src/lib/grid";

describe("the guide's grid", () => {
  it("puts a programme where its time is", () => {
    expect(place({ start_ms: 50, stop_ms: 100 }, 0, 200)).toEqual({ left: 25, width: 25 });
    expect(place({ start_ms: -50, stop_ms: 100 }, 0, 200)).toEqual({ left: 0, width: 50 });
    expect(place({ start_ms: 150, stop_ms: 900 }, 0, 200)).toEqual({ left: 75, width: 25 });
    expect(place({ start_ms: 200, stop_ms: 300 }, 0, 200)).toBeUndefined();
    expect(place({ start_ms: -9, stop_ms: 0 }, 0, 200)).toBeUndefined();
  });

  it("begins with a half hour", () => {
    expect(column(STEP_MS * 3 + 5)).toBe(STEP_MS * 3);
  });

  it("goes round from the last channel to the first", () => {
    const channels = [{ id: "a" }, { id: "b" }, { id: "c" }];
    expect(neighbour(channels, "c", 1)?.id).toBe("a");
    expect(neighbour(channels, "a", -1)?.id).toBe("c");
    expect(neighbour(channels, "x", 1)).toBeUndefined();
  });
});
