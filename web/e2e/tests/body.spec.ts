/** Playing with one's body: a seat is given to a sensor, whose picture moves the game's pad, and is taken back. */

import { marked, picture, play, probe } from "../src/play";
import { freePort } from "../src/publish";
import { Device } from "../src/sensors";
import { ask, expect, findings, test } from "../src/test";

const [mqtt, https] = [await freePort(), await freePort()];
test.use({
  houseOptions: {
    titles: { duet: probe("Duet", [], { seats: "2" }) },
    args: ["--mqtt", `127.0.0.1:${mqtt}`, "--sensor-https", `127.0.0.1:${https}`],
  },
});

const COMES_MS = 60_000;

let device: Device | undefined;
test.afterEach(async () => {
  await device?.close();
  device = undefined;
});

test("whoever a sensor sees plays in a seat, until it is taken back", async ({ owner }) => {
  test.setTimeout(3 * COMES_MS);
  await owner.goto("/sensors");
  await owner.getByRole("button", { name: /^Add (a|the first) sensor$/ }).click();
  const adding = owner.getByRole("dialog");
  await adding.getByLabel("What it is called").fill("Living room");
  await adding.getByLabel("What it is called").blur();
  device = Device.start(await adding.getByLabel("Command for a virtual sensor").inputValue());
  await expect(owner.getByRole("heading", { name: "Living room is there" }), device.log).toBeVisible({ timeout: COMES_MS });

  const session = await play(owner, "duet");
  await picture(owner);
  await owner.keyboard.press("Control+Alt+m");
  await owner.getByRole("button", { name: /^Seats/ }).click();
  const seats = owner.getByRole("dialog");
  await seats.getByLabel("Sensor").selectOption({ label: "Living room" });
  await seats.getByRole("combobox", { name: /^Seat/ }).selectOption({ label: "Seat 2" });
  expect(await findings(owner)).toEqual([]);
  await seats.getByRole("button", { name: "Play by this sensor" }).click();
  await expect(seats.getByRole("listitem").filter({ hasText: "Seat 2" })).toContainText("Living room");
  await owner.keyboard.press("Escape");

  // Somebody walks through the drawn room: the stick of the second pad moves, and the game answers without a key.
  const before = await marked(owner);
  await expect.poll(() => marked(owner), { timeout: COMES_MS }).toBe(!before);

  const back = await ask(owner, "POST", `/api/sessions/${session}/seats/2/take-back`, {});
  expect(back.body.seats[1]).toMatchObject({ holder: null, sensor: null });
});
