import { describe, expect, it } from "vitest";
import { failure, refusal } from "../src/film/source";
import { ahead, spans } from "../src/film/spans";

const ranges = (...pairs: [number, number][]): TimeRanges => ({
  length: pairs.length,
  start: (index) => pairs[index]![0],
  end: (index) => pairs[index]![1],
});

describe("what is buffered", () => {
  it("closes seams that browsers play over", () => {
    expect(spans(ranges([0, 4], [4.05, 8], [20, 24]))).toEqual([{ start: 0, end: 8 }, { start: 20, end: 24 }]);
    expect(spans(ranges())).toEqual([]);
  });

  it("reaches so far from where the film is", () => {
    const buffered = spans(ranges([0, 8], [20, 24]));
    expect([ahead(buffered, 3), ahead(buffered, 19.95), ahead(buffered, 12), ahead([], 0)]).toEqual([5, 24 - 19.95, 0, 0]);
  });
});

describe("a film that is not given", () => {
  it("says what the server said, else a sentence of its own", () => {
    const told = refusal(403, JSON.stringify({ type: "/api#not-allowed", title: "Not allowed", detail: "Sign in first." }));
    expect([told.kind, told.status, told.message]).toEqual(["refused", 403, "Sign in first."]);
    expect(refusal(404, '{"title":"No such film"}').message).toBe("No such film");
    for (const body of ["<html>", "", "null", "[]"]) expect(refusal(404, body).message).toBe(failure("refused").message);
  });
});
