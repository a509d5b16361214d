import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Level } from "../src/film/level";

/** A video element as far as its loudness goes. */
class Video extends EventTarget {
  volume = 1;
  muted = false;
  paused = true;
  play() {
    this.paused = false;
    this.dispatchEvent(new Event("playing"));
  }
}

/** What became of the contexts: how many there were, and what the last one amplifies to. */
let contexts: Context[] = [];
let allowed = true;

class Context extends EventTarget {
  state = allowed ? "running" : "suspended";
  currentTime = 0;
  destination = {};
  amplified: number | undefined;
  constructor() {
    super();
    contexts.push(this);
  }
  createGain() {
    const node = { gain: { value: 1, setTargetAtTime: (value: number) => (this.amplified = value) }, connect: () => node };
    return node;
  }
  createMediaElementSource() {
    return { connect: (node: unknown) => node };
  }
  async resume() {
    if (!allowed) throw new Error("not allowed");
    this.state = "running";
    this.dispatchEvent(new Event("statechange"));
  }
  async close() {
    this.state = "closed";
  }
}

const level = () => {
  const video = new Video();
  return { video, level: new Level(video as unknown as HTMLVideoElement) };
};

beforeEach(() => {
  contexts = [];
  allowed = true;
  vi.stubGlobal("AudioContext", Context);
});
afterEach(() => vi.unstubAllGlobals());

describe("the loudness of a film", () => {
  it("is turned down by the element alone where it is too loud", () => {
    const one = level();
    one.level.gain = -6;
    one.video.play();
    expect(one.video.volume).toBeCloseTo(0.501, 3);
    one.level.volume = 0.5;
    expect(one.video.volume).toBeCloseTo(0.251, 3);
    // What the person chose is what they are shown.
    expect(one.level.volume).toBe(0.5);
    expect(contexts).toHaveLength(0);
  });

  it("is amplified where it is too quiet, and not before it plays", () => {
    const one = level();
    one.level.gain = 6;
    expect(contexts).toHaveLength(0);
    one.video.play();
    expect(contexts[0]!.amplified).toBeCloseTo(1.995, 3);
    expect(one.video.volume).toBe(1);
    one.level.gain = 0;
    expect(contexts[0]!.amplified).toBe(1);
    one.level.close();
    expect(contexts[0]!.state).toBe("closed");
  });

  it("stays the element's own until the browser allows more", async () => {
    allowed = false;
    const one = level();
    one.level.gain = 6;
    one.video.play();
    await Promise.resolve();
    expect(contexts[0]!.amplified).toBeUndefined();
    allowed = true;
    one.video.play();
    await Promise.resolve();
    expect(contexts).toHaveLength(1);
    expect(contexts[0]!.amplified).toBeCloseTo(1.995, 3);
  });

  it("can be silence", () => {
    const one = level();
    one.level.volume = 0;
    expect([one.video.muted, one.level.volume]).toEqual([true, 0]);
    one.level.volume = 0.4;
    expect([one.video.muted, one.level.volume]).toEqual([false, 0.4]);
  });
});
