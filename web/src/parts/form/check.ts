/*
 * What is wrong with what was typed, and what is missing, while it is typed: the same questions as the
 * service asks (src/document/scalar.c, complete.c), in the reader's language and at the field.  The
 * service has the last word.
 */
import { isGroup, itemsOf, slugOf, wordsOf, type FormElement, type Group, type Target, type Value } from "../../api/form";
import { say } from "../../words/words";
import { says, SLUG, type Path } from "./value";

export interface Issue {
  path: Path;
  element: FormElement | null; /* null: the slug */
  what: "wrong" | "missing";
  text: string;
}
export type Targets = (to: string) => Target[] | undefined; /* undefined: not known */

const V4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;
const V6 = /^(?=.*:)[0-9a-fA-F:]{2,39}(:(\d{1,3}\.){3}\d{1,3})?$/;
const isAddress = (text: string) => V4.test(text) || (V6.test(text) && text.split("::").length <= 2 && !/:::|[0-9a-fA-F]{5}/.test(text));
function isNetwork(text: string): boolean {
  const [address = "", prefix, ...more] = text.split("/");
  if (!isAddress(address) || more.length > 0) return false;
  if (prefix === undefined) return true;
  const bits = Number(prefix);
  if (!/^\d{1,3}$/.test(prefix) || bits > (V4.test(address) ? 32 : 128)) return false;
  if (!V4.test(address)) return true;
  const number = address.split(".").reduce((all, part) => all * 256 + Number(part), 0);
  return bits === 32 || number % 2 ** (32 - bits) === 0;
}
function isPorts(text: string): boolean {
  const [, first, last] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  return first !== undefined && Number(first) > 0 && Number(last ?? first) >= Number(first) && Number(last ?? first) <= 65535;
}
function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && new Date(`${text}T00:00:00Z`).toISOString?.().startsWith(text);
}
const isDate = (text: string) => {
  try {
    return isDay(text);
  } catch {
    return false;
  }
};
const CLOCK = "([01]?\\d|2[0-3]):[0-5]\\d|24:00";
const HOURS = new RegExp(`^(${CLOCK})-(${CLOCK})$`);
const MS: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 };
export function durationMs(text: string): number | null {
  const found = /^(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?$/.exec(text.trim());
  if (!found || text.trim() === "") return null;
  return ["d", "h", "m", "s"].reduce((all, unit, at) => all + Number(found[at + 1] ?? 0) * MS[unit]!, 0);
}
const bytes = (text: string) => new TextEncoder().encode(text).length;

function textWrong(e: FormElement, text: string): string | null {
  const fits: Partial<Record<FormElement["type"], (text: string) => boolean>> = {
    address: isAddress, network: isNetwork, ports: isPorts, date: isDate,
    mail: (t) => /^[^\s@"<>(),;:\\]+@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+$/.test(t),
    url: (t) => /^https?:\/\/[^\s"<>\\^`{|}/]+[^\s"<>\\^`{|}]*$/i.test(t),
    phone: (t) => /^[\d +()-]+$/.test(t) && t.replace(/\D/g, "").length >= 3,
    hours: (t) => HOURS.test(t), zone: (t) => /^[A-Za-z][A-Za-z0-9_+/-]*$/.test(t),
    time: (t) => !Number.isNaN(Date.parse(t)),
  };
  if (fits[e.type] && !fits[e.type]!(text)) return say(`form.wrong.${e.type}` as "form.wrong.address", { value: text.slice(0, 60) });
  if (e.type === "number") {
    const number = Number(text);
    if (!/^-?\d{1,15}$/.test(text)) return say("form.wrong.number", { value: text.slice(0, 60) });
    if ((e.min !== undefined && number < e.min) || (e.max !== undefined && number > e.max)) {
      return say("form.wrong.range", { min: e.min ?? "", max: e.max ?? "" });
    }
  } else if (e.type === "duration") {
    const ms = durationMs(text);
    if (ms === null) return say("form.wrong.duration", { value: text.slice(0, 60) });
    if ((e.min !== undefined && ms < e.min) || (e.max !== undefined && ms > e.max)) return say("form.wrong.span");
  } else if (e.max && bytes(text) > e.max) return say("form.wrong.long", { count: bytes(text), max: e.max });
  return null;
}

function scalar(e: FormElement, value: Value | undefined, path: Path, targets: Targets, out: Issue[]): void {
  const issue = (what: Issue["what"], text: string) => out.push({ path, element: e, what, text });
  if (e.type === "words") {
    if (!e.required && !says(value)) return;
    const { ja = "", en = "" } = wordsOf(value);
    if (!ja.trim()) issue("missing", say("form.missing.ja"));
    if (!en.trim()) issue("missing", say("form.missing.en"));
    const long = [ja, en].find((half) => e.max && bytes(half) > e.max);
    if (long) issue("wrong", say("form.wrong.long", { count: bytes(long), max: e.max! }));
    return;
  }
  if (!says(value)) {
    if (e.required) issue("missing", say("form.missing"));
    return;
  }
  for (const one of (Array.isArray(value) ? value : [value]).filter(says)) {
    const text = String(one).trim();
    const wrong = textWrong(e, text);
    if (wrong) issue("wrong", wrong);
    if (e.type === "reference") {
      const known = targets(e.to!);
      if (known && !known.some((t) => t.slug === text)) issue("wrong", say("form.wrong.reference", { value: text }));
    }
  }
}

/** Everything, in the order of the form. */
export function check(elements: FormElement[], document: Group, targets: Targets): Issue[] {
  const out: Issue[] = [];
  const walk = (list: FormElement[], value: Group, path: Path): void => {
    for (const e of list) {
      const at = [...path, e.key];
      const inner = value[e.key];
      if (inner === null) continue; /* there, but not for this reader */
      if (e.type === "group") {
        if (says(inner) && isGroup(inner)) walk(e.elements!, inner, at);
        else if (e.required) out.push({ path: at, element: e, what: "missing", text: say("form.missing") });
      } else if (e.type === "list") {
        const items = itemsOf(inner);
        if (items.length === 0 && e.required) out.push({ path: at, element: e, what: "missing", text: say("form.missing.items") });
        const seen = new Map<string, number>();
        items.forEach((item, index) => seen.set(slugOf(item), seen.has(slugOf(item)) ? -1 : index));
        items.forEach((item, index) => {
          const slug = slugOf(item);
          const place = [...at, index];
          if (!SLUG.test(slug)) out.push({ path: [...place, "slug"], element: null, what: "wrong", text: say("form.wrong.slug") });
          else if (seen.get(slug) === -1) out.push({ path: [...place, "slug"], element: null, what: "wrong", text: say("form.wrong.slug-twice", { value: slug }) });
          walk(e.elements!, item, place);
        });
      } else scalar(e, inner, at, targets, out);
    }
  };
  walk(elements, document, []);
  return out;
}
