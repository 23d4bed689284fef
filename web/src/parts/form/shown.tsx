/* One value to be read: labels of choices, names behind references, spans in words, and what is missing said so. */
import { itemName, isGroup, slugOf, wordsOf, type FormElement, type Group, type Target, type Value } from "../../api/form";
import { language, named, say, sayMaybe, saySpan, sayTime } from "../../words/words";
import { durationMs } from "./check";

export interface Sight {
  /** The items that a reference may mean, if they are known. */
  targets: (to: string) => Target[] | undefined;
  /** Where what a reference means can be read. */
  href?: (to: string, slug: string) => string;
}

export function choiceText(e: FormElement, value: string): string {
  return named(e.choices?.find((c) => c.value === value)?.label, value);
}
export function durationText(text: string): string {
  const ms = durationMs(text);
  return ms === null ? text : saySpan(ms);
}
/** Whether its texts are types of incidents, which have names: so in the criteria, and nowhere else. */
export function isType(e: FormElement): boolean {
  return e.type === "text" && (e.key === "type" || e.key === "types");
}
/** A scalar as one line of text. */
export function scalarText(e: FormElement, value: Value, sight?: Sight): string {
  const text = String(value);
  switch (e.type) {
    case "choice": return choiceText(e, text);
    case "yes-no": return say(text === "true" || text === "yes" ? "form.yes" : "form.no");
    case "duration": return durationText(text);
    case "time": return sayTime(text, false);
    case "reference": return sight?.targets(e.to!)?.find((t) => t.slug === text)?.name ?? text;
    /* People may have types of their own; those we know have names. */
    default: return isType(e) ? sayMaybe(`type.${text}.name`, text) : text;
  }
}

function Words({ value }: { value: Value }) {
  const halves = wordsOf(value);
  const own = halves[language.value];
  const other = language.value === "ja" ? "en" : "ja";
  const text = own || halves[other];
  if (!text) return <Missing />;
  return (
    <>
      <span class="shown-text" lang={own ? language.value : other}>{text}</span>
      {!own && <span class="missing small"> {say(`form.missing.${language.value}`)}</span>}
      {own && !halves[other] && <span class="missing small"> {say(`form.missing.${other}`)}</span>}
    </>
  );
}
export function Missing() {
  return <span class="missing small">{say("form.missing")}</span>;
}

function One({ e, value, sight }: { e: FormElement; value: Value; sight: Sight }) {
  const text = scalarText(e, value, sight);
  if (e.type === "reference") {
    const to = sight.href?.(e.to!, String(value));
    return to ? <a href={to}>{text}</a> : <span>{text}</span>;
  }
  if (e.type === "choice" || e.type === "yes-no" || e.type === "duration" || e.type === "time") return <span>{text}</span>;
  const code = e.type !== "text" && e.type !== "long-text" && e.type !== "date";
  return <span class={code ? "shown-text mono" : "shown-text"}>{text}</span>;
}

export function Shown({ e, value, sight }: { e: FormElement; value: Value | undefined | null; sight: Sight }) {
  if (value === null) return <span class="soft small">{say("form.undisclosed")}</span>;
  if (value === undefined || value === "") {
    if (e.required) return <Missing />;
    if (e.initial) return <span class="soft">{scalarText(e, e.initial, sight)} <span class="small">{say("form.initial")}</span></span>;
    return <span class="soft">{say("form.unsaid")}</span>;
  }
  if (e.type === "words") return <Words value={value} />;
  if (Array.isArray(value)) {
    return (
      <ul class="shown-many">
        {value.map((one) => <li key={String(one)}><One e={e} value={one} sight={sight} /></li>)}
      </ul>
    );
  }
  return <One e={e} value={value} sight={sight} />;
}

/** A value in one line, for rows and captions. */
export function lineOf(e: FormElement, value: Value | undefined | null, sight?: Sight): string {
  if (value === undefined || value === null || value === "") return "";
  if (e.type === "words") return named({ ja: "", en: "", ...wordsOf(value) });
  if (e.type === "list") return say("form.items", { count: (value as Value[]).length });
  if (e.type === "group") return isGroup(value) ? say("form.elements", { count: Object.keys(value).length }) : "";
  if (Array.isArray(value)) return value.map((one) => scalarText(e, one, sight)).join(say("form.comma"));
  return scalarText(e, value, sight);
}
/** The few elements by which items of a list are told apart. */
export function columnsOf(list: FormElement, count: number): FormElement[] {
  const fit = (list.elements ?? []).filter((e) => e.key !== "name" && !e.hidden && !e.lines && e.type !== "list" && e.type !== "group");
  const rank = (e: FormElement) => (e.required ? 0 : 1) + (e.type === "choice" || e.type === "reference" ? 0 : 1);
  return [...fit].sort((a, b) => rank(a) - rank(b)).slice(0, count);
}
/** What a filter looks through. */
export function itemText(item: Group): string {
  const texts: string[] = [slugOf(item), itemName(item)];
  const walk = (value: unknown): void => {
    if (typeof value === "string") texts.push(value);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(walk);
  };
  walk(item);
  return texts.join("\n").toLowerCase();
}
