/** What all browser tests share: a house per file, an owner in it, and people in browsers of their own. */

import { type BrowserContext, type Page, test as base, expect } from "@playwright/test";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { House, type Options } from "./house";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Somebody with a browser. */
export interface Person {
  page: Page;
  context: BrowserContext;
}

interface Fixtures {
  /** A browser of one's own, not signed in. */
  person: () => Promise<Person>;
  /** The owner's page, signed in, at home. */
  owner: Page;
}

interface Shared {
  houseOptions: Options;
  house: House;
  /** Cookies of the owner, who signs in once per house. */
  ownerState: Awaited<ReturnType<BrowserContext["storageState"]>>;
}

export const OWNER = { name: "Ada", password: "a long enough one" };

export const test = base.extend<Fixtures, Shared>({
  houseOptions: [{}, { option: true, scope: "worker" }],
  house: [
    async ({ houseOptions }, use) => {
      const house = await House.open(houseOptions);
      await use(house);
      await house.close();
    },
    { scope: "worker" },
  ],
  ownerState: [
    async ({ house, browser }, use) => {
      const context = await browser.newContext({ baseURL: house.origin });
      const answer = await context.request.post("/api/sign-in/code", {
        data: { code: house.code, ...OWNER },
        headers: { origin: house.origin },
      });
      expect(answer.status(), await answer.text()).toBe(200);
      await use(await context.storageState());
      await context.close();
    },
    { scope: "worker" },
  ],
  person: async ({ house, browser }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ baseURL: house.origin, viewport: { width: 1280, height: 720 } });
      contexts.push(context);
      return { context, page: await context.newPage() };
    });
    for (const context of contexts) await context.close();
  },
  owner: async ({ house, ownerState, browser }, use) => {
    const context = await browser.newContext({
      baseURL: house.origin,
      storageState: ownerState,
      viewport: { width: 1280, height: 720 },
    });
    const page = await context.newPage();
    await page.goto("/");
    await use(page);
    await context.close();
  },
});

/** Asks the API as the person of this page. */
export async function ask(page: Page, method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
  const origin = new URL(page.url()).origin;
  const answer = await page.request.fetch(path, { method, headers: { origin }, ...(body !== undefined && { data: body }) });
  return { status: answer.status(), body: await answer.json().catch(() => undefined) };
}

/** Makes an account and signs it in, in a browser of its own. */
export async function admit(owner: Page, person: Person, name: string, role: "player" | "guest" | "owner"): Promise<Page> {
  const made = await ask(owner, "POST", "/api/accounts", { name, role });
  expect(made.status).toBe(201);
  await person.page.goto(made.body.link);
  await expect(person.page.getByRole("button", { name })).toBeVisible();
  return person.page;
}

/** What axe finds on the page as it is now; nothing is right. */
export async function findings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run(): Promise<{ violations: any[] }> } };
    const { violations } = await axe.run();
    return violations.map((each) => `${each.id}: ${each.nodes.map((node: any) => node.target.join(" ")).join(", ")}`);
  });
}

/** A manifest of a test; `more` replaces or adds lines. */
export function manifest(name: string, more: Record<string, string> = {}): string {
  const lines = {
    name: JSON.stringify(name),
    summary: '"A title of the browser tests."',
    host: '"x11"',
    command: '["/bin/sleep", "600"]',
    licence: '"Apache-2.0"',
    ...more,
  };
  return Object.entries(lines)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join("");
}

export { expect };
