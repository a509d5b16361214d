/** Live channels: somebody publishes, others watch, pause, rewind and come back; the studio says what arrives. */

import type { ChildProcess } from "node:child_process";
import { position } from "../src/films";
import { brightness } from "../src/play";
import { channel, freePort, publish } from "../src/publish";
import { ask, expect, findings, test } from "../src/test";

const port = await freePort();
test.use({ houseOptions: { titles: {}, args: ["--rtmp", `127.0.0.1:${port}`] } });

const WHOLE = { x: 0, y: 0, width: 1280, height: 720 };
let publisher: ChildProcess | undefined;
test.afterEach(() => {
  publisher?.kill("SIGKILL");
});

test("a channel is shown live, is paused, rewound, and goes back to what happens now", async ({ owner }) => {
  const { id, key } = await channel(owner, "Workshop");
  await owner.goto("/live");
  await expect(owner.getByRole("heading", { name: "Nothing is on" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  publisher = publish(port, key);
  const card = owner.getByRole("link", { name: /Workshop/ });
  await expect(card).toContainText("Live");
  await card.click();
  await expect(owner).toHaveURL(`/live/${id}`);
  await owner.waitForFunction(() => window.__film?.state === "playing", undefined, { timeout: 30_000 });
  const first = await position(owner);
  await expect.poll(() => position(owner)).toBeGreaterThan(first + 8);
  const now = await brightness(owner, WHOLE);
  await owner.mouse.move(500, 300);
  await expect(owner.getByRole("toolbar", { name: "Player" })).toContainText("Live");
  expect(await findings(owner)).toEqual([]);

  await owner.keyboard.press("k");
  await expect.poll(() => owner.evaluate(() => window.__film!.state)).toBe("paused");
  await owner.keyboard.press("k");
  // The picture gets brighter all the time: an earlier one is darker.
  await owner.keyboard.press("j");
  await expect.poll(() => brightness(owner, WHOLE)).toBeLessThan(now - 20);
  await owner.mouse.move(520, 320);
  await owner.getByRole("button", { name: "Back to live" }).click();
  await expect.poll(() => brightness(owner, WHOLE)).toBeGreaterThan(now);
  await expect(owner.getByRole("button", { name: "Back to live" })).toHaveCount(0);

  publisher.kill("SIGKILL");
  await expect(owner.getByRole("heading", { name: "The broadcast is over" })).toBeVisible({ timeout: 40_000 });
  expect(await findings(owner)).toEqual([]);
});

test("somebody goes live from the studio, and keeps it as a film", async ({ owner }) => {
  await owner.goto("/live");
  await owner.getByRole("link", { name: "Go live" }).click();
  await owner.getByLabel("Name of the channel").fill("Kitchen");
  await owner.getByRole("button", { name: "Make a channel" }).click();
  const desk = owner.getByRole("region", { name: "Kitchen" });
  await desk.getByRole("button", { name: "Make a key" }).click();
  const dialog = owner.getByRole("dialog");
  await expect(dialog.getByLabel("Server")).toHaveValue(`rtmp://127.0.0.1:${port}/live`);
  const key = await dialog.getByLabel("Stream key", { exact: true }).inputValue();
  expect(await findings(owner)).toEqual([]);
  await owner.keyboard.press("Escape");
  publisher = publish(port, key);
  await expect(desk.getByText("What arrives")).toBeVisible();
  await expect(desk).toContainText(/avc1\.\w+ 640x360/);
  await owner.waitForFunction(() => window.__film?.state === "playing", undefined, { timeout: 30_000 });
  expect(await findings(owner)).toEqual([]);
  await expect.poll(async () => {
    const { channels } = (await ask(owner, "GET", "/api/channels")).body;
    const mine = channels.find(({ name }: { name: string }) => name === "Kitchen");
    return mine.until_ms - mine.from_ms;
  }).toBeGreaterThan(5000);
  await owner.goto("/studio");
  await desk.getByRole("button", { name: "Keep as a film" }).click();
  await expect(owner.getByText("Kept as Kitchen.mp4.", { exact: false })).toBeVisible();
  await desk.getByRole("button", { name: "Revoke OBS" }).click();
  await expect(desk.getByText("Off the air")).toBeVisible();
  await expect.poll(async () => {
    const { films } = (await ask(owner, "POST", "/api/films/rescan")).body;
    return films.find(({ title }: { title: string }) => title === "Kitchen")?.state;
  }).toBe("ready");
});
