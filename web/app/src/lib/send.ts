/** Brings a file to the server, piece by piece, through whatever happens on the way. */

/** The requests of an upload; `tus.ts` has them. */
export interface Way {
  create(name: string, size: number, signal: AbortSignal): Promise<string>;
  offset(address: string, signal: AbortSignal): Promise<number | undefined>;
  patch(address: string, bytes: Blob, from: number, signal: AbortSignal, progress: (sent: number) => void): Promise<number>;
}

export interface Hears {
  /** The address of an upload that was begun. */
  begun(address: string): void;
  /** Bytes that are there or on their way. */
  progress(sent: number): void;
  /** The server does not answer for now. */
  away(): void;
}

/** Proxies limit the size of a request, and what a request brought is safe; smaller ones would slow a fast network. */
export const PIECE_BYTES = 64 * 1024 * 1024;
/** A server that does not answer is asked again after these; then the person decides. */
const AGAIN_MS = [500, 1000, 3000, 5000, 10_000, 20_000];

const wait = (ms: number, signal: AbortSignal) =>
  new Promise<void>((done, failed) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      failed(signal.reason as Error);
    }, { once: true });
  });

/** No answer, or one that may be better another time; what is refused is refused again. 507 is a full disk. */
export function passing(status: number): boolean {
  return status === 0 || [408, 409, 423, 429].includes(status) || (status >= 500 && status !== 507);
}

/**
 * Sends all of `file`, from where the server has it if `address` is known to it. Throws what the way throws, once it
 * does not pass, and the signal's reason where it was ended.
 */
export async function send(file: File, address: string | undefined, way: Way, hears: Hears, signal: AbortSignal, pause = wait): Promise<void> {
  let at = address;
  for (let tries = 0; ; tries += 1) {
    try {
      let sent = at === undefined ? undefined : await way.offset(at, signal);
      if (at === undefined || sent === undefined) {
        at = await way.create(file.name, file.size, signal);
        hears.begun(at);
        sent = 0;
      }
      hears.progress(sent);
      while (sent < file.size) {
        sent = await way.patch(at, file.slice(sent, sent + PIECE_BYTES), sent, signal, hears.progress);
        tries = 0;
        hears.progress(sent);
      }
      return;
    } catch (error) {
      const status = (error as { status?: unknown }).status;
      const again = AGAIN_MS[tries];
      if (signal.aborted || typeof status !== "number" || !passing(status) || again === undefined) throw error;
      hears.away();
      await pause(again, signal);
    }
  }
}
