/* The control of one element, by its type.  What is typed is kept as text; check.ts says what is wrong with it. */
import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { isGroup, wordsOf, type FormElement, type Target, type Value } from "../../api/form";
import { language, named, say, sayNumber, sayTypes, zone } from "../../words/words";
import { Button } from "../button";
import { described, Field } from "../field";
import { durationMs, type Issue } from "./check";
import { SLUG } from "./value";
import { choiceText, durationText, isType, scalarText } from "./shown";

export interface ScalarProps {
  e: FormElement;
  id: string;
  value: Value | undefined;
  issues: Issue[];
  targets: Target[] | undefined; /* of a reference */
  onValue: (value: Value | undefined) => void;
}
const FEW = 12; /* choices that are shown at once */

function Framed({ p, children, help }: { p: ScalarProps; children: (shared: object) => ComponentChildren; help?: string }) {
  const wrong = p.issues.find((i) => i.what === "wrong")?.text;
  const missing = p.issues.find((i) => i.what === "missing")?.text;
  const text = [named(p.e.help), help].filter(Boolean).join(" ");
  const about = (text || missing) && <>{missing && <span class="missing">{missing}</span>} {text}</>;
  const base = { label: named(p.e.label), help: about || undefined, wrong, required: p.e.required };
  return (
    <Field {...base} id={p.id}>
      {children({ id: p.id, "aria-required": p.e.required || undefined, "aria-invalid": wrong ? true : undefined, "aria-describedby": described(p.id, base) })}
    </Field>
  );
}

function Text({ p, list, lines, mono, type = "text", hint }:
  { p: ScalarProps; list?: string; lines?: number; mono?: boolean; type?: string; hint?: string }) {
  const value = p.value === undefined || p.value === null ? "" : String(p.value);
  return (
    <Framed p={p}>
      {(shared) => lines
        ? <textarea {...shared} class={mono ? "control mono" : "control"} rows={lines} value={value} spellcheck={false}
            onInput={(event) => p.onValue(event.currentTarget.value || undefined)} />
        : <input {...shared} class={mono ? "control mono" : "control"} type={type as "text"} value={value} autocomplete="off"
            spellcheck={false} placeholder={hint} list={list} onInput={(event) => p.onValue(event.currentTarget.value || undefined)} />}
    </Framed>
  );
}

/** Several values, one a line. */
function Rows({ p, hint }: { p: ScalarProps; hint: string }) {
  const values = Array.isArray(p.value) ? p.value.map(String) : p.value === undefined || p.value === null ? [] : [String(p.value)];
  return (
    <Framed p={p} help={p.e.type === "hours" ? undefined : say("form.one-a-line")}>
      {(shared) => (
        <textarea {...shared} class="control mono" rows={Math.min(Math.max(values.length + 1, 2), 8)} spellcheck={false} placeholder={hint}
          value={values.join("\n")} onInput={(event) => {
            const text = event.currentTarget.value;
            p.onValue(text === "" ? undefined : text.split("\n"));
          }} />
      )}
    </Framed>
  );
}

