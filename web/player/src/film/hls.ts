/** A film by hls.js and Media Source Extensions. A module of its own, since it is large and not every page plays films. */

import Hls, { ErrorTypes, Events, type ErrorData, type HlsConfig } from "hls.js";
import { Bundle } from "./bundle";
import { bundled } from "./bundled";
import { type Address, type Bring, type Source, type SourceEvents, failure, refusal, sentenceIn } from "./source";
import { nearest } from "./spans";

/** How often what cannot be decoded is tried again, and within which time. */
const MENDS = 2;
const MEND_WITHIN_MS = 30_000;
/** A server that is out of reach is asked again after this long. */
const ASK_AGAIN_MS = 2000;

/** What a way is taken to carry of which nothing is known; bits per second. */
const FIRST_BITS = 12_000_000;

const CONFIG: Partial<HlsConfig> = {
  // CMAF passes through unchanged: a worker would only cost its start.
  enableWorker: false,
  lowLatencyMode: false,
  // The first segment is fetched while the element is still being prepared.
  startFragPrefetch: true,
  // A film begins in the quality it is to have; the first segments tell whether the way carries it.
  testBandwidth: false,
  abrEwmaDefaultEstimate: FIRST_BITS,
  capLevelToPlayerSize: true,
  backBufferLength: 30,
};

/** What is live is played as close to its edge as the server says, and a little faster where it fell behind. */
const LIVE: Partial<HlsConfig> = {
  ...CONFIG,
  lowLatencyMode: true,
  maxLiveSyncPlaybackRate: 1.05,
  backBufferLength: 60,
  // A broadcast that has just begun has no whole segment for a moment.
  playlistLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 20_000,
      maxLoadTimeMs: 30_000,
      timeoutRetry: { maxNumRetry: 2, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: 20, retryDelayMs: 300, maxRetryDelayMs: 1000 },
    },
  },
};

/** Seconds that are loaded ahead: enough for a hiccup of the network, and little to throw away when somebody seeks. */
const AHEAD_S = 30;
/** Until a picture is there nothing is loaded but what it needs: the rest would take its time. */
const FIRST_S = 1;
/** The first pictures are decoded and shown within this time; then a little is loaded. */
const SETTLE_MS = 200;
const LITTLE_S = 4;
/** Whoever looks for a place goes on within this time; then the rest is loaded, which keeps the page busy for a moment. */
const STAY_MS = 800;

/** A broadcast that has no whole segment yet is asked again after this long. */
const EMPTY_MS = 300;

/** Whether hls.js could play here. */
export const canPlay = () => Hls.isSupported();

