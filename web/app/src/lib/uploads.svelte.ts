/** Films on their way to the house: one after the other, and further on whichever page is open. */

import { sentence } from "./api";
import { allBegun, begunOf, forget, remember } from "./begun";
import { films } from "./films.svelte";
import { Rate } from "./rate";
import { send } from "./send";
import { t } from "./text.svelte";
import { note, undoable } from "./toasts.svelte";
import * as tus from "./tus";

type SendingState = "queued" | "sending" | "away" | "paused" | "failed" | "done";

/** One file on its way. */
export class Sending {
  state = $state<SendingState>("queued");
  /** Bytes. */
  sent = $state(0);
  /** Bytes per second, 0 while it is not known. */
  rate = $state(0);
  error = $state("");
  #rate = new Rate();
  #ending = new AbortController();

  constructor(
    readonly key: number,
    readonly file: File,
  ) {}

  /** Seconds until it is there, as far as that is known. */
  get left(): number | undefined {
    return this.rate > 0 ? (this.file.size - this.sent) / this.rate : undefined;
  }

  get underWay(): boolean {
    return this.state === "sending" || this.state === "away";
  }

  /** Begins, or goes on where the server has it, also from an earlier visit. */
  async start(): Promise<void> {
    const ending = new AbortController();
    this.#ending = ending;
    this.state = "sending";
    this.error = "";
    this.#rate.clear();
    const hears = {
      begun: (address: string) => remember(this.file, address),
      progress: (sent: number) => {
        if (ending.signal.aborted) return;
        this.state = "sending";
        this.sent = sent;
        this.#rate.add(sent, performance.now());
        this.rate = this.#rate.perSecond;
      },
      away: () => {
        this.state = "away";
        this.rate = 0;
      },
    };
    try {
      await send(this.file, begunOf(this.file)?.address, tus, hears, ending.signal);
      forget(this.file);
      this.state = "done";
    } catch (error) {
      if (ending.signal.aborted) return;
      this.state = "failed";
      this.error = sentence(error);
    }
  }

  pause(): void {
    this.state = "paused";
    this.rate = 0;
    this.#ending.abort();
  }
}

/** Begun on an earlier visit; the browser has to be given the file again. */
export interface Left {
  key: string;
  address: string;
  name: string;
  size: number;
  /** Bytes that the server has. */
  sent: number;
}

class Uploads {
  list = $state<Sending[]>([]);
  left = $state<Left[]>([]);
  #next = 1;

  constructor() {
    addEventListener("online", () => {
      for (const sending of this.list) if (sending.state === "failed") sending.state = "queued";
      this.#advance();
    });
  }

  /** Takes files; what was begun earlier goes on where it was. */
  add(files: Iterable<File>): void {
    for (const file of files) {
      const twice = this.list.some((each) => each.state !== "done" && each.file.name === file.name && each.file.size === file.size);
      if (!twice) this.list.push(new Sending(this.#next++, file));
      this.left = this.left.filter(({ name, size }) => name !== file.name || size !== file.size);
    }
    this.#advance();
  }

  pause(sending: Sending): void {
    sending.pause();
    this.#advance();
  }

  resume(sending: Sending): void {
    sending.state = "queued";
    this.#advance();
  }

  /** Takes one that is done off the list. */
  drop(sending: Sending): void {
    this.list = this.list.filter((each) => each.key !== sending.key);
  }

  /** Gives one up, but only ten seconds from now. */
  async throwAway(sending: Sending): Promise<void> {
    this.pause(sending);
    const done = await undoable(t("upload.throwing", { file: sending.file.name }), async (leaving) => {
      const address = begunOf(sending.file)?.address;
      this.drop(sending);
      forget(sending.file);
      if (address) await tus.drop(address, leaving);
    });
    if (!done) this.resume(sending);
  }

  /** Looks for what was begun on an earlier visit, and how much of it the server has. */
  async look(): Promise<void> {
    const { signal } = new AbortController();
    const left: Left[] = [];
    for (const [key, begun] of allBegun()) {
      if (this.list.some(({ file }) => file.name === begun.name && file.size === begun.size)) continue;
      // Without an answer it stays on the list: nothing says that it is gone.
      const sent = await tus.offset(begun.address, signal).catch(() => 0);
      if (sent === undefined) forget(key);
      else left.push({ key, ...begun, sent });
    }
    this.left = left;
  }

  /** Gives up what was begun on an earlier visit, but only ten seconds from now. */
  async forget({ key, address, name }: Left): Promise<void> {
    this.left = this.left.filter((each) => each.key !== key);
    const done = await undoable(t("upload.throwing", { file: name }), async (leaving) => {
      forget(key);
      await tus.drop(address, leaving);
    });
    if (!done) await this.look();
  }

  /** One at a time: they would only share the way. */
  #advance(): void {
    if (this.list.some((each) => each.underWay)) return;
    const sending = this.list.find(({ state }) => state === "queued");
    if (sending) void sending.start().then(() => this.#settle(sending));
  }

  #settle(sending: Sending): void {
    if (sending.state === "done") {
      note(t("upload.arrived", { file: sending.file.name }), { href: "/films", text: t("nav.films") });
      // The pages ask for films again anyway.
      films.load().catch(() => undefined);
    }
    this.#advance();
  }
}

export const uploads = new Uploads();