/** A text in two languages, side by side. */
function Words({ p }: { p: ScalarProps }) {
  const halves = wordsOf(p.value);
  const wrong = p.issues.find((i) => i.what === "wrong")?.text;
  const put = (half: "ja" | "en", text: string) => {
    const made = { ja: halves.ja ?? "", en: halves.en ?? "", [half]: text };
    p.onValue(made.ja || made.en ? made : undefined);
  };
  const order = language.value === "ja" ? (["ja", "en"] as const) : (["en", "ja"] as const);
  const help = named(p.e.help);
  return (
    <fieldset class="field words-field" aria-describedby={help ? `${p.id}-help` : undefined}>
      <legend class="label">{named(p.e.label)}{p.e.required && <span class="must" aria-hidden="true"> *</span>}</legend>
      <div class="words-halves">
        {order.map((half, at) => {
          const missing = p.issues.some((i) => i.what === "missing" && i.text === say(`form.missing.${half}`));
          const shared = {
            id: at === 0 ? p.id : `${p.id}-${half}`, class: "control", lang: half, value: halves[half] ?? "",
            "aria-label": `${named(p.e.label)} (${say(`form.language.${half}`)})`, "aria-required": p.e.required || undefined,
            "aria-invalid": wrong ? true : undefined,
          };
          return (
            <div class="words-half" key={half}>
              <span class="small soft">{say(`form.language.${half}`)}{missing && <span class="missing"> {say("form.missing")}</span>}</span>
              {p.e.lines
                ? <textarea {...shared} rows={3} onInput={(event) => put(half, event.currentTarget.value)} />
                : <input {...shared} type="text" autocomplete="off" onInput={(event) => put(half, event.currentTarget.value)} />}
            </div>
          );
        })}
      </div>
      {help && <div class="small soft" id={`${p.id}-help`}>{help}</div>}
      {wrong && <div class="small field-wrong" role="alert">{wrong}</div>}
    </fieldset>
  );
}

function Select({ p, options, none }: { p: ScalarProps; options: { value: string; text: string }[]; none: string }) {
  const value = p.value === undefined || p.value === null ? "" : String(p.value);
  const known = value === "" || options.some((o) => o.value === value);
  return (
    <Framed p={p}>
      {(shared) => (
        <select {...shared} class="control" value={value} onChange={(event) => p.onValue(event.currentTarget.value || undefined)}>
          <option value="">{none}</option>
          {!known && <option value={value}>{value}</option>}
          {options.map((o) => <option key={o.value} value={o.value}>{o.text}</option>)}
        </select>
      )}
    </Framed>
  );
}
function noneText(e: FormElement): string {
  return e.initial ? say("form.none-initial", { value: scalarText(e, e.initial) }) : say("form.unsaid");
}

/** Several of a few: check boxes. */
function Checks({ p, options }: { p: ScalarProps; options: { value: string; text: string }[] }) {
  const chosen = Array.isArray(p.value) ? p.value.map(String) : [];
  const wrong = p.issues.find((i) => i.what === "wrong")?.text;
  const missing = p.issues.find((i) => i.what === "missing")?.text;
  const all = [...options, ...chosen.filter((c) => !options.some((o) => o.value === c)).map((c) => ({ value: c, text: c }))];
  const help = named(p.e.help);
  return (
    <fieldset class="field">
      <legend class="label">{named(p.e.label)}{p.e.required && <span class="must" aria-hidden="true"> *</span>}</legend>
      <div class="checks">
        {all.map((o, at) => (
          <label class="check" key={o.value}>
            <input id={at === 0 ? p.id : undefined} type="checkbox" checked={chosen.includes(o.value)} onChange={(event) => {
              const kept = all.map((x) => x.value).filter((v) => (v === o.value ? event.currentTarget.checked : chosen.includes(v)));
              p.onValue(kept.length > 0 ? kept : undefined);
            }} />
            <span>{o.text}</span>
          </label>
        ))}
        {all.length === 0 && <span class="small soft" id={p.id} tabIndex={-1}>{say("form.no-targets")}</span>}
      </div>
      {(help || missing) && <div class="small soft">{missing && <span class="missing">{missing} </span>}{help}</div>}
      {wrong && <div class="small field-wrong" role="alert">{wrong}</div>}
    </fieldset>
  );
}

