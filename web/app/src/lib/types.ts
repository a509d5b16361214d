/** What the API answers; `/api` documents each field. Times are Unix milliseconds. */

export type Role = "owner" | "player" | "guest" | "visitor";

export interface Me {
  kind: "account" | "visitor";
  id: string | null;
  name: string;
  role: Role;
  has_password: boolean;
  /** The one session, or party, that a visitor may see. */
  session: string | null;
  /** The profile at this device. */
  profile: string | null;
  /** Whether that profile has an age limit. */
  limited: boolean;
}

/** Somebody who shares the account. */
export interface Profile {
  id: string;
  name: string;
  age_limit: number | null;
  has_pin: boolean;
  /** BCP 47. */
  language: string | null;
  audio: string | null;
  subtitles: string | null;
  autoplay: boolean;
  /** Whether it is the one at this device. */
  here: boolean;
}

/** What accounts may have, made by owners; null is what the house gives everybody. */
export interface Plan {
  id: string;
  name: string;
  streams: number | null;
  recording_hours: number | null;
  /** How many accounts have it. */
  accounts: number;
  created: number;
}

/** All plans, and what accounts have without one. */
export interface PlanList {
  plans: Plan[];
  usual_streams: number;
  usual_recording_hours: number;
}

/** What the account watches somewhere. */
export interface Stream {
  id: string;
  film: string | null;
  channel: string | null;
  title: string;
  profile: string | null;
  device: string | null;
  user_agent: string;
  here: boolean;
  seconds: number;
}

export interface Health {
  status: string;
  version: string;
  set_up: boolean;
  capacity: { running: number; limit: number };
}

export interface Account {
  id: string;
  name: string;
  role: "owner" | "player" | "guest";
  has_password: boolean;
  created: number;
  last_seen: number | null;
  /** The id of its plan; null has what the house gives everybody. */
  plan: string | null;
}

export interface SignIn {
  id: string;
  created: number;
  seen: number;
  expires: number;
  user_agent: string | null;
  /** What people call the device. */
  device: string | null;
  current: boolean;
}

export interface Control {
  action: string;
  keys: string[];
  pad: string[];
}

export interface Title {
  id: string;
  name: string;
  summary: string;
  genre: string | null;
  year: number | null;
  homepage: string | null;
  licence: string | null;
  cover: string;
  size: { width: number; height: number };
  rate: number;
  seats: number;
  pointer: "absolute" | "locked";
  controls: Control[];
  available: boolean;
  /** The command that installs what is missing. */
  install: string | null;
  /** What is wrong with the manifest; owners only. */
  problem: string | null;
  network: { asked: boolean; allowed: boolean };
  hidden: boolean;
  last_played: number | null;
  play_seconds: number;
}

export interface TitleName {
  id: string;
  name: string;
  cover: string;
}

export interface Seat {
  seat: number;
  holder: { peer: string; name: string; account: string | null; connected: boolean; you: boolean } | null;
  /** By which somebody plays in it. */
  sensor: { id: string; name: string } | null;
}

export interface Peer {
  peer: string;
  name: string;
  role: "player" | "spectator";
  seat: number | null;
  connected: boolean;
  you: boolean;
}

export type EndReason = "stopped" | "finished" | "crashed" | "not_started" | "abandoned" | "failed";

export interface Session {
  id: string;
  title: TitleName;
  account: { id: string; name: string };
  state: "starting" | "running" | "ended";
  message: string;
  created: number;
  ended: number | null;
  reason: EndReason | null;
  last_words: string | null;
  size: { width: number; height: number };
  rate: number;
  idle_seconds: number;
  idle_since: number | null;
  seats: Seat[];
  spectators: number;
  peers: Peer[];
  /** The channel that it is published on, while it is. */
  on_air: { id: string; name: string } | null;
  you: { steer: boolean; seat: number | null; invited: "spectator" | "player" | null };
}

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}

export interface Stats {
  frames_per_second: number;
  bitrate: number;
  width: number;
  height: number;
  encode: Percentiles;
  cpu_seconds: number;
  game_cpu_seconds: number;
  rss_bytes: number;
  peers: number;
  encoder: string;
  loss: number;
  round_trip_ms: number;
}

export interface Queue {
  place: number | null;
  length: number;
  offered_until: number | null;
}

