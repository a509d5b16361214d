/** The rules of the house's sensors, as far as the pages have asked for them. */

import { api } from "../api";
import type { KeptRule, Notice, Rule, Tried } from "./rules";

const path = (id: string) => `/api/sensor-rules/${encodeURIComponent(id)}`;

class Rules {
  list = $state.raw<KeptRule[] | undefined>();
  /** What they told of, newest first. */
  notices = $state.raw<Notice[] | undefined>();

  async load(): Promise<void> {
    this.list = (await api<{ rules: KeptRule[] }>("GET", "/api/sensor-rules")).rules;
  }

  async loadNotices(limit: number): Promise<void> {
    this.notices = (await api<{ notices: Notice[] }>("GET", `/api/notices?limit=${limit}`)).notices;
  }

  /** Makes a rule, or changes the one of this id. */
  async keep(rule: Omit<Rule, "id">, id?: string): Promise<KeptRule> {
    const kept = id === undefined ? await api<KeptRule>("POST", "/api/sensor-rules", rule) : await api<KeptRule>("PUT", path(id), rule);
    await this.load();
    return kept;
  }

  async remove(id: string, leaving: boolean): Promise<void> {
    await api("DELETE", path(id), undefined, leaving);
    this.list = this.list?.filter((each) => each.id !== id);
  }

  /** What a rule would have done with what was recorded; nothing is done. */
  attempt(rule: Omit<Rule, "id">, from: number, to: number): Promise<Tried> {
    return api("POST", "/api/sensor-rules/dry-run", { rule, from, to });
  }

  /** A rule told of something just now. */
  take(notice: Notice): void {
    this.notices = this.notices && [notice, ...this.notices.filter(({ id }) => id !== notice.id)];
  }
}

export const rules = new Rules();
