import { describe, expect, it } from "vitest";
import { isState, pieces } from "../src/channels";
import { Clock } from "../src/clock";
import { nextBlank } from "../src/display";
import { contain, onPicture } from "../src/geometry";
import { evdev } from "../src/keys";
import { change, padState } from "../src/pads";
import { notches } from "../src/pointer";
import { axes } from "../src/screenpad";
import { fragment, iceServers, separateStreams, withStereo } from "../src/sdp";
import { type Frame, Timelines, spread } from "../src/timeline";

describe("keys", () => {
  it("are physical, whatever the layout", () => {
    expect([evdev("KeyW"), evdev("KeyZ"), evdev("ArrowLeft"), evdev("ControlRight")]).toEqual([17, 44, 105, 97]);
    expect(evdev("MetaLeft")).toBe(evdev("OSLeft"));
    expect(evdev("Unidentified")).toBeUndefined();
  });
});

describe("the picture's geometry", () => {
  it("keeps its proportions within the element", () => {
    expect(contain({ left: 0, top: 0, width: 1000, height: 1000 }, 16, 9)).toEqual({
      left: 0,
      top: 218.75,
      width: 1000,
      height: 562.5,
    });
  });

  it("puts points beside the picture onto its edge", () => {
    const box = { left: 100, top: 0, width: 200, height: 100 };
    expect(onPicture(box, 50, 50)).toEqual({ x: 0, y: 32768 });
    expect(onPicture(box, 300, 500)).toEqual({ x: 65535, y: 65535 });
  });
});

describe("pads", () => {
  const pad = (pressed: number[], axes: number[]) => ({
    axes,
    buttons: Array.from({ length: 17 }, (_, index) => ({
      pressed: pressed.includes(index),
      touched: false,
      value: pressed.includes(index) ? 1 : 0,
    })),
  });

  it("are read in the standard mapping", () => {
    expect(padState(pad([0, 7, 16], [-1, 0.5, 2, 0]))).toEqual({
      buttons: 1 | (1 << 7) | (1 << 16),
      axes: [-32767, 16384, 32767, 0],
      triggers: [0, 255],
    });
  });

  it("tell presses from movement, and rest from noise", () => {
    const rest = padState(pad([], [0, 0, 0, 0]));
    expect(change(rest, padState(pad([3], [0, 0, 0, 0])))).toBe("edge");
    expect(change(rest, padState(pad([], [0.2, 0, 0, 0])))).toBe("movement");
    expect(change(rest, padState(pad([], [0.001, 0, 0, 0])))).toBe("none");
    expect(change(padState(pad([], [0.001, 0, 0, 0])), rest)).toBe("movement");
  });
});

describe("the pad on the screen", () => {
  it("reaches full scale at its edge and no further", () => {
    expect(axes(0, 0, 42)).toEqual([0, 0]);
    expect(axes(42, 0, 42)).toEqual([32767, 0]);
    expect(axes(0, -420, 42)).toEqual([0, -32767]);
    const [x, y] = axes(300, 300, 42);
    expect(Math.hypot(x, y)).toBeCloseTo(32767, -1);
  });
});

describe("the wheel", () => {
  it("turns in 1/120 notches, whatever the browser counts in", () => {
    expect([notches(100, 0), notches(3, 1), notches(1, 2)]).toEqual([120, 120, 120]);
  });
});

describe("channels", () => {
  it("send edges reliably and states not", () => {
    expect(isState({ kind: "key", code: 1, pressed: true })).toBe(false);
    expect(isState({ kind: "touch", id: 0, phase: 2, x: 0, y: 0 })).toBe(false);
    expect(isState({ kind: "touch", id: 0, phase: 1, x: 0, y: 0 })).toBe(true);
    expect(isState({ kind: "pointer", x: 0, y: 0 })).toBe(true);
  });

  it("cut long text between characters", () => {
    const text = "ä😀x".repeat(500);
    const parts = pieces(text);
    expect(parts.join("")).toBe(text);
    for (const part of parts) expect(new TextEncoder().encode(part).length).toBeLessThanOrEqual(960);
  });
});

describe("the session's clock", () => {
  it("believes the quickest answer", () => {
    const clock = new Clock();
    clock.answer(1000, 501_500, 2000);
    clock.answer(5000, 515_000, 25_000);
    expect(clock.toPage(501_500)).toBe(1.5);
    expect(clock.toSession(1.5)).toBe(501_500);
    expect(clock.trip).toBe(1);
  });
});

