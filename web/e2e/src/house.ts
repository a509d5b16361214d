/** A real house for each test file: the release program with a data folder of its own, ended afterwards. */

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../..");
const PROBE = join(ROOT, "target/release/probe");
export const PROGRAM = process.env.PLAYHOUSE_PROGRAM ?? join(ROOT, "target/release/playhouse");
/** How long the program may take until it says its address. */
const START_MS = 30_000;
/** How long it may take to end its games and itself. */
const STOP_MS = 15_000;

/** A title of a test: its folder's name and its manifest. */
export type Titles = Record<string, string>;

export interface Options {
  /** Manifests beside those that the program ships. */
  titles?: Titles;
  /** Titles of the repository to offer too. */
  shipped?: string[];
  /** More arguments of `playhouse serve`. */
  args?: string[];
  /** What its configuration file says. */
  config?: string;
}

/** A running program. */
export class House {
  private constructor(
    private child: ChildProcess,
    private folder: string,
    /** Where the pages are. */
    readonly origin: string,
    /** The one-time code that makes the owner. */
    readonly code: string,
    /** Everything the program said. */
    readonly log: () => string,
  ) {}

  static async open({ titles = {}, shipped = [], args = [], config = "" }: Options = {}): Promise<House> {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is not built; cargo build --release -p playhouse builds it.`);
    const folder = mkdtempSync(join(tmpdir(), "playhouse-e2e-"));
    const titlesFolder = join(folder, "titles");
    mkdirSync(titlesFolder);
    for (const [id, manifest] of Object.entries(titles)) {
      mkdirSync(join(titlesFolder, id));
      writeFileSync(join(titlesFolder, id, "title.toml"), manifest);
      if (manifest.includes('"./probe"')) copyFileSync(PROBE, join(titlesFolder, id, "probe"));
    }
    for (const id of shipped) cpSync(join(ROOT, "titles", id), join(titlesFolder, id), { recursive: true });
    const file = join(folder, "playhouse.toml");
    writeFileSync(file, config);
    const own = ["--config", file, "--listen", "127.0.0.1:0", "--data", join(folder, "data"), "--titles", titlesFolder];
    const child = spawn(PROGRAM, ["serve", ...own, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    const address = await new Promise<URL>((done, failed) => {
      const timer = setTimeout(() => failed(new Error(`The program said no address:\n${log}`)), START_MS);
      const read = (chunk: Buffer) => {
        log += chunk.toString();
        const found = /https?:\/\/\S+\?code=\S+/.exec(log)?.[0];
        if (!found) return;
        clearTimeout(timer);
        done(new URL(found));
      };
      child.stdout.on("data", read);
      child.stderr.on("data", read);
      child.on("exit", (code) => failed(new Error(`The program ended with ${code}:\n${log}`)));
    });
    return new House(child, folder, address.origin, address.searchParams.get("code") ?? "", () => log);
  }

  /** The address that the program prints. */
  get address(): string {
    return `${this.origin}/?code=${this.code}`;
  }

  /** Where it looks for films. */
  get films(): string {
    return join(this.folder, "data", "films");
  }

  /** The program's process. */
  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Ends the program as a service manager would, and takes its folder away. */
  async close(): Promise<void> {
    await new Promise<void>((done) => {
      if (this.child.exitCode !== null) return done();
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
