/** What the API answers about sensors; `/api` documents each field. Times are Unix milliseconds. */

/** A place in a picture: (0, 0) is its upper left corner, (1, 1) its lower right one. */
export interface Point {
  x: number;
  y: number;
}

/** A directed line: who goes from its left side to its right one, seen from `from` towards `to`, goes in. */
export interface Line {
  id: number;
  name: string;
  from: Point;
  to: Point;
}

/** A part of the picture. */
export interface Zone {
  id: number;
  name: string;
  corners: Point[];
  /** After how long a stay in it is told of; never where it is left out. */
  dwell_ms?: number | null;
}

interface Reference {
  name: string;
  hash: string;
}

/** The input of a network, in pixels. */
export interface InputSize {
  width: number;
  height: number;
}

/** What a sensor is told to do. */
export interface Settings {
  lines: Line[];
  zones: Zone[];
  model: Reference | null;
  /** From which score on something is followed, and from which on it is believed; 0 to 1. */
  low: number;
  high: number;
  /** Pictures a second that are looked at, at most. */
  rate: number;
  /** Whether the detector is spared where nothing moves. */
  gate: boolean;
  apps: Reference[];
  /** The input of a device of AITRIOS, in pixels; 300 by 300 where it is left out. */
  input_size?: InputSize | null;
  /** Whether crops of what it is unsure of may go to the larger model; left out where they may not. */
  crops?: boolean;
}

/** What a sensor says of an app that it is to run. */
export interface ReportedApp extends Reference {
  /** `waiting`: it could not be fetched yet. */
  state: "waiting" | "running" | "stopped";
  /** Why it does not run. */
  why?: string | null;
}

export interface Desired {
  version: number;
  settings: Settings;
}

/** What a sensor says of itself. */
export interface Reported {
  /** The version of its settings that it follows, or refused. */
  version: number;
  /** Why it cannot follow them. */
  refused?: string | null;
  agent: string;
  input: string;
  /** Width and height of its pictures. */
  size: [number, number];
  model: Reference | null;
  /** What the numbers of things are called. */
  labels: string[];
  pictures: boolean;
  /** Left out by agents that run none. */
  apps?: ReportedApp[];
}

export interface Health {
  /** Pictures looked at in the last second. */
  fps: number;
  dropped: number;
  /** Pictures at which the detector was spared. */
  gated: number;
  /** Processor time a picture. */
  cpu_ms: number;
  /** Degrees Celsius. */
  temperature: number | null;
  /** Bytes that wait to be taken. */
  backlog: number;
  lost: number;
  /** Why there are no pictures. */
  camera: string | null;
}

export type SensorState = "waiting" | "online" | "offline" | "revoked";

export interface Sensor {
  id: string;
  name: string;
  tags: string[];
  group?: string | null;
  state: SensorState;
  last_seen?: number | null;
  created: number;
  health?: Health | null;
  reported?: Reported | null;
  desired: Desired;
  today: { in: number; out: number };
}

/** A sensor in the fleet: what its tile shows, and its row until the rest is there. */
export type Brief = Pick<Sensor, "id" | "name" | "group" | "state" | "last_seen">;

/** The fleet: those that were asked for, by name, and what all of them together are. */
export interface FleetMap {
  sensors: Brief[];
  counts: Record<SensorState, number>;
  groups: string[];
  tags: string[];
}

/** What lets a device in as a sensor, once. */
export interface Ticket {
  code: string;
  expires: number;
  command: string;
}

/** A track in one picture. */
export interface Thing {
  track: number;
  label: number;
  /** Left, top, right and bottom, as fractions of the picture. */
  place: [number, number, number, number];
  /** How sure, 0 to 1. */
  score: number;
  /** Whether a larger model is still to say what it is. */
  provisional: boolean;
}

/** What is in one picture. */
export interface Glimpse {
  frame: number;
  at: number;
  took_us: number;
  hub_at: number;
  things: Thing[];
}

/** What can happen, by its name. */
export interface Happenings {
  Appeared: { track: number; label: number; foot: Point };
  Left: { track: number; lasted_ms: number; foot: Point };
  Crossed: { line: number; track: number; label: number; direction: "in" | "out" };
  Entered: { zone: number; track: number; label: number };
  Exited: { zone: number; track: number; dwelt_ms: number };
  Dwelt: { zone: number; track: number; dwelt_ms: number };
  Occupancy: { zone: number; count: number };
  Heat: { columns: number; rows: number; cells: [number, number][] };
  Corrected: { track: number; label: number | null };
  App: { app: string; name: string; value: number };
  Lost: { count: number };
  Camera: { works: boolean };
}

/** One of them, under its name alone. */
export type What = Partial<Happenings>;

export interface Happening {
  seq: number;
  at: number;
  what: What;
  /** Whether a larger model has taken it back since. */
  void?: boolean;
}

/** A message of a sensor that is looked at. */
export interface Live {
  glimpse?: Glimpse;
  events?: Happening[];
  health?: Health;
  state?: SensorState;
  /** So many messages were left out, since this page was too slow. */
  missed?: number;
}

export type By = "minute" | "hour" | "day";

export interface Counts {
  lines: { id: number; name: string; rows: { at: number; in: number; out: number }[] }[];
  zones: { id: number; name: string; rows: { at: number; most: number; mean: number }[] }[];
}

/** How long things stood where: cells row by row, in tenths of a second. */
export interface Heat {
  columns: number;
  rows: number;
  cells: [index: number, tenths: number][];
}
