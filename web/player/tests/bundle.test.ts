import { describe, expect, it } from "vitest";
import { Bytes, listOf } from "../src/film/bundle";
import { nearest } from "../src/film/spans";

/** A stream that arrives in pieces of that many bytes. */
function stream(text: string, size: number) {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return {
    read: async () => {
      const value = bytes.slice(at, (at += size));
      return value.length > 0 ? { done: false, value } : { done: true };
    },
  };
}
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

describe("a bundle", () => {
  it("is taken apart the same however it arrives", async () => {
    for (const size of [1, 2, 3, 7, 100]) {
      const bytes = new Bytes(stream('[{"a":1}]\nplaylistsegment', size));
      expect(await bytes.line()).toBe('[{"a":1}]');
      expect(text(await bytes.take(8))).toBe("playlist");
      expect(text(await bytes.take(0))).toBe("");
      expect(text(await bytes.take(7))).toBe("segment");
    }
  });

  it("that breaks off gives no half of a file", async () => {
    const bytes = new Bytes(stream("[]\nhalf", 3));
    await bytes.line();
    await expect(bytes.take(5)).rejects.toThrow("too soon");
    await expect(new Bytes(stream("no end", 2)).line()).rejects.toThrow("too soon");
  });

  it("with a list that is none is refused", () => {
    expect(listOf('[{"name":"0.m3u8","bytes":3}]')).toEqual([{ name: "0.m3u8", bytes: 3 }]);
    for (const list of ["", "{}", "null", "[1]", '[{"name":1,"bytes":2}]', '[{"name":"a","bytes":-1}]', '[{"name":"a","bytes":1e12}]']) {
      expect(() => listOf(list), list).toThrow();
    }
  });
});

describe("the nearest place where decoding begins", () => {
  const pieces = [0, 2, 4, 9].map((start) => ({ start }));

  it("is before or behind", () => {
    for (const [at, near] of [[-1, 0], [0, 0], [0.9, 0], [1.2, 2], [3, 2], [6.4, 4], [6.6, 9], [100, 9]] as const) {
      expect(nearest(pieces, at)).toBe(near);
    }
  });

  it("is not known of a film without pieces", () => expect(nearest([], 3)).toBeUndefined());
});
