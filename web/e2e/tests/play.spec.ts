/** Playing: picture, keys, mouse, pad and sound of a game, and the player's own controls. */

import { A, plugIn, press } from "../src/pad";
import { brightness, difference, flip, loudness, marked, picture, play, probe, sketch } from "../src/play";
import { ask, expect, findings, test } from "../src/test";

test.use({
  houseOptions: {
    titles: { probe: probe("Probe"), still: probe("Still", ["--still"]), broken: probe("Broken", ["--crash-after", "4"]) },
    args: ["--sessions", "4"],
  },
});

/** Ends every session, so that each test has the machine for itself. */
test.afterEach(async ({ owner }) => {
  const { body } = await ask(owner, "GET", "/api/sessions?all=true");
  for (const session of body.sessions) {
    if (session.state !== "ended") await ask(owner, "DELETE", `/api/sessions/${session.id}`);
  }
});

test("a press of a key, a button of the mouse, its wheel, and a pad each show in the picture", async ({ owner }) => {
  await play(owner, "probe");
  expect(await marked(owner)).toBe(false);
  await flip(owner, true, () => owner.keyboard.press("KeyW"));
  await owner.mouse.click(400, 500);
  await expect.poll(() => marked(owner)).toBe(false);
  await flip(owner, true, () => owner.mouse.wheel(0, 120));
  await plugIn(owner);
  await flip(owner, false, () => press(owner, A));
});

test("a finger presses a button of the pad on the screen, and the game itself", async ({ house, ownerState, browser }) => {
  const context = await browser.newContext({
    baseURL: house.origin,
    storageState: ownerState,
    viewport: { width: 844, height: 390 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await play(page, "still");
  await page.getByRole("button", { name: "Gamepad on the screen" }).tap();
  await flip(page, true, () => page.locator('[data-button="0"]').tap());
  await page.getByRole("button", { name: "Gamepad on the screen" }).tap();
  await flip(page, false, () => page.touchscreen.tap(420, 120));
  await context.close();
});

test("any page embeds a session in ten lines", async ({ owner }) => {
  const id = await play(owner, "still");
  const page = `<!doctype html><title>Elsewhere</title><div id="stage" style="position: relative; width: 640px; height: 360px"></div>
    <script type="module">
      import { Player } from "/player.js";
      const player = new Player(document.getElementById("stage"), { whep: "/api/sessions/${id}/whep" });
      window.__playhouse = player;
      await player.connect();
    </script>`;
  await owner.route("**/elsewhere", (route) => route.fulfill({ contentType: "text/html", body: page }));
  await owner.goto("/elsewhere");
  await picture(owner);
  await flip(owner, true, () => owner.locator("#stage").click());
});

test("the picture moves and the clicks are heard", async ({ owner }) => {
  await play(owner, "probe");
  const before = await sketch(owner);
  await expect.poll(async () => difference(before, await sketch(owner))).toBeGreaterThan(1);
  const silence = await loudness(owner, 700);
  const clicking = loudness(owner, 2500);
  for (let count = 0; count < 10; count += 1) await owner.keyboard.press("Space", { delay: 60 });
  expect(await clicking).toBeGreaterThan(silence + 0.01);
});

test("the controls come with the mouse, leave by themselves, and never trap the keyboard", async ({ owner }) => {
  await play(owner, "still");
  const controls = owner.getByRole("toolbar", { name: "Player" });
  await owner.mouse.move(500, 400);
  await owner.mouse.move(520, 420);
  await expect(controls).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await expect(controls).toHaveCSS("opacity", "0");
  await owner.keyboard.press("Control+Alt+m");
  await expect(controls.getByRole("button", { name: "Leave" })).toBeFocused();
  await owner.keyboard.press("Tab");
  await expect(controls.getByRole("button", { name: "Back to the game" })).toBeFocused();
  const before = await marked(owner);
  await owner.keyboard.press("KeyQ");
  await owner.keyboard.press("Escape");
  await expect(owner.locator("[data-stage]")).toBeFocused();
  expect(await marked(owner)).toBe(before);
  await owner.keyboard.press("KeyQ");
  await expect.poll(() => marked(owner)).toBe(!before);
});

test("the picture fills the screen, and the sound is turned down and off", async ({ owner }) => {
  await play(owner, "still");
  const volume = () => owner.evaluate(() => document.querySelector("audio")!.volume);
  const silent = () => owner.evaluate(() => document.querySelector("audio")!.muted);
  await owner.keyboard.press("Control+Alt+m");
  const controls = owner.getByRole("toolbar", { name: "Player" });
  await controls.getByRole("slider", { name: "Volume" }).fill("0.5");
  await expect.poll(volume).toBeCloseTo(0.5, 1);
  await controls.getByRole("button", { name: "Sound off" }).click();
  await expect.poll(async () => (await silent()) || (await volume()) === 0).toBe(true);
  await controls.getByRole("button", { name: "Full screen" }).click();
  await expect.poll(() => owner.evaluate(() => document.fullscreenElement !== null)).toBe(true);
  await owner.keyboard.press("Control+Alt+m");
  await controls.getByRole("button", { name: "Leave full screen" }).click();
  await expect.poll(() => owner.evaluate(() => document.fullscreenElement)).toBeNull();
});

test("the overlay shows the way of a frame", async ({ owner }) => {
  await play(owner, "probe");
  await owner.keyboard.press("Control+Alt+o");
  const overlay = owner.locator("[data-overlay]");
  await expect(overlay).toContainText("Way of a frame");
  await expect(overlay.locator("strong")).toHaveText(/^[1-9]\d*\.\d ms$/);
  await expect(overlay).toContainText("Mbit/s");
  expect(await brightness(owner, { x: 0, y: 0, width: 1280, height: 720 })).toBeGreaterThan(0);
});

test("who leaves finds the game again, on another page too", async ({ owner, person, ownerState }) => {
  const id = await play(owner, "still");
  await flip(owner, true, () => owner.keyboard.press("KeyW"));
  await owner.keyboard.press("Control+Alt+m");
  await owner.getByRole("button", { name: "Leave" }).click();
  await expect(owner.getByText("goes on for")).toBeVisible();

  const { page, context } = await person();
  await context.addCookies(ownerState.cookies);
  await page.goto("/");
  await page.getByRole("link", { name: "Continue" }).click();
  await expect(page).toHaveURL(`/play/${id}`);
  await picture(page);
  await expect.poll(() => marked(page)).toBe(true);
});

test("a game that dies shows its owner a sentence and its last lines", async ({ owner }) => {
  await play(owner, "broken");
  await expect(owner.getByRole("heading", { name: "The game stopped" })).toBeVisible();
  await expect(owner.getByRole("button", { name: "Play again" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.goto("/sessions");
  await expect(owner.getByText("Stopped with an error").first()).toBeVisible();
});

test("ending a session can be undone for ten seconds", async ({ owner }) => {
  const id = await play(owner, "still");
  await owner.goto("/sessions");
  await owner.getByRole("button", { name: "End" }).click();
  await owner.getByRole("button", { name: /^Undo/ }).click();
  await expect(owner.getByRole("button", { name: "End" })).toBeEnabled();
  await owner.getByRole("button", { name: "End" }).click();
  await expect(owner.getByRole("button", { name: /^Undo/ })).toBeVisible();
  await expect(owner.getByText("Nothing is running")).toBeVisible({ timeout: 20_000 });
  expect((await ask(owner, "GET", `/api/sessions/${id}`)).body.state).toBe("ended");
});
