/** A page of another site that shows a session. */

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { flip, marked, picture, play, probe } from "../src/play";
import { ask, expect, test } from "../src/test";

/** What the other site shows. */
let shown = "";
const site: Server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(shown));
await new Promise<void>((done) => site.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;

test.use({
  houseOptions: {
    titles: { still: probe("Still", ["--still"], { seats: "2" }) },
    args: ["--embed-origins", origin],
  },
});

test.afterAll(() => {
  site.close();
});

/** The README's page. */
const page = (whep: string, from: string) => `<!doctype html><title>Arcade</title>
  <div id="stage" style="position: relative; width: 640px; height: 360px"></div>
  <script type="module">
    import { Player } from "${from}/player.js";
    const player = new Player(document.getElementById("stage"), { whep: "${whep}" });
    window.__playhouse = player;
    await player.connect();
  </script>`;

test("a page of a site that the house names plays a session by an invite", async ({ house, owner, person }) => {
  const id = await play(owner, "still");
  const { status, body } = await ask(owner, "POST", `/api/sessions/${id}/invites`, { kind: "player" });
  expect(status).toBe(201);
  const token = body.link.replace("/join/", "");
  shown = page(`${house.origin}/api/sessions/${id}/whep?invite=${token}`, house.origin);
  const { page: guest } = await person();
  await guest.goto(origin);
  await picture(guest);
  await flip(guest, true, () => guest.locator("#stage").click());
  await expect.poll(() => marked(owner)).toBe(true);
});
