/*
 * A form drawn from a kind's description: sections with a table of contents, fields by type, lists of
 * items, and what is wrong or missing beside each and gathered on top.  It knows no kind.
 *
 * The document belongs to whoever shows the form; each change is a new document.
 */
import "./form.css";
import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { isGroup, itemsOf, slugOf, targetsIn, type Form, type FormElement, type Group, type Target, type Value } from "../../api/form";
import { language, named, say } from "../../words/words";
import { Icon } from "../icon";
import { check, type Issue } from "./check";
import { ListField } from "./list";
import { Scalar } from "./scalar";
import type { Sight } from "./shown";
import { pathKey, pathOfSlugs, pathWithSlugs, slugProposed, valueAt, valuePut, type Path } from "./value";

interface Bound {
  valueAt: (path: Path) => Value | undefined;
  put: (path: Path, value: Value | undefined) => void;
  idOf: (path: Path) => string;
  issuesAt: (path: Path) => Issue[];
  countBelow: (path: Path) => { wrong: number; missing: number };
  openAt: (list: Path) => number | null;
  open: (list: Path, at: number | null) => void;
  isNew: (item: Path) => boolean;
  targets: (to: string) => Target[] | undefined;
  sight: Sight;
}
const Context = createContext<Bound | null>(null);
export function useForm(): Bound {
  return useContext(Context)!;
}

/** Where the reader is led: to a mistake that the service found, or, without a text, to one that is shown already. */
export interface Told {
  path: Path;
  text?: string;
}
interface Props {
  form: Form;
  document: Group;
  onDocument: (document: Group) => void;
  base?: Group; /* what it began with: the slugs in it are known to others */
  targets: (to: string) => Target[] | undefined; /* of other kinds */
  told?: Told;
  at?: string; /* where to begin, with slugs */
  onIssues?: (issues: Issue[]) => void;
  children?: ComponentChildren; /* above the sections: what the page asks besides */
}

const wide = (e: FormElement) => e.type === "words" || !!e.lines || (!!e.many && (e.type === "choice" || e.type === "reference"));

/** The elements of a group, an item or the document below its sections. */
export function Elements({ elements, path, level, first }: { elements: FormElement[]; path: Path; level: number; first?: ComponentChildren }) {
  const form = useForm();
  const group = form.valueAt(path);
  const name = elements.filter((e) => e.key === "name");
  const rest = elements.filter((e) => e.key !== "name");
  return (
    <div class="elements">
      {[...name, null, ...rest].map((e) => {
        if (e === null) return first && <div key="slug" class="element">{first}</div>;
        const at = [...path, e.key];
        if (e.type === "group" || e.type === "list") return <Section key={e.key} e={e} path={at} level={level} />;
        if (isGroup(group) && group[e.key] === null) {
          return <div key={e.key} class="element"><p class="label"><strong>{named(e.label)}</strong></p><p class="small soft">{say("form.undisclosed")}</p></div>;
        }
        return (
          <div key={e.key} class={wide(e) ? "element wide" : "element"}>
            <Scalar e={e} id={form.idOf(at)} value={form.valueAt(at)} issues={form.issuesAt(at)}
              targets={e.to ? form.targets(e.to) : undefined} onValue={(value) => form.put(at, value)} />
          </div>
        );
      })}
    </div>
  );
}

function Section({ e, path, level }: { e: FormElement; path: Path; level: number }) {
  const form = useForm();
  const id = form.idOf(path);
  const missing = form.issuesAt(path).find((i) => i.what === "missing");
  const Heading = (level === 0 ? "h2" : "h3") as "h2";
  return (
    <section class={level === 0 ? "form-section top" : "form-section element wide"} aria-labelledby={id}>
      <Heading id={id} tabIndex={-1}>{named(e.label)}{e.required && <span class="must" aria-hidden="true"> *</span>}</Heading>
      {e.help && <p class="small soft">{named(e.help)}</p>}
      {missing && <p class="small missing">{missing.text}</p>}
      {e.hidden && <p class="small soft"><Icon name="warning" /> {say("form.hidden")}</p>}
      {e.type === "list" ? <ListField e={e} path={path} level={level} /> : <Elements elements={e.elements!} path={path} level={level + 1} />}
    </section>
  );
}

