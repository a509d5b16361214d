/** The people who share an account, and which of them is at this device. */

import { api } from "./api";
import { films } from "./films.svelte";
import { house } from "./house.svelte";
import { type Language, LANGUAGES, language, speak } from "./text.svelte";
import type { Me, Profile } from "./types";

/** The profile that was chosen on this device: who chose once is not asked at each visit. */
const CHOSEN = "playhouse.profile";

class Household {
  list = $state<Profile[] | undefined>();
  most = $state(0);
  /** Whether it has to be asked who is watching before anything else is shown. */
  asks = $state(false);
  #arriving: { account: string; done: Promise<void> } | undefined;

  get here(): Profile | undefined {
    return this.list?.find((profile) => profile.here);
  }

  async load(): Promise<void> {
    const answer = await api<{ profiles: Profile[]; most: number }>("GET", "/api/profiles");
    this.list = answer.profiles;
    this.most = answer.most;
  }

  /** Done once it is known who is at the device, as far as the server answers. */
  async settled(): Promise<void> {
    const id = house.me?.kind === "account" ? house.me.id : null;
    if (id === null) {
      this.#arriving = undefined;
      return;
    }
    if (this.#arriving?.account !== id) this.#arriving = { account: id, done: this.#arrive().catch(() => undefined) };
    await this.#arriving.done;
  }

  /** Somebody signed in, or came back: asks who it is where that is not known. */
  async #arrive(): Promise<void> {
    if (house.me?.kind !== "account") return;
    const known = house.me.profile !== null && localStorage.getItem(CHOSEN) === house.me.profile;
    await this.load();
    this.asks = !known && (this.list?.length ?? 0) > 1;
    if (!this.asks) this.remember();
  }

  /** Goes on as whoever the device is for already. */
  remember(): void {
    this.asks = false;
    const { here } = this;
    if (!here) return;
    localStorage.setItem(CHOSEN, here.id);
    if (here.language && here.language in LANGUAGES && here.language !== language()) void speak(here.language as Language).catch(() => undefined);
  }

  /** From now on this device is that person's. */
  async open(profile: Profile, pin?: string): Promise<void> {
    await api("POST", `${path(profile)}/open`, pin === undefined ? {} : { pin });
    house.me = await api<Me>("GET", "/api/me");
    // What one sees and how far one is belongs to the profile.
    films.forget();
    await this.load();
    this.remember();
  }

  async add(name: string): Promise<Profile> {
    const added = await api<Profile>("POST", "/api/profiles", { name });
    await this.load();
    return added;
  }

  async change(profile: Profile, change: Partial<Omit<Profile, "id" | "here" | "has_pin">> & { pin?: string | null }): Promise<void> {
    await api("PATCH", path(profile), change);
    await this.load();
    if (profile.here) this.remember();
  }

  async remove(profile: Profile): Promise<void> {
    await api("DELETE", path(profile));
    if (profile.here) house.me = await api<Me>("GET", "/api/me");
    films.forget();
    await this.load();
  }
}

export const household = new Household();

const path = (profile: Profile) => `/api/profiles/${encodeURIComponent(profile.id)}`;
