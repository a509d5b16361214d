/** Films: they appear, play, go on where they were, say why they do not play, and arrive by the page. */

import type { Page } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { PART_S, found, make, playing, position, put, shown } from "../src/films";
import { A, B, DOWN, RIGHT, plugIn, press } from "../src/pad";
import { brightness, loudness } from "../src/play";
import { admit, ask, expect, findings, test } from "../src/test";

// Tests of the same options share a house, and others want one that nobody has entered yet.
test.use({ houseOptions: { titles: {} } });

test.beforeAll(({ house }) => {
  put(house, make("general.mp4"), "The General (1926).mp4");
});

/** Some 1.5 MB a second towards the house. */
async function slow(page: Page): Promise<void> {
  const network = await page.context().newCDPSession(page);
  await network.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 1_500_000 });
}

const WHOLE = { x: 0, y: 0, width: 1280, height: 720 };

test("a film in the folder appears on Home, plays, and is heard", async ({ owner }) => {
  await found(owner, "The General");
  await owner.goto("/");
  await owner.getByRole("link", { name: /The General/ }).first().click();
  await expect(owner.getByRole("heading", { name: "The General" })).toBeVisible();
  await expect(owner.getByText(/^1926 · /)).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("link", { name: "Play", exact: true }).click();
  await playing(owner);
  const before = await shown(owner);
  await expect.poll(() => shown(owner)).toBeGreaterThan(before + 24);
  expect(await loudness(owner, 500)).toBeGreaterThan(0.01);
  await owner.keyboard.press("m");
  await expect.poll(() => owner.evaluate(() => document.querySelector("video")!.muted)).toBe(true);
});

test("seeking shows the picture of the other place, by the mouse and by keys", async ({ owner }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  expect(await brightness(owner, WHOLE)).toBeLessThan(40);
  await owner.mouse.move(600, 400);
  const scrubber = owner.getByRole("slider", { name: "Place in the film" });
  const box = (await scrubber.boundingBox())!;
  await owner.mouse.click(box.x + box.width * 0.85, box.y + box.height / 2);
  await expect.poll(() => brightness(owner, WHOLE)).toBeGreaterThan(200);
  await owner.keyboard.press("j");
  await expect.poll(() => brightness(owner, WHOLE)).toBeLessThan(160);
  expect(Math.floor((await position(owner)) / PART_S)).toBe(1);
  await owner.keyboard.press("k");
  await expect.poll(() => owner.evaluate(() => window.__film!.state)).toBe("paused");
  await owner.keyboard.press("0");
  await expect.poll(() => brightness(owner, WHOLE)).toBeLessThan(40);
});

test("a film goes on where it was, in another browser", async ({ owner, person, ownerState }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.evaluate(() => window.__film!.seek(14));
  await expect.poll(() => position(owner)).toBeGreaterThan(14.2);
  // The tab is closed in the middle of it.
  await owner.close({ runBeforeUnload: true });

  const { page, context } = await person();
  await context.addCookies(ownerState.cookies);
  await page.goto("/");
  await page.getByRole("link", { name: "Go on at 0:14" }).first().click();
  await playing(page);
  const at = await position(page);
  expect(at).toBeGreaterThan(13.5);
  expect(at).toBeLessThan(18);
  await expect.poll(() => brightness(page, WHOLE)).toBeGreaterThan(60);
});

test("a film that was watched to its end is marked, and begins anew", async ({ owner }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.evaluate(() => window.__film!.seek(29));
  await expect(owner.getByRole("heading", { name: "The end" })).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await expect.poll(async () => (await ask(owner, "GET", `/api/films/${film.id}`)).body.finished).toBe(true);
  await owner.getByRole("link", { name: "To the film's page" }).click();
  await expect(owner.getByText("Watched", { exact: true })).toBeVisible();
  await expect(owner.getByRole("link", { name: "Play", exact: true })).toBeVisible();
});

