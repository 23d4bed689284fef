/*
 * A document while it is being typed: plain JSON that is never changed in place.  Paths are keys and
 * places in lists; the service's paths have slugs instead.
 *
 * Text is kept as it is typed, also where it will be a number; `written` makes what is sent of it, one
 * value a line, so that a refusal with a line leads back to the field.
 */
import { isGroup, slugOf, type FormElement, type Group, type Value } from "../../api/form";

export type Path = readonly (string | number)[];
export const pathKey = (path: Path): string => path.join("/");

export function valueAt(root: Value | undefined, path: Path): Value | undefined {
  let at: Value | undefined | null = root;
  for (const step of path) {
    if (at === undefined || at === null) return undefined;
    at = typeof step === "number" ? (at as Value[])[step] : (at as Group)[step];
  }
  return at ?? undefined;
}
/** The same with another value at the path; `undefined` takes a key away. */
export function valuePut(root: Value | undefined, path: Path, value: Value | undefined): Value {
  const [step, ...rest] = path;
  if (step === undefined) return value as Value;
  if (typeof step === "number") {
    const list = Array.isArray(root) ? [...root] : [];
    list[step] = valuePut(list[step], rest, value);
    return list;
  }
  const group: Group = isGroup(root) ? { ...root } : {};
  const made = rest.length === 0 ? value : valuePut(group[step] ?? undefined, rest, value);
  if (made === undefined) delete group[step];
  else group[step] = made;
  return group;
}

/** With slugs, as the service says it: "assets/web-1/owner". */
export function pathWithSlugs(root: Group, path: Path): string {
  return path.map((step, i) =>
    typeof step === "number" ? slugOf((valueAt(root, path.slice(0, i + 1)) as Group | undefined) ?? {}) : step).join("/");
}
/** Back again; the part of it that is there.  A half of a text (".ja") is left out. */
export function pathOfSlugs(root: Group, elements: FormElement[], text: string): Path {
  const path: (string | number)[] = [];
  let level: FormElement[] | undefined = elements;
  let list = false;
  for (const part of text.replace(/\.(ja|en)$/, "").split("/")) {
    if (list) {
      const at = ((valueAt(root, path) as Group[] | undefined) ?? []).findIndex((item) => slugOf(item) === part);
      if (at < 0) return path;
      path.push(at);
      list = false;
    } else {
      const element: FormElement | undefined = level?.find((e) => e.key === part);
      if (!element) return path;
      path.push(part);
      level = element.elements;
      list = element.type === "list";
    }
  }
  return path;
}

const says = (value: Value | undefined | null): boolean =>
  value !== undefined && value !== null && value !== "" &&
  (typeof value !== "object" || Object.values(value).some((inner) => says(inner as Value)));
export { says };

interface Out {
  text: string;
  places: Path[]; /* of line 1, 2, … */
}
const WHOLE = /^-?\d{1,15}$/;

function scalarText(element: FormElement, value: Value): string {
  if (element.type === "number" && typeof value === "string" && WHOLE.test(value.trim())) return String(Number(value));
  if (typeof value === "string" && !element.lines) return JSON.stringify(value.trim());
  return JSON.stringify(value);
}
function wordsText(value: Value): string {
  const halves = Object.entries(value).filter(([, half]) => typeof half === "string" && half.trim() !== "");
  return JSON.stringify(Object.fromEntries(halves));
}

/** The body of a draft: the document, then what else is said about it. */
export function written(elements: FormElement[], document: Group, more: Record<string, string>): Out {
  const lines: string[] = [];
  const places: Path[] = [];
  const line = (text: string, path: Path) => {
    lines.push(text);
    places.push(path);
  };
  const rows = (values: Value[], path: Path, head: string, one: (value: Value, at: number, comma: string) => void) => {
    line(`${head}[`, path);
    values.forEach((value, at) => one(value, at, at < values.length - 1 ? "," : ""));
  };
  const element = (e: FormElement, value: Value, path: Path, comma: string) => {
    const head = `${JSON.stringify(e.key)}: `;
    if (e.type === "list") {
      rows(value as Value[], path, head, (item, at, c) => group(e.elements!, item as Group, [...path, at], "", c));
      line(`]${comma}`, path);
    } else if (e.type === "group") group(e.elements!, value as Group, path, head, comma);
    else if (e.many && Array.isArray(value)) {
      rows(value.filter(says), path, head, (v, _, c) => line(scalarText(e, v) + c, path));
      line(`]${comma}`, path);
    } else line(head + (e.type === "words" ? wordsText(value) : scalarText(e, value)) + comma, path);
  };
  const group = (list: FormElement[], value: Group, path: Path, head: string, comma: string) => {
    const there = list.filter((e) => says(value[e.key]));
    const slug = typeof path[path.length - 1] === "number";
    line(`${head}{`, path);
    if (slug) line(`"slug": ${JSON.stringify(slugOf(value))}${there.length > 0 ? "," : ""}`, [...path, "slug"]);
    there.forEach((e, at) => element(e, value[e.key]!, [...path, e.key], at < there.length - 1 ? "," : ""));
    line(`}${comma}`, path);
  };
  const rest = Object.entries(more).filter(([, text]) => text !== "");
  line("{", []);
  group(elements, document, [], '"document": ', rest.length > 0 ? "," : "");
  rest.forEach(([key, text], at) => line(`${JSON.stringify(key)}: ${JSON.stringify(text)}${at < rest.length - 1 ? "," : ""}`, []));
  line("}", []);
  return { text: lines.join("\n"), places };
}

/* ---- Slugs. */

export const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
export function slugFrom(text: string): string {
  return text.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 48).replace(/-+$/, "");
}
/** What a new item could be called, that no other is. */
export function slugProposed(item: Group, key: string, others: readonly string[]): string {
  const name = isGroup(item.name) ? item.name : {};
  const said = [name.en, name.ja, item.placeholder].find((text) => typeof text === "string" && slugFrom(text) !== "");
  const base = said ? slugFrom(said as string) : key.replace(/ies$/, "y").replace(/eria$/, "erion").replace(/s$/, "");
  if (said && !others.includes(base)) return base;
  let count = said ? 2 : others.length + 1;
  while (others.includes(`${base}-${count}`)) count++;
  return `${base}-${count}`;
}
