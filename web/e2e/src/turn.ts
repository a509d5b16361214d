/** A real TURN server on loopback, with one user, ended with the test. */

import { type ChildProcess, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** How long the server may take until it answers. */
const START_MS = 15_000;
/** How often it is asked until then. */
const ASK_EVERY_MS = 100;
const HOST = "127.0.0.1";
const USER = "ada";
const PASSWORD = "a long enough one";

/** A running `turnserver` (coturn). */
export class Turn {
  private constructor(
    private child: ChildProcess,
    private folder: string,
    private port: number,
  ) {}

  static async open(): Promise<Turn> {
    const folder = mkdtempSync(join(tmpdir(), "playhouse-turn-"));
    const port = await freePort();
    const file = join(folder, "turnserver.conf");
    // Relayed ports are the server's own choice: it passes over those that are taken.
    const lines = [
      `listening-ip=${HOST}`,
      `relay-ip=${HOST}`,
      `listening-port=${port}`,
      "lt-cred-mech",
      "realm=house.example",
      `user=${USER}:${PASSWORD}`,
      "allow-loopback-peers",
      "no-cli",
      "no-tcp",
      "no-tls",
      "no-dtls",
      "log-file=stdout",
      `userdb=${join(folder, "turn.db")}`,
      `pidfile=${join(folder, "turn.pid")}`,
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const child = spawn("turnserver", ["-c", file], { stdio: ["ignore", "pipe", "pipe"] });
    let log = "";
    child.stdout.on("data", (chunk: Buffer) => (log += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
    const turn = new Turn(child, folder, port);
    const ended = new Promise<never>((_, failed) => {
      child.once("error", (error) => failed(new Error(`turnserver did not start: ${error.message}`)));
      child.once("exit", (code) => failed(new Error(`turnserver ended with ${code}:\n${log}`)));
    });
    ended.catch(() => undefined);
    try {
      await Promise.race([answers(port), ended]);
    } catch (error) {
      await turn.close();
      throw error;
    }
    return turn;
  }

  /** What a house's configuration says about it. */
  get settings(): string {
    return `[[ice-servers]]\nurl = "turn:${HOST}:${this.port}?transport=udp"\nusername = "${USER}"\ncredential = "${PASSWORD}"\n`;
  }

  /** Ends the server and takes its folder away. */
  async close(): Promise<void> {
    const { child } = this;
    // One that could not be started has no number and no end to wait for.
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((done) => child.once("exit", done));
      // It keeps nothing that it could save.
      child.kill("SIGKILL");
      await gone;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A UDP port that nobody uses now. */
async function freePort(): Promise<number> {
  const socket = createSocket("udp4");
  await new Promise<void>((done) => socket.bind(0, HOST, done));
  const { port } = socket.address();
  await new Promise<void>((done) => socket.close(done));
  return port;
}

/** Waits for the answer to a binding request (RFC 8489, section 5): type, length 0, magic cookie, an identifier. */
async function answers(port: number): Promise<void> {
  const request = Buffer.from("000100002112a442706c6179686f757365000000", "hex");
  const socket = createSocket("udp4");
  // Nobody listens there yet: asked again below.
  socket.on("error", () => undefined);
  const asking = setInterval(() => socket.send(request, port, HOST), ASK_EVERY_MS);
  let timer: NodeJS.Timeout | undefined;
  try {
    await new Promise<void>((done, failed) => {
      socket.once("message", () => done());
      timer = setTimeout(() => failed(new Error(`turnserver does not answer within ${START_MS} ms.`)), START_MS);
    });
  } finally {
    clearInterval(asking);
    clearTimeout(timer);
    socket.close();
  }
}
