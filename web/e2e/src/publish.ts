/** Somebody who publishes to a channel: ffmpeg by RTMP, as OBS would. */

import type { Page } from "@playwright/test";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { ask } from "./test";

/** A port of loopback that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const address = server.address();
  await new Promise((done) => server.close(done));
  return typeof address === "object" && address ? address.port : 0;
}

/** Makes a channel with a key; gives both. */
export async function channel(page: Page, name: string): Promise<{ id: string; key: string }> {
  const { id } = (await ask(page, "POST", "/api/channels", { name })).body;
  const { secret } = (await ask(page, "POST", `/api/channels/${id}/keys`, { name: "ffmpeg" })).body;
  return { id, key: secret };
}

/** Publishes a picture that gets brighter and a tone, until it is killed; a keyframe comes after so many pictures, 25 a second. */
export function publish(port: number, key: string, keyframes = 25): ChildProcess {
  const picture = "color=black:s=640x360:r=25,geq=lum='mod(T*8,220)':cb=128:cr=128";
  return spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-re", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=frequency=440"],
      ...["-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", `${keyframes}`, "-pix_fmt", "yuv420p"],
      ...["-c:a", "aac", "-ar", "48000", "-f", "flv", `rtmp://127.0.0.1:${port}/live/${key}`],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
}
