/** The two data channels: which message goes where, in one sequence. */

import { type Input, type Notice, type Pong, type SessionTimeline, TouchPhase, MAX_LEN, decode, encode, notice } from "./protocol";

/** States wait in the browser when the link is slow; past this many bytes they are dropped, since newer ones follow. */
const MOTION_BACKLOG = 4096;
/** Inputs whose time of sending is remembered, for the frame timeline. */
const REMEMBERED = 512;
/** Inputs that are not the player's doing, and so start no way from input to photon. */
const HOUSEKEEPING = new Set<Input["kind"]>(["ping", "display", "quality", "timelines"]);

/** What arrives over the channels. */
export interface ChannelEvents {
  notice(notice: Notice): void;
  frame(timeline: SessionTimeline): void;
  pong(pong: Pong): void;
  open(): void;
  close(): void;
}

/** States go unreliably, where a late one is worth nothing; everything else goes reliably. */
export function isState(input: Input): boolean {
  switch (input.kind) {
    case "pointer":
    case "motion":
    case "pad":
    case "ping":
    case "display":
      return true;
    case "touch":
      return input.phase === TouchPhase.move;
    default:
      return false;
  }
}

/** Sends inputs of one connection and remembers when. */
export class Channels {
  #control: RTCDataChannel;
  #motion: RTCDataChannel;
  #seq = 0;
  #sentAt = new Float64Array(REMEMBERED);
  #sentSeq = new Uint32Array(REMEMBERED);

  constructor(connection: RTCPeerConnection, events: ChannelEvents) {
    this.#control = connection.createDataChannel("control", { ordered: true });
    this.#motion = connection.createDataChannel("motion", { ordered: false, maxRetransmits: 0 });
    for (const channel of [this.#control, this.#motion]) {
      channel.binaryType = "arraybuffer";
      channel.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
        if (typeof data === "string") {
          const read = notice(data);
          if (read) events.notice(read);
          return;
        }
        const read = decode(data);
        if (read?.kind === "frame") events.frame(read);
        if (read?.kind === "pong") events.pong(read);
      };
    }
    this.#control.onopen = () => events.open();
    this.#control.onclose = () => events.close();
  }

  /** Whether inputs reach the session. */
  get open(): boolean {
    return this.#control.readyState === "open";
  }

  /** Sends an input; `reliably` overrides the channel that its kind would take. Gives its number, 0 where unsent. */
  send(input: Input, reliably = !isState(input)): number {
    const channel = reliably || this.#motion.readyState !== "open" ? this.#control : this.#motion;
    if (channel.readyState !== "open") return 0;
    if (!reliably && channel.bufferedAmount > MOTION_BACKLOG) return 0;
    this.#seq = (this.#seq + 1) >>> 0 || 1;
    const bytes = encode(this.#seq, input);
    if (bytes.length > MAX_LEN) return 0;
    if (!HOUSEKEEPING.has(input.kind)) {
      this.#sentAt[this.#seq % REMEMBERED] = performance.now();
      this.#sentSeq[this.#seq % REMEMBERED] = this.#seq;
    }
    channel.send(bytes);
    return this.#seq;
  }

  /** When the input of this number was sent, by `performance.now()`; `undefined` where that is forgotten. */
  sentAt(seq: number): number | undefined {
    return seq !== 0 && this.#sentSeq[seq % REMEMBERED] === seq ? this.#sentAt[seq % REMEMBERED] : undefined;
  }
}

/** Text in pieces that fit into a message, cut between characters. */
export function pieces(text: string, limit = MAX_LEN - 64): string[] {
  const encoder = new TextEncoder();
  const out: string[] = [];
  let piece = "";
  let size = 0;
  for (const character of text) {
    const bytes = encoder.encode(character).length;
    if (size + bytes > limit) {
      out.push(piece);
      piece = "";
      size = 0;
    }
    piece += character;
    size += bytes;
  }
  if (piece) out.push(piece);
  return out;
}
