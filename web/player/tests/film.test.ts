import { describe, expect, it } from "vitest";
import { failure, refusal } from "../src/film/source";
import { ahead, spans } from "../src/film/spans";
import { readSprites, spriteAt } from "../src/film/sprites";

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

describe("small pictures", () => {
  const list = "WEBVTT\n\n00:00:00.000 --> 00:00:05.000\nsheet-0.jpg#xywh=0,0,160,90\n\n00:00:05.000 --> 01:00:10.000\nsheet-1.jpg#xywh=160,90,160,90\n";
  const sprites = readSprites(list, "http://house/api/films/a/sprites/sprites.vtt");

  it("are found by their time, on their sheet", () => {
    expect(spriteAt(sprites, 4.9)).toMatchObject({ sheet: "http://house/api/films/a/sprites/sheet-0.jpg", x: 0 });
    expect(spriteAt(sprites, 3600)).toMatchObject({ start: 5, sheet: "http://house/api/films/a/sprites/sheet-1.jpg", x: 160, y: 90 });
  });

  it("are none where there are none", () => {
    expect(spriteAt([], 3)).toBeUndefined();
    expect(spriteAt(sprites, -1)).toBeUndefined();
    expect(readSprites("nothing", "http://house/")).toEqual([]);
  });
});
