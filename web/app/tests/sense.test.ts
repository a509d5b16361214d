import { describe, expect, it } from "vitest";
import { following, grouped, inView, lay, tally, tileAt, tileBeside } from "../src/lib/sense/fleet";
import { arrow, aspect, nameplace, occupancy, placeOf, sharp, side, tangled, within } from "../src/lib/sense/geometry";
import { bars, begin, labelled, levels, midnight, round, span, warmth } from "../src/lib/sense/history";
import { codeOf, hueOf } from "../src/lib/sense/paint";
import { Room, total } from "../src/lib/sense/room";
import { labelsOf, names, tell } from "../src/lib/sense/told";
import { TRAIL_MS, Trails, freshness } from "../src/lib/sense/trails";
import type { Glimpse, Happening, Sensor, SensorState, Settings, Thing, What, Zone } from "../src/lib/sense/types";

const square = [{ x: 0.2, y: 0.2 }, { x: 0.8, y: 0.2 }, { x: 0.8, y: 0.8 }, { x: 0.2, y: 0.8 }];
const settings: Settings = {
  lines: [{ id: 1, name: "Door", from: { x: 0.5, y: 0 }, to: { x: 0.5, y: 1 } }],
  zones: [{ id: 4, name: "Counter", corners: square }],
  model: null,
  low: 0.3,
  high: 0.6,
  rate: 15,
  gate: true,
  apps: [],
};
const sensor = (name: string, more: Partial<Sensor> = {}): Sensor => ({
  id: name,
  name,
  tags: [],
  group: null,
  state: "online",
  created: 0,
  desired: { version: 1, settings },
  today: { in: 0, out: 0 },
  ...more,
});
/** Somebody whose feet are there. */
const thing = (track: number, x: number, y: number): Thing => ({ track, label: 0, place: [x - 0.05, y - 0.2, x + 0.05, y], score: 0.9, provisional: false });
const glimpse = (frame: number, ...things: Thing[]): Glimpse => ({ frame, at: frame * 66, took_us: 5000, hub_at: frame * 66, things });
const happening = (seq: number, what: What): Happening => ({ seq, at: seq * 1000, what });
const crossed = (seq: number, direction: "in" | "out", track = 7) => happening(seq, { Crossed: { line: 1, track, label: 0, direction } });

describe("a picture's places", () => {
  it("are where the pointer is, and never outside", () => {
    const box = { left: 100, top: 50, width: 400, height: 200 };
    expect(placeOf({ clientX: 300, clientY: 100 }, box)).toEqual({ x: 0.5, y: 0.25 });
    expect(placeOf({ clientX: 0, clientY: 900 }, box)).toEqual({ x: 0, y: 1 });
  });

  it("are sharp on any screen, in the sensor's own form", () => {
    expect(sharp({ width: 333.4, height: 100 }, 1.5)).toEqual({ width: 500, height: 150 });
    expect(sharp({ width: 0, height: 0 }, 2)).toEqual({ width: 1, height: 1 });
    expect(aspect([640, 360])).toBeCloseTo(16 / 9);
    expect(aspect(undefined)).toBeCloseTo(4 / 3);
    expect(aspect([0, 0])).toBeCloseTo(4 / 3);
  });

  it("lie in a zone or beside it, also where the zone bends", () => {
    const bent = [{ x: 0, y: 0 }, { x: 1, y: 0 }, { x: 1, y: 1 }, { x: 0.9, y: 1 }, { x: 0.9, y: 0.1 }, { x: 0, y: 0.1 }];
    expect(within({ x: 0.5, y: 0.5 }, square)).toBe(true);
    expect(within({ x: 0.9, y: 0.5 }, square)).toBe(false);
    expect(within({ x: 0.5, y: 0.5 }, bent)).toBe(false);
    expect(within({ x: 0.95, y: 0.5 }, bent)).toBe(true);
    for (const corners of [square, bent]) expect(within(nameplace(corners), corners), "the name of a zone stands in it").toBe(true);
  });

  it("count as in a zone by where somebody stands", () => {
    // The head is in the zone, the feet are not.
    expect(occupancy([thing(1, 0.5, 0.5), thing(2, 0.5, 0.95)], settings.zones)).toEqual(new Map([[4, 1]]));
  });

  it("know when a zone is tangled", () => {
    expect(tangled(square)).toBe(false);
    expect(tangled([square[0]!, square[2]!, square[1]!, square[3]!])).toBe(true);
  });

  it("show the way in on the right of the line, as the sensor counts", () => {
    const line = { from: { x: 0.5, y: 0 }, to: { x: 0.5, y: 1 } };
    const { from, to } = arrow(line, { width: 200, height: 100 }, 30);
    expect(from).toEqual({ x: 100, y: 50 });
    expect(to).toEqual({ x: 70, y: 50 });
    expect(side(line.from, line.to, { x: to.x / 200, y: to.y / 100 })).toBeGreaterThan(0);
  });
});