describe("the display", () => {
  it("shows its next picture after now", () => {
    expect(nextBlank(100, 10, 100)).toBe(110);
    expect(nextBlank(100, 10, 131)).toBe(140);
  });
});

describe("a frame's way", () => {
  const clock = new Clock();
  clock.answer(0, 1_000_000, 0);
  const session = {
    kind: "frame" as const,
    rtp: 7,
    inputSeq: 3,
    input: 1_100_000,
    commit: 1_104_000,
    converted: 1_105_000,
    encoded: 1_110_000,
    sent: 1_111_000,
    bytes: 900,
  };
  const browser = { rtp: 7, received: 112, decoding: 0.004, presented: 120, expected: 128 };

  it("is the same whichever half comes first", () => {
    for (const order of ["session", "browser"]) {
      const frames: Frame[] = [];
      const lines = new Timelines(clock, () => 98, (frame) => frames.push(frame));
      if (order === "session") lines.session(session);
      lines.shown(browser);
      if (order === "browser") lines.session(session);
      expect(frames).toHaveLength(1);
      expect(frames[0]?.steps).toEqual({
        input: 2,
        game: 4,
        convert: 1,
        encode: 5,
        send: 1,
        network: 1,
        decode: 4,
        show: 12,
      });
      expect(frames[0]?.total).toBe(30);
    }
  });

  it("counts an input once, in the first frame that answers it", () => {
    const frames: Frame[] = [];
    const lines = new Timelines(clock, () => 98, (frame) => frames.push(frame));
    for (const rtp of [7, 8]) {
      lines.session({ ...session, rtp });
      lines.shown({ ...browser, rtp });
    }
    expect(frames.map((frame) => frame.inputSeq)).toEqual([3, 0]);
  });

  it("keeps no more than it needs when the other half never comes", () => {
    const lines = new Timelines(clock, () => undefined, () => undefined);
    for (let rtp = 0; rtp < 5000; rtp += 1) lines.session({ ...session, rtp });
    lines.shown({ ...browser, rtp: 1 });
    expect(lines.recent()).toHaveLength(0);
    lines.shown({ ...browser, rtp: 4999 });
    expect(lines.recent()).toHaveLength(1);
  });

  it("has percentiles of nothing too", () => {
    expect(spread([])).toEqual({ p50: 0, p95: 0, p99: 0 });
    expect(spread([3, 1, 2]).p50).toBe(2);
  });
});

describe("session descriptions", () => {
  it("ask for stereo once", () => {
    const offer = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n";
    const asked = withStereo(offer);
    expect(asked).toContain("a=fmtp:111 minptime=10;useinbandfec=1;stereo=1\r\n");
    expect(withStereo(asked)).toBe(asked);
    expect(withStereo("m=video\r\n")).toBe("m=video\r\n");
  });

  it("put sound and picture into streams of their own", () => {
    const answer = "m=video 9\r\na=msid:s v\r\na=ssrc:1 msid:s v\r\nm=audio 9\r\na=msid:s a\r\n";
    expect(separateStreams(answer)).toBe(
      "m=video 9\r\na=msid:playhouse-video v\r\na=ssrc:1 msid:playhouse-video v\r\nm=audio 9\r\na=msid:playhouse-audio a\r\n",
    );
  });

  it("name ICE servers in Link headers", () => {
    const link =
      '<stun:a.example>; rel="ice-server", <turn:b.example?transport=udp>; rel="ice-server"; username="u"; credential="p;x"; credential-type="password", </x>; rel="next"';
    expect(iceServers(link)).toEqual([
      { urls: "stun:a.example" },
      { urls: "turn:b.example?transport=udp", username: "u", credential: "p;x" },
    ]);
    expect(iceServers(null)).toEqual([]);
  });

  it("tell later candidates with the offer's names", () => {
    const offer = "v=0\r\nm=audio 9 X 111\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=mid:0\r\n";
    const candidate = { candidate: "candidate:1 1 udp 1 1.2.3.4 5 typ host" } as RTCIceCandidate;
    expect(fragment(offer, [candidate])).toBe(
      "a=ice-ufrag:u\r\na=ice-pwd:p\r\nm=audio 9 X 111\r\na=mid:0\r\na=candidate:1 1 udp 1 1.2.3.4 5 typ host\r\n",
    );
  });
});
