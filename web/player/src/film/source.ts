/** What brings a film's media into its video element: hls.js, or the browser by itself. */

/** One quality of the picture. */
export interface Rendition {
  index: number;
  width: number;
  height: number;
  /** Bits per second, 0 where unknown. */
  bitrate: number;
  /** As in RFC 6381, for instance `avc1.640028`; empty where unknown. */
  codec: string;
}

/** One of the sounds to choose from. */
export interface AudioTrack {
  index: number;
  name: string;
  /** BCP 47, empty where unknown. */
  language: string;
  /** 0 where unknown. */
  channels: number;
}

/** One of the texts to choose from. */
export interface TextChoice {
  index: number;
  name: string;
  /** BCP 47, empty where unknown. */
  language: string;
}

export type FilmErrorKind =
  /** The server does not answer; trying goes on. */
  | "away"
  /** The server answered, and not with the film. */
  | "refused"
  /** What arrived could not be decoded. */
  | "broken"
  /** This browser cannot play such a film. */
  | "unsupported";

/** Why a film does not play; the message is a sentence. */
export class FilmError extends Error {
  override name = "FilmError";
  constructor(
    readonly kind: FilmErrorKind,
    message: string,
    /** HTTP status, 0 where there was no answer. */
    readonly status = 0,
  ) {
    super(message);
  }
}

/** What a source tells its player. */
export interface SourceEvents {
  renditions(all: readonly Rendition[]): void;
  /** The rendition that is being shown. */
  rendition(index: number): void;
  audioTracks(all: readonly AudioTrack[], chosen: number): void;
  /** `chosen` is -1 where no text is shown. */
  texts(all: readonly TextChoice[], chosen: number): void;
  failed(error: FilmError): void;
  /** The server is out of reach, or back. */
  away(away: boolean): void;
}

/** A film that is being brought. */
export interface Source {
  /** Bits per second that the way to the server carries; 0 where unknown. */
  readonly bandwidth: number;
  /** Seconds from the picture that is made to the one that is shown; 0 where unknown, or where nothing is live. */
  readonly latency?: number;
  /** Where somebody who wants to see what happens now should be, in seconds; none where nothing is live. */
  readonly edge?: number | undefined;
  /** When the picture that is shown was dated, in Unix milliseconds; nothing where it has no date. */
  readonly date: number | undefined;
  /** Where decoding can begin that lies nearest to `seconds`; nothing where that is not known. */
  near?(seconds: number): number | undefined;
  /** Shows this rendition alone; nothing leaves the choice to the source. */
  choose(rendition: number | undefined): void;
  listen(track: number): void;
  /** Shows this text; -1 shows none. */
  read(text: number): void;
  close(): void;
}

/** In which languages somebody likes to watch, as BCP 47 has them; nothing leaves it to the film. */
export interface Languages {
  audio?: string | undefined;
  texts?: string | undefined;
}

/** Whether a track's language is the wanted one, whatever its region. */
export const speaks = (language: string, wanted: string) => language.split("-")[0]?.toLowerCase() === wanted.split("-")[0]?.toLowerCase();

/** Where a film is, and where to begin. */
export interface Address {
  hls: string;
  /** What is read first, in one answer; where it is left out or fails, each file is fetched by itself. */
  bundle?: string | undefined;
  /** Seconds; -1 leaves it to the playlist, as channels want it. */
  start: number;
  /** Whether it is being made while it is watched: begin at its edge. */
  live?: boolean;
  languages?: Languages | undefined;
}

/** Brings a film into `video`. */
export type Bring = (video: HTMLVideoElement, address: Address, events: SourceEvents) => Source;

const SENTENCES: Record<FilmErrorKind, string> = {
  away: "The server cannot be reached. The film goes on as soon as it answers.",
  refused: "The server does not give this film.",
  broken: "The film cannot be decoded here. Its file may be damaged; another browser may still play it.",
  unsupported: "This browser cannot play films of this kind. Another browser may.",
};

/** An error in the player's own words. */
export function failure(kind: FilmErrorKind, status = 0): FilmError {
  return new FilmError(kind, SENTENCES[kind], status);
}

/** The sentence within a problem+json answer (RFC 9457); nothing where it is none. */
export function sentenceIn(body: string): string | undefined {
  try {
    const { detail, title } = JSON.parse(body) as { detail?: unknown; title?: unknown };
    const sentence = typeof detail === "string" ? detail : title;
    return typeof sentence === "string" ? sentence : undefined;
  } catch {
    // Not ours: a proxy's page, for instance.
    return undefined;
  }
}

/** What the server says, in its own words where it has some. */
export function refusal(status: number, body: string): FilmError {
  const sentence = sentenceIn(body);
  return sentence === undefined ? failure("refused", status) : new FilmError("refused", sentence, status);
}
