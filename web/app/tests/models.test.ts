import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readCard, writeCard } from "../src/lib/sense/card";
import { type Card, type Rollout, appsOf, completed, fault, first, isCard, kindOf, left, licensed, nameOf, returnable, targets, told, withApp } from "../src/lib/sense/models";
import type { Brief } from "../src/lib/sense/types";

const EDGE = readFileSync(join(import.meta.dirname, "../../../models/edge/card.toml"), "utf8");
const HASH = "a7".repeat(32);
const card: Card = { name: "door", version: "1", licence: "MIT", hash: HASH, labels: ["person"], output: "yolov8", input: { width: 640, height: 384 } };
const model = (said: Card) => ({ kind: "model" as const, hash: HASH, card: said });

describe("a card", () => {
  it("of our own is read as it lies in the repository, and again as JSON", () => {
    const read = readCard(EDGE);
    expect(told(read)).toEqual({ licence: "Apache-2.0", input: [320, 240], labels: ["person", "trolley", "box"], precision: expect.closeTo(0.93, 1), judgedOn: expect.stringContaining("held-out") });
    expect(readCard(writeCard(read))).toEqual(read);
    expect(fault({ kind: "model", hash: String(read.hash), card: read })).toBeUndefined();
  });

  it("that is none says why in one line", () => {
    for (const text of ["{", "name = ", "just words"]) expect(() => readCard(text)).toThrow(/^[^\n]+$/);
    expect(readCard(" \n")).toEqual({});
  });

  it("says what sensors would miss", () => {
    expect(fault(model(card))).toBeUndefined();
    expect(fault(model({}))?.key).toBe("models.noCard");
    expect(fault(model({ licence: "MIT" }))?.values.parts).toBe("name, version, hash, output, labels, input");
    expect(fault(model({ ...card, input: [640, 384] }))?.values.parts).toBe("input");
    expect(fault(model({ ...card, hash: "00".repeat(32) }))?.key).toBe("models.otherCard");
    expect(fault({ kind: "app", hash: HASH, card: {} })).toBeUndefined();
  });

  it("gets what the house knows anyway, and no more", () => {
    const { name: _, hash: __, ...rest } = card;
    expect(completed(rest, { kind: "model", hash: HASH, name: "Shop" })).toEqual({ ...card, name: "Shop" });
    expect(completed({ ...card, hash: "other" }, { kind: "model", hash: HASH, name: "Shop" })).toEqual({ ...card, hash: "other" });
    expect(completed({ licence: "MIT" }, { kind: "app", hash: HASH, name: "Shop" })).toEqual({ licence: "MIT" });
    expect(licensed(licensed(card, ""), "BSD-3-Clause").licence).toBe("BSD-3-Clause");
    expect("licence" in licensed(card, " ")).toBe(false);
  });

  it("that people wrote by hand is shown as far as it can be", () => {
    expect(told({ input: [416, 416], labels: ["a", 3, ""], precision: "good", licence: 7 })).toEqual({ licence: undefined, input: [416, 416], labels: ["a"], precision: undefined, judgedOn: undefined });
  });
});

describe("a file", () => {
  it("is known by its name and how it begins", () => {
    expect(kindOf("door.onnx", [8, 8, 18, 4])).toBe("model");
    expect(kindOf("door.WASM", [])).toBe("app");
    expect(kindOf("door", [0, 0x61, 0x73, 0x6d])).toBe("app");
    expect([isCard("card.toml"), isCard("card.JSON"), isCard("model.onnx")]).toEqual([true, true, false]);
    expect([nameOf("shop-door.onnx"), nameOf("x".repeat(60)).length]).toEqual(["shop-door", 40]);
  });
});

describe("a rollout", () => {
  const sensor = (id: string, state: Brief["state"], group: string | null = null): Brief => ({ id, name: id, state, group });
  const rollout = (more: Partial<Rollout>): Rollout => ({ id: "r", kind: "model", hash: HASH, name: "door", group: null, canary_percent: 10, minutes: 10, stage: "done", why: null, created: 1, staged: 1000, reached: 1, sensors: 1, ...more });

  it("goes to devices that are let in, and to one at least", () => {
    const fleet = [sensor("a", "online", "Shop"), sensor("b", "offline"), sensor("c", "waiting", "Shop"), sensor("d", "revoked", "Shop")];
    expect(targets(fleet, "").map(({ id }) => id)).toEqual(["a", "b"]);
    expect(targets(fleet, "Shop").map(({ id }) => id)).toEqual(["a"]);
    expect([first(1, 10), first(100, 10), first(11, 10), first(0, 10), first(3, 100)]).toEqual([1, 10, 2, 0, 3]);
  });

  it("is watched for its time and no longer", () => {
    expect(left(rollout({ stage: "canary" }), 1000 + 9 * 60_000)).toBe(60_000);
    expect(left(rollout({ stage: "canary" }), 1000 + 11 * 60_000)).toBe(0);
    expect(left(rollout({}), 1000)).toBeUndefined();
  });

  it("can be taken back until something else went to the same sensors", () => {
    const old = rollout({});
    const can = (...others: Partial<Rollout>[]) => returnable(old, [old, ...others.map((more) => rollout({ id: "s", created: 2, ...more }))]);
    expect(can()).toBe(true);
    expect(can({})).toBe(false);
    expect(can({ stage: "returned" })).toBe(true);
    expect(can({ kind: "app" })).toBe(true);
    expect(can({ group: "Shop" })).toBe(false);
    expect(returnable(rollout({ group: "Shop" }), [rollout({ created: 2, group: "Cellar" })])).toBe(true);
    const app = rollout({ kind: "app", name: "queue" });
    expect([returnable(app, [rollout({ ...app, created: 2, name: "doors" })]), returnable(app, [rollout({ ...app, created: 2 })])]).toEqual([true, false]);
    expect(returnable(rollout({ stage: "returned" }), [])).toBe(false);
  });
});

describe("the apps of a sensor", () => {
  const app = (name: string, hash = HASH) => ({ name, hash });
  it("show what it says of each, and which it still lets go of", () => {
    const reported = [{ ...app("queue", HASH.toUpperCase()), state: "stopped" as const, why: "it took too long" }, { ...app("old"), state: "running" as const }];
    expect(appsOf([app("queue"), app("doors")], reported, false).map(({ name, state, why }) => [name, state, why])).toEqual([
      ["queue", "stopped", "it took too long"],
      ["doors", "waits", undefined],
      ["old", "leaving", undefined],
    ]);
    expect(appsOf([app("doors")], [{ ...app("doors"), state: "waiting", why: "the house does not answer" }], true)[0]?.state).toBe("waiting");
    expect(appsOf([app("doors")], undefined, true).map(({ state }) => state)).toEqual(["silent"]);
  });

  it("have one of each name", () => {
    expect(withApp([app("queue"), app("doors")], app("queue", "bb".repeat(32)))).toEqual([app("doors"), app("queue", "bb".repeat(32))]);
  });
});
