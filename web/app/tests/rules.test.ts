import { describe, expect, it } from "vitest";
import { FRESH, type Form, type Rule, areasOf, formOf, lacks, ruleOf, tellWhen } from "../src/lib/sense/rules";

const settings = {
  lines: [{ id: 2, name: "Door", from: { x: 0, y: 0 }, to: { x: 1, y: 1 } }],
  zones: [{ id: 1, name: "Counter", corners: [] }],
  model: null,
  low: 0.3,
  high: 0.6,
  rate: 15,
  gate: true,
  apps: [],
};
const form = (more: Partial<Form>): Form => ({ ...FRESH, name: "Queue", sensor: "s1", area: "zone 1", ...more });
const kept = (more: Partial<Form>): Rule => ({ id: "r1", ...ruleOf(form(more)) });

describe("a rule", () => {
  it("comes back into the form as it was filled in", () => {
    for (const filled of [
      form({}),
      form({ way: "under", number: 2, seconds: 0, notice: false, url: "https://example.org/hook" }),
      form({ kind: "crossings", area: "line 2", direction: "out", number: 9, seconds: 60, topic: "shop/door" }),
      form({ kind: "dwell", seconds: 120, text: "Somebody needs help", quiet: true, from: "20:30", to: "06:05" }),
      form({ kind: "absence", area: "line 2", seconds: 3600, cooldown: 0 }),
      form({ kind: "absence", area: "zone 1" }),
    ]) {
      const { number, direction, way } = filled;
      // What the kind does not ask for is as in a fresh form.
      const rule: Rule = { id: "r1", ...ruleOf(filled) };
      const back = formOf(rule)!;
      const asked = filled.kind === "count" ? { number, way } : filled.kind === "crossings" ? { number, direction } : {};
      expect(back).toEqual({ ...filled, number: FRESH.number, way: FRESH.way, direction: FRESH.direction, ...asked });
    }
  });

  it("keeps what the form does not show", () => {
    const before: Rule = { ...kept({ quiet: true }), on: false, then: [{ do: "notice", text: "" }, { do: "clip", seconds: 9 }], quiet: [{ days: [true, false, false, false, false, false, false], from: 0, to: 60 }] };
    const after = ruleOf(form({ quiet: true, from: "01:00", to: "02:00" }), before);
    expect([after.on, after.then[1], after.quiet[0]]).toEqual([false, { do: "clip", seconds: 9 }, { days: before.quiet[0]!.days, from: 60, to: 120 }]);
  });

  it("has no form where it goes by the clock, by an app, or is about several sensors", () => {
    expect(formOf({ ...kept({}), when: { kind: "schedule", days: [], minute: 5 } })).toBeUndefined();
    expect(formOf({ ...kept({}), when: { kind: "app", app: "queue", name: "length" } })).toBeUndefined();
    expect(formOf({ ...kept({}), sensors: [] })).toBeUndefined();
    expect(formOf({ ...kept({}), sensors: ["a", "b"] })).toBeUndefined();
  });

  it("is about zones, lines, or either", () => {
    expect(areasOf(settings, "count").map(({ value }) => value)).toEqual(["zone 1"]);
    expect(areasOf(settings, "crossings").map(({ value }) => value)).toEqual(["line 2"]);
    expect(areasOf(settings, "absence").map(({ value }) => value)).toEqual(["zone 1", "line 2"]);
  });

  it("says when it speaks", () => {
    const area = (kind: string, id: number) => `${kind} ${id}`;
    const span = (ms: number) => `${ms / 1000} s`;
    const told = (more: Partial<Form>) => tellWhen(kept(more).when, area, span);
    expect(told({})).toEqual({ key: "rules.whenOver", values: { count: 4, area: "zone 1", time: "30 s" } });
    expect(told({ way: "under" }).key).toBe("rules.whenUnder");
    expect(told({ kind: "absence", area: "line 2" })).toEqual({ key: "rules.whenAbsence", values: { area: "line 2", time: "30 s" } });
    expect(tellWhen({ kind: "schedule", days: [], minute: 65 }, area, span).values).toEqual({ time: "01:05" });
  });

  it("lacks a name, a place or an effect before it can be kept", () => {
    expect(lacks(form({}))).toBeUndefined();
    expect(lacks(form({ name: " " }))).toBe("rules.noName");
    expect(lacks(form({ area: "" }))).toBe("rules.noArea");
    expect(lacks(form({ notice: false }))).toBe("rules.nothingDone");
    expect(lacks(form({ notice: false, topic: "a/b" }))).toBeUndefined();
  });
});