/** One or several of many: typed by name or slug, with the browser's own suggestions. `free`: Enter takes another slug too. */
function Pick({ p, options, free = false }: { p: ScalarProps; options: Target[]; free?: boolean }) {
  const list = useId();
  const [text, setText] = useState("");
  const many = !!p.e.many;
  const chosen = Array.isArray(p.value) ? p.value.map(String) : p.value ? [String(p.value)] : [];
  const nameOf = (slug: string) => options.find((o) => o.slug === slug)?.name ?? slug;
  const take = (typed: string, own = false) => {
    const wanted = typed.trim().toLowerCase();
    const other = own && SLUG.test(wanted) ? { slug: wanted } : undefined;
    const found = options.find((o) => o.slug === wanted || o.name.toLowerCase() === wanted || `${o.name} (${o.slug})`.toLowerCase() === wanted) ?? other;
    if (!found) return false;
    if (!chosen.includes(found.slug)) p.onValue(many ? [...chosen, found.slug] : found.slug);
    setText("");
    return true;
  };
  const drop = (slug: string) => {
    const kept = chosen.filter((c) => c !== slug);
    p.onValue(many && kept.length > 0 ? kept : undefined);
  };
  return (
    <Framed p={p} help={say("form.pick-help", { count: sayNumber(options.length) })}>
      {(shared) => (
        <>
          {chosen.length > 0 && (
            <ul class="chips">
              {chosen.map((slug) => (
                <li key={slug} class="chip">
                  <span>{nameOf(slug)}</span>
                  <Button kind="quiet" icon="close" label={say("form.drop", { name: nameOf(slug) })} onPress={() => drop(slug)}>{""}</Button>
                </li>
              ))}
            </ul>
          )}
          <input {...shared} class="control" type="text" list={list} value={text} autocomplete="off" placeholder={say("form.pick")}
            onInput={(event) => {
              const typed = event.currentTarget.value;
              if (!options.some((o) => `${o.name} (${o.slug})` === typed) || !take(typed)) setText(typed);
            }}
            onKeyDown={(event) => {
              if (event.key !== "Enter") return;
              event.preventDefault();
              take(text, free);
            }} onBlur={() => take(text)} />
          <datalist id={list}>{options.map((o) => <option key={o.slug} value={`${o.name} (${o.slug})`} />)}</datalist>
        </>
      )}
    </Framed>
  );
}

const UNITS = [["d", "form.unit.day", 86_400_000], ["h", "form.unit.hour", 3_600_000], ["m", "form.unit.minute", 60_000], ["s", "form.unit.second", 1000]] as const;
/** An amount and a unit: "15m" as fifteen and minutes. */
function Duration({ p }: { p: ScalarProps }) {
  const text = p.value === undefined || p.value === null ? "" : String(p.value);
  const ms = durationMs(text);
  const fit = ms === null ? undefined : UNITS.find(([, , size]) => ms % size === 0 && ms >= size);
  const typed = /^(\D*\d*\D*?)([dhms])$/.exec(text);
  const [chosen, setChosen] = useState<string>(fit?.[0] ?? "m");
  const single = /^\d*[dhms]$/.test(text);
  const unit = single ? text.slice(-1) : text === "" ? chosen : (fit?.[0] ?? chosen);
  const size = UNITS.find(([u]) => u === unit)![2];
  const amount = text === "" ? "" : single ? text.slice(0, -1) : ms !== null ? String(ms / size) : (typed?.[1] ?? text);
  const put = (value: string, u: string) => {
    setChosen(u);
    p.onValue(value.trim() === "" ? undefined : `${value.trim()}${u}`);
  };
  const limits = p.e.min || p.e.max ? say("form.between", { min: p.e.min ? durationText(`${p.e.min / 1000}s`) : "0", max: p.e.max ? durationText(`${Math.floor(p.e.max / 1000)}s`) : "" }) : "";
  return (
    <Framed p={p} help={p.issues.some((i) => i.what === "wrong") ? limits : undefined}>
      {(shared) => (
        <div class="duration">
          <input {...shared} class="control" type="text" inputMode="numeric" autocomplete="off" value={amount}
            onInput={(event) => put(event.currentTarget.value, unit)} />
          <select class="control" aria-label={`${named(p.e.label)}: ${say("form.unit")}`} value={unit} onChange={(event) => put(amount, event.currentTarget.value)}>
            {UNITS.map(([u, word]) => <option key={u} value={u}>{say(word)}</option>)}
          </select>
        </div>
      )}
    </Framed>
  );
}

