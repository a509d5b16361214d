/** The models and apps of the house, and rollouts of them, as far as the pages have asked for them. */

import { Problem, api, problem } from "../api";
import { t } from "../text.svelte";
import type { Card, ModelFile, ModelKind, Rollout } from "./models";

const path = (hash: string) => `/api/models/${encodeURIComponent(hash)}`;
const rolloutPath = (id: string) => `/api/rollouts/${encodeURIComponent(id)}`;

/** What a rollout is to be. */
export interface NewRollout {
  hash: string;
  group?: string;
  canary_percent: number;
  minutes: number;
}

class Models {
  /** Newest first. */
  list = $state.raw<ModelFile[] | undefined>();
  /** Newest first; owners alone are told of them. */
  rollouts = $state.raw<Rollout[] | undefined>();

  async load(): Promise<void> {
    this.list = (await api<{ models: ModelFile[] }>("GET", "/api/models")).models;
  }

  async loadRollouts(): Promise<void> {
    this.rollouts = (await api<{ rollouts: Rollout[] }>("GET", "/api/rollouts")).rollouts;
  }

  /** Brings a file; `progress` hears of bytes as they leave. */
  async bring(file: Blob, name: string, kind: ModelKind, signal: AbortSignal, progress: (sent: number) => void): Promise<ModelFile> {
    const brought = await send(`/api/models?${new URLSearchParams({ name, kind })}`, file, signal, progress);
    this.#take(brought);
    return brought;
  }

  async change(hash: string, what: { name?: string; card?: Card }): Promise<ModelFile> {
    const changed = await api<ModelFile>("PATCH", path(hash), what);
    this.#take(changed);
    return changed;
  }

  async remove(hash: string, leaving: boolean): Promise<void> {
    await api("DELETE", path(hash), undefined, leaving);
    this.list = this.list?.filter((each) => each.hash !== hash);
  }

  async begin(rollout: NewRollout): Promise<void> {
    this.#takeRollout(await api<Rollout>("POST", "/api/rollouts", rollout));
    await this.load();
  }

  /** Gives it to all that it is for, without waiting any longer. */
  async advance(id: string): Promise<void> {
    this.#takeRollout(await api<Rollout>("POST", `${rolloutPath(id)}/advance`));
    await this.load();
  }

  /** Gives each sensor back what it had before. */
  async takeBack(id: string): Promise<void> {
    this.#takeRollout(await api<Rollout>("POST", `${rolloutPath(id)}/return`));
    await this.load();
  }

  #take(file: ModelFile): void {
    const known = this.list?.some(({ hash }) => hash === file.hash);
    this.list = known ? this.list?.map((each) => (each.hash === file.hash ? file : each)) : [file, ...(this.list ?? [])];
  }

  #takeRollout(rollout: Rollout): void {
    const known = this.rollouts?.some(({ id }) => id === rollout.id);
    this.rollouts = known ? this.rollouts?.map((each) => (each.id === rollout.id ? rollout : each)) : [rollout, ...(this.rollouts ?? [])];
  }
}

function send(address: string, bytes: Blob, signal: AbortSignal, progress: (sent: number) => void): Promise<ModelFile> {
  return new Promise((done, failed) => {
    // `fetch` does not tell how far it is.
    const sending = new XMLHttpRequest();
    sending.open("POST", address);
    sending.setRequestHeader("content-type", "application/octet-stream");
    sending.setRequestHeader("accept", "application/json");
    sending.upload.onprogress = ({ loaded }) => progress(loaded);
    sending.onload = () => {
      if (sending.status === 201) return done(JSON.parse(sending.responseText) as ModelFile);
      void problem(new Response(sending.responseText, { status: sending.status })).then(failed);
    };
    sending.onerror = () => failed(new Problem(t("error.unreachable"), 0, "unreachable"));
    sending.onabort = () => failed(signal.reason as Error);
    signal.addEventListener("abort", () => sending.abort(), { once: true });
    sending.send(bytes);
  });
}

export const models = new Models();
