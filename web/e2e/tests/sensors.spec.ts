/** Sensors: one is added, comes, is seen and counted with, is told what to do, and is thrown out. */

import type { Page } from "@playwright/test";
import { freePort } from "../src/publish";
import { Device, counted, drawn, frame } from "../src/sensors";
import { admit, ask, expect, findings, test } from "../src/test";

const [mqtt, https] = [await freePort(), await freePort()];
test.use({ houseOptions: { titles: {}, args: ["--mqtt", `127.0.0.1:${mqtt}`, "--sensor-https", `127.0.0.1:${https}`] } });

/** People walk at their own pace: one crosses the middle within a minute or so. */
const WALK_MS = 120_000;
const COMES_MS = 40_000;

let device: Device | undefined;
test.afterEach(async () => {
  await device?.close();
  device = undefined;
});

/** Places in the picture that lines and zones are drawn on, as fractions of it. */
async function surface(page: Page) {
  const box = (await page.locator("[data-surface]").boundingBox())!;
  return (x: number, y: number): [number, number] => [box.x + x * box.width, box.y + y * box.height];
}

/** A place for a sensor that no device has. */
async function vacant(page: Page, name: string): Promise<string> {
  const made = await ask(page, "POST", "/api/sensors", { name });
  expect(made.status, JSON.stringify(made.body)).toBe(201);
  return made.body.sensor.id;
}

test("a sensor is added by one command, is seen at once, counts who crosses a line, and is thrown out", async ({ owner }) => {
  test.setTimeout(COMES_MS + WALK_MS + 120_000);
  await owner.goto("/sensors");
  await owner.getByRole("button", { name: /^Add (a|the first) sensor$/ }).click();
  const dialog = owner.getByRole("dialog");
  await expect(dialog.getByLabel("One-time code")).toHaveText(/^[0-9A-Z]{4}-[0-9A-Z]{4}$/);
  await expect(dialog.getByText("Waiting for the device")).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await dialog.getByLabel("What it is called").fill("Front door");
  await dialog.getByLabel("What it is called").blur();
  device = Device.start(await dialog.getByLabel("Command for a virtual sensor").inputValue());
  await expect(owner.getByRole("heading", { name: "Front door is there" }), device.log).toBeVisible({ timeout: COMES_MS });
  await dialog.getByRole("link", { name: "Look at it" }).click();

  // What it sees is drawn, and moves.
  await expect(owner.getByRole("heading", { name: "Front door", level: 1 })).toBeVisible();
  await expect(owner.getByText("Online")).toBeVisible();
  await expect.poll(() => frame(owner), { timeout: COMES_MS }).toBeGreaterThan(0);
  const first = await frame(owner);
  await expect.poll(() => frame(owner)).toBeGreaterThan(first + 10);
  await expect.poll(async () => (await drawn(owner)).pixels, { timeout: COMES_MS }).toBeGreaterThan(100);
  const before = await drawn(owner);
  await expect.poll(async () => (await drawn(owner)).places).not.toBe(before.places);
  expect(await findings(owner)).toEqual([]);

  // A line over the middle, drawn by one drag.
  await owner.getByRole("link", { name: "Lines and zones" }).click();
  await owner.getByRole("button", { name: "Draw a line" }).click();
  let at = await surface(owner);
  await owner.mouse.move(...at(0.5, 0.02));
  await owner.mouse.down();
  await owner.mouse.move(...at(0.5, 0.5), { steps: 4 });
  await owner.mouse.move(...at(0.5, 0.98), { steps: 4 });
  await owner.mouse.up();
  await owner.getByLabel("Name of the line").fill("Threshold");

  // A zone, whose corner cannot be dragged out of the picture.
  await owner.getByRole("button", { name: "Draw a zone" }).click();
  at = await surface(owner);
  for (const [x, y] of [[0.6, 0.4], [0.9, 0.4], [0.9, 0.9], [0.6, 0.9]] as const) await owner.mouse.click(...at(x, y));
  await owner.getByRole("button", { name: "Close the zone" }).click();
  const corner = owner.getByRole("button", { name: /^Point 2 of Zone/ });
  await expect(corner).toBeVisible();
  await owner.mouse.move(...at(0.9, 0.4));
  await owner.mouse.down();
  await owner.mouse.move(...at(1.4, -0.3), { steps: 5 });
  await owner.mouse.up();
  await expect(corner).toHaveAccessibleName(/100 % from the left, 0 % from the top/);
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByText("Does what it is told")).toBeVisible({ timeout: COMES_MS });

  const id = new URL(owner.url()).pathname.split("/")[2]!;
  const { body: sensor } = await ask(owner, "GET", `/api/sensors/${id}`);
  expect(sensor.reported.version).toBe(sensor.desired.version);
  const outside = { zones: [{ id: 1, name: "Beyond", corners: [{ x: 0.5, y: 0.5 }, { x: 1.5, y: 0.5 }, { x: 0.5, y: 0.9 }] }] };
  const refused = await ask(owner, "PATCH", `/api/sensors/${id}/desired`, outside);
  expect([refused.status, refused.body.detail]).toEqual([422, expect.stringContaining("lies outside the picture")]);

  // Who crosses the line is counted while one looks, and told in words.
  await owner.getByRole("link", { name: "Front door" }).click();
  await expect.poll(() => counted(owner), { timeout: WALK_MS }).toBeGreaterThan(0);
  await expect(owner.getByRole("list", { name: "What happens" }).getByText(/went (in|out) over Threshold/).first()).toBeVisible();
  await expect(owner.getByRole("img", { name: /^Counts by time/ })).toBeVisible();
  await owner.goto("/sensors");
  const row = owner.getByRole("row", { name: /Front door/ });
  await expect(row).toContainText("Online");
  await expect(row).toContainText(/[1-9]\d* (in|out)/);
  expect(await findings(owner)).toEqual([]);
  await owner.goto("/");
  await expect(owner.getByRole("link", { name: /Front door/ })).toContainText(/in, .* out today/);

  // It is thrown out, and nothing comes from it any more.
  await owner.goto(`/sensors/${id}`);
  await owner.getByRole("button", { name: "Revoke" }).click();
  await dialog.getByRole("button", { name: "Revoke it" }).click();
  await expect(owner.getByText("This sensor is revoked")).toBeVisible();
  await expect.poll(async () => (await ask(owner, "GET", `/api/sensors/${id}`)).body.state).toBe("revoked");
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: "Remove" }).click();
  await expect(dialog.getByText(/[1-9]\d* counted crossings/)).toBeVisible();
  await expect(dialog.getByText("This cannot be undone.")).toBeVisible();
  await dialog.getByRole("button", { name: "Remove it and what it saw" }).click();
  await expect(owner).toHaveURL("/sensors");
  await expect(owner.getByRole("row", { name: /Front door/ })).toHaveCount(0);
  expect((await ask(owner, "GET", `/api/sensors/${id}`)).status).toBe(404);
});

