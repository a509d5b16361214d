import { describe, expect, it } from "vitest";
import { type Input, decode, encode, notice } from "../src/protocol";
import vectors from "./vectors.json";

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const bytes = (text: string) => new Uint8Array((text.match(/../g) ?? []).map((pair) => parseInt(pair, 16))).buffer;

describe("the input protocol", () => {
  for (const { seq, input, bytes: expected } of vectors.inputs) {
    it(`writes ${input.kind} as the session reads it`, () => {
      expect(hex(encode(seq, input as Input))).toBe(expected);
    });
  }

  it("reads a frame's timeline", () => {
    expect(decode(bytes(vectors.frame.bytes))).toEqual(vectors.frame.value);
  });

  it("reads the answer to a ping", () => {
    expect(decode(bytes(vectors.pong.bytes))).toEqual(vectors.pong.value);
  });

  it("takes nothing for a message that it does not know", () => {
    for (const text of ["", "81", "8101020304", "ff", "82000000"]) expect(decode(bytes(text))).toBeUndefined();
    for (const text of ["", "{", "7", "null", "{}"]) expect(notice(text)).toBeUndefined();
  });

  it("reads a notice", () => {
    expect(notice('{"type":"seat","seat":2}')).toEqual({ type: "seat", seat: 2 });
  });
});
