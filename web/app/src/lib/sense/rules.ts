/** Rules of sensors: when something is seen, something is done. Between what the API keeps and what a form can show. */

import type { Key } from "../text.svelte";
import type { Sensor } from "./types";

interface Limit {
  limit: number;
  slack?: number;
}

/** A number that is passed upwards, or downwards. */
export type Level = { over: Limit } | { under: Limit };

/** What has to be seen. */
export type When =
  | { kind: "count"; zone: number; level: Level; for_s: number }
  | { kind: "crossings"; line: number; direction?: "in" | "out" | null; count: number; within_s: number }
  | { kind: "dwell"; zone: number; for_s: number }
  | { kind: "absence"; zone?: number | null; line?: number | null; for_s: number }
  | { kind: "schedule"; days: boolean[]; minute: number }
  | { kind: "app"; app: string; name: string; level?: Level | null };

export type Then = { do: "notice"; text: string } | { do: "webhook"; url: string } | { do: "mqtt"; topic: string } | { do: "clip"; seconds: number };

/** Minutes of some days of the week; where it ends before it begins, it passes midnight. */
export interface Hours {
  days: boolean[];
  from: number;
  to: number;
}

export interface Rule {
  id: string;
  name: string;
  on: boolean;
  /** By id; none: all of them. */
  sensors: string[];
  when: When;
  then: Then[];
  quiet: Hours[];
  cooldown_s: number;
}

/** A rule with what its calls are signed with. */
export interface KeptRule extends Rule {
  secret?: string;
}

/** What a rule told of. */
export interface Notice {
  id: number;
  rule: string;
  name: string;
  sensor: string;
  at: number;
  figure: number;
  text: string;
}

/** What a rule would have done. */
export interface Tried {
  observations: number;
  cut: boolean;
  fired: number;
  firings: { sensor: string; at: number; figure: number; text: string }[];
}

/** What the form knows; rules by the clock and of apps are made by the API. */
export const KINDS = ["count", "crossings", "dwell", "absence"] as const;
export type FormKind = (typeof KINDS)[number];

/** A rule as somebody fills it in. */
export interface Form {
  name: string;
  sensor: string;
  kind: FormKind;
  /** `zone 1` or `line 2`. */
  area: string;
  way: "over" | "under";
  direction: "" | "in" | "out";
  number: number;
  seconds: number;
  notice: boolean;
  text: string;
  url: string;
  topic: string;
  quiet: boolean;
  /** As `22:00`. */
  from: string;
  to: string;
  cooldown: number;
}

export const FRESH: Form = { name: "", sensor: "", kind: "count", area: "", way: "over", direction: "", number: 4, seconds: 30, notice: true, text: "", url: "", topic: "", quiet: false, from: "22:00", to: "07:00", cooldown: 300 };

/** Kinds that are about a zone, and about a line. */
const OF_ZONES: readonly FormKind[] = ["count", "dwell", "absence"];
const OF_LINES: readonly FormKind[] = ["crossings", "absence"];

/** What a kind of rule can be about. */
export function areasOf({ lines, zones }: Sensor["desired"]["settings"], kind: FormKind): { value: string; name: string }[] {
  return [
    ...(OF_ZONES.includes(kind) ? zones.map(({ id, name }) => ({ value: `zone ${id}`, name })) : []),
    ...(OF_LINES.includes(kind) ? lines.map(({ id, name }) => ({ value: `line ${id}`, name })) : []),
  ];
}

const EVERY_DAY = [true, true, true, true, true, true, true];
const minute = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5));
const clock = (minutes: number) => [Math.floor((minutes % 1440) / 60), minutes % 60].map((part) => String(part).padStart(2, "0")).join(":");

function whenOf({ kind, area, way, direction, number, seconds }: Form): When {
  const [what, id] = [area.split(" ")[0], Number(area.split(" ")[1])];
  if (kind === "count") return { kind, zone: id, level: way === "over" ? { over: { limit: number } } : { under: { limit: number } }, for_s: seconds };
  if (kind === "crossings") return { kind, line: id, direction: direction || null, count: number, within_s: seconds };
  if (kind === "dwell") return { kind, zone: id, for_s: seconds };
  return { kind, ...(what === "zone" ? { zone: id } : { line: id }), for_s: seconds };
}

