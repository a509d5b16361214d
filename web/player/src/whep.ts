/** One connection to a session or a live stream by WHEP: an offer is posted, the answer plays, a DELETE leaves. */

import { type ChannelEvents, Channels } from "./channels";
import { fragment, iceServers, separateStreams, withStereo } from "./sdp";

/** How long candidates are gathered before they are told in one request. */
const TRICKLE_AFTER_MS = 150;
/** How long a connection may take until its first picture could come. */
const CONNECT_WITHIN_MS = 15_000;
/** A connection that breaks off often mends itself; after this long it has not. */
const MEND_WITHIN_MS = 2_500;

/** Why a session could not be joined: a problem+json of the server, or what went wrong on the way. */
export class WhepError extends Error {
  override name = "WhepError";
  constructor(
    /** A sentence for a person. */
    message: string,
    /** HTTP status, or 0 where there was no answer. */
    readonly status: number,
    /** The problem's type, as the API documents it. */
    readonly type = "",
    /** What to do about it, where the server says so. */
    readonly detail = "",
  ) {
    super(message);
  }

  /** Whether trying again can help. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** Reads a problem+json answer into an error whose message is a sentence. */
export async function problem(response: Response): Promise<WhepError> {
  const body: unknown = await response.json().catch(() => undefined);
  const text = (name: string) => {
    const value = (body as Record<string, unknown> | undefined)?.[name];
    return typeof value === "string" ? value : "";
  };
  const fallback = `The server answered ${response.status} ${response.statusText}`.trim();
  return new WhepError(text("detail") || text("title") || fallback, response.status, text("type"), text("title"));
}

/** Where and how to connect. */
export interface WhepOptions {
  /** The endpoint that takes the offer. */
  url: string;
  /** Headers of every request, for instance an authorization. */
  headers?: Record<string, string>;
  /** ICE servers that are known before; those of the answer's `Link` headers are added. */
  iceServers?: RTCIceServer[];
  /** A live stream: there is nothing to steer, and sound stays with its picture. */
  live?: boolean;
}

/** What a connection tells its player. */
export interface WhepEvents extends ChannelEvents {
  track(track: MediaStreamTrack): void;
  /** The connection is over without having been closed here. */
  lost(): void;
}

/** A connection that is being made, is there, or was. */
export class Whep {
  /** None for a live stream. */
  readonly channels: Channels | undefined;
  readonly connection: RTCPeerConnection;
  #resource: string | undefined;
  #etag: string | null = null;
  #closed = false;
  #timer = 0;
  #pending: RTCIceCandidate[] = [];

  constructor(
    private options: WhepOptions,
    private events: WhepEvents,
  ) {
    const connection = new RTCPeerConnection({ bundlePolicy: "max-bundle", iceServers: options.iceServers ?? [] });
    this.connection = connection;
    for (const kind of ["video", "audio"] as const) {
      const { receiver } = connection.addTransceiver(kind, { direction: "recvonly" });
      hurry(receiver);
    }
    this.channels = options.live ? undefined : new Channels(connection, events);
    connection.ontrack = ({ track, receiver }) => {
      hurry(receiver);
      events.track(track);
    };
    connection.onconnectionstatechange = () => this.#changed();
  }

  /** Posts the offer and takes the answer; the media come by themselves. */
  async open(): Promise<void> {
    const { connection } = this;
    const offer = withStereo((await connection.createOffer()).sdp ?? "");
    connection.onicecandidate = ({ candidate }) => candidate?.candidate && this.#pending.push(candidate);
    const response = await this.#request("POST", this.options.url, "application/sdp", offer);
    if (!response.ok) throw await problem(response);
    const location = response.headers.get("location");
    if (location) this.#resource = new URL(location, response.url).href;
    this.#etag = response.headers.get("etag");
    if (this.#closed) {
      this.#leave();
      return;
    }
    // The description is set only now, since gathering begins with it and should know the answer's servers.
    const servers = iceServers(response.headers.get("link"));
    if (servers.length > 0) {
      connection.setConfiguration({ ...connection.getConfiguration(), iceServers: servers });
    }
    const answer = await response.text();
    await connection.setLocalDescription({ type: "offer", sdp: offer });
    await connection.setRemoteDescription({ type: "answer", sdp: this.options.live ? answer : separateStreams(answer) });
    this.#timer = window.setTimeout(() => this.#lost(), CONNECT_WITHIN_MS);
    window.setTimeout(() => void this.#trickle(offer), TRICKLE_AFTER_MS);
  }

  /** Leaves: the session is told, also while the page goes away. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    this.connection.close();
    this.#leave();
  }

  #leave(): void {
    if (!this.#resource) return;
    const { headers = {} } = this.options;
    // The server notices a silent peer by itself, so that a failure here loses nothing.
    fetch(this.#resource, { method: "DELETE", keepalive: true, headers }).catch(() => undefined);
    this.#resource = undefined;
  }

  async #request(method: string, url: string, type: string, body: string): Promise<Response> {
    const headers: Record<string, string> = { ...this.options.headers, "content-type": type };
    if (method === "PATCH" && this.#etag) headers["if-match"] = this.#etag;
    try {
      return await fetch(url, { method, headers, body });
    } catch {
      throw new WhepError("The server cannot be reached.", 0);
    }
  }

  /** A session at a public address needs no candidates of ours; one that is not connected by now may. */
  async #trickle(offer: string): Promise<void> {
    if (this.#closed || !this.#resource || this.connection.connectionState === "connected") return;
    if (this.#pending.length === 0) return;
    await this.#request("PATCH", this.#resource, "application/trickle-ice-sdpfrag", fragment(offer, this.#pending))
      // Connecting may succeed without; if not, the deadline says so.
      .catch(() => undefined);
  }

  #changed(): void {
    if (this.#closed) return;
    switch (this.connection.connectionState) {
      case "connected":
        clearTimeout(this.#timer);
        break;
      case "disconnected":
        clearTimeout(this.#timer);
        this.#timer = window.setTimeout(() => this.#lost(), MEND_WITHIN_MS);
        break;
      case "failed":
      case "closed":
        this.#lost();
        break;
    }
  }

  #lost(): void {
    if (this.#closed) return;
    this.close();
    this.events.lost();
  }
}

/** Asks for the least delay between a frame's arrival and its showing. */
function hurry(receiver: RTCRtpReceiver): void {
  const hints = receiver as RTCRtpReceiver & { jitterBufferTarget?: number | null; playoutDelayHint?: number };
  if ("jitterBufferTarget" in hints) hints.jitterBufferTarget = 0;
  if ("playoutDelayHint" in hints) hints.playoutDelayHint = 0;
}
