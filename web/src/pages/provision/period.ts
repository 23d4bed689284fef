/* Periods as people say them, from a day to a day, both included; and how statuses look. */
import type { Schemas } from "../../api/client";
import type { Tone } from "../../parts/badge";
import type { IconName } from "../../parts/icon";
import { zoneMoment, zoneText } from "../../words/figures";
import { say, sayTime } from "../../words/words";

type Status = Schemas["ProvisionRow"]["status"];
const DAY = 86400_000;

export const STATUS_TONES: Record<Status, Tone> = {
  "waiting-approval": "medium", refused: "plain", cancelled: "plain", preparing: "informational", ready: "steady", delivered: "steady",
  expired: "plain", failed: "critical",
};
export const STATUS_ICONS: Record<Status, IconName | undefined> = {
  "waiting-approval": "clock", refused: "close", cancelled: "close", preparing: "clock", ready: "check", delivered: "check",
  expired: undefined, failed: "warning",
};

/** The day on the zone's clock at a moment, as a field of dates wants it. */
export const dayOf = (at: number) => zoneText(at).slice(0, 10);
/** When a day begins on the zone's clock. */
export const dayBegins = (day: string, after = 0) => zoneMoment(Date.parse(`${day}T00:00:00Z`) + after * DAY);

/** "2026-10-01 – 2026-10-31" where both ends are whole days, else with the clock. */
export function periodText(from: string, to: string): string {
  const [first, last] = [Date.parse(from), Date.parse(to)];
  const whole = zoneText(first).endsWith("00:00:00") && zoneText(last).endsWith("00:00:00");
  return whole
    ? say("provision.days", { from: dayOf(first), to: dayOf(last - 1000) })
    : say("provision.moments", { from: sayTime(from, false), to: sayTime(to, false) });
}

/** What is often asked for, as first and last day. */
export const PRESETS = ["last-month", "this-month", "7d", "30d"] as const;
export type Preset = (typeof PRESETS)[number];
export function presetDays(preset: Preset, now: number): { first: string; last: string } {
  const today = dayOf(now);
  const [year, month] = [Number(today.slice(0, 4)), Number(today.slice(5, 7))];
  const day = (y: number, m: number, d: number) => new Date(Date.UTC(y, m, d)).toISOString().slice(0, 10);
  switch (preset) {
    case "last-month": return { first: day(year, month - 2, 1), last: day(year, month - 1, 0) };
    case "this-month": return { first: day(year, month - 1, 1), last: today };
    case "7d": return { first: day(year, month - 1, Number(today.slice(8)) - 6), last: today };
    case "30d": return { first: day(year, month - 1, Number(today.slice(8)) - 29), last: today };
  }
}
