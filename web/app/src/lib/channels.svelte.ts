/** The channels of the house, as far as the pages have asked for them. */

import { api } from "./api";
import type { Channel } from "./types";

class Channels {
  list = $state<Channel[] | undefined>();

  /** Those that somebody publishes at the moment. */
  get on(): Channel[] | undefined {
    return this.list?.filter((channel) => channel.live && published(channel));
  }

  /** Those that are off the air. */
  get off(): Channel[] | undefined {
    return this.list?.filter((channel) => !channel.live && published(channel));
  }

  /** Those of films, which are always on, and those of others. */
  get guided(): Channel[] | undefined {
    return this.list?.filter((channel) => !published(channel));
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

/** Whether a channel's pictures come from somebody who publishes it. */
const published = ({ kind }: Channel) => kind === "push" || kind === "pull";

/** The address of a channel in the API. */
export const path = (id: string) => `/api/channels/${encodeURIComponent(id)}`;
