/** Playing together: a link to watch, a link to a seat, seats taken back, a full house. */

import type { Page } from "@playwright/test";
import { flip, marked, picture, play, probe } from "../src/play";
import { admit, ask, expect, test } from "../src/test";

test.use({
  houseOptions: {
    titles: { duet: probe("Duet", ["--still"], { seats: "2" }), solo: probe("Solo", ["--still"]) },
    args: ["--sessions", "1"],
  },
});

test.afterEach(async ({ owner }) => {
  const { body } = await ask(owner, "GET", "/api/sessions?all=true");
  for (const session of body.sessions) {
    if (session.state !== "ended") await ask(owner, "DELETE", `/api/sessions/${session.id}`);
  }
});

/** Makes a link in the player's own dialog. */
async function link(owner: Page, kind: "Link to watch" | "Link to play along"): Promise<string> {
  await owner.keyboard.press("Control+Alt+m");
  await owner.getByRole("button", { name: "Invite" }).click();
  await owner.getByRole("button", { name: kind }).click();
  const made = await owner.getByRole("textbox", { name: kind }).inputValue();
  await owner.keyboard.press("Escape");
  await expect(owner.getByRole("dialog")).toHaveCount(0);
  return made;
}

const seat = (page: Page) => page.evaluate(() => window.__playhouse?.seat);

test("a spectator comes by a link, sees the game and cannot play it", async ({ owner, person }) => {
  await play(owner, "duet");
  const address = await link(owner, "Link to watch");
  const { page: guest } = await person();
  await guest.goto(address);
  await expect(guest.getByRole("heading", { name: "Ada invites you to watch Duet" })).toBeVisible();
  await guest.getByRole("button", { name: "Watch" }).click();
  await picture(guest);
  expect(await seat(guest)).toBe(0);
  await guest.locator("[data-stage]").focus();
  await guest.keyboard.press("KeyW");
  await flip(owner, true, () => owner.keyboard.press("KeyW"));
  await expect.poll(() => marked(guest)).toBe(true);
  // The visitor's cookie opens this session and nothing else.
  expect((await ask(guest, "GET", "/api/titles")).status).toBeGreaterThanOrEqual(401);
});

test("a second player takes a seat by a link, and the owner takes it back", async ({ owner, person }) => {
  await play(owner, "duet");
  const address = await link(owner, "Link to play along");
  const { page: second } = await person();
  await second.goto(address);
  await second.getByLabel("What should the others call you?").fill("Bob");
  await second.getByRole("button", { name: "Take the seat" }).click();
  await picture(second);
  await expect.poll(() => seat(second)).toBe(2);
  await flip(second, true, () => second.keyboard.press("KeyW"));
  await expect.poll(() => marked(owner)).toBe(true);

  await owner.keyboard.press("Control+Alt+m");
  await owner.getByRole("button", { name: /^Seats/ }).click();
  await expect(owner.getByRole("dialog")).toContainText("Bob");
  await owner.getByRole("button", { name: "Take the seat back" }).click();
  await expect.poll(() => seat(second)).toBe(0);
  await expect(owner.getByRole("dialog")).not.toContainText("Bob");
  await second.keyboard.press("KeyW");
  expect(await marked(owner)).toBe(true);
});

test("a full house gives a place in the queue and starts by itself", async ({ owner, person }) => {
  const id = await play(owner, "solo");
  const other = await admit(owner, await person(), "Grace", "player");
  await other.goto("/title/solo");
  await other.getByRole("button", { name: "Play" }).click();
  await expect(other.getByRole("dialog")).toContainText("is your place in the queue");
  const refused = await ask(owner, "POST", "/api/sessions", { title: "duet", quality: null });
  expect(refused.status).toBe(503);
  expect(refused.body).toMatchObject({ type: "/api#capacity", status: 503 });
  await ask(owner, "DELETE", "/api/queue");

  await ask(owner, "DELETE", `/api/sessions/${id}`);
  await expect(other).toHaveURL(/\/play\//);
  await picture(other);
});

test("a link that is none, or no longer, says so", async ({ owner, person }) => {
  await play(owner, "duet");
  const address = await link(owner, "Link to watch");
  const { page } = await person();
  await page.goto("/join/nothing-at-all");
  await expect(page.getByRole("alert")).toBeVisible();
  await owner.goto("/sessions");
  const { body } = await ask(owner, "GET", "/api/sessions");
  await ask(owner, "DELETE", `/api/sessions/${body.sessions.find((each: { state: string }) => each.state !== "ended").id}`);
  await page.goto(address);
  await expect(page.getByRole("alert")).toContainText("new link");
});
