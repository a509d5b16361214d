/** Everybody can use it: axe finds nothing, the keyboard and the gamepad reach everything. */

import type { Page } from "@playwright/test";
import { A, B, DOWN, RIGHT, START, plugIn, press } from "../src/pad";
import { expect, findings, manifest, test } from "../src/test";

test.use({
  houseOptions: {
    titles: {
      garden: manifest("Garden") + '[[controls]]\naction = "Dig"\nkeys = ["Space"]\npad = ["A"]\n',
      attic: manifest("Attic", { command: '["no-such-game"]', packages: '["no-such-package"]' }),
      cellar: manifest("Cellar", { host: '"windows"' }),
      shed: manifest("Shed"),
    },
  },
});

const PAGES = ["/", "/title/garden", "/title/attic", "/title/cellar", "/title/none", "/sessions", "/clips", "/films", "/films/none", "/films/none/watch", "/upload", "/people", "/system", "/account", "/profiles", "/party/none", "/live", "/live/none", "/studio", "/guide", "/guide/others", "/search", "/search?q=garden", "/recordings", "/multiview", "/channels/none", "/sensors", "/sensors/rules", "/sensors/models", "/sensors/none", "/sensors/none/edit", "/join/none", "/play/none", "/none"];

for (const theme of ["dark", "light"]) {
  test(`axe finds nothing on any page, ${theme}`, async ({ owner }) => {
    await owner.addInitScript((value) => localStorage.setItem("playhouse.theme", value), theme);
    for (const path of PAGES) {
      await owner.goto(path);
      await expect(owner.locator("h1")).toHaveCount(1);
      await expect(owner.locator("[aria-busy]")).toHaveCount(0);
      expect(await findings(owner), path).toEqual([]);
    }
  });
}

test("home is light: under 180 kB before the player, and nothing of the player", async ({ owner }) => {
  await expect(owner.getByRole("heading", { name: "Games" })).toBeVisible();
  const files = await owner.evaluate(() =>
    performance
      .getEntriesByType("resource")
      .filter((entry) => /\.(js|css|woff2)$/.test(entry.name))
      .map((entry) => ({ name: entry.name, bytes: (entry as PerformanceResourceTiming).encodedBodySize })),
  );
  expect(files.length).toBeGreaterThan(2);
  expect(files.reduce((sum, file) => sum + file.bytes, 0)).toBeLessThan(180_000);
  expect(files.filter((file) => /\/(Play|Watch|Upload|Channel|Cast|Party|Studio|Multiview|Sensors?|Rules|hls)-/.test(file.name))).toEqual([]);
});

test("axe finds nothing at the door", async ({ person }) => {
  const { page } = await person();
  await page.goto("/");
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect(await findings(page)).toEqual([]);
});

test("nothing sticks out of a phone, and the text stays in its language", async ({ owner }) => {
  await owner.setViewportSize({ width: 390, height: 844 });
  for (const language of ["en", "de", "ja"]) {
    await owner.addInitScript((value) => localStorage.setItem("playhouse.language", value), language);
    for (const path of PAGES) {
      await owner.goto(path);
      await expect(owner.locator("h1")).toHaveCount(1);
      await expect(owner.locator("[aria-busy]")).toHaveCount(0);
      expect(await owner.evaluate(() => document.documentElement.scrollWidth - innerWidth), `${language} ${path}`).toBeLessThanOrEqual(0);
      expect(await owner.getAttribute("html", "lang")).toBe(language);
    }
  }
});

const focused = (page: Page) =>
  page.evaluate(() => {
    const element = document.activeElement;
    return (element?.getAttribute("aria-label") ?? element?.textContent ?? "").trim();
  });

test("arrow keys walk through the shelf and Enter opens", async ({ owner }) => {
  await expect(owner.getByRole("heading", { name: "Games" })).toBeVisible();
  await owner.keyboard.press("ArrowDown");
  for (let step = 0; step < 6 && !(await focused(owner)).startsWith("Attic"); step += 1) await owner.keyboard.press("ArrowDown");
  const first = await focused(owner);
  await owner.keyboard.press("ArrowRight");
  expect(await focused(owner)).not.toBe(first);
  await owner.keyboard.press("ArrowLeft");
  expect(await focused(owner)).toBe(first);
  await owner.keyboard.press("Enter");
  await expect(owner).toHaveURL(/\/title\//);
});

test("a slash searches from anywhere, and what is found is reached by keys", async ({ owner }) => {
  await expect(owner.getByRole("heading", { name: "Games" })).toBeVisible();
  await owner.keyboard.press("/");
  await expect(owner).toHaveURL("/search");
  const field = owner.getByRole("searchbox", { name: "Games, films, channels, people" });
  await expect(field).toBeFocused();
  // One letter at its neighbour's place, and the word unfinished.
  await owner.keyboard.type("gadre");
  await expect(owner.getByRole("link", { name: /^Garden/ })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.keyboard.press("ArrowDown");
  expect(await focused(owner)).toMatch(/^Garden/);
  await owner.keyboard.press("Enter");
  await expect(owner).toHaveURL("/title/garden");
  await owner.goBack();
  await expect(field).toHaveValue("gadre");
  await field.fill("nothing such");
  await expect(owner.getByText("Nothing here is called nothing such.")).toBeVisible();
});

test("Tab reaches everything in turn and is never trapped", async ({ owner }) => {
  await owner.goto("/people");
  await expect(owner.getByRole("button", { name: "Add", exact: true })).toBeVisible();
  const seen = new Set<string>();
  for (let step = 0; step < 40; step += 1) {
    await owner.keyboard.press("Tab");
    seen.add(await focused(owner));
  }
  for (const name of ["To the content", "Playhouse", "Home", "People", "Add", "New link"]) expect([...seen]).toContain(name);
});

test("the menu opens, keeps the focus, and gives it back", async ({ owner }) => {
  const opener = owner.getByRole("button", { name: "Ada" });
  await opener.focus();
  await owner.keyboard.press("Enter");
  await expect(owner.getByRole("dialog")).toBeVisible();
  for (let step = 0; step < 15; step += 1) {
    await owner.keyboard.press("Tab");
    expect(await owner.evaluate(() => document.activeElement === document.body || document.activeElement?.closest("dialog") !== null)).toBe(true);
  }
  await owner.keyboard.press("Escape");
  await expect(owner.getByRole("dialog")).toHaveCount(0);
  await expect(opener).toBeFocused();
});

test("a gamepad walks, opens, goes back and finds the menu, larger as on a sofa", async ({ owner }) => {
  await expect(owner.getByRole("heading", { name: "Games" })).toBeVisible();
  await plugIn(owner);
  await press(owner, DOWN);
  await expect(owner.locator("html")).toHaveAttribute("data-sofa");
  for (let step = 0; step < 6 && !(await owner.evaluate(() => document.activeElement?.closest("section ul") !== null)); step += 1) {
    await press(owner, DOWN);
  }
  const first = await focused(owner);
  await press(owner, RIGHT);
  expect(await focused(owner)).not.toBe(first);
  await press(owner, A);
  await expect(owner).toHaveURL(/\/title\//);
  await press(owner, B);
  await expect(owner).toHaveURL(/\/$/);
  await press(owner, START);
  await expect(owner.getByRole("dialog", { name: "Menu" })).toBeVisible();
  await press(owner, B);
  await expect(owner.getByRole("dialog")).toHaveCount(0);
});