export interface Invitation {
  kind: "spectator" | "player";
  seat: number | null;
  from: string;
  session: string;
  /** Whether it leads into a party; `title` is its film, then. */
  party: boolean;
  title: TitleName;
  needs_name: boolean;
}

export interface Clip {
  id: string;
  title: { id: string; name: string };
  session: string;
  created: number;
  duration_ms: number;
  bytes: number;
  url: string;
}

export interface System {
  version: string;
  started: number;
  capacity: { running: number; limit: number };
  queue: number;
  encoders: { name: string; available: boolean; reason: string | null }[];
  encoder: string;
  disk: { free_bytes: number; total_bytes: number; clips_bytes: number; clips_quota_bytes: number };
  load: [number, number, number];
  cpus: number;
  memory: { total_bytes: number; available_bytes: number };
  sessions: Session[];
}

/** A film as lists have it. */
export interface Film {
  id: string;
  /** The film's title, or the episode's. */
  title: string;
  year: number | null;
  show: string | null;
  season: number | null;
  episode: number | null;
  duration_s: number | null;
  width: number | null;
  height: number | null;
  /** `rendering` while it is being made playable. */
  state: "ready" | "rendering" | "unplayable" | "missing";
  /** How it is being made playable; owners only. */
  rendering: Rendering | null;
  /** Why it cannot be played. */
  reason: string | null;
  added_ms: number;
  poster: string;
  /** Where this account left it. */
  position_s: number | null;
  finished: boolean;
  /** From which age on it is for. */
  age: number | null;
  /** When this account last watched it. */
  watched_ms: number | null;
}

/** What the numbers of a picture mean (ITU-T H.273), by ffmpeg's names. */
export interface Colour {
  primaries: string | null;
  transfer: string | null;
  matrix: string | null;
  range: string | null;
}

/** A track of a film. */
export interface Track {
  kind: "video" | "audio" | "subtitle";
  codec: string;
  language: string | null;
  width: number | null;
  height: number | null;
  channels: number | null;
  title: string | null;
  /** What the numbers of a picture mean, by ffmpeg's names. */
  colour: Colour | null;
  /** Whether players show it; subtitles that are pictures stay in the file. */
  shown: boolean;
}

/** How a film is being made playable. */
export interface Rendering {
  film: string;
  title: string;
  state: "waiting" | "running" | "paused" | "done" | "failed" | "cancelled";
  step: "probing" | "sound" | "picture" | "joining" | null;
  percent: number | null;
  /** Seconds of the film that take a second. */
  speed: number | null;
  left_s: number | null;
  /** Why it waits or failed. */
  reason: string | null;
  asked_ms: number;
  ended_ms: number | null;
  /** Codings that are made beside H.264. */
  also: string[];
  renditions: number | null;
  bytes: number | null;
  ladder_saving_percent: number | null;
}

export interface Chapter {
  start_s: number;
  /** Empty where the film does not say. */
  title: string;
}

/** A film as its page has it. */
export interface FilmDetail extends Film {
  tracks: Track[];
  hls: string;
  /** What a player reads first, in one answer. */
  start: string;
  dash: string;
  /** The file as it is, to take along. */
  file: string;
  /** The file's path in its folder; owners only. */
  path: string | null;
  bytes: number;
  chapters: Chapter[];
  subtitles: { language: string | null; name: string | null; forced: boolean; url: string }[];
  /** Subtitles that are pictures, as they are in the file, once they were taken out. */
  pictures: string | null;
  /** How loud each sound is, and by how much it is made louder to be like others; empty until that was measured. */
  loudness: ({ lufs: number; peak_db: number; gain_db: number } | null)[];
  /** Where small pictures are described, once there are some. */
  sprites: string | null;
  plot: string | null;
  genres: string[];
  actors: { name: string; role: string }[];
  age: number | null;
}

/** What arrives from whoever publishes a channel. */
export interface StreamHealth {
  bitrate: number;
  rate: number;
  keyframe_interval_s: number | null;
  silent_ms: number;
  bytes: number;
  tracks: string[];
}