/** Brings a film by hls.js. */
export const bring: Bring = (video: HTMLVideoElement, address: Address, events: SourceEvents): Source => {
  const live = address.live === true;
  const bundle = live || !address.bundle ? undefined : begin(address.bundle, address, video);
  const { audio, texts } = address.languages ?? {};
  const hls = new Hls({
    ...(live ? LIVE : { ...CONFIG, startPosition: address.start, ...(bundle && { loader: bundled(bundle) }) }),
    // What is loaded first is what is wanted, so that nothing is loaded twice.
    ...(audio && { audioPreference: { lang: audio } }),
    ...(texts && { subtitlePreference: { lang: texts, forced: false } }),
  });
  const listening = new AbortController();
  let settle = 0;
  const load = (seconds: number) => (hls.config.maxBufferLength = hls.config.maxMaxBufferLength = seconds);
  const first = () => {
    clearTimeout(settle);
    load(FIRST_S);
  };
  const rest = () => {
    clearTimeout(settle);
    settle = window.setTimeout(() => {
      load(LITTLE_S);
      settle = window.setTimeout(() => load(AHEAD_S), STAY_MS);
    }, SETTLE_MS);
  };
  if (!live) video.addEventListener("seeking", first, { signal: listening.signal });
  // What is live comes at its own pace.
  if (!live) for (const name of ["playing", "seeked"]) video.addEventListener(name, rest, { signal: listening.signal });
  if (!live) first();
  let mended: number[] = [];
  let again = 0;
  let parsed = false;

  const played = () => video.readyState > HTMLMediaElement.HAVE_NOTHING;

  const tellTracks = () => {
    const tracks = hls.audioTracks.map(({ name, lang, channels }, index) => ({
      index,
      name: name ?? "",
      language: lang ?? "",
      channels: Number.parseInt(channels ?? "", 10) || 0,
    }));
    events.audioTracks(tracks, hls.audioTrack);
  };

  const tellTexts = () => {
    const texts = hls.subtitleTracks.map(({ name, lang }, index) => ({ index, name: name ?? "", language: lang ?? "" }));
    events.texts(texts, hls.subtitleTrack);
  };

  function mend(): void {
    const now = performance.now();
    mended = mended.filter((at) => now - at < MEND_WITHIN_MS);
    if (mended.length >= MENDS) return events.failed(failure("broken"));
    mended.push(now);
    hls.recoverMediaError();
  }

  function network(data: ErrorData): void {
    const status = data.response?.code ?? 0;
    const body = bodyOf(data.networkDetails);
    // What the server refuses it will refuse again; only what is out of its hands is tried again. A channel of others that
    // does not come is told with the reason; a proxy that says 502 by itself has none.
    const refused = status >= 400 && status < 500 && status !== 408 && status !== 429;
    if (refused || (status === 502 && sentenceIn(body) !== undefined)) return events.failed(refusal(status, body));
    events.away(true);
    clearTimeout(again);
    again = window.setTimeout(() => (parsed ? hls.startLoad() : hls.loadSource(address.hls)), ASK_AGAIN_MS);
  }

  hls.on(Events.MANIFEST_PARSED, () => {
    parsed = true;
    if (bundle) hls.startLevel = hls.levels.findIndex(({ url }) => url.some((each) => bundle.has(each)));
    events.renditions(
      hls.levels.map(({ width, height, bitrate, videoCodec }, index) => ({ index, width, height, bitrate, codec: videoCodec ?? "" })),
    );
  });
  hls.on(Events.LEVEL_SWITCHED, (_, { level }) => events.rendition(level));
  hls.on(Events.AUDIO_TRACKS_UPDATED, tellTracks);
  hls.on(Events.AUDIO_TRACK_SWITCHED, tellTracks);
  hls.on(Events.SUBTITLE_TRACKS_UPDATED, tellTexts);
  hls.on(Events.SUBTITLE_TRACK_SWITCH, tellTexts);
  hls.on(Events.FRAG_LOADED, () => events.away(false));
  hls.on(Events.ERROR, (_, data) => {
    if (live && !played() && data.details === "levelEmptyError") {
      clearTimeout(again);
      again = window.setTimeout(() => hls.loadSource(address.hls), EMPTY_MS);
      return;
    }
    if (!data.fatal) return;
    if (data.type === ErrorTypes.NETWORK_ERROR) network(data);
    else if (data.details === "manifestIncompatibleCodecsError" || data.details === "bufferAddCodecError") events.failed(failure("unsupported"));
    else if (data.type === ErrorTypes.MEDIA_ERROR) mend();
    else events.failed(failure("broken"));
  });
  hls.attachMedia(video);
  hls.loadSource(address.hls);

  return {
    get bandwidth() {
      return hls.bandwidthEstimate;
    },
    get latency() {
      return live ? hls.latency : 0;
    },
    get edge() {
      return live ? (hls.liveSyncPosition ?? undefined) : undefined;
    },
    get date() {
      return hls.playingDate?.getTime();
    },
    near(seconds) {
      const level = hls.levels[hls.currentLevel >= 0 ? hls.currentLevel : hls.loadLevel];
      return nearest(level?.details?.fragments ?? [], seconds);
    },
    choose(rendition) {
      hls.nextLevel = rendition ?? -1;
    },
    listen(track) {
      hls.audioTrack = track;
    },
    read(text) {
      hls.subtitleDisplay = text >= 0;
      hls.subtitleTrack = text;
    },
    close() {
      clearTimeout(again);
      clearTimeout(settle);
      bundle?.close();
      listening.abort();
      hls.destroy();
    },
  };
};

/** Asks for what is read first, of the quality that this element is to have. */
function begin(bundle: string, { hls, start }: Address, video: HTMLVideoElement): Bundle {
  const base = new URL(hls, location.href).href;
  const asked = new URL(bundle, location.href);
  asked.searchParams.set("at", Math.max(0, start).toFixed(3));
  asked.searchParams.set("bits", String(FIRST_BITS));
  asked.searchParams.set("lines", String(Math.ceil(video.clientHeight * devicePixelRatio)));
  return new Bundle(asked.href, base);
}

/** What a failed request was answered with. */
function bodyOf(details: unknown): string {
  if (!(details instanceof XMLHttpRequest)) return "";
  const { response } = details as { response: unknown };
  return response instanceof ArrayBuffer ? new TextDecoder().decode(response) : typeof response === "string" ? response : "";
}
