/** A real game that we did not write: Freedoom, as a fresh install offers it. */

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { difference, loudness, play, sketch } from "../src/play";
import { expect, test } from "../src/test";

test.use({ houseOptions: { shipped: ["freedoom"], args: ["--sessions", "2"] } });

test("Freedoom is walked through, fires, is heard, and leaves a clip", async ({ owner }, info) => {
  test.setTimeout(180_000);
  await play(owner, "freedoom");
  const title = await sketch(owner);

  // From the title through the menu into the first level, however long the game takes to get there.
  await expect(async () => {
    await owner.keyboard.press("Enter", { delay: 80 });
    expect(difference(title, await sketch(owner))).toBeGreaterThan(15);
  }).toPass({ intervals: [1500], timeout: 60_000 });
  for (let count = 0; count < 3; count += 1) await owner.keyboard.press("Enter", { delay: 80 });

  await expect(async () => {
    const before = await sketch(owner);
    await owner.keyboard.press("ArrowUp", { delay: 600 });
    await owner.keyboard.press("ArrowRight", { delay: 300 });
    expect(difference(before, await sketch(owner))).toBeGreaterThan(4);
  }).toPass({ timeout: 30_000 });

  // The game takes the mouse: a click locks it, and moving it turns the view.
  await owner.mouse.click(640, 360);
  await expect.poll(() => owner.evaluate(() => document.pointerLockElement !== null)).toBe(true);
  await expect(async () => {
    const before = await sketch(owner);
    await owner.mouse.move(440, 360, { steps: 8 });
    await owner.mouse.move(840, 360, { steps: 8 });
    await owner.mouse.move(1040, 360, { steps: 8 });
    expect(difference(before, await sketch(owner))).toBeGreaterThan(4);
  }).toPass({ timeout: 20_000 });

  const heard = loudness(owner, 3000);
  for (let count = 0; count < 4; count += 1) await owner.keyboard.press("ControlLeft", { delay: 120 });
  expect(await heard).toBeGreaterThan(0.005);

  await owner.keyboard.press("Control+Alt+m");
  await owner.getByRole("button", { name: "Save the last 60 seconds" }).click();
  await expect(owner.getByText("The clip is saved")).toBeVisible();
  await owner.goto("/clips");
  await owner.getByRole("button", { name: /^Watch the clip/ }).click();
  const video = owner.locator("dialog video");
  await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime)).toBeGreaterThan(0.5);
  expect(await video.evaluate((element: HTMLVideoElement) => element.videoWidth)).toBe(1280);

  // A foreign judge reads the file as well.
  const file = info.outputPath("clip.mp4");
  const source = await video.getAttribute("src");
  writeFileSync(file, await (await owner.request.get(source ?? "")).body());
  const probed = execFileSync("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", file]);
  expect(probed.toString().trim().split(/\s+/).sort()).toEqual(["h264", "opus"]);
});
