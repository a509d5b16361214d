/** Models and apps: one is brought with its card, reaches a sensor, is taken back, and goes. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { Page } from "@playwright/test";
import { freePort } from "../src/publish";
import { Device } from "../src/sensors";
import { admit, ask, expect, findings, test } from "../src/test";

const [mqtt, https] = [await freePort(), await freePort()];
test.use({ houseOptions: { titles: {}, args: ["--mqtt", `127.0.0.1:${mqtt}`, "--sensor-https", `127.0.0.1:${https}`] } });

const EDGE = resolve(import.meta.dirname, "../../../models/edge");
const MODEL = join(EDGE, "model.onnx");
const CARD = join(EDGE, "card.toml");
/** The shortest module of WebAssembly. */
const APP = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
/** How long a device may take to come, or to take a model. */
const COMES_MS = 40_000;

let device: Device | undefined;
test.afterEach(async () => {
  await device?.close();
  device = undefined;
});

/** Brings a file by the API; gives its hash. */
async function brought(page: Page, name: string, kind: "model" | "app", bytes: Buffer): Promise<string> {
  const { origin } = new URL(page.url());
  const answer = await page.request.post(`/api/models?name=${encodeURIComponent(name)}&kind=${kind}`, { headers: { origin, "content-type": "application/octet-stream" }, data: bytes });
  expect(answer.status(), await answer.text()).toBe(201);
  return (await answer.json()).hash;
}
const row = (page: Page, name: string) => page.getByRole("row").filter({ has: page.getByText(name, { exact: true }) });

