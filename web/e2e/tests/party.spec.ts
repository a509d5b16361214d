/** Watch parties: in step, whoever freezes; chat; invites. */

import type { Page } from "@playwright/test";
import { found, make, put } from "../src/films";
import { median, member, place, skews } from "../src/party";
import { ask, expect, findings, test } from "../src/test";

// A house of its own: others want one that nobody has entered yet.
test.use({ houseOptions: { titles: {}, args: [] } });

test.setTimeout(240_000);

test("two people watch in step, steer each other and talk", async ({ house, owner, person }) => {
  put(house, make("together.mp4", { seconds: 120 }), "Together.mp4");
  const film = await found(owner, "Together");
  await owner.goto(`/films/${film.id}`);
  await owner.getByRole("button", { name: "Watch together" }).click();
  await expect(owner).toHaveURL(/\/party\//);
  await owner.getByRole("button", { name: "Invite" }).click();
  const link = await owner.getByRole("dialog").getByRole("textbox").inputValue();
  await owner.keyboard.press("Escape");

  const { page: guest } = await person();
  await guest.goto(link);
  await expect(guest.getByRole("heading", { name: "Ada invites you to watch Together together" })).toBeVisible();
  await guest.getByLabel("What should the others call you?").fill("Bob");
  await guest.getByRole("button", { name: "Join the party" }).click();
  await expect(guest).toHaveURL(/\/party\//);
  await expect(owner.getByText("Bob", { exact: true })).toBeVisible();
  expect(await findings(guest)).toEqual([]);

  await owner.locator(".cover").click();
  for (const page of [owner, guest]) await expect.poll(async () => (await place(page)).film, { timeout: 60_000 }).toBeGreaterThan(0.5);
  for (const page of [owner, guest]) await expect.poll(async () => Math.abs((await place(page)).skew), { timeout: 60_000 }).toBeLessThan(0.1);

  // Everybody may steer: the guest seeks and pauses, for both.
  await guest.evaluate(() => window.__party!.steer({ position: 60 }));
  await expect.poll(async () => (await place(owner)).film, { timeout: 30_000 }).toBeGreaterThan(60);
  await guest.locator(".cover").click();
  await expect.poll(async () => (await place(owner)).paused, { timeout: 30_000 }).toBe(true);
  await expect.poll(async () => Math.abs((await place(owner)).film - (await place(guest)).film), { timeout: 30_000 }).toBeLessThan(0.05);

  await guest.getByRole("textbox", { name: "Say something" }).fill("k and <b>bold</b>");
  await guest.keyboard.press("Enter");
  await expect(owner.getByRole("log")).toContainText("Bob k and <b>bold</b>");
  expect((await place(owner)).paused, "letters of the chat are no keys of the player").toBe(true);
  await owner.getByRole("button", { name: "Applause" }).click();
  // A picture of our own: not every device has letters for it.
  await expect(guest.locator('.floating [data-sign="clap"]')).toBeVisible();
  expect(await findings(owner)).toEqual([]);

  await owner.getByRole("button", { name: "End the party" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "End the party" }).click();
  await expect(guest.getByRole("alert")).toContainText("over");
});

test("eight tabs of a party, one frozen: the others stay in step", async ({ house, owner, ownerState, browser }) => {
  put(house, make("eight.mp4", { seconds: 300 }), "Eight.mp4");
  const film = await found(owner, "Eight");
  const { body } = await ask(owner, "POST", "/api/parties", { film: film.id, steering: "everyone" });
  const pages: Page[] = [];
  for (let count = 0; count < 8; count += 1) pages.push(await member(browser, house.origin, ownerState, `/party/${body.id}`));
  await pages[0]!.evaluate(() => window.__party!.steer({ playing: true }));
  for (const page of pages) await expect.poll(async () => Math.abs((await place(page)).skew), { timeout: 90_000 }).toBeLessThan(0.1);

  // Frozen as a hanging tab is: its film stands, nothing runs there, and nothing is answered.
  const frozen = pages[7]!;
  const devtools = await frozen.context().newCDPSession(frozen);
  await devtools.send("Debugger.enable");
  const froze = frozen.evaluate(() => {
    const since = performance.now();
    document.querySelector("video")!.pause();
    debugger;
    return performance.now() - since;
  });
  await new Promise((done) => devtools.once("Debugger.paused", done));
  const from = (await place(pages[0]!)).at;
  await expect.poll(async () => (await place(pages[0]!)).at - from, { timeout: 30_000 }).toBeGreaterThan(3e6);
  const others = pages.slice(0, 7);
  const measured: number[] = [];
  await expect(async () => {
    const medians = (await Promise.all(others.map((page) => skews(page)))).map(median);
    measured.splice(0, measured.length, ...medians);
    expect(Math.max(...medians) - Math.min(...medians)).toBeLessThan(100);
  }).toPass({ timeout: 90_000 });
  const spread = Math.max(...measured) - Math.min(...measured);
  console.log(JSON.stringify({ party_skew_ms: Math.round(spread * 10) / 10, late_ms: measured.map((value) => Math.round(value * 10) / 10) }));

  await devtools.send("Debugger.resume");
  await devtools.send("Debugger.disable");
  expect(await froze).toBeGreaterThan(3000);
  await expect.poll(async () => Math.abs((await place(frozen)).skew), { timeout: 90_000 }).toBeLessThan(0.2);
  await Promise.all(pages.map((page) => page.context().close()));
});
