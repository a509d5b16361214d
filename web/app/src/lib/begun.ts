/** Uploads that were begun in this browser, so that a tab that was closed is no loss. */

const PREFIX = "playhouse.upload.";

export interface Begun {
  /** Address of the upload. */
  address: string;
  name: string;
  size: number;
}

/** What tells a file from others. */
export type Known = Pick<File, "name" | "size" | "lastModified">;

const key = ({ name, size, lastModified }: Known) => `${PREFIX}${size}.${lastModified}.${name}`;

function read(stored: string | null): Begun | undefined {
  try {
    return stored ? (JSON.parse(stored) as Begun) : undefined;
  } catch {
    return undefined;
  }
}

/** The upload that was begun of this file. */
export const begunOf = (file: Known): Begun | undefined => read(localStorage.getItem(key(file)));

/** All of them, under the keys that {@link forget} takes. */
export function allBegun(): [key: string, begun: Begun][] {
  return Object.keys(localStorage)
    .filter((name) => name.startsWith(PREFIX))
    .flatMap((name) => {
      const begun = read(localStorage.getItem(name));
      return begun ? [[name, begun] as [string, Begun]] : [];
    });
}

export function remember(file: Known, address: string): void {
  localStorage.setItem(key(file), JSON.stringify({ address, name: file.name, size: file.size } satisfies Begun));
}

export function forget(what: Known | string): void {
  localStorage.removeItem(typeof what === "string" ? what : key(what));
}
