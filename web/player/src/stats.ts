/** The connection's numbers of the last second, out of the browser's statistics. */

/** Numbers of the last second. */
export interface Numbers {
  width: number;
  height: number;
  framesPerSecond: number;
  /** Bits per second of video and sound. */
  bitrate: number;
  /** Packets lost of those expected, 0 to 1. */
  loss: number;
  /** Milliseconds, 0 where unknown. */
  roundTrip: number;
  framesDropped: number;
  freezes: number;
  /** Milliseconds that sound waits in the browser's buffer. */
  soundBuffer: number;
  decoder: string;
}

interface Totals {
  at: number;
  bytes: number;
  packets: number;
  lost: number;
  frames: number;
  soundDelay: number;
  soundEmitted: number;
}

type Entry = Record<string, number | string | undefined> & { type: string };

/** Asks a connection for its numbers, each time for the span since it was asked before. */
export class Meter {
  #before: Totals | undefined;

  /** The numbers since the last time; nothing the first time, since there is no span yet. */
  async read(connection: RTCPeerConnection): Promise<Numbers | undefined> {
    const entries: Entry[] = [];
    (await connection.getStats()).forEach((entry: Entry) => entries.push(entry));
    const inbound = entries.filter((entry) => entry.type === "inbound-rtp");
    const video = inbound.find((entry) => entry.kind === "video");
    const audio = inbound.find((entry) => entry.kind === "audio");
    const pair = entries.find((entry) => entry.type === "candidate-pair" && entry.state === "succeeded");
    const number = (entry: Entry | undefined, name: string) => Number(entry?.[name] ?? 0);
    const sum = (name: string) => inbound.reduce((total, entry) => total + number(entry, name), 0);
    const now: Totals = {
      at: performance.now(),
      bytes: sum("bytesReceived"),
      packets: sum("packetsReceived"),
      lost: sum("packetsLost"),
      frames: number(video, "framesDecoded"),
      soundDelay: number(audio, "jitterBufferDelay"),
      soundEmitted: number(audio, "jitterBufferEmittedCount"),
    };
    const before = this.#before;
    this.#before = now;
    if (!before) return undefined;
    const seconds = Math.max(0.001, (now.at - before.at) / 1000);
    const lost = Math.max(0, now.lost - before.lost);
    const expected = lost + now.packets - before.packets;
    const emitted = now.soundEmitted - before.soundEmitted;
    return {
      width: number(video, "frameWidth"),
      height: number(video, "frameHeight"),
      framesPerSecond: (now.frames - before.frames) / seconds,
      bitrate: ((now.bytes - before.bytes) * 8) / seconds,
      loss: expected > 0 ? lost / expected : 0,
      roundTrip: number(pair, "currentRoundTripTime") * 1000,
      framesDropped: number(video, "framesDropped"),
      freezes: number(video, "freezeCount"),
      soundBuffer: emitted > 0 ? ((now.soundDelay - before.soundDelay) / emitted) * 1000 : 0,
      decoder: String(video?.decoderImplementation ?? ""),
    };
  }
}
