/** Models and apps of the house, and rollouts of them: what the API says of each, and what follows from it. */

import type { Key } from "../text.svelte";
import type { Brief, ReportedApp, Settings } from "./types";

export type ModelKind = "model" | "app";

/** What is said of a model or an app; sensors read it, and know more of it than the pages do. */
export type Card = Readonly<Record<string, unknown>>;

export interface ModelFile {
  /** BLAKE3 of its bytes, 64 hexadecimal digits. */
  hash: string;
  kind: ModelKind;
  name: string;
  bytes: number;
  created: number;
  card: Card;
  /** How many sensors are to use it. */
  sensors: number;
}

export interface Rollout {
  id: string;
  kind: ModelKind;
  hash: string;
  name: string;
  /** To which group; all sensors where there is none. */
  group: string | null;
  canary_percent: number;
  minutes: number;
  stage: "canary" | "done" | "returned";
  /** Why it was taken back. */
  why: string | null;
  created: number;
  /** When it came to this stage. */
  staged: number;
  /** How many sensors have it, or had it, and how many it is for. */
  reached: number;
  sensors: number;
}

/** The longest files, as the house takes them. */
export const LARGEST: Readonly<Record<ModelKind, number>> = { model: 64 * 1024 * 1024, app: 4 * 1024 * 1024 };
/** The longest name of a model or an app, in characters. */
export const LONGEST_NAME = 40;
/** The longest that the first sensors are watched: a week. */
export const MOST_MINUTES = 7 * 24 * 60;
const MINUTE_MS = 60_000;

/** How a module of WebAssembly begins. */
const WASM = [0x00, 0x61, 0x73, 0x6d];

/** What a file is, by its name and its first bytes. Whether it is a good one, the house says. */
export function kindOf(name: string, head: ArrayLike<number>): ModelKind {
  return /\.wasm$/i.test(name) || WASM.every((byte, at) => head[at] === byte) ? "app" : "model";
}

/** Whether a file is a card rather than what it is about. */
export const isCard = (name: string): boolean => /\.(toml|json)$/i.test(name);

/** What a file is called before somebody says otherwise: `shop-door.onnx` is "shop-door". */
export const nameOf = (file: string): string => file.replace(/\.[a-z0-9]+$/i, "").slice(0, LONGEST_NAME).trim();

/** The beginning of a hash, enough to tell files apart. */
export const short = (hash: string): string => `${hash.slice(0, 8)}…`;

const words = (value: unknown): string | undefined => (typeof value === "string" && value.trim() !== "" ? value : undefined);
const figure = (value: unknown): number | undefined => (typeof value === "number" && Number.isFinite(value) ? value : undefined);
const record = (value: unknown): Card => (typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Card) : {});

/** What a card says, as far as people are told of it. */
export interface Told {
  licence: string | undefined;
  /** What the network takes, in pixels. */
  input: [width: number, height: number] | undefined;
  labels: string[];
  /** Mean average precision at an overlap of a half, 0 to 1, and on what it was measured. */
  precision: number | undefined;
  judgedOn: string | undefined;
}

export function told(card: Card): Told {
  const input = Array.isArray(card.input) ? { width: card.input[0] as unknown, height: card.input[1] as unknown } : record(card.input);
  const [width, height] = [figure(input.width), figure(input.height)];
  const precision = record(card.precision);
  return {
    licence: words(card.licence),
    input: width !== undefined && height !== undefined ? [width, height] : undefined,
    labels: Array.isArray(card.labels) ? card.labels.flatMap((label) => words(label) ?? []) : [],
    precision: figure(precision.half),
    judgedOn: words(precision.judged_on),
  };
}

/** What is wrong with a card. */
export interface Fault {
  key: Key;
  values: Record<string, string>;
}