/** The rule of a form; what the form cannot show of the rule before stays as it was. */
export function ruleOf(form: Form, before?: Rule): Omit<Rule, "id"> {
  const then: Then[] = [
    ...(form.notice ? [{ do: "notice" as const, text: form.text.trim() }] : []),
    ...(form.url.trim() ? [{ do: "webhook" as const, url: form.url.trim() }] : []),
    ...(form.topic.trim() ? [{ do: "mqtt" as const, topic: form.topic.trim() }] : []),
    ...(before?.then.filter((each) => each.do === "clip") ?? []),
  ];
  return {
    name: form.name.trim(),
    on: before?.on ?? true,
    sensors: [form.sensor],
    when: whenOf(form),
    then,
    quiet: form.quiet ? [{ days: before?.quiet[0]?.days ?? EVERY_DAY, from: minute(form.from), to: minute(form.to) }, ...(before?.quiet.slice(1) ?? [])] : [],
    cooldown_s: form.cooldown,
  };
}

/** The form of a rule; nothing where it has no form for it. */
export function formOf({ name, sensors, when, then, quiet, cooldown_s }: Rule): Form | undefined {
  const [sensor, ...others] = sensors;
  if (when.kind === "schedule" || when.kind === "app" || sensor === undefined || others.length > 0) return undefined;
  const find = <Kind extends Then["do"]>(kind: Kind) => then.find((each): each is Extract<Then, { do: Kind }> => each.do === kind);
  const [notice, hours] = [find("notice"), quiet[0]];
  const form: Form = {
    ...FRESH,
    name,
    sensor,
    kind: when.kind,
    notice: notice !== undefined,
    text: notice?.text ?? "",
    url: find("webhook")?.url ?? "",
    topic: find("mqtt")?.topic ?? "",
    quiet: hours !== undefined,
    ...(hours && { from: clock(hours.from), to: clock(hours.to) }),
    cooldown: cooldown_s,
  };
  if (when.kind === "count") {
    const over = "over" in when.level;
    return { ...form, area: `zone ${when.zone}`, way: over ? "over" : "under", number: ("over" in when.level ? when.level.over : when.level.under).limit, seconds: when.for_s };
  }
  if (when.kind === "crossings") return { ...form, area: `line ${when.line}`, direction: when.direction ?? "", number: when.count, seconds: when.within_s };
  if (when.kind === "dwell") return { ...form, area: `zone ${when.zone}`, seconds: when.for_s };
  return { ...form, area: when.zone != null ? `zone ${when.zone}` : `line ${when.line ?? 0}`, seconds: when.for_s };
}

/** When a rule speaks, in words; `area` gives the names of zones and lines. */
export function tellWhen(when: When, area: (kind: "zone" | "line", id: number) => string, span: (ms: number) => string): { key: Key; values: Record<string, string | number> } {
  const time = (seconds: number) => span(seconds * 1000);
  switch (when.kind) {
    case "count": {
      const over = "over" in when.level;
      const { limit } = "over" in when.level ? when.level.over : when.level.under;
      return { key: over ? "rules.whenOver" : "rules.whenUnder", values: { count: limit, area: area("zone", when.zone), time: time(when.for_s) } };
    }
    case "crossings":
      return { key: "rules.whenCrossings", values: { count: when.count, area: area("line", when.line), time: time(when.within_s) } };
    case "dwell":
      return { key: "rules.whenDwell", values: { area: area("zone", when.zone), time: time(when.for_s) } };
    case "absence":
      return { key: "rules.whenAbsence", values: { area: when.zone != null ? area("zone", when.zone) : area("line", when.line ?? 0), time: time(when.for_s) } };
    case "schedule":
      return { key: "rules.whenSchedule", values: { time: clock(when.minute) } };
    case "app":
      return { key: "rules.whenApp", values: { app: when.app, name: when.name } };
  }
}

/** What the form still lacks. */
export function lacks({ name, sensor, area, notice, url, topic }: Form): Key | undefined {
  if (name.trim() === "") return "rules.noName";
  if (sensor === "" || area === "") return "rules.noArea";
  return notice || url.trim() || topic.trim() ? undefined : "rules.nothingDone";
}
