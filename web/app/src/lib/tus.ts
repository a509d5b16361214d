/**
 * Uploads by tus 1.0 (https://tus.io/protocols/resumable-upload), as far as a page needs it: creation, the offset that
 * the server has, bytes from there on, and giving up. Written here since the usual client brings a package without a
 * licence.
 */

import { Problem, problem, request } from "./api";
import { t } from "./text.svelte";

const ENDPOINT = "/api/uploads";
const VERSION = { "tus-resumable": "1.0.0" };

/** Begins an upload; gives its address. */
export async function create(name: string, size: number, signal: AbortSignal): Promise<string> {
  const filename = btoa(String.fromCharCode(...new TextEncoder().encode(name)));
  const headers = { ...VERSION, "upload-length": String(size), "upload-metadata": `filename ${filename}` };
  const answer = await request(ENDPOINT, { method: "POST", headers, signal });
  const address = answer.headers.get("location");
  if (!answer.ok || !address) throw await problem(answer);
  return new URL(address, location.href).pathname;
}

/** How many bytes the server has; nothing where it does not know the upload any more. */
export async function offset(address: string, signal: AbortSignal): Promise<number | undefined> {
  const answer = await request(address, { method: "HEAD", headers: VERSION, signal });
  if (answer.status === 404 || answer.status === 410) return undefined;
  if (!answer.ok) throw await problem(answer);
  return Number(answer.headers.get("upload-offset") ?? 0);
}

/** Sends bytes from `from` on; gives how many the server has then. `progress` hears of them as they leave. */
export function patch(address: string, bytes: Blob, from: number, signal: AbortSignal, progress: (sent: number) => void): Promise<number> {
  return new Promise((done, failed) => {
    // `fetch` does not tell how far it is.
    const sending = new XMLHttpRequest();
    sending.open("PATCH", address);
    sending.setRequestHeader("content-type", "application/offset+octet-stream");
    sending.setRequestHeader("upload-offset", String(from));
    for (const [name, value] of Object.entries(VERSION)) sending.setRequestHeader(name, value);
    sending.upload.onprogress = ({ loaded }) => progress(from + loaded);
    sending.onload = () => {
      if (sending.status === 204) return done(Number(sending.getResponseHeader("upload-offset") ?? from + bytes.size));
      void problem(new Response(sending.responseText, { status: sending.status })).then(failed);
    };
    sending.onerror = () => failed(new Problem(t("upload.unreachable"), 0, "unreachable"));
    sending.onabort = () => failed(signal.reason);
    signal.addEventListener("abort", () => sending.abort(), { once: true });
    sending.send(bytes);
  });
}

/** Throws away what the server has of it. */
export async function drop(address: string, leaving: boolean): Promise<void> {
  const answer = await request(address, { method: "DELETE", headers: VERSION, keepalive: leaving });
  if (!answer.ok && answer.status !== 404 && answer.status !== 410) throw await problem(answer);
}