/** Why sensors would refuse a model with this card, as far as it can be seen from here; an app needs none. */
export function fault({ kind, hash, card }: Pick<ModelFile, "kind" | "hash" | "card">): Fault | undefined {
  if (kind === "app") return undefined;
  if (Object.keys(card).length === 0) return { key: "models.noCard", values: {} };
  const { input, labels } = told(card);
  const there: Record<string, boolean> = {
    ...Object.fromEntries(["name", "version", "licence", "hash", "output"].map((part) => [part, words(card[part]) !== undefined])),
    labels: labels.length > 0,
    input: input !== undefined && !Array.isArray(card.input),
  };
  const lacks = Object.keys(there).filter((part) => !there[part]);
  if (lacks.length > 0) return { key: "models.cardLacks", values: { parts: lacks.join(", ") } };
  if (String(card.hash).toLowerCase() !== hash) return { key: "models.otherCard", values: { hash: short(String(card.hash)), own: short(hash) } };
  return undefined;
}

/** A card with what the house knows anyway, where it does not say it itself. */
export function completed(card: Card, { kind, hash, name }: Pick<ModelFile, "kind" | "hash" | "name">): Card {
  if (kind === "app" || Object.keys(card).length === 0) return card;
  return { ...card, name: words(card.name) ?? name, hash: words(card.hash) ?? hash };
}

/** A card with another licence; without words it says none. */
export function licensed({ licence: _, ...rest }: Card, licence: string): Card {
  return licence.trim() === "" ? rest : { ...rest, licence };
}

/** Sensors that a rollout can go to: devices that are let in. `group` is empty for all of them. */
export const targets = (sensors: readonly Brief[], group: string): Brief[] =>
  sensors.filter((sensor) => (sensor.state === "online" || sensor.state === "offline") && (group === "" || sensor.group === group));

/** How many of so many get it first: at least one. */
export const first = (all: number, percent: number): number => Math.min(all, Math.ceil((all * Math.min(100, Math.max(1, percent))) / 100));

/** How long the first ones are still watched, in milliseconds; nothing where nobody is watched. */
export const left = ({ stage, staged, minutes }: Rollout, now: number): number | undefined =>
  stage === "canary" ? Math.max(0, staged + minutes * MINUTE_MS - now) : undefined;

const meet = (one: Rollout, other: Rollout) => one.group === null || other.group === null || one.group === other.group;
const replaces = (one: Rollout, other: Rollout) => one.kind === other.kind && (one.kind === "model" || one.name === other.name);

/** Whether taking it back still gives sensors what they had before: nothing else went to them since. */
export function returnable(rollout: Rollout, all: readonly Rollout[]): boolean {
  if (rollout.stage === "returned") return false;
  return !all.some((other) => other.created > rollout.created && other.stage !== "returned" && replaces(rollout, other) && meet(rollout, other));
}

/** What it says of it (`waiting`: it cannot fetch it yet), or what its silence means. */
export type AppState = "running" | "stopped" | "waiting" | "waits" | "silent" | "leaving";

/** An app of a sensor: what it is told, and what it says of it. */
export interface AppRow {
  name: string;
  hash: string;
  state: AppState;
  why: string | undefined;
}

/** The apps that a sensor is to run, then those that it has not let go of yet. `follows`: it has taken its newest settings. */
export function appsOf(wanted: Settings["apps"], reported: readonly ReportedApp[] | undefined, follows: boolean): AppRow[] {
  const same = (one: { name: string; hash: string }) => (other: { name: string; hash: string }) => one.name === other.name && one.hash.toLowerCase() === other.hash.toLowerCase();
  const rows = wanted.map((app): AppRow => {
    const said = reported?.find(same(app));
    return { ...app, state: said?.state ?? (follows ? "silent" : "waits"), why: said?.why ?? undefined };
  });
  const leaving = (reported ?? []).filter((app) => !wanted.some(same(app))).map(({ name, hash }): AppRow => ({ name, hash, state: "leaving", why: undefined }));
  return [...rows, ...leaving];
}

/** With one more app; another one of its name goes. */
export const withApp = (apps: Settings["apps"], { name, hash }: Settings["apps"][number]): Settings["apps"] => [...apps.filter((app) => app.name !== name), { name, hash }];
