/*
 * What a kind of document is made of, as GET /schemas/{kind}/form tells it: the one thing that forms,
 * readings and comparisons are drawn from.  A kind does not change while the program runs, so each is
 * asked for once.
 */
import { language, named, type Names } from "../words/words";
import { answer, api } from "./client";
import type { Role } from "./me";

export type ElementType =
  | "group" | "list" | "text" | "long-text" | "words" | "choice" | "number" | "yes-no" | "duration" | "address"
  | "network" | "ports" | "mail" | "url" | "phone" | "date" | "time" | "hours" | "zone" | "query" | "reference";

export interface FormElement {
  key: string;
  path: string; /* keys alone, without slugs: "assets/owner" */
  type: ElementType;
  label: Names;
  help?: Names;
  required?: boolean;
  many?: boolean;
  hidden?: boolean; /* not shown to the provider until it is disclosed */
  lines?: boolean; /* text of several lines */
  guideline?: string;
  requirements?: string;
  to?: string; /* of a reference: "contacts:people" */
  initial?: string;
  min?: number;
  max?: number;
  choices?: { value: string; label: Names }[];
  elements?: FormElement[];
}
export interface Form {
  kind: string;
  name: Names;
  guideline?: string;
  signatures: Role[][];
  elements: FormElement[];
}

/** A document, a group or an item; values as the API tells them. */
export type Value = string | number | boolean | Names | Value[] | Group;
export interface Group {
  [key: string]: Value | null | undefined; /* null: there, but not disclosed */
}

const forms = new Map<string, Promise<Form>>();
export function formOf(kind: string): Promise<Form> {
  let form = forms.get(kind);
  if (!form) {
    form = answer(api.GET("/schemas/{kind}/form", { params: { path: { kind } } })) as Promise<unknown> as Promise<Form>;
    forms.set(kind, form);
    form.catch(() => forms.delete(kind));
  }
  return form;
}

export const isGroup = (value: unknown): value is Group => typeof value === "object" && value !== null && !Array.isArray(value);
export function itemsOf(value: Value | null | undefined): Group[] {
  return Array.isArray(value) ? value.filter(isGroup) : [];
}
export const slugOf = (item: Group): string => (typeof item.slug === "string" ? item.slug : "");
export function wordsOf(value: Value | null | undefined): Partial<Names> {
  if (typeof value === "string") return { [language.value]: value };
  return isGroup(value) ? (value as Partial<Names>) : {};
}
/** How people call an item: its name, else its slug. */
export function itemName(item: Group): string {
  const { ja = "", en = "" } = wordsOf(item.name);
  return named({ ja, en }) || slugOf(item);
}
/** The element that a path means, with slugs ("assets/web-1/owner") or without ("assets/owner"). */
export function elementAt(elements: FormElement[], path: string): FormElement | undefined {
  let level: FormElement[] | undefined = elements;
  let found: FormElement | undefined;
  const parts = path.split("/");
  for (let i = 0; i < parts.length && level; i++) {
    found = level.find((e) => e.key === parts[i]);
    level = found?.elements;
  }
  return found;
}

export interface Target {
  slug: string;
  name: string;
}
/** What a reference may lead to: the items of a list of the newest version of a kind, as far as they are shown. */
export async function targetsOf(client: string, to: string): Promise<Target[]> {
  const [kind = "", list = ""] = to.split(":");
  const path = { client, kind };
  const { versions } = await answer(api.GET("/clients/{client}/documents/{kind}/versions", { params: { path } }));
  const newest = versions.find((v) => v.state !== "withdrawn");
  if (!newest) return [];
  const got = await answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}",
    { params: { path: { ...path, hash: newest.hash } } }));
  return targetsIn(got.document as Group, list);
}
export function targetsIn(document: Group, list: string): Target[] {
  return itemsOf(document[list]).map((item) => ({ slug: slugOf(item), name: itemName(item) }));
}
/** Every other list that elements of this kind refer to. */
export function referencesOf(elements: FormElement[]): string[] {
  const found = new Set<string>();
  const walk = (list: FormElement[]) => list.forEach((e) => {
    if (e.to) found.add(e.to);
    walk(e.elements ?? []);
  });
  walk(elements);
  return [...found];
}
