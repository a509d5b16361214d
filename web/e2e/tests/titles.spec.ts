/** The shelf and its titles: what can be played, what cannot, and who may see what. */

import { admit, ask, expect, manifest, test } from "../src/test";

test.use({
  houseOptions: {
    titles: {
      garden: manifest("Garden", { seats: "2" }) + '[[controls]]\naction = "Dig"\nkeys = ["Space"]\npad = ["A"]\n',
      attic: manifest("Attic", { command: '["no-such-game"]', packages: '["no-such-package"]' }),
      cellar: manifest("Cellar", { host: '"windows"' }),
    },
  },
});

test("home shows the titles, and a title says how it is played", async ({ owner }) => {
  await owner.getByRole("link", { name: "Garden", exact: false }).first().click();
  await expect(owner.getByRole("heading", { name: "Garden" })).toBeVisible();
  await expect(owner.getByRole("row", { name: /Dig/ })).toContainText("Space");
  await expect(owner.getByRole("button", { name: "Play" })).toBeEnabled();
});

test("a missing package is named with the command that installs it", async ({ owner }) => {
  await owner.goto("/title/attic");
  await expect(owner.getByRole("alert")).toContainText("Not installed yet");
  await expect(owner.getByRole("textbox", { name: "Command that installs it" })).toHaveValue("sudo apt install no-such-package");
  await expect(owner.getByRole("button", { name: "Play" })).toBeDisabled();
  const asked = await ask(owner, "POST", "/api/sessions", { title: "attic", quality: null });
  expect(asked.status).toBe(422);
  expect(asked.body.type).toContain("unavailable-title");
});

test("a bad manifest shows the owner its mistake, and nobody else", async ({ owner, person }) => {
  await owner.goto("/title/cellar");
  await expect(owner.getByRole("alert")).toContainText("line 3");
  await expect(owner.getByRole("alert")).toContainText("windows");
  const player = await admit(owner, await person(), "Linus", "player");
  await player.goto("/title/cellar");
  await expect(player.getByRole("heading", { name: "There is no such title" })).toBeVisible();
  await expect(player.getByText("windows")).toHaveCount(0);
});

test("an unknown title is a sentence and a way home", async ({ owner }) => {
  await owner.goto("/title/nowhere");
  await expect(owner.getByRole("heading", { name: "There is no such title" })).toBeVisible();
  const asked = await ask(owner, "GET", "/api/titles/nowhere");
  expect(asked.status).toBe(404);
  expect(asked.body.detail).toMatch(/\.$/);
  await owner.getByRole("link", { name: "To the home page" }).click();
  await expect(owner).toHaveURL(/\/$/);
});

test("a guest may look but not start", async ({ owner, person }) => {
  const guest = await admit(owner, await person(), "Gus", "guest");
  await guest.goto("/title/garden");
  await expect(guest.getByRole("heading", { name: "Garden" })).toBeVisible();
  await expect(guest.getByRole("button", { name: "Play" })).toHaveCount(0);
  const asked = await ask(guest, "POST", "/api/sessions", { title: "garden", quality: null });
  expect(asked.status).toBe(403);
  expect(asked.body.type).toContain("not-allowed");
});

test("a page of the owner says so to others", async ({ owner, person }) => {
  const player = await admit(owner, await person(), "Mary", "player");
  for (const path of ["/people", "/system"]) {
    await player.goto(path);
    await expect(player.getByRole("heading", { name: "This page is for owners" })).toBeVisible();
  }
  expect((await ask(player, "GET", "/api/accounts")).status).toBe(403);
});

test("an address that is none says so", async ({ owner }) => {
  await owner.goto("/nothing/here");
  await expect(owner.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
});
