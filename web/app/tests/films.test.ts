import { describe, expect, it } from "vitest";
import { Bookmark, type Place, goesOnAt, placeAt } from "../src/lib/bookmark";
import { arrow, command, nextRate } from "../src/lib/commands";
import { Rate } from "../src/lib/rate";
import { type Way, send } from "../src/lib/send";
import { episode, find, inOrder, newest, next, siblings } from "../src/lib/shelves";
import type { Film } from "../src/lib/types";

const HOUR = 3600;

const film = (title: string, more: Partial<Film> = {}): Film => ({
  id: title,
  title,
  year: null,
  show: null,
  season: null,
  episode: null,
  duration_s: HOUR,
  width: 1920,
  height: 1080,
  state: "ready",
  rendering: null,
  reason: null,
  added_ms: 0,
  poster: "",
  position_s: null,
  finished: false,
  age: null,
  watched_ms: null,
  ...more,
});

describe("the place in a film", () => {
  it("is kept once the film has begun, and is its end within the credits", () => {
    expect(placeAt(2, HOUR)).toBeUndefined();
    expect(placeAt(754.26, HOUR)).toEqual({ seconds: 754.3, finished: false });
    expect(placeAt(HOUR - 200, HOUR)?.finished).toBe(false);
    expect(placeAt(HOUR - 170, HOUR)?.finished).toBe(true);
    expect(placeAt(55, 60)?.finished).toBe(false);
    expect(placeAt(58, 60)?.finished).toBe(true);
  });

  it("is taken up again, but not of a film that was seen or hardly begun", () => {
    expect(goesOnAt(film("A", { position_s: 754 }))).toBe(754);
    expect(goesOnAt(film("A", { position_s: 754, finished: true }))).toBe(0);
    expect(goesOnAt(film("A", { position_s: 3 }))).toBe(0);
    expect(goesOnAt(film("A", { position_s: 2 * HOUR }))).toBe(0);
    expect(goesOnAt(film("A"))).toBe(0);
  });

  it("is written every ten seconds, at once when told to, and never twice", async () => {
    let now = 0;
    let fail = false;
    const written: [Place, boolean][] = [];
    const write = (place: Place, leaving: boolean) => {
      written.push([place, leaving]);
      return fail ? Promise.reject(new Error("away")) : Promise.resolve();
    };
    const bookmark = new Bookmark(write, () => now);
    for (let second = 0; second <= 25; second += 1) {
      now = second * 1000;
      bookmark.pass(100 + second, HOUR);
    }
    expect(written.map(([place]) => place.seconds)).toEqual([110, 120]);
    bookmark.keep(125, HOUR, { leaving: true });
    bookmark.keep(125, HOUR);
    expect(written.slice(2)).toEqual([[{ seconds: 125, finished: false }, true]]);
    fail = true;
    bookmark.keep(130, HOUR);
    await Promise.resolve();
    fail = false;
    bookmark.keep(130, HOUR);
    expect(written).toHaveLength(5);
    bookmark.keep(HOUR, HOUR, { ended: true });
    expect(written[5]).toEqual([{ seconds: HOUR, finished: true }, false]);
  });
});

describe("keys of a film", () => {
  const key = (name: string, more = {}) => command({ key: name, ctrlKey: false, altKey: false, metaKey: false, ...more });

  it("steer it, in either case, and leave the browser its own", () => {
    expect([key(" "), key("k"), key("K")]).toEqual([{ act: "toggle" }, { act: "toggle" }, { act: "toggle" }]);
    expect([key("j"), key("l")]).toEqual([arrow("left"), arrow("right")]);
    expect([key("f"), key("m"), key("7")]).toEqual([{ act: "full" }, { act: "mute" }, { act: "jump", part: 0.7 }]);
    expect([key("f", { ctrlKey: true }), key("Tab"), key("q")]).toEqual([undefined, undefined, undefined]);
  });

  it("change the speed step by step and stop at its ends", () => {
    expect([nextRate(1, 1), nextRate(1, -1), nextRate(2, 1), nextRate(0.5, -1)]).toEqual([1.25, 0.75, 2, 0.5]);
  });
});

