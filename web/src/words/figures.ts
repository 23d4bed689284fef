/* Amounts in words: sizes, and counts where there is little room. */
import { language, zone } from "./words";

const locale = () => (language.value === "ja" ? "ja-JP" : "en-GB");
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** "12.3 GiB" */
export function sayBytes(bytes: number): string {
  const power = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  const digits = power === 0 || value >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value)} ${UNITS[power]}`;
}
/** "1.2M" */
export function sayShort(count: number): string {
  return new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(count);
}

/* ---- The wall clock of the chosen zone, as numbers. */

/** How far the chosen zone is ahead of UTC at a moment, in milliseconds. */
export function zoneAhead(at: number): number {
  if (zone.value === "UTC") return 0;
  if (zone.value === "Asia/Tokyo") return 9 * 3600_000;
  return -new Date(at).getTimezoneOffset() * 60_000;
}
/** The moment at which the zone's clock shows what UTC's clock shows at `wall`. */
export function zoneMoment(wall: number): number {
  const first = wall - zoneAhead(wall);
  return wall - zoneAhead(first);
}
/** "2026-11-22T17:05:09" on the zone's clock, as <input type="datetime-local"> wants it. */
export function zoneText(at: number): string {
  return new Date(at + zoneAhead(at)).toISOString().slice(0, 19);
}
export function zoneParse(text: string): number {
  return zoneMoment(Date.parse(`${text}Z`));
}
