/** The way in: the first code, passwords, links, and the way out. */

import type { Page } from "@playwright/test";
import { OWNER, ask, expect, test } from "../src/test";

test.describe.configure({ mode: "serial" });

/** The owner opens a page that asks for signing in first, and stands on it afterwards. */
async function signInAt(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.getByLabel("Name").fill(OWNER.name);
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "People" })).toBeVisible();
}

test("the printed address makes the owner, once", async ({ house, person }) => {
  const { page } = await person();
  await page.goto(house.address);
  await expect(page.getByRole("heading", { name: "Welcome to your Playhouse" })).toBeVisible();
  await page.getByLabel("Name").fill(OWNER.name);
  await page.getByLabel("Password (optional").fill(OWNER.password);
  await page.getByRole("button", { name: "Open the house" }).click();
  await expect(page.getByRole("link", { name: "People" })).toBeVisible();
  expect(new URL(page.url()).search).toBe("");

  const other = await person();
  await other.page.goto(house.address);
  await expect(other.page.getByRole("alert")).toBeVisible();
  await expect(other.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("a password signs in, a wrong one says so, and signing out ends it", async ({ person }) => {
  const { page } = await person();
  await page.goto("/");
  await page.getByLabel("Name").fill(OWNER.name);
  await page.getByLabel("Password").fill("not this one");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText(".");
  await page.getByLabel("Password").fill(OWNER.password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: OWNER.name }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect((await ask(page, "GET", "/api/titles")).status).toBe(401);
});

test("a link from the owner signs a new player in", async ({ person }) => {
  const { page: owner } = await person();
  await signInAt(owner, "/people");
  await owner.getByLabel("Name").fill("Grace");
  await owner.getByRole("button", { name: "Add", exact: true }).click();
  const link = await owner.getByRole("textbox", { name: "Link for Grace" }).inputValue();

  const { page: grace } = await person();
  await grace.goto(link);
  await expect(grace.getByRole("button", { name: "Grace" })).toBeVisible();
  await expect(grace.getByRole("link", { name: "People" })).toHaveCount(0);
});

test("who is removed is told what will be lost, and then gone", async ({ person }) => {
  const { page: owner } = await person();
  await signInAt(owner, "/people");
  await owner.getByRole("button", { name: "Remove Grace" }).click();
  await expect(owner.getByRole("dialog")).toContainText("saves and clips of this account are deleted");
  await owner.getByRole("button", { name: "Remove for good" }).click();
  await expect(owner.getByText("Grace")).toHaveCount(0);
});
