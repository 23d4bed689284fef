/*
 * A line as it was received, with the parts marked that a rule found.  The line comes from outside: it is
 * shown as text and nothing else, and what is looked for in it is text too, never a pattern.
 */
import type { ComponentChildren } from "preact";

import { plain } from "../../words/plain";

const MARKS_MAX = 50;

export function Marked({ text: line, parts }: { text: string; parts: string[] }) {
  const text = plain(line);
  const low = text.toLowerCase();
  const wanted = [...new Set(parts.map((part) => plain(part).toLowerCase()))].filter((part) => part.length > 1);
  wanted.sort((a, b) => b.length - a.length);
  const spans: [number, number][] = [];
  /* Lower case may change lengths; then places would not fit, and nothing is marked. */
  if (low.length === text.length) {
    for (const part of wanted) {
      for (let at = low.indexOf(part); at >= 0 && spans.length < MARKS_MAX; at = low.indexOf(part, at + part.length)) {
        const end = at + part.length;
        if (spans.every(([from, to]) => end <= from || at >= to)) spans.push([at, end]);
      }
    }
  }
  spans.sort((a, b) => a[0] - b[0]);
  const out: ComponentChildren[] = [];
  let at = 0;
  for (const [from, to] of spans) {
    out.push(text.slice(at, from), <mark key={from}>{text.slice(from, to)}</mark>);
    at = to;
  }
  out.push(text.slice(at));
  return <>{out}</>;
}
