/** A sensor as somebody starts it: the program itself beside a drawn camera, by the command that the page shows. */

import type { Page } from "@playwright/test";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAM } from "./house";

/** How long a sensor may take to end. */
const STOP_MS = 10_000;

export class Device {
  #log = "";

  private constructor(
    private child: ChildProcess,
    private folder: string,
  ) {
    const read = (chunk: Buffer) => (this.#log += chunk.toString());
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
  }

  /** Runs such a command, with a folder of its own. */
  static start(command: string): Device {
    const [program, ...args] = command.split(" ");
    if (program !== "playhouse") throw new Error(`This is no command of ours: ${command}`);
    const folder = mkdtempSync(join(tmpdir(), "playhouse-sensor-"));
    const child = spawn(PROGRAM, [...args, "--state", join(folder, "sensor")], { stdio: ["ignore", "pipe", "pipe"] });
    return new Device(child, folder);
  }

  /** Everything that it said. */
  get log(): string {
    return this.#log;
  }

  /** Ends it, and takes its folder away. */
  async close(): Promise<void> {
    await new Promise<void>((done) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return done();
      const timer = setTimeout(() => this.child.kill("SIGKILL"), STOP_MS);
      this.child.once("exit", () => {
        clearTimeout(timer);
        done();
      });
      this.child.kill("SIGTERM");
    });
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The number of the picture that is drawn; 0 before there is one. */
export const frame = (page: Page): Promise<number> => page.evaluate(() => Number(document.querySelector<HTMLElement>("canvas[data-frame]")?.dataset.frame ?? 0));

/** How much is drawn of what is seen, and where: pixels that are not blank, and the sum of their places. */
export function drawn(page: Page): Promise<{ pixels: number; places: number }> {
  return page.evaluate(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("canvas[data-frame]");
    const { data } = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
    let [pixels, places] = [0, 0];
    for (let at = 3; at < data.length; at += 4) {
      if (!data[at]) continue;
      pixels += 1;
      places += at;
    }
    return { pixels, places };
  });
}

/** How many went in and out today, as the page shows it. */
export async function counted(page: Page): Promise<number> {
  const figures = await page.locator('[data-count="in"], [data-count="out"]').allInnerTexts();
  return figures.reduce((sum, figure) => sum + Number(figure.replace(/\D/g, "")), 0);
}
