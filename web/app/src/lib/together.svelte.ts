/** A watch party as its page shows it. */

import { Party, type PartyLine, type PartyMember, type Sign } from "@playhouse/player";
import { api } from "./api";
import { complain } from "./toasts.svelte";
import type { FilmDetail } from "./types";

declare global {
  interface Window {
    /** For benchmarks and browser tests: the party of this page. */
    __party?: Party;
  }
}

export interface PartyView {
  id: string;
  host: string;
  hosting: boolean;
  steering: "host" | "everyone";
  members: number;
  film: FilmDetail;
  live: string;
}

/** Reactions float for so long. */
const FLOATS_MS = 3000;
/** Reactions that float at a time. */
const FLOATING = 24;

export class Together {
  members = $state.raw<readonly PartyMember[]>([]);
  lines = $state.raw<readonly PartyLine[]>([]);
  steering = $state<"host" | "everyone">("host");
  floating = $state<{ id: number; sign: Sign; name: string; left: number }[]>([]);
  away = $state(false);
  over = $state<string | undefined>();
  /** Whether it is known where the film is. */
  ready = $state(false);
  readonly party: Party;
  #reactions = 0;

  constructor(readonly view: PartyView) {
    this.steering = view.steering;
    const party = new Party(view.live);
    this.party = party;
    window.__party = party;
    party.on("members", (members) => (this.members = members));
    party.on("lines", (lines) => (this.lines = lines));
    party.on("steering", (steering) => (this.steering = steering));
    party.on("away", (away) => (this.away = away));
    party.on("over", (over) => (this.over = over));
    party.on("timeline", () => (this.ready = true));
    party.on("refused", (sentence) => complain(sentence));
    party.on("reaction", ({ name, sign }) => this.#float(name, sign));
    party.open();
  }

  /** Whether somebody's film may be moved from here. */
  get steers(): boolean {
    const me = this.members.find((member) => member.id === this.party.you);
    return this.steering === "everyone" || me?.host === true || !this.members.some((member) => member.host);
  }

  async setSteering(steering: "host" | "everyone"): Promise<void> {
    await api("PATCH", `/api/parties/${encodeURIComponent(this.view.id)}`, { steering });
  }

  async link(): Promise<string> {
    const made = await api<{ link: string }>("POST", `/api/parties/${encodeURIComponent(this.view.id)}/invites`, {});
    return new URL(made.link, location.origin).href;
  }

  async end(): Promise<void> {
    await api("DELETE", `/api/parties/${encodeURIComponent(this.view.id)}`);
  }

  close(): void {
    this.party.close();
    delete window.__party;
  }

  #float(name: string, sign: Sign): void {
    const id = this.#reactions++;
    this.floating = [...this.floating, { id, sign, name, left: 8 + ((id * 37) % 84) }].slice(-FLOATING);
    setTimeout(() => (this.floating = this.floating.filter((each) => each.id !== id)), FLOATS_MS);
  }
}