describe("a trail", () => {
  it("follows a track, fades and is gone", () => {
    const trails = new Trails();
    trails.add(glimpse(1, thing(7, 0.1, 0.5)), 0);
    trails.add(glimpse(2, thing(7, 0.2, 0.5)), 1000);
    expect(trails.at(1000)[0]?.places.map(({ x }) => Number(x.toFixed(2)))).toEqual([0.1, 0.2]);
    expect(trails.at(TRAIL_MS + 10)[0]?.places).toHaveLength(1);
    expect(trails.at(TRAIL_MS + 1000)).toEqual([]);
    expect([freshness(0), freshness(TRAIL_MS / 2), freshness(2 * TRAIL_MS)]).toEqual([1, 0.5, 0]);
  });

  it("does not grow with the frame rate", () => {
    const trails = new Trails();
    for (let at = 0; at < 4000; at += 1000 / 60) trails.add(glimpse(at, thing(7, at / 4000, 0.5)), at);
    const [trail] = trails.at(3999);
    expect(trail!.places.length).toBeLessThan(70);
    expect(trail!.places.at(-1)!.x, "its end is where the track is").toBeGreaterThan(0.99);
  });

  it("has a colour of its own, never that of lines", () => {
    for (let track = 0; track < 500; track += 1) {
      expect(hueOf(track)).toBeGreaterThanOrEqual(172);
      expect(hueOf(track)).toBeLessThan(332);
    }
    expect(hueOf(1)).not.toBe(hueOf(2));
  });
});