test("the controls leave by themselves, come back, and are reached by a gamepad", async ({ owner }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}`);
  await owner.getByRole("link", { name: /^(Play$|Go on at)/ }).click();
  await playing(owner);
  const controls = owner.getByRole("toolbar", { name: "Player" });
  await owner.mouse.move(500, 300);
  await owner.mouse.move(520, 320);
  await expect(controls).toHaveCSS("opacity", "1");
  expect(await findings(owner)).toEqual([]);
  await expect(controls).toHaveCSS("opacity", "0");
  await plugIn(owner);
  const before = await position(owner);
  await press(owner, RIGHT);
  expect(await position(owner)).toBeGreaterThan(before + 8);
  await press(owner, A);
  await expect.poll(() => owner.evaluate(() => window.__film!.state)).toBe("paused");
  await press(owner, DOWN);
  await expect(controls.getByRole("button", { name: "Play", exact: true })).toBeFocused();
  await press(owner, B);
  await press(owner, B);
  await expect(owner).toHaveURL(`/films/${film.id}`);
});

test("speed and statistics can be chosen, and Escape gives the picture back", async ({ owner }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  await owner.keyboard.press("i");
  await expect(owner.locator("[data-numbers]")).toContainText("640×360");
  await owner.mouse.move(500, 300);
  await owner.getByRole("button", { name: /^Speed/ }).click();
  await owner.getByRole("button", { name: "1.50×" }).click();
  expect(await owner.evaluate(() => document.querySelector("video")!.playbackRate)).toBe(1.5);
  expect(await findings(owner)).toEqual([]);
  await owner.keyboard.press("Escape");
  await expect(owner.getByRole("dialog")).toHaveCount(0);
});

test("the picture leaves the page and comes back, by a key", async ({ owner }) => {
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  const floats = () => owner.evaluate(() => document.pictureInPictureElement === document.querySelector("video"));
  expect(await floats()).toBe(false);
  await owner.keyboard.press("p");
  await expect.poll(floats).toBe(true);
  // It goes on outside the page, and the page knows.
  const before = await position(owner);
  await expect.poll(() => position(owner)).toBeGreaterThan(before + 1);
  await owner.mouse.move(500, 300);
  await expect(owner.getByRole("button", { name: "Picture in picture" })).toHaveAttribute("aria-pressed", "true");
  await owner.keyboard.press("p");
  await expect.poll(floats).toBe(false);
});

test("media keys steer the film, and a lock screen says what it is", async ({ owner }) => {
  // What the system would call when a key of a headset or a keyboard is pressed.
  await owner.addInitScript(() => {
    const keys: Record<string, MediaSessionActionHandler | null> = {};
    Object.assign(window, { __keys: keys });
    const real = MediaSession.prototype.setActionHandler;
    MediaSession.prototype.setActionHandler = function (action, handler) {
      keys[action] = handler;
      real.call(this, action, handler);
    };
  });
  const film = await found(owner, "The General");
  await owner.goto(`/films/${film.id}/watch?from=0`);
  await playing(owner);
  const press = (action: string, details = {}) =>
    owner.evaluate(([action, details]) => {
      const keys = (window as unknown as { __keys: Record<string, MediaSessionActionHandler> }).__keys;
      keys[action]!({ action: action as MediaSessionAction, ...details });
    }, [action, details] as const);
  const told = () => owner.evaluate(() => [navigator.mediaSession.metadata?.title, navigator.mediaSession.playbackState]);
  await expect.poll(told).toEqual(["The General", "playing"]);
  await press("pause");
  await expect.poll(told).toEqual(["The General", "paused"]);
  await press("seekto", { seekTime: 20 });
  await expect.poll(() => position(owner)).toBeGreaterThan(19);
  await press("seekbackward", { seekOffset: 10 });
  await expect.poll(() => position(owner)).toBeLessThan(12);
  await press("play");
  await expect.poll(told).toEqual(["The General", "playing"]);
  await owner.keyboard.press("Escape");
  await expect(owner).toHaveURL(`/films/${film.id}`);
  expect(await told()).toEqual([undefined, "none"]);
});

/** A film whose sound is changed by so many dB. */
function loud(name: string, db: number): string {
  const film = make("plain.mp4");
  const file = join(dirname(film), name);
  execFileSync("ffmpeg", ["-v", "error", "-i", film, "-c:v", "copy", "-c:a", "aac", "-b:a", "192k", "-af", `volume=${db}dB`, file]);
  return file;
}

/** How loud the page is heard in dB, whatever makes it louder or quieter on the way. */
function heard(page: Page): Promise<number> {
  return page.evaluate(async () => {
    const state = window as unknown as { __ear?: AnalyserNode };
    const video = document.querySelector("video")!;
    if (!state.__ear) {
      // What the element sounds like by itself, with its own volume.
      const context = new AudioContext();
      context.createMediaElementSource(video).connect(context.destination);
    }
    const ear = state.__ear!;
    const samples = new Float32Array(ear.fftSize);
    const all: number[] = [];
    const end = performance.now() + 1500;
    while (performance.now() < end) {
      await new Promise((done) => setTimeout(done, 50));
      ear.getFloatTimeDomainData(samples);
      all.push(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    }
    const sorted = all.sort((a, b) => a - b);
    return 10 * Math.log10(sorted[sorted.length >> 1]! + 1e-12);
  });
}

test("a quiet film and a loud one are heard equally loud, unless somebody wants them as they are", async ({ owner, house }) => {
  test.setTimeout(180_000);
  // Some -30 and -8 LUFS.
  put(house, loud("quiet.mp4", -8.2), "Quiet (2001).mp4");
  put(house, loud("loud.mp4", 13.8), "Loud (2002).mp4");
  // Everything that sounds goes through an ear.
  await owner.addInitScript(() => {
    const real = AudioNode.prototype.connect as (this: AudioNode, to: AudioNode) => AudioNode;
    AudioNode.prototype.connect = function (this: AudioNode, to: AudioNode) {
      if (to instanceof AudioDestinationNode) {
        const ear = this.context.createAnalyser();
        real.call(this, ear);
        Object.assign(window, { __ear: ear });
      }
      return real.call(this, to);
    } as typeof AudioNode.prototype.connect;
  });
  const seen: Record<string, number> = {};
  for (const title of ["Quiet", "Loud"]) {
    const film = await found(owner, title);
    const measured = async () => (await ask(owner, "GET", `/api/films/${film.id}`)).body.loudness?.length;
    await expect.poll(measured, { timeout: 90_000 }).toBe(1);
    await owner.goto(`/films/${film.id}/watch?from=0`);
    await playing(owner);
    await expect.poll(() => position(owner)).toBeGreaterThan(1);
    seen[title] = await heard(owner);
    await owner.mouse.move(500, 300);
    await owner.getByRole("button", { name: "Sound track" }).click();
    expect(await findings(owner)).toEqual([]);
    await owner.getByRole("dialog").getByRole("checkbox", { name: "Even loudness" }).uncheck();
    await owner.keyboard.press("Escape");
    await owner.evaluate(() => window.__film!.seek(5));
    await expect.poll(() => position(owner)).toBeGreaterThan(6);
    seen[`${title} as it is`] = await heard(owner);
    await owner.evaluate(() => localStorage.clear());
  }
  expect(Math.abs(seen["Quiet"]! - seen["Loud"]!), JSON.stringify(seen)).toBeLessThan(1.5);
  expect(seen["Loud as it is"]! - seen["Quiet as it is"]!, JSON.stringify(seen)).toBeGreaterThan(20);
});

test("a file that is no film says why, to owners alone", async ({ owner, person, house }) => {
  const file = join(dirname(make("spare.mp4", { seconds: 1 })), "broken.mp4");
  writeFileSync(file, "This is not a film, whatever its name says.\n".repeat(200));
  put(house, file, "Broken Dreams (2001).mp4");
  const film = await found(owner, "Broken Dreams");
  await owner.goto(`/films/${film.id}`);
  await expect(owner.getByRole("alert")).toContainText("This film cannot be played");
  await expect(owner.getByRole("alert")).toContainText(film.reason);
  await expect(owner.getByRole("link", { name: "Play", exact: true })).toHaveCount(0);
  const player = await admit(owner, await person(), "Buster", "player");
  await player.goto("/films");
  await expect(player.getByRole("link", { name: /The General/ })).toBeVisible();
  await expect(player.getByRole("link", { name: /Broken Dreams/ })).toHaveCount(0);
  await expect(player.getByRole("link", { name: "Upload films" })).toHaveCount(0);
});

test("films are found by their name", async ({ owner }) => {
  await found(owner, "The General");
  await owner.goto("/films");
  await owner.getByRole("searchbox", { name: "Find a film" }).fill("genéral 1926");
  await expect(owner.getByRole("link", { name: /The General/ })).toBeVisible();
  await owner.getByRole("searchbox", { name: "Find a film" }).fill("nothing such");
  await expect(owner.getByText("No film is called nothing such.")).toBeVisible();
});

test("a film is uploaded, goes on after its tab was closed, and plays", async ({ owner }) => {
  const file = make("Steamboat (1928).mp4", { seconds: 12, noise: 40 });
  await owner.goto("/upload");
  await slow(owner);
  await owner.getByLabel(/Drop films here/).setInputFiles(file);
  const bar = owner.getByRole("progressbar", { name: basename(file) });
  await expect.poll(async () => Number(await bar.getAttribute("aria-valuenow"))).toBeGreaterThan(20);
  await expect(owner.getByText(/B\/s/)).toBeVisible();
  await owner.getByRole("button", { name: "Pause" }).click();
  await expect(owner.getByText(/paused/)).toBeVisible();
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: "Go on" }).click();
  await expect(owner.getByText(/B\/s/)).toBeVisible();
  const context = owner.context();
  await owner.close();

  const page = await context.newPage();
  await page.goto("/upload");
  await expect(page.getByRole("heading", { name: "Unfinished uploads" })).toBeVisible();
  expect(await findings(page)).toEqual([]);
  const sent: number[] = [];
  page.on("request", (request) => {
    if (request.method() === "PATCH") sent.push(Number(request.headers()["upload-offset"]));
  });
  await page.getByLabel(/Drop films here/).setInputFiles(file);
  await expect(page.getByText("Uploaded", { exact: true })).toBeVisible();
  // It went on where it was, not from its first byte.
  expect(sent[0]).toBeGreaterThan(0);
  const film = await found(page, "Steamboat");
  await page.goto(`/films/${film.id}/watch`);
  await playing(page);
});

test("deleting says which file is lost, and takes it away", async ({ owner, house }) => {
  put(house, make("old.mp4", { seconds: 3 }), "Old Film (1999).mp4");
  const film = await found(owner, "Old Film");
  await owner.goto(`/films/${film.id}`);
  await owner.getByRole("button", { name: "Delete" }).click();
  await expect(owner.getByRole("dialog")).toContainText("Old Film (1999).mp4");
  expect(await findings(owner)).toEqual([]);
  await owner.getByRole("button", { name: "Remove for good" }).click();
  await expect(owner).toHaveURL("/films");
  await expect(owner.getByText("Old Film is deleted.")).toBeVisible();
  expect(existsSync(join(house.films, "Old Film (1999).mp4"))).toBe(false);
});
