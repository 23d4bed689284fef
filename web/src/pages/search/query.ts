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
/** `name: "value"`, as docs/search.md has it. */
export function term(name: string, value: string): string {
  const plain = /^[A-Za-z_@][\w.@-]*$/.test(name) && !/^(and|or|not)$/i.test(name);
  return `${plain ? name : quoted(name)}: ${quoted(value)}`;
}
export function withTerm(query: string, added: string, not: boolean): string {
  const before = query.trim();
  const more = not ? `not ${added}` : added;
  if (before === "") return more;
  return /\bor\b/i.test(before) ? `(${before}) ${more}` : `${before} ${more}`;
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
