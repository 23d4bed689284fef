/* Where an axis has its marks: round numbers, and round moments of the chosen zone. */
import { zoneAhead, zoneMoment, zoneText } from "../words/figures";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  1, 2, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600,
].map((seconds) => seconds * SECOND);
const MONTHS = [1, 3, 6, 12, 24, 60, 120];
/* Days are counted from a Monday, so that weeks begin on one. */
const MONDAY = 4 * DAY;

export interface Tick {
  at: number;
  text: string;
  day?: string; /* a second line, where the day (or the year) is another one than before */
}

function months(from: number, to: number, count: number): number[] {
  const step = MONTHS.find((m) => (to - from) / (m * 30 * DAY) <= count) ?? 240;
  const wall = new Date(from + zoneAhead(from));
  const found: number[] = [];
  let month = Math.floor((wall.getUTCFullYear() * 12 + wall.getUTCMonth()) / step) * step;
  for (; found.length <= 2 * count + 2; month += step) {
    const at = zoneMoment(Date.UTC(Math.floor(month / 12), month % 12));
    if (at > to) break;
    if (at >= from) found.push(at);
  }
  return found;
}

/** At most about `count` moments between `from` and `to`, with their texts. */
export function timeTicks(from: number, to: number, count: number): Tick[] {
  const step = STEPS.find((s) => (to - from) / s <= count);
  let found: number[];
  if (step === undefined) {
    found = months(from, to, count);
  } else {
    found = [];
    const origin = step >= DAY ? MONDAY : 0;
    const first = Math.ceil((from + zoneAhead(from) - origin) / step) * step + origin;
    for (let wall = first; found.length <= 2 * count + 2; wall += step) {
      const at = zoneMoment(wall);
      if (at > to) break;
      if (at >= from && at !== found.at(-1)) found.push(at);
    }
  }
  let before = "";
  return found.map((at) => {
    const whole = zoneText(at);
    const [date, clock] = [whole.slice(0, 10), whole.slice(11)];
    const inDay = step !== undefined && step < DAY;
    const day = inDay ? date : date.slice(0, 4);
    const tick: Tick = {
      at,
      text: inDay ? (step < MINUTE ? clock : clock.slice(0, 5)) : step === undefined ? date.slice(0, 7) : date.slice(5),
    };
    if (day !== before && step !== undefined) tick.day = day;
    before = day;
    return tick;
  });
}

/** 0 and up to four round numbers, the last of them at least `max`. */
export function countTicks(max: number): number[] {
  if (max <= 0) return [0, 1];
  const rough = max / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough && Number.isInteger(n)) ?? 1);
  const found = [0];
  while (found.at(-1)! < max) found.push(found.at(-1)! + step);
  return found;
}
