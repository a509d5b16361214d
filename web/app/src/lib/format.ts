/** Numbers, times and sizes as people read them. */

import type { Rendition } from "@playhouse/player";
import { language, t } from "./text.svelte";
import type { Colour } from "./types";

/** "3 minutes ago". */
export function ago(then: number, now = Date.now()): string {
  const format = new Intl.RelativeTimeFormat(language(), { numeric: "auto" });
  const seconds = Math.round((then - now) / 1000);
  const steps: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
  ];
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  }
  return format.format(Math.trunc(seconds / 10) * 10, "second");
}

/** "21 Nov 2026, 14:02". */
export function moment(at: number): string {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(at);
}

/** "12.3 MB". */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${number(value, power === 0 || value >= 100 ? 0 : 1)} ${units[power]}`;
}

/** A number with so many digits behind the point. */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(language(), { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** "1:05". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const part = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0 ? `${hours}:${part(minutes)}:${part(whole % 60)}` : `${minutes}:${part(whole % 60)}`;
}

/** "2 h 5 min" of play. */
export function played(seconds: number): string {
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.max(1, Math.round((seconds % 3600) / 60));
  return hours > 0 ? t("time.hours", { hours, minutes }) : t("time.minutes", { minutes });
}

/** "2 h 5 min"; what is shorter than a minute counts as one. */
export function length(seconds: number): string {
  const minutes = seconds > 0 ? Math.max(1, Math.round(seconds / 60)) : 0;
  const hours = Math.floor(minutes / 60);
  if (hours > 0 && minutes % 60 === 0) return t("time.whole", { hours });
  return hours > 0 ? t("time.long", { hours, minutes: minutes % 60 }) : t("time.short", { minutes });
}

/** Other codings than the one that everything plays, as people call them. */
const CODINGS: Record<string, string> = { av01: "AV1", hvc1: "HEVC", hev1: "HEVC" };

/** "1080 lines in AV1, 2.1 Mbit/s". */
export function rendition({ height, bitrate, codec }: Rendition): string {
  const [mbit, other] = [number(bitrate / 1e6, 1), CODINGS[codec.slice(0, 4)]];
  return other ? t("watch.renditionIn", { height, codec: other, mbit }) : t("watch.rendition", { height, mbit });
}

/** Names of colour (ITU-T H.273) as people know them. */
const COLOURS: Record<string, string> = {
  bt709: "BT.709",
  bt2020: "BT.2020",
  bt2020nc: "BT.2020",
  bt2020c: "BT.2020",
  smpte170m: "BT.601",
  bt470bg: "BT.601",
  smpte432: "Display P3",
  smpte2084: "HDR (PQ)",
  "arib-std-b67": "HDR (HLG)",
};

/** "BT.2020, HDR (PQ), limited range"; nothing where the film does not say. */
export function colour({ primaries, transfer, matrix, range }: Colour): string {
  const names = [primaries, transfer, matrix].flatMap((name) => (name ? [COLOURS[name] ?? name] : []));
  const how = range === "tv" ? [t("film.rangeTv")] : range === "pc" ? [t("film.rangePc")] : [];
  return [...new Set([...names, ...how])].join(", ");
}

/** A language by its name in the person's: "Japanese" of `ja` or `jpn`; as it is where nobody knows it. */
export function tongue(code: string): string {
  try {
    return new Intl.DisplayNames(language(), { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}