/** What a path is called: labels and names from the outside in. */
export function pathWords(form: Form, document: Group, path: Path): string[] {
  const words: string[] = [];
  let level: FormElement[] | undefined = form.elements;
  path.forEach((step, at) => {
    if (typeof step === "number") {
      const item = valueAt(document, path.slice(0, at + 1));
      const { ja = "", en = "" } = isGroup(item) && isGroup(item.name) ? (item.name as { ja?: string; en?: string }) : {};
      words.push(named({ ja, en }) || (isGroup(item) ? slugOf(item) : "") || say("form.nameless"));
    } else if (step === "slug") words.push(say("form.slug"));
    else {
      const e: FormElement | undefined = level?.find((x) => x.key === step);
      words.push(named(e?.label, step));
      level = e?.elements;
    }
  });
  return words;
}

/** Where the focus goes for a path: the field, else what is around it. */
function jump(idOf: (path: Path) => string, path: Path): void {
  window.setTimeout(() => {
    for (let length = path.length; length > 0; length--) {
      const found = document.getElementById(idOf(path.slice(0, length)));
      if (!found) continue;
      found.scrollIntoView({ block: "center" });
      found.focus({ preventScroll: true });
      return;
    }
  }, 60);
}

function Issues({ title, issues, label, onGo, tone }:
  { title: string; issues: Issue[]; label: (issue: Issue) => string; onGo: (path: Path) => void; tone: string }) {
  const [all, setAll] = useState(false);
  if (issues.length === 0) return null;
  return (
    <details class={`issues ${tone}`} open={tone === "wrong"}>
      <summary><Icon name="warning" /> {title}</summary>
      <ul>
        {issues.slice(0, all ? 500 : 10).map((issue) => (
          <li key={pathKey(issue.path) + issue.text}>
            <button type="button" class="text-button" onClick={() => onGo(issue.path)}>{label(issue)}</button>
            <span class="small"> {issue.text}</span>
          </li>
        ))}
      </ul>
      {issues.length > 10 && !all && <button type="button" class="text-button" onClick={() => setAll(true)}>{say("form.more", { count: issues.length - 10 })}</button>}
    </details>
  );
}

/** The table of contents: a link a section, with what is open in it. */
function Contents({ elements, bound }: { elements: FormElement[]; bound: Bound }) {
  return (
    <nav class="contents no-print" aria-label={say("form.contents")}>
      <ul>
        {elements.map((e) => {
          const { wrong, missing } = bound.countBelow([e.key]);
          const value = bound.valueAt([e.key]);
          return (
            <li key={e.key}>
              <button type="button" class="text-button" onClick={() => jump(bound.idOf, [e.key])}>{named(e.label)}</button>
              <span class="small soft"> {e.type === "list" ? itemsOf(value).length : ""}</span>
              {wrong > 0 && <span class="small field-wrong"> {say("form.wrong-count", { count: wrong })}</span>}
              {missing > 0 && <span class="small missing"> {say("form.missing-count", { count: missing })}</span>}
            </li>
          );
        })}
      </ul>
    </nav>
  );
}

