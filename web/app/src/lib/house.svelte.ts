/** What the pages know of the house: who is signed in, titles, sessions, the queue; kept fresh by the event stream. */

import { Problem, api } from "./api";
import { renderings } from "./renderings.svelte";
import type { Notice } from "./sense/rules";
import { rules } from "./sense/rules.svelte";
import { t } from "./text.svelte";
import { note } from "./toasts.svelte";
import type { Health, Me, Queue, Rendering, Session, Title } from "./types";

class House {
  /** `undefined` until the server has said who this is; `null` where nobody is signed in. */
  me = $state<Me | null | undefined>();
  health = $state<Health | undefined>();
  titles = $state<Title[] | undefined>();
  sessions = $state<Session[] | undefined>();
  queue = $state<Queue | undefined>();
  /** Counts what happens to channels. */
  channelChanges = $state(0);
  /** Whether the server is out of reach at the moment. */
  away = $state(false);
  #events: EventSource | undefined;

  get owner(): boolean {
    return this.me?.role === "owner";
  }

  /** Whether this person may start sessions. */
  get plays(): boolean {
    return this.me?.role === "owner" || this.me?.role === "player";
  }

  /** Sessions that are not over, newest first. */
  get running(): Session[] {
    return (this.sessions ?? []).filter((session) => session.state !== "ended").sort((a, b) => b.created - a.created);
  }

  /** Asks who this is. */
  async begin(): Promise<void> {
    const health = api<Health>("GET", "/api/health").catch(() => undefined);
    try {
      this.me = await api<Me>("GET", "/api/me");
      this.listen();
    } catch (error) {
      if (!(error instanceof Problem) || error.status === 0) this.away = true;
      this.health = await health;
      this.me = null;
    }
    this.health = await health;
  }

  /** Somebody signed in. */
  welcome(me: Me): void {
    this.me = me;
    this.titles = undefined;
    this.sessions = undefined;
    this.listen();
  }

  /** Signs out, here and on the server. */
  async leave(): Promise<void> {
    await api("POST", "/api/sign-out");
    this.#events?.close();
    this.#events = undefined;
    this.me = null;
    this.titles = undefined;
    this.sessions = undefined;
    this.health = await api<Health>("GET", "/api/health").catch(() => undefined);
  }

  async loadTitles(): Promise<void> {
    this.titles = (await api<{ titles: Title[] }>("GET", "/api/titles")).titles;
  }

  async loadSessions(): Promise<void> {
    const all = this.owner ? "?all=true" : "";
    this.sessions = (await api<{ sessions: Session[] }>("GET", `/api/sessions${all}`)).sessions;
  }

  /** A session as the server has it now. */
  async session(id: string): Promise<Session> {
    const session = await api<Session>("GET", `/api/sessions/${encodeURIComponent(id)}`);
    this.take(session);
    return session;
  }

  /** Puts a session into the list, or its newer state. */
  take(session: Session): void {
    const sessions = this.sessions ?? [];
    const known = sessions.some((each) => each.id === session.id);
    this.sessions = known ? sessions.map((each) => (each.id === session.id ? session : each)) : [session, ...sessions];
  }

  takeTitle(title: Title): void {
    this.titles = this.titles?.map((each) => (each.id === title.id ? title : each));
  }

  /** Listens to what happens in the house; the browser connects again by itself. */
  listen(): void {
    this.#events?.close();
    const events = new EventSource("/api/events");
    this.#events = events;
    let opened = false;
    events.addEventListener("open", () => {
      // What happened while nobody listened is asked for.
      if (opened || this.away) void this.loadSessions().catch(() => undefined);
      opened = true;
      this.away = false;
    });
    events.addEventListener("error", () => (this.away = true));
    events.addEventListener("session", (event: MessageEvent<string>) => this.take(JSON.parse(event.data) as Session));
    events.addEventListener("channel", () => (this.channelChanges += 1));
    events.addEventListener("queue", (event: MessageEvent<string>) => (this.queue = JSON.parse(event.data) as Queue));
    events.addEventListener("notice", (event: MessageEvent<string>) => {
      const notice = JSON.parse(event.data) as Notice;
      rules.take(notice);
      note(`${notice.name}: ${notice.text}`, notice.sensor ? { href: `/sensors/${encodeURIComponent(notice.sensor)}`, text: t("enrol.look") } : undefined);
    });
    events.addEventListener("rendering", (event: MessageEvent<string>) => renderings.take(JSON.parse(event.data) as Rendering));
  }
}

export const house = new House();
