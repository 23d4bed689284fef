/*
 * What changed from one version to another, by items, with the names that the kind's elements have.
 * Added, removed and changed are told in words and by a sign, not by colour alone.
 */
import { useState } from "preact/hooks";
import { elementAt, isGroup, itemName, itemsOf, slugOf, targetsIn, type Form, type FormElement, type Group } from "../../api/form";
import type { Schemas } from "../../api/client";
import { lineOf, type Sight } from "../../parts/form/shown";
import { Button } from "../../parts/button";
import { pathWords } from "../../parts/form/form";
import { pathOfSlugs, valueAt } from "../../parts/form/value";
import { named, say, sayNumber } from "../../words/words";

export type Change = Schemas["Change"];
export type View = "beside" | "inline";
interface Props {
  form: Form;
  changes: Change[];
  before?: Group; /* for names of what was removed */
  after: Group;
  sight: Sight;
  view?: View;
  heading?: "h2" | "h3";
}
type What = "added" | "removed" | "changed";
interface Part {
  label: string;
  what: What;
  before: string;
  after: string;
}
interface Lot {
  key: string;
  section: string;
  title: string;
  what: What;
  parts: Part[];
}
const SIGNS: Record<What, string> = { added: "+", removed: "−", changed: "≠" };

/** The length of the path up to its item, in parts: "assets/web-1" is 2; 1 where there is none. */
function headLength(form: Form, path: string): number {
  const parts = path.split("/");
  return form.elements.find((e) => e.key === parts[0])?.type === "list" && parts.length > 1 ? 2 : 1;
}

/* A value as the difference tells it: canonical text, several values joined, of a list the order of its slugs. */
function told(e: FormElement | undefined, half: string, text: string, sight: Sight, nameOf: (slug: string) => string): string {
  if (text === "" || !e || half) return text;
  if (e.type === "list") return text.split(" ").map(nameOf).join(" → ");
  if (e.many && (e.type === "choice" || e.type === "reference")) return lineOf(e, text.split(", "), sight);
  return lineOf(e, text, sight);
}

/** Labels below the item, with the names of inner items. */
function innerLabel(form: Form, documents: (Group | undefined)[], plain: string, skip: number): string {
  const length = plain.split("/").length;
  for (const root of documents) {
    const at = root && pathOfSlugs(root, form.elements, plain);
    if (at?.length === length) return pathWords(form, root!, at).slice(skip).join(" › ");
  }
  return named(elementAt(form.elements, schemaPath(form, plain))?.label, plain.split("/").at(-1)!);
}
/** The path without slugs. */
function schemaPath(form: Form, path: string): string {
  const out: string[] = [];
  let level: FormElement[] | undefined = form.elements;
  let list = false;
  for (const part of path.split("/")) {
    if (list) list = false;
    else {
      const e: FormElement | undefined = level?.find((x) => x.key === part);
      out.push(part);
      level = e?.elements;
      list = e?.type === "list";
    }
  }
  return out.join("/");
}
/** Whether the path ends in the slug of an item: the item itself came or went. */
function isItem(form: Form, path: string): boolean {
  const parts = path.split("/");
  const e = elementAt(form.elements, schemaPath(form, parts.slice(0, -1).join("/")));
  return parts.length > 1 && e?.type === "list" && schemaPath(form, path).split("/").length < parts.length &&
    schemaPath(form, path) === schemaPath(form, parts.slice(0, -1).join("/"));
}

function partOf(p: Props, change: Change, length: number): Part {
  const { form, before, after, sight } = p;
  const plain = change.path.replace(/\.(ja|en)$/, "");
  const half = plain === change.path ? "" : change.path.slice(-2);
  const what: What = change.before === "" ? "added" : change.after === "" ? "removed" : "changed";
  const e = isItem(form, plain) ? undefined : elementAt(form.elements, schemaPath(form, plain));
  const items = [after, before].flatMap((d) => (d ? itemsOf(valueAt(d, pathOfSlugs(d, form.elements, plain))) : []));
  const nameOf = (slug: string) => itemName(items.find((item) => slugOf(item) === slug) ?? { slug });
  const inner = innerLabel(form, change.after === "" ? [before, after] : [after, before], plain, length);
  const label = half ? `${inner} (${say(`form.language.${half as "ja"}`)})` : e?.type === "list" ? [inner, say("documents.order")].filter(Boolean).join(" › ") : inner;
  return { label, what, before: told(e, half, change.before, sight, nameOf), after: told(e, half, change.after, sight, nameOf) };
}

