/* The texts around a query: what a value adds to it, where a mistake stands, and spans of time. */
import type { Refusal } from "../../api/client";

/** The presets, in seconds. */
export const SPANS = { "15m": 900, "1h": 3600, "4h": 4 * 3600, "24h": 86400, "7d": 7 * 86400, "30d": 30 * 86400 } as const;
export type Preset = keyof typeof SPANS;
export interface Span {
  preset?: Preset;
  from?: string; /* RFC 3339 */
  to?: string;
}

const moment = (text: string | null) => {
  const at = Date.parse(text ?? "");
  return Number.isNaN(at) ? undefined : new Date(at).toISOString();
};
/** The span that an address asks for; the last 24 hours where it says none. */
export function spanOf(query: URLSearchParams): Span {
  const [from, to] = [moment(query.get("from")), moment(query.get("to"))];
  if (from && to && from < to) return { from, to };
  const preset = query.get("span") as Preset;
  return { preset: preset in SPANS ? preset : "24h" };
}
/** Its two ends at this moment; a second that has begun is part of it. */
export function spanEnds(span: Span, now: number): { from: string; to: string } {
  if (span.from && span.to) return { from: span.from, to: span.to };
  const to = Math.ceil(now / 1000) * 1000;
  return { from: new Date(to - SPANS[span.preset ?? "24h"] * 1000).toISOString(), to: new Date(to).toISOString() };
}

const quoted = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
/** A field's name as it is written in a query. */
export function fieldName(name: string): string {
  const plain = /^[A-Za-z_@][\w.@-]*$/.test(name) && !/^(and|or|not)$/i.test(name);
  return plain ? name : quoted(name);
}
/** `name: "value"`, as docs/search.md has it. */
export function term(name: string, value: string): string {
  return `${fieldName(name)}: ${quoted(value)}`;
}
/** Adds a term to the search; its pipes stay behind it. */
export function withTerm(query: string, added: string, not: boolean): string {
  const { search, pipes } = parted(query);
  const more = not ? `not ${added}` : added;
  const wider = search === "" ? more : /\bor\b/i.test(search) ? `(${search}) ${more}` : `${search} ${more}`;
  return [wider, ...pipes].join(" | ");
}

/** A query is a search and what its pipes make of what was found.  A `|` in quotes or in a pattern is none. */
export function parted(query: string): { search: string; pipes: string[] } {
  const parts = [""];
  let end = ""; /* of the quote or pattern that is open */
  for (let i = 0; i < query.length; i++) {
    const c = query[i]!;
    const begins = /(^|[\s(:!-])$/.test(parts.at(-1)!);
    if (c === "|" && !end) {
      parts.push("");
      continue;
    }
    if (c === end) end = "";
    else if (!end && (c === '"' || (c === "/" && begins))) end = c;
    parts[parts.length - 1] += c;
    if (c === "\\" && i + 1 < query.length) parts[parts.length - 1] += query[++i]!;
  }
  const [search, ...pipes] = parts.map((part) => part.trim());
  return { search: search!, pipes };
}
/** What the last pipe that changes the shape makes: "top", "timeline", "count", "fields" … */
export function shapeOf(pipes: string[]): string {
  const named = pipes.map((pipe) => /^[a-z]+/i.exec(pipe)?.[0].toLowerCase() ?? "");
  return named.findLast((name) => !["sort", "dedup", "where", "head", "limit", "tail", ""].includes(name)) ?? "";
}

/** Where in the query a refusal sees the mistake: an index in characters, and what it says there. */
export function mistakeOf(refusal: Refusal | undefined, query: string): { at: number; text: string } | null {
  if (!refusal || refusal.status !== 400) return null;
  const told = /^(?:query: *)?(\d+):(\d+): (.*)$/s.exec(refusal.detail ?? "");
  const column = told ? Number(told[2]) : refusal.column;
  if (!column) return null;
  /* The service counts bytes. */
  const before = new TextDecoder().decode(new TextEncoder().encode(query).slice(0, column - 1));
  return { at: Math.min(before.length, query.length), text: told?.[3] ?? refusal.detail ?? refusal.message };
}