/** A channel, and what is on. */
export interface Channel {
  id: string;
  name: string;
  kind: "push" | "pull" | "schedule" | "external";
  number: number | null;
  category: string | null;
  logo: string | null;
  cover: string;
  live: boolean;
  protocol: string | null;
  since_ms: number | null;
  /** From when to when it can be watched. */
  from_ms: number | null;
  until_ms: number | null;
  width: number | null;
  height: number | null;
  window_seconds: number;
  replace_publisher: boolean;
  /** Whether lower qualities are made while there is capacity. */
  ladder: boolean;
  /** Those that there are, the best first. */
  renditions: string[];
  /** Why there are none though they are wanted. */
  ladder_reason: string | null;
  yours: boolean;
  hls: string;
  dash: string | null;
  health: StreamHealth | null;
}

/** Where publishers come in; null where nobody listens. */
export interface Publish {
  rtmp: string | null;
  srt: string | null;
  whip: string;
}

/** Addresses of one film or channel for players of others. */
export interface PlayerLink {
  id: string;
  hls: string;
  dash: string | null;
  list: string;
  until_ms: number;
}

/** What opens the guide, or one film or channel, to players of others. */
export interface PlayerToken {
  id: string;
  name: string;
  created: number;
  used: number | null;
  /** The one film or channel that it opens. */
  only: string | null;
  until_ms: number | null;
}

/** A list of channels, a guide, or both, of somebody else. */
export interface Source {
  id: string;
  name: string;
  playlist: string | null;
  guide: string | null;
  private: boolean;
  refreshed: number | null;
  error: string | null;
}

/** What an import brought. */
export interface Imported {
  source: Source | null;
  channels: number;
  left_out: number;
  programmes: number;
}

/** What a search found, by kind. */
export interface Found {
  titles: Title[];
  films: Film[];
  shows: { name: string; episodes: number; poster: string }[];
  channels: { id: string; name: string; number: number | null; kind: Channel["kind"]; cover: string }[];
  programmes: { channel: string; channel_name: string; start_ms: number; stop_ms: number; title: string; subtitle: string | null; film: string | null }[];
  people: { name: string; films: { id: string; title: string }[] }[];
}

export interface StreamKey {
  id: string;
  name: string;
  created: number;
  used: number | null;
}

/** What is on a channel at some time. */
export interface Programme {
  start_ms: number;
  stop_ms: number;
  title: string;
  subtitle: string | null;
  description: string | null;
  category: string | null;
  season: number | null;
  episode: number | null;
  /** The film that it is. */
  film: string | null;
  /** Whether it is what comes between programmes. */
  filler: boolean;
}

export interface GuideChannel {
  id: string;
  name: string;
  number: number | null;
  category: string | null;
  logo: string | null;
  kind: "schedule" | "push" | "pull" | "external";
  on: boolean;
  /** Where it plays, while it is on. */
  hls: string | null;
  /** Where a channel of others plays, which these pages cannot show. */
  elsewhere: string | null;
  programmes: Programme[];
}

export interface GuideView {
  now_ms: number;
  from_ms: number;
  to_ms: number;
  channels: GuideChannel[];
}

export interface Rotation {
  films: string[];
  shows: string[];
  everything: boolean;
  order: "shuffle" | "in_order";
}

export interface Block {
  name: string;
  days: string[];
  /** As `20:15`. */
  from: string;
  to: string;
  what: Rotation;
}

/** What a channel made of the library is to play. */
export interface Schedule {
  zone: string;
  seed: number;
  always: Rotation;
  blocks: Block[];
  filler: Rotation;
}

export interface Recording {
  id: string;
  channel: string | null;
  channel_name: string;
  rule: string | null;
  title: string;
  subtitle: string | null;
  description: string | null;
  start_ms: number;
  stop_ms: number;
  state: "planned" | "recording" | "done" | "failed" | "skipped";
  reason: string | null;
  film: string | null;
  /** The playlist of what a live channel's recording has so far. */
  watch: string | null;
  protected: boolean;
  expires_ms: number | null;
  /** Ids of recordings that are in its way. */
  conflicts: string[];
}

export interface RecordingRule {
  id: string;
  kind: "series" | "keyword";
  words: string;
}

export interface RecordingQuota {
  used_s: number;
  planned_s: number;
  limit_s: number;
  at_once: number;
}

export interface RecordingList {
  recordings: Recording[];
  rules: RecordingRule[];
  quota: RecordingQuota;
}

/** What was planned, or would be. */
export interface Planned {
  recordings: Recording[];
  rule: string | null;
  quota: RecordingQuota;
  fits: boolean;
}
