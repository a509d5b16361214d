/**
 * The input protocol: the same binary layouts as `crates/play/src/input.rs`, little-endian, one message per
 * data-channel message. `tests/vectors.json` holds bytes that both sides agree on.
 */

/** What a finger did; the numbers travel. */
export const TouchPhase = { down: 0, move: 1, up: 2, cancel: 3 } as const;
export type TouchPhase = (typeof TouchPhase)[keyof typeof TouchPhase];

/** The whole state of a gamepad in the order of the W3C standard mapping. */
export interface PadState {
  /** Bit `n` is button `n` of the standard mapping. */
  buttons: number;
  /** Left x, left y, right x, right y; -32767 to 32767, right and down positive. */
  axes: [number, number, number, number];
  /** Left and right trigger, 0 to 255. */
  triggers: [number, number];
}

/** What a player did; see `crates/play/src/input.rs` for the meaning and unit of each field. */
export type Input =
  | { kind: "key"; code: number; pressed: boolean }
  | { kind: "text"; text: string }
  | { kind: "button"; code: number; pressed: boolean; x: number; y: number }
  | { kind: "wheel"; dx: number; dy: number }
  | { kind: "pad_connect"; pad: number; connected: boolean }
  | { kind: "touch"; id: number; phase: TouchPhase; x: number; y: number }
  | { kind: "release_all" }
  | { kind: "pointer"; x: number; y: number }
  | { kind: "motion"; sum_x: number; sum_y: number }
  | { kind: "pad"; pad: number; state: PadState }
  | { kind: "ping"; client: number }
  | { kind: "display"; vblank: number; period: number }
  | { kind: "quality"; width: number; height: number; rate: number; kbps: number }
  | { kind: "timelines"; wanted: boolean };

/** Longest message that a session accepts, in bytes. */
export const MAX_LEN = 1024;
/** Pads that one player can bring. */
export const MAX_PADS = 4;
/** Bytes of a message before its fields: the kind and the sequence number. */
const HEAD = 5;

const KIND: Record<Input["kind"], number> = {
  key: 0x01,
  text: 0x02,
  button: 0x03,
  wheel: 0x04,
  pad_connect: 0x05,
  touch: 0x06,
  release_all: 0x07,
  pointer: 0x10,
  motion: 0x11,
  pad: 0x12,
  ping: 0x20,
  display: 0x22,
  quality: 0x23,
  timelines: 0x24,
};

/** Bytes of the fields after the head; text has as many as it needs. */
const LENGTH: Record<Exclude<Input["kind"], "text">, number> = {
  key: 3,
  button: 7,
  wheel: 4,
  pad_connect: 2,
  touch: 6,
  release_all: 0,
  pointer: 4,
  motion: 8,
  pad: 15,
  ping: 8,
  display: 12,
  quality: 9,
  timelines: 1,
};

/** Writes one message; `seq` wraps at 2^32. */
export function encode(seq: number, input: Input): Uint8Array<ArrayBuffer> {
  const text = input.kind === "text" ? new TextEncoder().encode(input.text) : undefined;
  const length = input.kind === "text" ? (text?.length ?? 0) : LENGTH[input.kind];
  const out = new Uint8Array(HEAD + length);
  const view = new DataView(out.buffer);
  view.setUint8(0, KIND[input.kind]);
  view.setUint32(1, seq >>> 0, true);
  if (text) out.set(text, HEAD);
  else fields(new Writer(view, HEAD), input);
  return out;
}

/** Puts one little-endian field after the other. */
class Writer {
  constructor(
    private view: DataView,
    private at: number,
  ) {}
  u8(...values: number[]) {
    for (const value of values) this.view.setUint8(this.at++, value);
    return this;
  }
  u16(...values: number[]) {
    for (const value of values) {
      this.view.setUint16(this.at, value, true);
      this.at += 2;
    }
    return this;
  }
  u32(...values: number[]) {
    for (const value of values) {
      this.view.setUint32(this.at, value >>> 0, true);
      this.at += 4;
    }
    return this;
  }
  u64(value: number) {
    this.view.setBigUint64(this.at, BigInt(Math.max(0, Math.round(value))), true);
    this.at += 8;
    return this;
  }
}

function fields(out: Writer, input: Input): void {
  switch (input.kind) {
    case "key":
      out.u16(input.code).u8(+input.pressed);
      break;
    case "button":
      out.u16(input.code).u8(+input.pressed).u16(input.x, input.y);
      break;
    case "wheel":
      out.u16(input.dx, input.dy);
      break;
    case "pad_connect":
      out.u8(input.pad, +input.connected);
      break;
    case "touch":
      out.u8(input.id, input.phase).u16(input.x, input.y);
      break;
    case "pointer":
      out.u16(input.x, input.y);
      break;
    case "motion":
      out.u32(input.sum_x, input.sum_y);
      break;
    case "pad":
      out.u8(input.pad).u32(input.state.buttons).u16(...input.state.axes).u8(...input.state.triggers);
      break;
    case "ping":
      out.u64(input.client);
      break;
    case "display":
      out.u64(input.vblank).u32(input.period);
      break;
    case "quality":
      out.u16(input.width, input.height).u8(input.rate).u32(input.kbps);
      break;
    case "timelines":
      out.u8(+input.wanted);
      break;
    case "text":
    case "release_all":
      break;
  }
}

/** A frame's way through the session; times are microseconds of the session's clock. */
export interface SessionTimeline {
  kind: "frame";
  /** RTP timestamp, by which the browser names the frame too. */
  rtp: number;
  /** Newest input that the game had been given before it drew; 0 for none. */
  inputSeq: number;
  input: number;
  commit: number;
  converted: number;
  encoded: number;
  sent: number;
  /** Size of the access unit. */
  bytes: number;
}

/** The answer to a ping; both clocks in microseconds. */
export interface Pong {
  kind: "pong";
  client: number;
  server: number;
}

/** Reads a binary message of the session; `undefined` for anything that this version does not know. */
export function decode(bytes: ArrayBuffer): SessionTimeline | Pong | undefined {
  const view = new DataView(bytes);
  if (bytes.byteLength === 37 && view.getUint8(0) === 0x81) {
    const commit = Number(view.getBigUint64(9, true));
    return {
      kind: "frame",
      rtp: view.getUint32(1, true),
      inputSeq: view.getUint32(5, true),
      commit,
      input: commit + view.getInt32(17, true),
      converted: commit + view.getInt32(21, true),
      encoded: commit + view.getInt32(25, true),
      sent: commit + view.getInt32(29, true),
      bytes: view.getInt32(33, true),
    };
  }
  if (bytes.byteLength === 17 && view.getUint8(0) === 0x82) {
    return {
      kind: "pong",
      client: Number(view.getBigUint64(1, true)),
      server: Number(view.getBigUint64(9, true)),
    };
  }
  return undefined;
}

/** What a session tells a player, as JSON text on the `control` channel. */
export type Notice =
  | { type: "hello"; seat: number; width: number; height: number; rate: number }
  | { type: "seat"; seat: number }
  | { type: "pointer_lock"; locked: boolean }
  | { type: "text_input"; active: boolean }
  | { type: "rumble"; pad: number; strong: number; weak: number; milliseconds: number }
  | { type: "quality"; width: number; height: number; rate: number; bitrate: number; automatic: boolean }
  | { type: "ended"; message: string };

/** Reads a notice; `undefined` for text that is none. */
export function notice(text: string): Notice | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "type" in value ? (value as Notice) : undefined;
  } catch {
    return undefined;
  }
}
