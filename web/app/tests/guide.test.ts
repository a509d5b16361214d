import { describe, expect, it } from "vitest";
import { STEP_MS, column, neighbour, place, runs } from "../src/lib/grid";

describe("the guide's grid", () => {
  it("puts a programme where its time is", () => {
    expect(place({ start_ms: 50, stop_ms: 100 }, 0, 200)).toEqual({ left: 25, width: 25 });
    expect(place({ start_ms: -50, stop_ms: 100 }, 0, 200)).toEqual({ left: 0, width: 50 });
    expect(place({ start_ms: 150, stop_ms: 900 }, 0, 200)).toEqual({ left: 75, width: 25 });
    expect(place({ start_ms: 200, stop_ms: 300 }, 0, 200)).toBeUndefined();
    expect(place({ start_ms: -9, stop_ms: 0 }, 0, 200)).toBeUndefined();
  });

  it("shows a short film that comes again and again as one", () => {
    const show = (title: string, start_ms: number, stop_ms: number) => ({ title, film: title, start_ms, stop_ms });
    const [minute, hour] = [60_000, 3_600_000];
    const spans = (all: ReturnType<typeof show>[]) => runs(all).map((run) => [run.start_ms, run.stop_ms, run.programmes.length]);
    const short = [show("a", 0, minute), show("a", minute, 2 * minute), show("b", 2 * minute, 3 * minute), show("a", 3 * minute, 4 * minute)];
    expect(spans(short)).toEqual([[0, 2 * minute, 2], [2 * minute, 3 * minute, 1], [3 * minute, 4 * minute, 1]]);
    expect(spans([show("a", 0, hour), show("a", hour, 2 * hour)]), "two long ones have room").toHaveLength(2);
    expect(spans([show("a", 0, minute), show("a", 2 * minute, 3 * minute)]), "with something between").toHaveLength(2);
    expect(runs([])).toEqual([]);
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