test("a model is brought with its card, is named anew, and a file that is none is refused in a sentence", async ({ owner }) => {
  await owner.goto("/sensors/models");
  await expect(owner.getByRole("heading", { name: "No models or apps yet" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: "Bring the first one" }).click();
  const dialog = owner.getByRole("dialog");
  const files = dialog.getByLabel("Files of a model or an app");
  await expect(files).toBeFocused();
  await files.setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no model at all") });
  await dialog.getByRole("button", { name: "Bring it" }).click();
  await expect(dialog.getByRole("alert")).toHaveText(/^It is no ONNX model: it does not begin as one\. Export it as ONNX/);
  await files.setInputFiles(MODEL);
  await expect(dialog.getByText("Sensors take a model only with its card", { exact: false })).toBeVisible();
  await expect(dialog.getByRole("alert")).toHaveCount(0);
  await files.setInputFiles(CARD);
  await expect(dialog.getByLabel("Name")).toHaveValue("edge");
  await expect(dialog.getByLabel("Licence")).toHaveValue("Apache-2.0");
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Bring it" }).click();
  await expect(dialog).toHaveCount(0);
  const model = row(owner, "edge");
  for (const fact of ["Model · 237 kB · Apache-2.0", "320 × 240", "person, trolley, box", "93.2 %", "a7d79c41…"]) await expect(model).toContainText(fact);
  expect(await findings(owner)).toEqual([]);

  // What is said of it is changed, and a card that cannot be read is not kept.
  await owner.getByRole("button", { name: "Name and card of edge" }).click();
  await dialog.getByLabel("Name").fill("Small eyes");
  const card = dialog.getByRole("textbox", { name: "Card" });
  await dialog.getByLabel("Licence").fill("MIT");
  await expect(card).toHaveValue(/"licence": "MIT"/);
  const whole = await card.inputValue();
  await card.fill("{");
  await expect(dialog.getByRole("alert")).toHaveText(/^This card cannot be read: /);
  await expect(dialog.getByRole("button", { name: "Save" })).toBeDisabled();
  await card.fill(whole);
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(row(owner, "Small eyes")).toContainText("Model · 237 kB · MIT");
  const [kept] = (await ask(owner, "GET", "/api/models")).body.models;
  expect([kept.name, kept.card.licence, kept.card.output]).toEqual(["Small eyes", "MIT", "centre"]);
});

test("a rollout reaches a sensor, keeps its model from being removed, and is taken back", async ({ owner }) => {
  test.setTimeout(COMES_MS + 90_000);
  const hash = await brought(owner, "Edge", "model", readFileSync(MODEL));
  const { body } = await ask(owner, "POST", "/api/sensors", { name: "Hall" });
  const { id } = body.sensor;
  device = Device.start(`${body.command} --input virtual`);
  const sensor = async () => (await ask(owner, "GET", `/api/sensors/${id}`)).body;
  await expect.poll(async () => (await sensor()).state, { message: "the device comes", timeout: COMES_MS }).toBe("online");

  await owner.goto("/sensors");
  await owner.getByRole("link", { name: "Models and apps" }).click();
  // A file that comes by the API alone has no card yet.
  await owner.getByRole("button", { name: "Name and card of Edge" }).click();
  const dialog = owner.getByRole("dialog");
  await dialog.getByLabel("Take the card from a file").setInputFiles(CARD);
  await expect(dialog.getByRole("textbox", { name: "Card" })).toHaveValue(/"output": "centre"/);
  await dialog.getByRole("button", { name: "Save" }).click();
  await expect(dialog).toHaveCount(0);

  await owner.getByRole("button", { name: "Roll out Edge" }).click();
  await expect(dialog.getByRole("status")).toContainText("One sensor gets it.");
  await dialog.getByLabel("For how many minutes those are watched").fill("60");
  expect(await findings(owner)).toEqual([]);
  await dialog.getByRole("button", { name: "Begin the rollout" }).click();
  await expect(dialog).toHaveCount(0);
  const way = owner.getByRole("region", { name: "On the way" });
  await expect(way).toContainText("1 of 1 have it");
  await expect(way.getByRole("progressbar", { name: "How far Edge has come" })).toHaveAttribute("aria-valuenow", "100");
  await expect(way).toContainText(/The first ones are watched, (1 h|60 min|59 min) more/);
  await expect.poll(async () => (await sensor()).reported?.model?.hash, { message: device.log, timeout: COMES_MS }).toBe(hash);
  expect(await findings(owner)).toEqual([]);
  await way.getByRole("button", { name: "Give it to all now" }).click();
  const past = owner.getByRole("region", { name: "Rollouts so far" });
  await expect(past).toContainText("All have it");
  await expect(way).toHaveCount(0);
  expect(await findings(owner)).toEqual([]);

  // Who uses it keeps it here.
  await owner.getByRole("button", { name: "Remove Edge" }).click();
  await expect(dialog).toContainText("One sensor is to use it, so it cannot be removed.");
  await owner.keyboard.press("Escape");
  expect((await ask(owner, "DELETE", `/api/models/${hash}`)).status).toBe(409);

  await past.getByRole("button", { name: "Take back Edge" }).click();
  await dialog.getByRole("button", { name: "Take it back now" }).click();
  await expect(past).toContainText("Taken back");
  await expect(past).toContainText("An owner took it back.");
  await expect.poll(async () => (await sensor()).desired.settings.model).toBeNull();
  await expect.poll(async () => (await sensor()).reported?.version === (await sensor()).desired.version, { timeout: COMES_MS }).toBe(true);
  expect(await findings(owner)).toEqual([]);

  // Now nobody uses it: it goes, and comes back within ten seconds of thinking.
  await owner.getByRole("button", { name: "Remove Edge" }).click();
  await expect(row(owner, "Edge")).toHaveCount(0);
  await owner.getByRole("button", { name: "Undo" }).click();
  await expect(row(owner, "Edge")).toBeVisible();
});

test("an app is put on one sensor and taken off it, on the sensor's page", async ({ owner }) => {
  const hash = await brought(owner, "Queue", "app", APP);
  const { body } = await ask(owner, "POST", "/api/sensors", { name: "Till" });
  const { id } = body.sensor;
  await owner.goto(`/sensors/${id}`);
  const apps = owner.getByRole("region", { name: "Apps" });
  await expect(apps).toContainText("No app runs on this sensor.");
  await apps.getByRole("button", { name: "Put it on" }).click();
  await expect(apps.getByRole("listitem")).toContainText("Not taken yet");
  const told = async () => (await ask(owner, "GET", `/api/sensors/${id}`)).body.desired.settings;
  expect((await told()).apps).toEqual([{ name: "Queue", hash }]);
  expect(await findings(owner)).toEqual([]);
  await apps.getByRole("button", { name: "Take off Queue" }).click();
  await expect(apps).toContainText("No app runs on this sensor.");
  expect((await told()).apps).toEqual([]);

  // What its network takes is a setting beside the others.
  await owner.goto(`/sensors/${id}/edit`);
  await owner.getByText("Input of the network").click();
  await owner.getByLabel("Width in pixels").fill("1");
  await expect(owner.getByRole("alert")).toContainText("2 to 8192 pixels each way");
  await owner.getByLabel("Width in pixels").fill("320");
  await owner.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => (await told()).input_size).toEqual({ width: 320, height: 300 });
  // The usual size is told by leaving it out, and the fields stay while somebody types.
  await owner.getByLabel("Width in pixels").fill("300");
  await expect(owner.getByLabel("Width in pixels")).toBeVisible();
  await owner.getByRole("button", { name: "Save" }).click();
  await expect.poll(async () => "input_size" in (await told())).toBe(false);
});

test("a player sees models and changes none; a guest sees none", async ({ owner, person }) => {
  await brought(owner, "Doors", "app", APP);
  const player = await admit(owner, await person(), "Pia", "player");
  await player.goto("/sensors/models");
  await expect(row(player, "Doors")).toBeVisible();
  expect(await findings(player)).toEqual([]);
  await expect(player.getByRole("button", { name: /Bring|Roll out|Name and card|Remove/ })).toHaveCount(0);
  await expect(player.getByRole("region", { name: /On the way|Rollouts so far/ })).toHaveCount(0);
  const guest = await admit(owner, await person(), "Gus", "guest");
  await guest.goto("/sensors/models");
  await expect(guest.getByRole("heading", { name: "There is nothing here" })).toBeVisible();
  expect((await ask(guest, "GET", "/api/models")).status).toBe(403);
});
