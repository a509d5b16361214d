/** Playing where nothing but a TURN server can be reached: everything goes through its relay. */

import type { Page } from "@playwright/test";
import { difference, flip, play, probe, sketch } from "../src/play";
import { test as base, expect } from "../src/test";
import { Turn } from "../src/turn";

const test = base.extend<object, { turn: Turn }>({
  turn: [
    async ({}, use) => {
      const turn = await Turn.open();
      await use(turn);
      await turn.close();
    },
    { scope: "worker" },
  ],
  houseOptions: [
    async ({ turn }, use) => use({ titles: { probe: probe("Probe") }, config: turn.settings }),
    { scope: "worker" },
  ],
});

/** Makes the browser use relays only, as one behind a strict firewall has to, and keeps its connections in reach. */
async function relayOnly(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const connections: RTCPeerConnection[] = [];
    Object.assign(window, { connections });
    window.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(configuration?: RTCConfiguration) {
        super({ ...configuration, iceTransportPolicy: "relay" });
        connections.push(this);
      }
    };
  });
}

/** The candidate types of the path in use, ours first. */
async function path(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { connections } = window as unknown as { connections: RTCPeerConnection[] };
    const numbers = new Map<string, any>(await connections.at(-1)!.getStats());
    const transport = [...numbers.values()].find((each) => each.type === "transport");
    const pair = numbers.get(transport.selectedCandidatePairId);
    return [pair.localCandidateId, pair.remoteCandidateId].map((id) => numbers.get(id).candidateType);
  });
}

test("a game is played through the TURN server that the house names", async ({ owner }) => {
  await relayOnly(owner);
  await play(owner, "probe");
  expect(await path(owner)).toEqual(["relay", "host"]);
  const before = await sketch(owner);
  await expect.poll(async () => difference(before, await sketch(owner))).toBeGreaterThan(1);
  await flip(owner, true, () => owner.keyboard.press("KeyW"));
});