describe("shelves of films", () => {
  const pilot = film("Pilot", { show: "Ämter", season: 1, episode: 1, added_ms: 3 });
  const second = film("The Leak", { show: "Ämter", season: 1, episode: 2, added_ms: 2 });
  const later = film("Again", { show: "Ämter", season: 2, episode: 1, added_ms: 1 });
  const lone = film("Metropolis", { year: 1927, added_ms: 9 });
  const all = [lone, later, second, pilot];

  it("keep a show together and in its order", () => {
    expect(inOrder(all)).toEqual([pilot, second, later, lone]);
    expect(newest(all)[0]).toBe(lone);
    expect(siblings(all, second)).toEqual([pilot, later]);
    expect(siblings(all, lone)).toEqual([]);
  });

  it("know the episode that follows, past one that cannot be played", () => {
    expect(next(all, pilot)).toBe(second);
    expect(next([...all.filter((each) => each !== second), { ...second, state: "missing" }], pilot)).toBe(later);
    expect(next(all, later)).toBeUndefined();
    expect(next(all, lone)).toBeUndefined();
  });

  it("find by any words, whatever their accents", () => {
    expect(find(all, "amter leak")).toEqual([second]);
    expect(find(all, "s2 e1")).toEqual([later]);
    expect(find(all, "1927")).toEqual([lone]);
    expect(find(all, "  ")).toEqual(all);
    expect(find(all, "nothing")).toEqual([]);
  });

  it("name episodes as far as they are known", () => {
    expect([episode(later), episode({ season: null, episode: 4 }), episode(lone)]).toEqual(["S2 E1", "E4", undefined]);
  });
});

describe("the speed of an upload", () => {
  it("follows the last seconds and begins anew after a pause", () => {
    const rate = new Rate();
    expect(rate.perSecond).toBe(0);
    for (let second = 0; second <= 20; second += 1) rate.add(second * 100, second * 1000);
    expect(rate.perSecond).toBeCloseTo(100);
    for (let second = 21; second <= 40; second += 1) rate.add(2000 + (second - 20) * 500, second * 1000);
    expect(rate.perSecond).toBeCloseTo(500);
    rate.add(12_000, 100_000);
    expect(rate.perSecond).toBe(0);
    // A chunk that was lost is sent again.
    rate.add(11_000, 101_000);
    rate.add(11_400, 103_000);
    expect(rate.perSecond).toBeCloseTo(200);
  });
});

describe("an upload", () => {
  const file = new File(["0123456789"], "a.mp4");
  const failing = (status: number) => Object.assign(new Error(String(status)), { status });

  /** A server that takes four bytes at a time, and what happens on its way. */
  function server({ has = new Map<string, number>(), fails = [] as number[] } = {}) {
    const calls: string[] = [];
    const way: Way = {
      create: (name, size) => {
        calls.push(`create ${name} ${size}`);
        has.set("/new", 0);
        return Promise.resolve("/new");
      },
      offset: (address) => {
        calls.push(`offset ${address}`);
        return Promise.resolve(has.get(address));
      },
      patch: (address, bytes, from) => {
        calls.push(`patch ${from}`);
        const status = fails.shift();
        if (status !== undefined) return Promise.reject(failing(status));
        has.set(address, from + Math.min(4, bytes.size));
        return Promise.resolve(has.get(address)!);
      },
    };
    return { calls, way };
  }

  async function sent(way: Way, address?: string) {
    const heard: (string | number)[] = [];
    const hears = { begun: (at: string) => heard.push(at), progress: (bytes: number) => heard.push(bytes), away: () => heard.push("away") };
    await send(file, address, way, hears, new AbortController().signal, () => Promise.resolve());
    return heard;
  }

  it("begins and goes on from where the server has it", async () => {
    const { calls, way } = server();
    expect(await sent(way)).toEqual(["/new", 0, 4, 8, 10]);
    expect(calls).toEqual(["create a.mp4 10", "patch 0", "patch 4", "patch 8"]);
    const later = server({ has: new Map([["/old", 8]]) });
    expect(await sent(later.way, "/old")).toEqual([8, 10]);
    expect(later.calls).toEqual(["offset /old", "patch 8"]);
  });

  it("begins anew where the server has forgotten it", async () => {
    const { calls, way } = server();
    await sent(way, "/gone");
    expect(calls.slice(0, 3)).toEqual(["offset /gone", "create a.mp4 10", "patch 0"]);
  });

  it("asks again while the server is away, from the bytes that are safe", async () => {
    const { calls, way } = server({ fails: [0, 503] });
    expect(await sent(way)).toEqual(["/new", 0, "away", 0, "away", 0, 4, 8, 10]);
    expect(calls.filter((call) => call.startsWith("create"))).toHaveLength(1);
  });

  it("stops where it is refused, and after trying often", async () => {
    await expect(sent(server({ fails: [507] }).way)).rejects.toThrow("507");
    await expect(sent(server({ fails: [413] }).way)).rejects.toThrow("413");
    await expect(sent(server({ fails: Array.from({ length: 20 }, () => 0) }).way)).rejects.toThrow("0");
  });
});
