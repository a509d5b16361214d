import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Pads } from "../src/pads";
import type { Input } from "../src/protocol";

/** A pad as the browser has it, with motors. */
function pad(index: number) {
  const playEffect = vi.fn().mockResolvedValue("complete");
  const buttons = Array.from({ length: 17 }, () => ({ pressed: false, touched: false, value: 0 }));
  return { index, buttons, axes: [0, 0, 0, 0], vibrationActuator: { playEffect } };
}

const plugged: ReturnType<typeof pad>[] = [];
const sent: Input[] = [];
let count = 0;

beforeEach(() => {
  plugged.length = 0;
  sent.length = 0;
  vi.stubGlobal("window", new EventTarget());
  vi.stubGlobal("navigator", { getGamepads: () => plugged });
  vi.stubGlobal("requestAnimationFrame", () => 0);
  vi.stubGlobal("cancelAnimationFrame", () => undefined);
});

afterEach(() => vi.unstubAllGlobals());

const open = () =>
  new Pads({ send: (input) => sent.push(input), menu: () => undefined, count: (pads) => (count = pads) });

describe("pads", () => {
  it("takes four at once and leaves a fifth alone", () => {
    for (let index = 0; index < 5; index += 1) plugged.push(pad(index));
    open().close();
    expect(count).toBe(4);
    const connected = sent.filter((input) => input.kind === "pad_connect");
    expect(connected.map((input) => "pad" in input && input.pad)).toEqual([0, 1, 2, 3]);
  });

  it("shakes the one that the game shakes", () => {
    plugged.push(pad(0), pad(1));
    const pads = open();
    pads.rumble(1, 65535, 13107, 250);
    pads.close();
    expect(plugged[0]!.vibrationActuator.playEffect).not.toHaveBeenCalled();
    const effect = { duration: 250, strongMagnitude: 1, weakMagnitude: 0.2 };
    expect(plugged[1]!.vibrationActuator.playEffect).toHaveBeenCalledWith("dual-rumble", effect);
  });
});
