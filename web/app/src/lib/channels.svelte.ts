/** The channels of the house, as far as the pages have asked for them. */

import { api } from "./api";
import type { Channel } from "./types";

class Channels {
  list = $state<Channel[] | undefined>();

  /** Those that somebody publishes at the moment. */
  get on(): Channel[] | undefined {
    return this.list?.filter(({ live }) => live);
  }

  /** Those that are off the air. */
  get off(): Channel[] | undefined {
    return this.list?.filter(({ live }) => !live);
  }

  /** Those that this person may change. */
  get mine(): Channel[] | undefined {
    return this.list?.filter(({ yours, kind }) => yours && kind === "push");
  }

  async load(): Promise<void> {
    this.list = (await api<{ channels: Channel[] }>("GET", "/api/channels")).channels;
  }

  /** A channel as it is now. */
  async one(id: string): Promise<Channel> {
    const channel = await api<Channel>("GET", path(id));
    this.list = this.list?.map((each) => (each.id === id ? channel : each));
    return channel;
  }
}

export const channels = new Channels();

/** The address of a channel in the API. */
export const path = (id: string) => `/api/channels/${encodeURIComponent(id)}`;

/** Where a publisher's program sends to, on this host, at the ports that the program listens at by default. */
export function addresses(key: string): { rtmp: string; srt: string; whip: string } {
  const host = location.hostname;
  return {
    rtmp: `rtmp://${host}:1935/live`,
    srt: `srt://${host}:9998?streamid=${key}`,
    whip: `${location.origin}/api/whip`,
  };
}