/** References within the kind mean items of either version. */
function bothSight({ form, before, after, sight }: Props): Sight {
  return {
    targets: (to) => {
      const [kind, list = ""] = to.split(":");
      return kind === form.kind ? [...targetsIn(after, list), ...(before ? targetsIn(before, list) : [])] : sight.targets(to);
    },
  };
}

function lots(given: Props): Lot[] {
  const p = { ...given, sight: bothSight(given) };
  const { form, changes, before, after } = p;
  const found = new Map<string, Lot>();
  for (const change of changes) {
    const plain = change.path.replace(/\.(ja|en)$/, "");
    const parts = plain.split("/");
    const length = headLength(form, plain);
    const key = parts.slice(0, length).join("/");
    const root = form.elements.find((e) => e.key === parts[0]);
    let lot = found.get(key);
    if (!lot) {
      const item = length < 2 ? undefined : [after, before].map((d) => d && valueAt(d, pathOfSlugs(d, form.elements, key))).find((v) => isGroup(v));
      lot = { key, section: named(root?.label, parts[0]), title: length < 2 ? "" : isGroup(item) ? itemName(item) : parts[1]!, what: "changed", parts: [] };
      found.set(key, lot);
    }
    if (length > 1 && plain === key) lot.what = change.before === "" ? "added" : "removed";
    else lot.parts.push(partOf(p, change, length));
  }
  return [...found.values()];
}

export function What({ what }: { what: What }) {
  return <span class={`what ${what}`}><span aria-hidden="true" class="what-sign">{SIGNS[what]}</span> {say(`documents.what.${what}`)}</span>;
}

function PartRow({ part, view }: { part: Part; view: View }) {
  const none = <span class="soft small">{say("documents.nothing-there")}</span>;
  return (
    <tr class={part.what}>
      <th scope="row">{part.label}<br /><What what={part.what} /></th>
      {view === "beside" ? (
        <>
          <td data-head={say("documents.before")}>{part.before ? <del>{part.before}</del> : none}</td>
          <td data-head={say("documents.after")}>{part.after ? <ins>{part.after}</ins> : none}</td>
        </>
      ) : (
        <td>
          {part.before && <p><span class="small soft">{say("documents.before")}: </span><del>{part.before}</del></p>}
          {part.after && <p><span class="small soft">{say("documents.after")}: </span><ins>{part.after}</ins></p>}
        </td>
      )}
    </tr>
  );
}

/** An item that came or went: what stands or stood in it. */
function Whole({ lot }: { lot: Lot }) {
  return (
    <dl class="values">
      {lot.parts.map((part, at) => (
        <div key={at} class="value">
          <dt>{part.label}</dt>
          <dd class="shown-text">{lot.what === "added" ? <ins>{part.after}</ins> : <del>{part.before}</del>}</dd>
        </div>
      ))}
    </dl>
  );
}

function PartTable({ lot, view }: { lot: Lot; view: View }) {
  return (
    <div class="lot-scroll">
      <table class={`lot-table ${view}`}>
        <thead>
          <tr>
            <th scope="col" class="lot-label">{say("documents.element")}</th>
            {view === "beside" ? <><th scope="col">{say("documents.before")}</th><th scope="col">{say("documents.after")}</th></> : <th scope="col">{say("documents.contents")}</th>}
          </tr>
        </thead>
        <tbody>{lot.parts.map((part, at) => <PartRow key={at} part={part} view={view} />)}</tbody>
      </table>
    </div>
  );
}

const PART = 50; /* items at a time */
export function Changes(props: Props) {
  const [shown, setShown] = useState(PART);
  const view = props.view ?? "beside";
  const Heading = props.heading ?? "h3";
  if (props.changes.length === 0) return <p class="soft">{say("documents.same")}</p>;
  const all = lots(props);
  const count = (what: What) => sayNumber(all.filter((l) => l.what === what).length);
  return (
    <div class="changes stack">
      <p class="small">{say("documents.change-count", { changed: count("changed"), added: count("added"), removed: count("removed") })}</p>
      {all.slice(0, shown).map((lot) => (
        <section key={lot.key} class={`lot ${lot.what}`}>
          <Heading class="lot-name"><span class="soft">{lot.section}{lot.title && " › "}</span>{lot.title} <What what={lot.what} /></Heading>
          {lot.parts.length > 0 && (lot.what === "changed" ? <PartTable lot={lot} view={view} /> : <Whole lot={lot} />)}
        </section>
      ))}
      {all.length > shown && <div><Button onPress={() => setShown(shown + 4 * PART)}>{say("form.more", { count: sayNumber(all.length - shown) })}</Button></div>}
    </div>
  );
}
