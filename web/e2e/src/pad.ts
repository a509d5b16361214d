/** A gamepad that the test holds: the browser under test has none. */

import type { Page } from "@playwright/test";

export const A = 0;
export const B = 1;
export const START = 9;
export const DOWN = 13;
export const RIGHT = 15;

/** Plugs the gamepad in. */
export async function plugIn(page: Page): Promise<void> {
  await page.evaluate(() => {
    const pad = {
      index: 0,
      id: "Pad of the test",
      mapping: "standard",
      connected: true,
      timestamp: 0,
      axes: [0, 0, 0, 0],
      buttons: Array.from({ length: 17 }, () => ({ pressed: false, touched: false, value: 0 })),
    };
    Object.assign(window, { pad });
    navigator.getGamepads = () => [pad as unknown as Gamepad];
    window.dispatchEvent(Object.assign(new Event("gamepadconnected"), { gamepad: pad }));
  });
}

/** Presses a button and lets it go, each for two pictures of the page. */
export async function press(page: Page, button: number): Promise<void> {
  await page.evaluate(async (index) => {
    const { pad } = window as unknown as { pad: { buttons: { pressed: boolean }[] } };
    const picture = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    pad.buttons[index]!.pressed = true;
    await picture();
    pad.buttons[index]!.pressed = false;
    await picture();
  }, button);
}
