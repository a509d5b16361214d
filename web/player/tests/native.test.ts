import { beforeEach, describe, expect, it, vi } from "vitest";
import { native } from "../src/film/native";
import type { Address, SourceEvents } from "../src/film/source";

/** A list of tracks as browsers have them. */
class Tracks<Track> extends EventTarget {
  [index: number]: Track;
  length = 0;
  add(track: Track): void {
    this[this.length++] = track;
    this.dispatchEvent(new Event("addtrack"));
  }
  *[Symbol.iterator](): Iterator<Track> {
    for (let index = 0; index < this.length; index++) yield this[index]!;
  }
}

interface Sound {
  enabled: boolean;
  label: string;
  language: string;
}
interface Text {
  kind: string;
  mode: string;
  label: string;
  language: string;
}

/** A video element of Safari's, as far as its own HLS goes. */
class Video extends EventTarget {
  src = "";
  currentTime = 0;
  videoWidth = 1280;
  videoHeight = 720;
  error: { code: number } | null = null;
  audioTracks = new Tracks<Sound>();
  textTracks = new Tracks<Text>();
  loads = 0;
  startDate: Date | undefined;
  getStartDate() {
    return this.startDate ?? new Date(NaN);
  }
  removeAttribute() {
    this.src = "";
  }
  load() {
    this.loads++;
  }
  tell(name: string) {
    this.dispatchEvent(new Event(name));
  }
}

let video: Video;
let heard: Record<keyof SourceEvents, ReturnType<typeof vi.fn>>;

function bring(address: Partial<Address> = {}) {
  video = new Video();
  video.audioTracks.add({ enabled: true, label: "English", language: "en" });
  video.audioTracks.add({ enabled: false, label: "Deutsch", language: "de-DE" });
  video.textTracks.add({ kind: "metadata", mode: "hidden", label: "", language: "" });
  video.textTracks.add({ kind: "subtitles", mode: "disabled", label: "日本語", language: "ja" });
  const names = ["renditions", "rendition", "audioTracks", "texts", "failed", "away"] as const;
  heard = Object.fromEntries(names.map((name) => [name, vi.fn()])) as typeof heard;
  return native(video as unknown as HTMLVideoElement, { hls: "/film.m3u8", start: 0, ...address }, heard as unknown as SourceEvents);
}

beforeEach(() => {
  vi.stubGlobal("MediaError", { MEDIA_ERR_NETWORK: 2, MEDIA_ERR_DECODE: 3 });
});

describe("a film by the browser's own HLS", () => {
  it("begins where it was left, once the browser knows the film", () => {
    bring({ start: 754 });
    expect(video.src).toBe("/film.m3u8");
    expect(video.currentTime).toBe(0);
    video.tell("loadedmetadata");
    expect(video.currentTime).toBe(754);
    video.currentTime = 3;
    video.tell("loadedmetadata");
    expect(video.currentTime).toBe(3);
  });

  it("leaves a channel at the place that its playlist names", () => {
    bring({ start: -1 });
    video.tell("loadedmetadata");
    expect(video.currentTime).toBe(0);
  });

  it("begins in the languages of whoever watches, and leaves them alone afterwards", () => {
    const source = bring({ languages: { audio: "de", texts: "ja" } });
    video.tell("loadedmetadata");
    expect([...video.audioTracks].map(({ enabled }) => enabled)).toEqual([false, true]);
    expect(video.textTracks[1]!.mode).toBe("showing");
    source.listen(0);
    source.read(-1);
    video.tell("loadedmetadata");
    expect([...video.audioTracks].map(({ enabled }) => enabled)).toEqual([true, false]);
    expect(video.textTracks[1]!.mode).toBe("disabled");
    // What is no subtitle is not ours.
    expect(video.textTracks[0]!.mode).toBe("hidden");
  });

  it("tells which sounds and texts there are, and which are chosen", () => {
    const source = bring();
    source.listen(1);
    video.audioTracks.dispatchEvent(new Event("change"));
    expect(heard.audioTracks).toHaveBeenLastCalledWith(
      [
        { index: 0, name: "English", language: "en", channels: 0 },
        { index: 1, name: "Deutsch", language: "de-DE", channels: 0 },
      ],
      1,
    );
    source.read(0);
    video.textTracks.dispatchEvent(new Event("change"));
    expect(heard.texts).toHaveBeenLastCalledWith([{ index: 0, name: "日本語", language: "ja" }], 0);
  });

  it("says what it shows, and dates it where the playlist does", () => {
    const source = bring();
    video.tell("resize");
    expect(heard.renditions).toHaveBeenCalledWith([{ index: 0, width: 1280, height: 720, bitrate: 0, codec: "" }]);
    expect(source.date).toBeUndefined();
    video.startDate = new Date(1_000_000);
    video.currentTime = 2.5;
    expect(source.date).toBe(1_002_500);
  });

  it("tells a network that is gone from a film that cannot be decoded, and from one that it does not know", () => {
    bring();
    for (const [code, kind] of [[2, "refused"], [3, "broken"], [4, "unsupported"]] as const) {
      video.error = { code };
      video.tell("error");
      expect(heard.failed.mock.lastCall![0].kind).toBe(kind);
    }
  });

  it("lets go of the film when it is closed", () => {
    const source = bring();
    source.close();
    expect([video.src, video.loads]).toEqual(["", 1]);
    heard.failed.mockClear();
    video.tell("error");
    video.tell("resize");
    expect(heard.failed).not.toHaveBeenCalled();
    expect(heard.renditions).not.toHaveBeenCalled();
  });
});
