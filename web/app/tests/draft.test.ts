import { describe, expect, it } from "vitest";
import { type Draft, MOST_CORNERS, Steps, addLine, addZone, drop, dwell, fault, freeId, hit, nudge, patchOf, place, pointsOf, rebase, remove, rename, shift, sized, split, swap } from "../src/lib/sense/draft";
import { tangled } from "../src/lib/sense/geometry";

const EMPTY: Draft = { lines: [], zones: [], low: 0.3, high: 0.6, rate: 15, gate: true, crops: false, input_size: null };
const square = [{ x: 0.2, y: 0.2 }, { x: 0.8, y: 0.2 }, { x: 0.8, y: 0.8 }, { x: 0.2, y: 0.8 }];
const drawn = addZone(addLine(EMPTY, 1, "Door", { x: 0.1, y: 0.5 }, { x: 0.1, y: 0.9 }), 1, "Counter", square);
const BOX = { width: 400, height: 400 };

/** Numbers that are always the same (mulberry32). */
function dice(seed: number) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe("drawing lines and zones", () => {
  it("never leaves the picture, whatever is dragged where", () => {
    const random = dice(7);
    let draft = drawn;
    for (let step = 0; step < 500; step += 1) {
      const far = () => random() * 6 - 3;
      const kind = random() < 0.5 ? "line" : "zone";
      const handle = { kind, id: 1, at: Math.floor(random() * 4) } as const;
      const way = Math.floor(random() * 5);
      if (way === 0) draft = place(draft, handle, { x: far(), y: far() });
      else if (way === 1) draft = nudge(draft, handle, { x: far(), y: far() });
      else if (way === 2) draft = shift(draft, kind, 1, { x: far(), y: far() });
      else if (way === 3) draft = split(draft, 1, handle.at);
      else draft = drop(draft, 1, handle.at);
      const points = [...pointsOf(draft, "line", 1), ...pointsOf(draft, "zone", 1)];
      const corners = pointsOf(draft, "zone", 1).length;
      const inside = points.every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1);
      if (!inside || corners < 3 || corners > MOST_CORNERS) expect.fail(`after ${step} steps: ${JSON.stringify(draft)}`);
    }
  });

  it("moves a whole zone without bending it at the edge", () => {
    const moved = pointsOf(shift(drawn, "zone", 1, { x: 5, y: 0 }), "zone", 1);
    expect(moved.map(({ x }) => Number(x.toFixed(9)))).toEqual([0.4, 1, 1, 0.4]);
    expect(moved.map(({ y }) => y)).toEqual(square.map(({ y }) => y));
  });

  it("makes and takes corners, but leaves three", () => {
    const five = split(drawn, 1, 3);
    expect(pointsOf(five, "zone", 1)).toHaveLength(5);
    expect(pointsOf(five, "zone", 1)[4]).toEqual({ x: 0.2, y: 0.5 });
    let few = drawn;
    for (let step = 0; step < 9; step += 1) few = drop(few, 1, 0);
    expect(pointsOf(few, "zone", 1)).toHaveLength(3);
  });

  it("swaps in and out by turning the line round", () => {
    const [from, to] = pointsOf(drawn, "line", 1);
    expect(pointsOf(swap(drawn, 1), "line", 1)).toEqual([to, from]);
    expect(swap(swap(drawn, 1), 1)).toEqual(drawn);
  });

  it("gives numbers that were never another's, so that old counts stay with their line", () => {
    expect(freeId([])).toBe(1);
    expect(freeId([{ id: 3 }, { id: 1 }])).toBe(4);
    expect(freeId([{ id: 1 }], [{ id: 9 }])).toBe(10);
  });

  it("finds what was pressed: a line within reach, else a zone", () => {
    expect(hit(drawn, { x: 0.12, y: 0.7 }, BOX, 14)).toEqual({ kind: "line", id: 1 });
    expect(hit(drawn, { x: 0.5, y: 0.5 }, BOX, 14)).toEqual({ kind: "zone", id: 1 });
    expect(hit(drawn, { x: 0.95, y: 0.95 }, BOX, 14)).toBeUndefined();
  });

  it("says what the sensor would refuse, before it is asked", () => {
    expect(fault(drawn)).toBeUndefined();
    expect(fault(rename(drawn, "line", 1, "  "))?.key).toBe("areas.nameless");
    expect(fault(rename(drawn, "zone", 1, "x".repeat(61)))?.key).toBe("areas.nameless");
    expect(fault(addLine(drawn, 2, "Dot", { x: 0.5, y: 0.5 }, { x: 0.5, y: 0.5 }))).toEqual({ key: "areas.noLength", values: { name: "Dot" } });
    const knot = place(drawn, { kind: "zone", id: 1, at: 0 }, { x: 0.9, y: 0.5 });
    expect(tangled(pointsOf(knot, "zone", 1))).toBe(true);
    expect(fault(knot)).toEqual({ key: "areas.tangled", values: { name: "Counter" } });
    expect(fault({ ...drawn, low: 0.7 })?.key).toBe("areas.thresholds");
    const many = Array.from({ length: 33 }, (_, index) => ({ id: index + 1, name: "L", from: { x: 0, y: 0 }, to: { x: 1, y: 1 } }));
    expect(fault({ ...drawn, lines: many })?.key).toBe("areas.tooMany");
  });

  it("tells the input of a network only where it is not the usual one", () => {
    const wide = sized(drawn, { width: 320 });
    expect(patchOf(drawn, wide)).toEqual({ input_size: { width: 320, height: 300 } });
    expect(patchOf(wide, sized(wide, { width: 300 }))).toEqual({ input_size: null });
    for (const width of [1, 8193, 30.5, Number.NaN]) expect(fault(sized(drawn, { width }))?.key).toBe("areas.inputSize");
    expect(fault(wide)).toBeUndefined();
  });

  it("sends only what differs", () => {
    expect(patchOf(drawn, drawn)).toBeUndefined();
    expect(patchOf(drawn, { ...drawn, rate: 5 })).toEqual({ rate: 5 });
    expect(Object.keys(patchOf(drawn, dwell(drawn, 1, 5000)) ?? {})).toEqual(["zones"]);
    expect(patchOf(drawn, dwell(dwell(drawn, 1, 5000), 1, undefined)), "never is as if it was not said").toBeUndefined();
    expect(remove(drawn, "line", 1).lines).toEqual([]);
  });
});

describe("two who change a sensor at once", () => {
  it("both get what they changed, and the last one wins where both changed the same", () => {
    const mine = rename(drawn, "zone", 1, "Queue");
    const theirs = { ...swap(drawn, 1), rate: 5 };
    const both = rebase(mine, drawn, theirs);
    expect([both.rate, both.zones[0]?.name, both.lines]).toEqual([5, "Queue", theirs.lines]);
    expect(rebase({ ...drawn, rate: 9 }, drawn, theirs).rate).toBe(9);
  });
});

describe("taking steps back", () => {
  it("takes a movement back as one", () => {
    const steps = new Steps();
    steps.keep(EMPTY, "drag");
    steps.keep(drawn, "drag");
    steps.rest();
    steps.keep(drawn, "drag");
    expect(steps.back()).toBe(drawn);
    expect(steps.back()).toBe(EMPTY);
    expect(steps.back()).toBeUndefined();
  });

  it("has an end, so that a long session costs nothing", () => {
    const steps = new Steps();
    for (let step = 0; step < 1000; step += 1) steps.keep(EMPTY);
    let count = 0;
    while (steps.back()) count += 1;
    expect(count).toBe(Steps.MOST);
  });
});
