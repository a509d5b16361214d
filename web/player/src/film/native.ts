/** A film by the browser's own HLS, where there are no Media Source Extensions. */

import { type Address, type AudioTrack, type Bring, type Source, type SourceEvents, failure, speaks } from "./source";

/** Safari's list of sounds, which TypeScript's DOM does not know. */
interface NativeTracks extends EventTarget {
  readonly length: number;
  [index: number]: { enabled: boolean; label: string; language: string };
}

/** Brings a film by giving its playlist to the element. */
export const native: Bring = (video: HTMLVideoElement, address: Address, events: SourceEvents): Source => {
  const tracks = (video as HTMLVideoElement & { audioTracks?: NativeTracks }).audioTracks;
  const list = () => Array.from({ length: tracks?.length ?? 0 }, (_, index) => tracks![index]!);
  const listening = new AbortController();
  const { signal } = listening;

  const texts = () => Array.from(video.textTracks).filter(({ kind }) => kind === "subtitles" || kind === "captions");
  // What somebody likes is chosen once; from then on they choose.
  const prefer = () => {
    const { audio, texts: read } = address.languages ?? {};
    const heard = audio ? list().findIndex(({ language }) => speaks(language, audio)) : -1;
    const shown = read ? texts().findIndex(({ language }) => speaks(language, read)) : -1;
    if (heard >= 0) for (const [index, each] of list().entries()) each.enabled = index === heard;
    if (shown >= 0) for (const [index, each] of texts().entries()) each.mode = index === shown ? "showing" : "disabled";
  };
  video.addEventListener("loadedmetadata", prefer, { once: true, signal: listening.signal });

  const tell = () => {
    const all = list();
    const named = all.map<AudioTrack>(({ label, language }, index) => ({ index, name: label, language, channels: 0 }));
    events.audioTracks(named, all.findIndex(({ enabled }) => enabled));
  };
  const tellTexts = () => {
    const named = texts().map(({ label, language }, index) => ({ index, name: label, language }));
    events.texts(named, texts().findIndex(({ mode }) => mode === "showing"));
  };
  for (const name of ["addtrack", "change"]) video.textTracks.addEventListener(name, tellTexts, { signal });
  tracks?.addEventListener("addtrack", tell, { signal });
  tracks?.addEventListener("change", tell, { signal });
  video.addEventListener("loadedmetadata", () => address.start > 0 && (video.currentTime = address.start), { once: true, signal });
  video.addEventListener("resize", () => {
    events.renditions([{ index: 0, width: video.videoWidth, height: video.videoHeight, bitrate: 0, codec: "" }]);
    events.rendition(0);
  }, { signal });
  video.addEventListener("error", () => {
    const decoding = video.error?.code === MediaError.MEDIA_ERR_DECODE;
    const network = video.error?.code === MediaError.MEDIA_ERR_NETWORK;
    events.failed(failure(network ? "refused" : decoding ? "broken" : "unsupported"));
  }, { signal });
  video.src = address.hls;

  return {
    bandwidth: 0,
    get date() {
      const began = (video as HTMLVideoElement & { getStartDate?: () => Date }).getStartDate?.().getTime();
      return began !== undefined && Number.isFinite(began) ? began + video.currentTime * 1000 : undefined;
    },
    choose() {
      // The browser chooses by itself.
    },
    listen(track) {
      for (const [index, each] of list().entries()) each.enabled = index === track;
    },
    read(text) {
      for (const [index, each] of texts().entries()) each.mode = index === text ? "showing" : "disabled";
    },
    close() {
      listening.abort();
      video.removeAttribute("src");
      video.load();
    },
  };
};
