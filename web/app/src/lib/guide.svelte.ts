/** The guide: what is on which channel, as far as the pages have asked for it. */

import { api } from "./api";
import { t } from "./text.svelte";
import type { GuideChannel, GuideView, Planned, Programme, RecordingList, Schedule } from "./types";

/** What "now" is asked for. */
const NOW_MS = 3_600_000;

class Guide {
  channels = $state.raw<GuideChannel[] | undefined>();
  /** How much the server's clock is ahead of ours, in milliseconds. */
  ahead = $state(0);

  /** Asks for a span of the guide. */
  async load(from: number, to: number): Promise<void> {
    const asked = Date.now();
    const view = await api<GuideView>("GET", `/api/guide?from=${Math.floor(from)}&to=${Math.floor(to)}`);
    this.ahead = view.now_ms - (asked + Date.now()) / 2;
    this.channels = view.channels;
  }

  /** Asks for what is on, and what comes within the hour. */
  async loadNow(): Promise<void> {
    const now = this.now();
    await this.load(now, now + NOW_MS);
  }

  /** What is on a channel, as far as it was asked for. */
  programme(id: string): Programme | undefined {
    const now = this.now();
    return this.channels?.find((channel) => channel.id === id)?.programmes.find(({ start_ms, stop_ms }) => start_ms <= now && now < stop_ms);
  }

  /** That in words. */
  on(id: string): string | undefined {
    const programme = this.programme(id);
    return programme && (programme.filler ? t("guide.between") : programme.title);
  }

  /** Now, as the server has it. */
  now(): number {
    return Date.now() + this.ahead;
  }

  record(channel: string, programme: Programme, dry: boolean): Promise<Planned> {
    return api("POST", "/api/recordings", { channel, start_ms: programme.start_ms, dry_run: dry });
  }

  recordSeries(programme: Programme): Promise<Planned> {
    return api("POST", "/api/recordings/rules", { kind: "series", words: programme.title });
  }

  recordings(): Promise<RecordingList> {
    return api("GET", "/api/recordings");
  }

  create(name: string, number: number | undefined, schedule: Schedule): Promise<{ id: string }> {
    return api("POST", "/api/guide/channels", { name, number, schedule });
  }

  schedule(id: string): Promise<Schedule> {
    return api("GET", `/api/channels/${encodeURIComponent(id)}/schedule`);
  }

  change(id: string, schedule: Schedule): Promise<void> {
    return api("PUT", `/api/channels/${encodeURIComponent(id)}/schedule`, schedule);
  }

  async preview(schedule: Schedule): Promise<Programme[]> {
    return (await api<{ programmes: Programme[] }>("POST", "/api/guide/preview", schedule)).programmes;
  }
}

export const guide = new Guide();