export function DocumentForm({ form, document, onDocument, base, targets, told, at, onIssues, children }: Props) {
  const current = useRef(document);
  current.current = document;
  const [opened, setOpened] = useState<Record<string, number | null>>({});
  const [issues, setIssues] = useState<Issue[]>([]);
  const known = (to: string): Target[] | undefined => {
    const [kind = "", list = ""] = to.split(":");
    return kind === form.kind ? targetsIn(current.current, list) : targets(to);
  };
  /* Looked at a moment after the last key, so that a thousand items do not slow down typing. */
  useEffect(() => {
    const waits = window.setTimeout(() => setIssues(check(form.elements, document, known)), issues.length === 0 ? 0 : 150);
    return () => window.clearTimeout(waits);
  }, [document, form, targets, language.value]);
  useEffect(() => onIssues?.(issues), [issues]);

  const all = useMemo(() => (told?.text ? [{ path: told.path, element: null, what: "wrong" as const, text: told.text }, ...issues] : issues), [issues, told]);
  const index = useMemo(() => {
    const own = new Map<string, Issue[]>();
    const below = new Map<string, { wrong: number; missing: number }>();
    for (const issue of all) {
      const key = pathKey(issue.path);
      own.set(key, [...(own.get(key) ?? []), issue]);
      for (let length = 1; length <= issue.path.length; length++) {
        const above = pathKey(issue.path.slice(0, length));
        const count = below.get(above) ?? { wrong: 0, missing: 0 };
        count[issue.what]++;
        below.set(above, count);
      }
    }
    return { own, below };
  }, [all]);

  const put = (path: Path, value: Value | undefined) => {
    let made = valuePut(current.current, path, value) as Group;
    const list = path.findLastIndex((step) => typeof step === "number");
    const item = path.slice(0, list + 1);
    /* A new item's slug follows its name until somebody writes another one. */
    if (list >= 0 && path.length === list + 2 && path[list + 1] !== "slug" && isNew(item)) {
      const before = valueAt(current.current, item) as Group;
      const others = itemsOf(valueAt(current.current, path.slice(0, list))).filter((_, i) => i !== path[list]).map(slugOf);
      const key = String(path[list - 1]);
      if (slugOf(before) === slugProposed(before, key, others) || /-\d+$/.test(slugOf(before))) {
        const after = valueAt(made, item) as Group;
        const proposed = slugProposed(after, key, others);
        if (!/-\d+$/.test(proposed) || slugOf(before) === slugProposed(before, key, others)) made = valuePut(made, [...item, "slug"], proposed) as Group;
      }
    }
    current.current = made;
    onDocument(made);
  };
  const isNew = (item: Path): boolean => {
    const slugs = pathWithSlugs(current.current, item);
    const there = base ? pathOfSlugs(base, form.elements, slugs) : [];
    return there.length < item.length;
  };
  const open = (list: Path, place: number | null) => setOpened((old) => ({ ...old, [pathKey(list)]: place }));
  const bound: Bound = {
    valueAt: (path) => valueAt(current.current, path),
    put, isNew, open,
    idOf: (path) => `form:${pathKey(path)}`,
    issuesAt: (path) => index.own.get(pathKey(path)) ?? [],
    countBelow: (path) => index.below.get(pathKey(path)) ?? { wrong: 0, missing: 0 },
    openAt: (list) => opened[pathKey(list)] ?? null,
    targets: known,
    sight: { targets: known },
  };
  const visit = (path: Path) => {
    setOpened((old) => {
      const made = { ...old };
      path.forEach((step, i) => {
        if (typeof step === "number") made[pathKey(path.slice(0, i))] = step;
      });
      return made;
    });
    jump(bound.idOf, path);
  };
  useEffect(() => {
    if (told) visit(told.path);
  }, [told]);
  useEffect(() => {
    if (at) visit(pathOfSlugs(current.current, form.elements, at));
  }, [at]);

  const wrong = all.filter((i) => i.what === "wrong");
  const missing = all.filter((i) => i.what === "missing");
  const label = (issue: Issue) => pathWords(form, document, issue.path).join(" › ");
  const single = form.elements.filter((e) => e.type !== "group" && e.type !== "list");
  const sections = form.elements.filter((e) => e.type === "group" || e.type === "list");
  return (
    <Context.Provider value={bound}>
      <div class="form">
        <Contents elements={sections} bound={bound} />
        <div class="form-main stack">
          {children}
          <Issues title={say("form.wrong-title", { count: wrong.length })} issues={wrong} label={label} onGo={visit} tone="wrong" />
          <Issues title={say("form.missing-title", { count: missing.length })} issues={missing} label={label} onGo={visit} tone="open" />
          {single.length > 0 && <section class="form-section top"><Elements elements={single} path={[]} level={0} /></section>}
          {sections.map((e) => <Section key={e.key} e={e} path={[e.key]} level={0} />)}
        </div>
      </div>
    </Context.Provider>
  );
}