test("lines and zones are drawn by keys alone, and steps are taken back", async ({ owner }) => {
  const id = await vacant(owner, "Keys");
  await owner.goto(`/sensors/${id}/edit`);
  await owner.getByRole("button", { name: "Draw a zone" }).focus();
  await owner.keyboard.press("Enter");
  const corner = owner.getByRole("button", { name: /^Point 1 of Zone 1/ });
  await expect(corner).toBeFocused();
  await expect(corner).toHaveAccessibleName(/30 % from the left, 30 % from the top/);
  await owner.keyboard.press("Shift+ArrowLeft");
  await owner.keyboard.press("Shift+ArrowUp");
  await expect(corner).toHaveAccessibleName(/25 % from the left, 25 % from the top/);
  for (let step = 0; step < 12; step += 1) await owner.keyboard.press("Shift+ArrowLeft");
  await expect(corner).toHaveAccessibleName(/ 0 % from the left/);
  await owner.keyboard.press("Delete");
  await expect(owner.getByRole("button", { name: /^Point \d of Zone 1/ })).toHaveCount(3);
  await owner.keyboard.press("Control+z");
  await expect(owner.getByRole("button", { name: /^Point \d of Zone 1/ })).toHaveCount(4);
  await owner.getByRole("button", { name: "Draw a line" }).focus();
  await owner.keyboard.press("Enter");
  await expect(owner.getByRole("button", { name: /^Point 1 of Line 1/ })).toBeFocused();
  await owner.getByRole("button", { name: "Swap in and out of Line 1" }).click();
  await owner.getByLabel("Tell of stays from, in seconds").fill("30");
  // Leaving loses nothing.
  await owner.getByRole("link", { name: "Keys", exact: true }).click();
  await owner.getByRole("link", { name: "Lines and zones" }).click();
  await expect(owner.getByText("Not saved yet")).toBeVisible();
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByText("The sensor gets it once it is there.")).toBeVisible();
  const { settings, version } = (await ask(owner, "GET", `/api/sensors/${id}`)).body.desired;
  expect(settings.lines).toEqual([{ id: 1, name: "Line 1", from: { x: 0.75, y: 0.5 }, to: { x: 0.25, y: 0.5 } }]);
  expect([settings.zones[0].dwell_ms, settings.zones[0].corners[0].x]).toEqual([30_000, 0]);

  // Somebody else was faster: what was drawn here is kept.
  await owner.getByLabel("Name of the zone").fill("Queue");
  expect((await ask(owner, "PATCH", `/api/sensors/${id}/desired`, { rate: 5 })).status).toBe(200);
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByText("Somebody else changed this sensor meanwhile.", { exact: false })).toBeVisible();
  await owner.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await ask(owner, "GET", `/api/sensors/${id}`)).body.desired.settings.zones[0].name).toBe("Queue");
  const after = (await ask(owner, "GET", `/api/sensors/${id}`)).body.desired;
  expect([after.settings.rate, after.version]).toEqual([5, version + 2]);
});

