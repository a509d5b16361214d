/** Channels of the library: made, tuned in to by two at once, looked up in the guide, recorded. */

import type { Page } from "@playwright/test";
import { found, make, playing, put } from "../src/films";
import { ask, expect, findings, test } from "../src/test";

// A house of its own: others want one that nobody has entered yet.
test.use({ houseOptions: { titles: {}, shipped: [] } });

const everything = { zone: "UTC", always: { everything: true } };

/** A house with two films, and a channel of them. */
async function channel(page: Page, house: Parameters<typeof put>[0]): Promise<string> {
  const { body } = await ask(page, "GET", "/api/guide");
  if (body.channels.length > 0) return body.channels[0].id;
  put(house, make("one.mp4", { seconds: 15 }), "Short One (2001).mp4");
  put(house, make("two.mp4", { seconds: 15 }), "Short Two (2002).mp4");
  await found(page, "Short One");
  await found(page, "Short Two");
  const made = await ask(page, "POST", "/api/guide/channels", { name: "House Channel", number: 1, schedule: everything });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.id;
}

/** How late the picture of a page is, in seconds, by the server's clock. */
async function late(page: Page, id: string): Promise<number> {
  return page.evaluate(async (path) => {
    const asked = Date.now();
    const { now_ms } = (await (await fetch(path)).json()) as { now_ms: number };
    const ahead = now_ms - (asked + Date.now()) / 2;
    return (Date.now() + ahead - window.__film!.date!) / 1000;
  }, `/api/channels/${id}/on`);
}

test("two who tune in at different times see the same second, over the end of a film", async ({ owner, house, ownerState, person }) => {
  const id = await channel(owner, house);
  await owner.goto(`/channels/${id}`);
  await playing(owner);
  const other = await person();
  await other.context.addCookies(ownerState.cookies);
  await other.page.goto(`/channels/${id}`);
  await playing(other.page);
  // Each is held against the server's clock, so that both are within a second of each other.
  for (const page of [owner, other.page]) await expect.poll(async () => Math.abs(await late(page, id))).toBeLessThan(0.5);
  const film = async () => (await ask(owner, "GET", `/api/channels/${id}/on`)).body.programmes[0].start_ms;
  const before = await film();
  await expect.poll(film, { timeout: 40_000 }).not.toBe(before);
  for (const page of [owner, other.page]) {
    await expect.poll(async () => Math.abs(await late(page, id)), { timeout: 30_000 }).toBeLessThan(0.5);
    expect(await page.evaluate(() => window.__film!.state)).toBe("playing");
  }
});

test("the guide says what is on, and a programme is recorded from it", async ({ owner, house }) => {
  await channel(owner, house);
  await owner.goto("/guide");
  await expect(owner.getByRole("heading", { name: "Guide" })).toBeVisible();
  await expect(owner.getByRole("link", { name: "Watch House Channel" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  const next = owner.getByRole("button", { name: /^Short (One|Two) on House Channel/ }).nth(20);
  await next.focus();
  await owner.keyboard.press("Enter");
  const dialog = owner.getByRole("dialog");
  await expect(dialog.getByRole("button", { name: "Record", exact: true })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Record every time" }).click();
  await expect(owner.getByText(/will be recorded whenever it is on/)).toBeVisible();
  await owner.goto("/recordings");
  await expect(owner.getByRole("heading", { name: "Recorded every time" })).toBeVisible();
  await expect(owner.getByRole("meter", { name: "Room for recordings" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: /^Delete Short/ }).first().click();
  await owner.getByRole("button", { name: "Undo" }).click();
  await expect(owner.getByRole("button", { name: /^Delete Short/ }).first()).toBeVisible();
});

test("an owner makes a channel, and sees the coming day first", async ({ owner, house }) => {
  await channel(owner, house);
  await owner.goto("/guide");
  await owner.getByRole("button", { name: "New channel" }).click();
  const dialog = owner.getByRole("dialog");
  await dialog.getByLabel("Name", { exact: true }).fill("Second Channel");
  await dialog.getByRole("button", { name: "Add hours of their own" }).click();
  await dialog.getByRole("group", { name: "Plays" }).getByLabel("Short One").check();
  await dialog.getByRole("button", { name: "The coming day" }).click();
  await expect(dialog.getByRole("list", { name: "The coming day" }).getByText(/Short/).first()).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toHaveCount(0);
  await expect(owner.getByRole("link", { name: "Watch Second Channel" })).toBeVisible();
});

test("channels stand side by side, and the one that has the focus is heard", async ({ owner, house }) => {
  await channel(owner, house);
  const made = await ask(owner, "POST", "/api/guide/channels", { name: "Third Channel", schedule: everything });
  expect(made.status).toBe(201);
  await owner.goto("/multiview");
  await owner.getByRole("button", { name: "House Channel" }).click();
  await owner.getByRole("button", { name: "Third Channel" }).first().click();
  const muted = () => owner.evaluate(() => [...document.querySelectorAll("video")].map((video) => video.muted));
  await expect.poll(muted).toEqual([false, true]);
  await owner.locator(".screens").getByRole("button", { name: "Third Channel" }).focus();
  await expect.poll(muted).toEqual([true, false]);
  expect(await findings(owner)).toEqual([]);
});

test("four channels stand side by side, and there is no place for a fifth", async ({ owner, house }) => {
  await channel(owner, house);
  for (const name of ["Fourth", "Fifth", "Sixth", "Seventh", "Eighth"]) {
    expect((await ask(owner, "POST", "/api/guide/channels", { name, schedule: everything })).status).toBe(201);
  }
  // Tests before this one have left streams that nobody watches any more.
  for (const { id } of (await ask(owner, "GET", "/api/streams")).body.streams) await ask(owner, "DELETE", `/api/streams/${id}`);
  await owner.goto("/multiview");
  const choose = (name: string) => owner.getByRole("group", { name: "Guide" }).getByRole("button", { name, exact: true });
  for (const name of ["Fourth", "Fifth", "Sixth", "Seventh"]) await choose(name).click();
  await expect(owner.locator("video")).toHaveCount(4);
  const pictures = () => owner.evaluate(() => [...document.querySelectorAll("video")].map((video) => video.videoWidth > 0 && !video.paused));
  await expect.poll(pictures, { timeout: 60_000 }).toEqual([true, true, true, true]);
  const loud = () => owner.evaluate(() => [...document.querySelectorAll("video")].filter((video) => !video.muted).length);
  await expect.poll(loud).toBe(1);
  await expect(choose("Eighth")).toBeDisabled();
  // The account has no place for another stream either.
  const eighth = (await ask(owner, "GET", "/api/guide")).body.channels.find((each: { name: string }) => each.name === "Eighth");
  const refused = await ask(owner, "POST", "/api/streams", { channel: eighth.id });
  expect([refused.status, refused.body.type]).toEqual([409, expect.stringContaining("streams-taken")]);
  // Whoever leaves one makes room.
  await choose("Fourth").click();
  await expect(owner.locator("video")).toHaveCount(3);
  await expect(choose("Eighth")).toBeEnabled();
  expect(await findings(owner)).toEqual([]);
});
