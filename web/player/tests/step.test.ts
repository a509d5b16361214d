import { describe, expect, it } from "vitest";
import { stepOf } from "../src/film/step";

describe("keeping in step", () => {
  it("leaves alone what nobody sees", () => {
    expect(stepOf(0.03)).toEqual({ rate: 1, jump: 0 });
    expect(stepOf(-0.03)).toEqual({ rate: 1, jump: 0 });
  });

  it("catches up by a little speed", () => {
    expect(stepOf(0.2).rate).toBeCloseTo(1.04);
    expect(stepOf(0.9).rate).toBe(1.05);
    expect(stepOf(-0.9).rate).toBe(0.95);
    expect(stepOf(0.9).jump).toBe(0);
  });

  it("jumps where much is missing", () => {
    expect(stepOf(3)).toEqual({ rate: 1, jump: 3 });
    expect(stepOf(-3)).toEqual({ rate: 1, jump: -3 });
  });
});