describe("the room that is looked at", () => {
  it("counts who crosses a line, once, whatever comes twice", () => {
    const room = new Room();
    room.take({ events: [crossed(1, "in"), crossed(2, "in"), crossed(3, "out")] }, 0);
    room.take({ events: [crossed(3, "out"), crossed(4, "in")] }, 0);
    room.recall([crossed(4, "in"), crossed(3, "out"), crossed(2, "in")]);
    expect(room.crossings.get(1)).toEqual({ in: 3, out: 1 });
    expect(room.happenings.map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
  });

  it("goes on from what the server has counted, and never back within a day", () => {
    const room = new Room();
    const counted = (count: number) => ({ lines: [{ id: 1, name: "Door", rows: [{ at: 0, in: count, out: 0 }, { at: 1, in: 1, out: 2 }] }], zones: [] });
    room.settle(counted(10), "today");
    room.take({ events: [crossed(9, "in")] }, 0);
    expect(room.crossings.get(1)).toEqual({ in: 12, out: 2 });
    room.settle(counted(10), "today");
    expect(room.crossings.get(1)?.in, "what came meanwhile is not in the answer yet").toBe(12);
    room.settle(counted(0), "tomorrow");
    expect(room.crossings.get(1)?.in).toBe(1);
    expect(total(new Map([[1, { in: 1, out: 2 }], [2, { in: 3, out: 4 }]]))).toEqual({ in: 4, out: 6 });
  });

  it("knows who is in a zone from the picture, else from what the sensor says, else not at all", () => {
    const room = new Room();
    const zones: Zone[] = settings.zones;
    expect(room.inside(zones, 0).get(4)).toBeUndefined();
    room.take({ state: "online", events: [happening(1, { Occupancy: { zone: 4, count: 3 } })] }, 0);
    expect(room.inside(zones, 0).get(4)).toBe(3);
    room.take({ glimpse: glimpse(1, thing(1, 0.5, 0.5)) }, 1000);
    expect(room.inside(zones, 1100).get(4)).toBe(1);
    expect(room.inside(zones, 9000).get(4), "an old picture says nothing").toBe(3);
    room.take({ state: "offline" }, 9000);
    expect(room.inside(zones, 9000).get(4)).toBeUndefined();
    expect(room.things(9000)).toBeUndefined();
  });

  it("shows no glimpse that was overtaken, but one of a sensor that began anew", () => {
    const room = new Room();
    room.take({ glimpse: glimpse(5) }, 0);
    expect(room.take({ glimpse: glimpse(4) }, 1).glimpse).toBe(false);
    expect(room.glimpse?.seen.frame).toBe(5);
    expect(room.take({ glimpse: { ...glimpse(1), at: 10_000 } }, 2).glimpse).toBe(true);
  });
});

describe("what happened", () => {
  const thing = (label: number) => (label === 0 ? "Person" : `#${label}`);
  const called = names({ desired: { version: 1, settings } }, new Map([[7, 0]]), thing, (ms) => `${ms / 1000} s`);

  it("is told with the names that people gave", () => {
    expect(tell(crossed(1, "in").what, called)).toEqual({ key: "told.in", values: { who: "Person 7", line: "Door" }, sign: "in" });
    expect(tell({ Dwelt: { zone: 4, track: 7, dwelt_ms: 20_000 } }, called)).toEqual({ key: "told.dwelt", values: { who: "Person 7", zone: "Counter", time: "20 s" }, sign: "warn" });
    expect(tell({ Occupancy: { zone: 4, count: 1 } }, called)?.key).toBe("told.one");
    expect(tell({ Corrected: { track: 7, label: null } }, called)?.key).toBe("told.nothing");
  });

  it("is told by number where there is no name", () => {
    expect(tell({ Left: { track: 9, lasted_ms: 1000, foot: { x: 0, y: 0 } } }, called)?.values).toEqual({ who: "#9", time: "1 s" });
    expect(tell({ Crossed: { line: 8, track: 9, label: 5, direction: "out" } }, called)?.values).toEqual({ who: "#5 9", line: "#8" });
  });

  it("is left out where it is a picture, or not known here", () => {
    expect(tell({ Heat: { columns: 1, rows: 1, cells: [] } }, called)).toBeUndefined();
    expect(tell({ Sneezed: {} } as What, called)).toBeUndefined();
  });

  it("says later what a track was", () => {
    const told = [happening(3, { Corrected: { track: 7, label: 2 } }), happening(2, { Left: { track: 7, lasted_ms: 1, foot: { x: 0, y: 0 } } }), happening(1, { Appeared: { track: 7, label: 0, foot: { x: 0, y: 0 } } })];
    expect(labelsOf(told).get(7)).toBe(2);
  });
});

describe("the fleet", () => {
  const fleet = [
    sensor("Door 10", { group: "Hall", tags: ["till"] }),
    sensor("Door 2", { group: "Hall", state: "offline" }),
    sensor("Café", { group: "Garden", state: "waiting" }),
    sensor("Attic", { state: "revoked", tags: ["till"] }),
  ];

  it("is counted by state", () => {
    expect(tally(fleet)).toEqual({ online: 1, offline: 1, waiting: 1, revoked: 1 });
  });

  it("stands in groups, those without one last", () => {
    expect(grouped(fleet).map(({ group, sensors }) => [group, sensors.length])).toEqual([["Garden", 1], ["Hall", 2], ["", 1]]);
  });

  it("has a tile for each, that is found by pointer and by arrows", () => {
    const tiles = lay(grouped(fleet), 300);
    expect(tiles.places).toHaveLength(4);
    const [, first, second] = tiles.places;
    expect(tileAt(tiles, second!.x + 3, second!.y + 3)).toBe(2);
    expect(tileAt(tiles, first!.x + tiles.size + 1, first!.y + 3), "between tiles is none").toBeUndefined();
    expect(tileBeside(tiles, 1, "right")).toBe(2);
    expect(tileBeside(tiles, 2, "right"), "at the edge the arrow is the page's").toBeUndefined();
    expect(tileBeside(tiles, 0, "down")).toBe(3);
    expect(tileBeside(tiles, 3, "up")).toBe(0);
    expect(tileBeside(tiles, 0, "right"), "small groups stand beside each other").toBe(1);
  });

  it("has room for thousands", () => {
    const many = Array.from({ length: 5000 }, (_, index) => sensor(`S${index}`, { group: `G${index % 3}` }));
    const tiles = lay(grouped(many), 1100);
    expect(tiles.height).toBeLessThan(1200);
    expect(new Set(tiles.places.map(({ x, y }) => `${x} ${y}`)).size).toBe(5000);
    expect(Math.max(...tiles.places.map(({ x }) => x + tiles.size))).toBeLessThanOrEqual(1100);
  });

  it("shows only the rows in view", () => {
    expect(inView(5000, 72, 300, 720)).toEqual([0, 14]);
    const [from, to] = inView(5000, 72, -72_000, 720);
    expect([from <= 1000, to >= 1010, to - from < 40]).toEqual([true, true, true]);
    expect(inView(3, 72, -90_000, 720)).toEqual([3, 3]);
  });

  it("says whether a sensor does what it is told", () => {
    expect(following(3, null)).toEqual({ kind: "waits" });
    expect(following(3, { version: 2 })).toEqual({ kind: "waits" });
    expect(following(3, { version: 3 })).toEqual({ kind: "follows" });
    expect(following(3, { version: 3, refused: "It is dark." })).toEqual({ kind: "refused", why: "It is dark." });
    expect(["online", "offline"] satisfies SensorState[]).toHaveLength(2);
  });
});

describe("what was counted", () => {
  const now = new Date(2026, 10, 30, 14, 25, 31).getTime();

  it("is shown for an hour by minutes, a day by hours, a month by days", () => {
    for (const [by, count] of [["minute", 60], ["hour", 24], ["day", 30]] as const) {
      const { from, to, starts } = span(by, now);
      expect(starts).toHaveLength(count);
      expect(starts[0]).toBe(from);
      expect(starts.at(-1)).toBe(begin(now, by));
      expect(to).toBeGreaterThan(now);
      expect(new Set(starts.map((at) => begin(at, by))).size, "no bar stands for another's time").toBe(count);
    }
    expect(new Date(midnight(now)).getHours()).toBe(0);
  });

  it("adds lines up, or shows one, and nothing of another time", () => {
    const { starts } = span("hour", now);
    const at = starts.at(-1)!;
    const lines = [
      { id: 1, name: "Door", rows: [{ at, in: 3, out: 1 }, { at: at + 60_000, in: 1, out: 0 }, { at: starts[0]! - 1, in: 99, out: 99 }] },
      { id: 2, name: "Gate", rows: [{ at, in: 5, out: 0 }] },
    ];
    expect(bars(lines, starts, "hour").at(-1)).toEqual({ at, in: 9, out: 1 });
    expect(bars(lines, starts, "hour", 2).at(-1)).toEqual({ at, in: 5, out: 0 });
    expect(bars(lines, starts, "hour").reduce((sum, bar) => sum + bar.in, 0)).toBe(9);
  });

  it("shows how many were in a zone", () => {
    const { starts } = span("hour", now);
    const at = starts.at(-1)!;
    const zones = [{ id: 4, name: "Counter", rows: [{ at, most: 3, mean: 1 }, { at: at + 60_000, most: 5, mean: 2 }] }];
    expect(levels(zones, starts, "hour", 4).at(-1)).toEqual({ at, most: 5, mean: 1.5 });
    expect(levels(zones, starts, "hour", 9).at(-1)).toEqual({ at, most: 0, mean: 0 });
  });

  it("has a scale of round numbers, and times that do not touch", () => {
    expect([0, 3, 5, 17, 61, 100, 101].map(round)).toEqual([4, 4, 6, 20, 80, 100, 200]);
    expect(labelled(60, 6)).toBe(10);
    expect(labelled(3, 0)).toBe(3);
  });

  it("is warm where somebody stood, and not only where somebody stood longest", () => {
    expect(warmth({ columns: 2, rows: 1, cells: [[0, 400], [1, 100]] })).toEqual([1, 0.5]);
    expect(warmth({ columns: 1, rows: 1, cells: [[7, 5]] }), "a cell outside is no cell").toEqual([0]);
    expect(warmth({ columns: 1, rows: 1, cells: [] })).toEqual([0]);
  });
});

describe("the barcode of a measurement", () => {
  it("says the picture's number", () => {
    const read = (cells: boolean[]) => cells.reduce((sum, on) => sum * 2 + (on ? 1 : 0), 0);
    for (const frame of [0, 1, 77, 2 ** 31 + 5]) expect(read(codeOf(frame))).toBe(frame);
  });
});
