/** Starting a session, and waiting for a place where the house is full. */

import { Problem, api } from "./api";
import { house } from "./house.svelte";
import { go } from "./router.svelte";
import { complain } from "./toasts.svelte";
import type { Queue, Session, Title } from "./types";

/** How often the place in the queue is asked for; asking keeps it. */
const ASK_EVERY_MS = 3000;

class Launch {
  /** The title whose session is being asked for. */
  title = $state<{ id: string; name: string } | undefined>();
  /** Place in the queue, from 1; nothing while no queue is known of. */
  place = $state<number | undefined>();
  #timer = 0;

  /** Starts a session of this title, and goes to it. */
  async start(title: Pick<Title, "id" | "name">): Promise<void> {
    this.title = { id: title.id, name: title.name };
    this.place = undefined;
    await this.#try();
  }

  /** Gives the place in the queue up. */
  async cancel(): Promise<void> {
    clearTimeout(this.#timer);
    const queued = this.place !== undefined;
    this.title = undefined;
    this.place = undefined;
    if (queued) await api("DELETE", "/api/queue").catch(complain);
  }

  async #try(): Promise<void> {
    const { title } = this;
    if (!title) return;
    try {
      const session = await api<Session>("POST", "/api/sessions", { title: title.id, quality: null });
      house.take(session);
      this.title = undefined;
      this.place = undefined;
      go(`/play/${session.id}`);
    } catch (error) {
      if (error instanceof Problem && error.slug === "capacity") {
        this.place = Number(error.more.place_in_queue ?? 1);
        this.#later();
      } else {
        this.title = undefined;
        this.place = undefined;
        complain(error);
      }
    }
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask(), ASK_EVERY_MS);
  }

  async #ask(): Promise<void> {
    if (!this.title) return;
    // A question that fails is asked again; the place is kept for a minute.
    const queue = await api<Queue>("GET", "/api/queue").catch(() => undefined);
    if (!this.title) return;
    if (queue && (queue.offered_until !== null || queue.place === null)) await this.#try();
    else {
      if (queue?.place) this.place = queue.place;
      this.#later();
    }
  }
}

export const launch = new Launch();