test("a code is shown again, a name and a group are kept, and the map of states is walked by keys", async ({ owner }) => {
  await vacant(owner, "Cellar");
  const id = await vacant(owner, "Attic");
  await owner.goto(`/sensors/${id}`);
  await expect(owner.getByRole("heading", { name: "No device has this place yet" })).toBeVisible();
  await owner.getByRole("button", { name: "Show a code" }).click();
  await expect(owner.getByRole("dialog").getByLabel("Command for the device")).toHaveValue(/^playhouse sense --server http\S+ --code \S+$/);
  await owner.keyboard.press("Escape");
  const about = owner.getByRole("region", { name: "This sensor" });
  await about.getByLabel("Group").fill("Upstairs");
  await about.getByLabel("Tags, with commas between").fill("dust, spiders");
  await about.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByText("Saved.")).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.goto("/sensors");
  await owner.getByLabel("Group").selectOption("Upstairs");
  await expect(owner.getByRole("row")).toHaveCount(2);
  await expect(owner.getByRole("row", { name: /Attic/ })).toContainText("Upstairs · dust · spiders");
  await owner.getByRole("button", { name: /^Map of states/ }).focus();
  await expect(owner.getByRole("status").filter({ hasText: "Attic · Upstairs · No device yet" })).toHaveCount(1);
  expect(await findings(owner)).toEqual([]);
  await owner.keyboard.press("Enter");
  await expect(owner).toHaveURL(`/sensors/${id}`);
});

test("a player sees sensors and changes none; a guest sees none", async ({ owner, person }) => {
  const id = await vacant(owner, "Hall");
  const player = await admit(owner, await person(), "Pia", "player");
  await player.goto("/sensors");
  await expect(player.getByRole("row", { name: /Hall/ })).toBeVisible();
  await expect(player.getByRole("button", { name: "Add a sensor" })).toHaveCount(0);
  await player.goto(`/sensors/${id}`);
  await expect(player.getByRole("heading", { name: "Hall", level: 1 })).toBeVisible();
  await expect(player.getByRole("button", { name: /Revoke|Remove|Show a code/ })).toHaveCount(0);
  await player.goto(`/sensors/${id}/edit`);
  await expect(player.getByRole("heading", { name: "This page is for owners" })).toBeVisible();
  const guest = await admit(owner, await person(), "Gus", "guest");
  await expect(guest.getByRole("link", { name: "Sensors" })).toHaveCount(0);
  await guest.goto("/sensors");
  await expect(guest.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
});

test("a rule is tried on what was seen before it speaks, rests, and is taken away with ten seconds to think", async ({ owner }) => {
  const id = await vacant(owner, "Till");
  const zone = { id: 1, name: "Counter", corners: [{ x: 0.1, y: 0.1 }, { x: 0.9, y: 0.1 }, { x: 0.5, y: 0.9 }] };
  expect((await ask(owner, "PATCH", `/api/sensors/${id}/desired`, { zones: [zone] })).status).toBe(200);
  await owner.goto("/sensors");
  await owner.getByRole("link", { name: "Rules" }).click();
  await owner.getByRole("button", { name: /^(Make the first rule|New rule)$/ }).click();
  const dialog = owner.getByRole("dialog");
  await expect(dialog.getByText("The rule needs a name.")).toBeVisible();
  await dialog.getByLabel("Name of the rule").fill("Queue");
  await dialog.getByLabel("Sensor").selectOption("Till");
  await dialog.getByLabel("Number").fill("3");
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Try it on the last week" }).click();
  await expect(dialog.getByRole("status")).toContainText(/In the last week it would/);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toHaveCount(0);
  const rule = owner.getByRole("listitem").filter({ hasText: "When more than 3 are in Counter for 30 s" });
  await expect(rule).toContainText("Till");
  expect(await findings(owner)).toEqual([]);
  await rule.getByLabel("Queue is in force").uncheck();
  await expect.poll(async () => (await ask(owner, "GET", "/api/sensor-rules")).body.rules[0].on).toBe(false);
  await owner.getByRole("button", { name: "Change the rule Queue" }).click();
  await expect(dialog.getByLabel("Number")).toHaveValue("3");
  await dialog.getByLabel("Call this address").fill("https://example.org/hook");
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog.getByLabel("What calls are signed with")).toHaveValue(/\S{8,}/);
  await owner.keyboard.press("Escape");
  await owner.getByRole("button", { name: "Delete the rule Queue" }).click();
  await owner.getByRole("button", { name: "Undo" }).click();
  await expect(rule).toContainText("calls https://example.org/hook");
});
