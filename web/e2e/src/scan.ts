/** Reads a QR code on a page as a phone would: by zbar, which knows nothing of how it was drawn. */

import type { Locator } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a code says; nothing where none can be read. */
export async function scan(code: Locator): Promise<string | undefined> {
  const path = join(mkdtempSync(join(tmpdir(), "playhouse-code-")), "code.png");
  await code.screenshot({ path });
  // The detector looks at more than one picture before it is sure, as with a phone that is held still.
  const pipeline = ["filesrc", `location=${path}`, "!", "pngdec", "!", "videoconvert", "!", "imagefreeze", "num-buffers=3", "!", "zbar", "cache=false", "!", "fakesink"];
  const said = execFileSync("gst-launch-1.0", ["-m", ...pipeline], { encoding: "utf8" });
  return /symbol=\(string\)"([^"]+)"/.exec(said)?.[1]?.replaceAll("\\", "");
}
