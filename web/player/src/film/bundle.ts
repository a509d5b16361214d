/**
 * What a player reads first of a film, in one answer: a line of JSON that lists the files with their lengths, and the
 * files behind it. Each file that had to wait for another one would cost a way to the server and back.
 */

/** A file of a bundle, with when it began and ended to arrive, in milliseconds of `performance.now()`. */
export interface Arrived {
  data: Uint8Array<ArrayBuffer>;
  began: number;
  ended: number;
}

interface Entry {
  name: string;
  bytes: number;
}

const LINE_END = 10;
/** A list that is longer than this is none. */
const LONGEST_LIST = 64 * 1024;
/** Files of this many bytes together are no beginning of a film. */
const LARGEST = 256 * 1024 * 1024;

/** A bundle on its way. Each of its files is given away once. */
export class Bundle {
  #waiting = new Map<string, Promise<Arrived | undefined>>();
  #listed: Promise<void>;
  #isListed = false;
  #stop = new AbortController();

  /** Fetches the bundle at `address`, whose names are relative to `base`. */
  constructor(address: string, base: string) {
    this.#listed = this.#read(address, base)
      .catch(() => undefined)
      .finally(() => (this.#isListed = true));
  }

  /** The file of that address: a promise where it is, or may be, in the bundle. It gives nothing where the bundle failed. */
  take(url: string): Promise<Arrived | undefined> | undefined {
    if (this.#isListed) return this.#give(url);
    return this.#listed.then(() => this.#give(url));
  }

  /** Whether the file of that address is known to be in it, and was not taken yet. */
  has(url: string): boolean {
    return this.#waiting.has(url);
  }

  close(): void {
    this.#stop.abort();
    this.#waiting.clear();
  }

  #give(url: string): Promise<Arrived | undefined> | undefined {
    const file = this.#waiting.get(url);
    this.#waiting.delete(url);
    return file;
  }

  /** Ends once the list is known; the files arrive afterwards. */
  async #read(address: string, base: string): Promise<void> {
    const answer = await fetch(address, { signal: this.#stop.signal });
    if (!answer.ok || !answer.body) return;
    const bytes = new Bytes(answer.body.getReader());
    const entries = listOf(await bytes.line());
    const files = entries.map((entry) => ({ entry, settle: this.#expect(new URL(entry.name, base).href) }));
    void (async () => {
      for (const { entry, settle } of files) {
        const began = performance.now();
        const data = await bytes.take(entry.bytes).catch(() => undefined);
        settle(data && { data, began, ended: performance.now() });
      }
    })();
  }

  #expect(url: string): (file: Arrived | undefined) => void {
    let settle: (file: Arrived | undefined) => void = () => undefined;
    this.#waiting.set(url, new Promise((done) => (settle = done)));
    return settle;
  }
}

/** The list, or an error where it is none. */
export function listOf(line: string): Entry[] {
  const list = JSON.parse(line) as unknown;
  if (!Array.isArray(list)) throw new TypeError("no list of files");
  const entries = list.map((entry: Partial<Entry>) => {
    const { name, bytes } = entry;
    if (typeof name !== "string" || !Number.isSafeInteger(bytes) || bytes! < 0) throw new TypeError("no file");
    return { name, bytes: bytes! };
  });
  if (entries.reduce((sum, { bytes }) => sum + bytes, 0) > LARGEST) throw new RangeError("too much");
  return entries;
}

/** What can be read bit by bit. */
export interface Reader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

/** A stream of bytes, taken in pieces of a known length. */
export class Bytes {
  #rest = new Uint8Array(0);

  constructor(private reader: Reader) {}

  /** Everything up to the next line end, which is left out. */
  async line(): Promise<string> {
    let line = this.#rest;
    for (;;) {
      const end = line.indexOf(LINE_END);
      if (end >= 0) {
        this.#rest = line.subarray(end + 1);
        return new TextDecoder().decode(line.subarray(0, end));
      }
      if (line.length > LONGEST_LIST) throw new RangeError("no end of the line");
      const next = await this.#next();
      const longer = new Uint8Array(line.length + next.length);
      longer.set(line);
      longer.set(next, line.length);
      line = longer;
    }
  }

  /** The next `length` bytes; an error where the stream ends before. */
  async take(length: number): Promise<Uint8Array<ArrayBuffer>> {
    const data = new Uint8Array(length);
    for (let filled = 0; filled < length; ) {
      if (this.#rest.length === 0) this.#rest = await this.#next();
      const piece = this.#rest.subarray(0, length - filled);
      data.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    return data;
  }

  async #next(): Promise<Uint8Array<ArrayBuffer>> {
    const { done, value } = await this.reader.read();
    if (done || !value) throw new Error("the stream ended too soon");
    return value as Uint8Array<ArrayBuffer>;
  }
}
