/*
 * What the pages say.  Texts come from words/ at the root of the project, by tools/words_ts.py; one
 * language is loaded, the other when it is asked for.
 *
 *     say("queue.title")      say("queue.open", { count: 3 })
 *
 * A component that says something is drawn again when the language changes.
 */
import { signal } from "@preact/signals";
import type { Words } from "./made/keys";

export type Language = "ja" | "en";
export type Word = keyof Words;
type Values<W extends Word> = Words[W] extends null ? [] : [values: Words[W]];

const LOADERS = { ja: () => import("./made/ja"), en: () => import("./made/en") };
const KEPT = "hinomi.language";

export const language = signal<Language>("ja");
const texts = signal<Record<Word, string>>({} as Record<Word, string>);

/** The language that was chosen here before, else the browser's first that we have. */
export function languageWanted(): Language {
  const kept = localStorage.getItem(KEPT);
  if (kept === "ja" || kept === "en") return kept;
  return navigator.languages.find((l) => /^(ja|en)\b/.test(l))?.slice(0, 2) === "en" ? "en" : "ja";
}

export async function languageUse(wanted: Language, keep = true): Promise<void> {
  const loaded = (await LOADERS[wanted]()).default;
  texts.value = loaded;
  language.value = wanted;
  document.documentElement.lang = wanted;
  if (keep) localStorage.setItem(KEPT, wanted);
}

export function say<W extends Word>(word: W, ...values: Values<W>): string {
  const text = texts.value[word] ?? word;
  const given = values[0] as Record<string, string | number> | undefined;
  return given ? text.replace(/\{([a-z0-9_]+)\}/g, (_, name: string) => String(given[name])) : text;
}

/** A word whose key is made at run time, such as `type.${slug}.name`; `otherwise` if there is none. */
export function sayMaybe(key: string, otherwise: string): string {
  return (texts.value as Record<string, string>)[key] ?? otherwise;
}

/** All types of incidents by name. */
export function sayTypes(): { type: string; text: string }[] {
  return Object.entries(texts.value).flatMap(([key, text]) => {
    const type = /^type\.([a-z0-9-]+)\.name$/.exec(key)?.[1];
    return type ? [{ type, text }] : [];
  });
}

/** The long texts of a type of incident, loaded when the first is wanted; empty where there is none. */
export interface Advice {
  overview: string;
  analysis: string;
  advice: string;
}
const ADVICE = { ja: () => import("./made/advice.ja"), en: () => import("./made/advice.en") };
export async function sayAdvice(type: string): Promise<Advice> {
  const loaded = (await ADVICE[language.value]()).default;
  const of = (what: string) => loaded[`type.${type}.${what}`] ?? "";
  return { overview: of("overview"), analysis: of("analysis"), advice: of("advice") };
}

export interface Names {
  ja: string;
  en: string;
}
/** A text that both sides wrote: in the reader's language, else in the other one. */
export function named(names: Names | undefined, otherwise = ""): string {
  if (!names) return otherwise;
  return names[language.value] || names[language.value === "ja" ? "en" : "ja"] || otherwise;
}

/* ---- Times and numbers, in the zone that was chosen. */

export type Zone = "Asia/Tokyo" | "UTC" | "local";
export const zone = signal<Zone>((localStorage.getItem("hinomi.zone") as Zone | null) ?? "local");
export function zoneUse(wanted: Zone): void {
  zone.value = wanted;
  localStorage.setItem("hinomi.zone", wanted);
}

function formatter(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const timeZone = zone.value === "local" ? undefined : zone.value;
  return new Intl.DateTimeFormat(language.value === "ja" ? "ja-JP" : "en-GB", { ...options, timeZone });
}
/** "2026-11-22 17:05:09 JST": the same shape in both languages, so that columns line up. */
export function sayTime(iso: string | null | undefined, seconds = true): string {
  if (!iso) return "";
  const format = formatter({
    year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
    hour12: false, timeZoneName: "short",
  });
  const parts = format.formatToParts(new Date(iso));
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  const clock = `${of("hour")}:${of("minute")}${seconds ? `:${of("second")}` : ""}`;
  /* Browsers know this short name in Japanese alone. */
  const name = format.resolvedOptions().timeZone === "Asia/Tokyo" ? "JST" : of("timeZoneName");
  return `${of("year")}-${of("month")}-${of("day")} ${clock} ${name}`;
}
export function sayNumber(value: number): string {
  return new Intl.NumberFormat(language.value === "ja" ? "ja-JP" : "en-GB").format(value);
}
/** A stretch of time in its two largest units: "2 時間 5 分", "2 h 5 min". */
export function saySpan(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000);
  const units: [Word, number][] = [
    ["span.day", 86400], ["span.hour", 3600], ["span.minute", 60], ["span.second", 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  if (first < 0) return say("span.second", { count: 0 } as never);
  let rest = seconds;
  return units
    .slice(first, first + 2)
    .map(([word, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count > 0 ? say(word, { count } as never) : "";
    })
    .filter(Boolean)
    .join(" ");
}