/* ---- A moment is typed in the zone that times are shown in. */
const OFFSETS: Record<string, string> = { "Asia/Tokyo": "+09:00", UTC: "Z" };
export function localOf(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const shift = zone.value === "local" ? -at.getTimezoneOffset() : zone.value === "Asia/Tokyo" ? 540 : 0;
  return new Date(at.getTime() + shift * 60_000).toISOString().slice(0, 16);
}
export function momentOf(local: string): string {
  const offset = OFFSETS[zone.value];
  const at = new Date(offset ? `${local}${offset}` : local);
  return Number.isNaN(at.getTime()) ? "" : at.toISOString();
}
function Moment({ p }: { p: ScalarProps }) {
  const zoneText = zone.value === "local" ? Intl.DateTimeFormat().resolvedOptions().timeZone : zone.value;
  return (
    <Framed p={p} help={say("form.zone-of-time", { zone: zoneText })}>
      {(shared) => <input {...shared} class="control" type="datetime-local" value={p.value ? localOf(String(p.value)) : ""}
        onInput={(event) => p.onValue(momentOf(event.currentTarget.value) || undefined)} />}
    </Framed>
  );
}

const HINTS: Partial<Record<FormElement["type"], string>> = {
  address: "192.0.2.10", network: "192.0.2.0/24", ports: "443", mail: "name@domain.example", phone: "+81 3 0000 0000",
  hours: "09:00-17:30", zone: "Asia/Tokyo",
};
const TYPES: Partial<Record<FormElement["type"], string>> = { date: "date", mail: "email", phone: "tel" };

export function Scalar(p: ScalarProps) {
  const zones = useId();
  const e = p.e;
  const value = isGroup(p.value) && e.type !== "words" ? undefined : p.value;
  const own = { ...p, value };
  switch (e.type) {
    case "words": return <Words p={own} />;
    case "choice": {
      const options = (e.choices ?? []).map((c) => ({ value: c.value, text: choiceText(e, c.value) }));
      return e.many ? <Checks p={own} options={options} /> : <Select p={own} options={options} none={noneText(e)} />;
    }
    case "yes-no":
      return <Select p={{ ...own, onValue: (v) => p.onValue(v === undefined ? undefined : v === "true") }} none={noneText(e)}
        options={[{ value: "true", text: say("form.yes") }, { value: "false", text: say("form.no") }]} />;
    case "reference": {
      if (!p.targets) return e.many ? <Rows p={own} hint="" /> : <Text p={own} />;
      const options = p.targets.map((t) => ({ value: t.slug, text: t.name === t.slug ? t.slug : `${t.name} (${t.slug})` }));
      if (options.length > (e.many ? FEW : 60)) return <Pick p={own} options={p.targets} />;
      return e.many ? <Checks p={own} options={options} /> : <Select p={own} options={options} none={noneText(e)} />;
    }
    case "duration": return <Duration p={own} />;
    case "time": return <Moment p={own} />;
    case "zone":
      return (
        <>
          <Text p={own} list={zones} hint={HINTS.zone} />
          <datalist id={zones}>{Intl.supportedValuesOf("timeZone").map((z) => <option key={z} value={z} />)}</datalist>
        </>
      );
    default:
      if (isType(e)) return <Pick free p={own} options={sayTypes().map(({ type, text }) => ({ slug: type, name: text }))} />;
      if (e.many) return <Rows p={own} hint={HINTS[e.type] ?? ""} />;
      if (e.lines) return <Text p={own} lines={Math.min(Math.max(String(value ?? "").split("\n").length + 1, 3), 14)} />;
      return <Text p={own} type={TYPES[e.type] ?? "text"} hint={HINTS[e.type]} mono={["address", "network", "ports", "query"].includes(e.type)} />;
  }
}
