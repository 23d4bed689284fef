/*
 * A list that lives without jumping.  What a line says changes at once; where it stands changes only
 * while nobody points at the list, works in it by keyboard or has scrolled into it: what an analyst is
 * about to press never moves away.  Lines that are new wait then, and a bar says how many; lines that
 * are done stay as they last were, marked.
 */
import { useEffect, useRef, useState } from "preact/hooks";

export interface Held<T> {
  rows: T[]; /* in the order to be shown */
  waiting: T[]; /* new, and not shown yet */
  fresh: (key: string) => boolean; /* came a moment ago */
  gone: (key: string) => boolean; /* no longer in the list */
  show: () => void;
  hold: { onPointerEnter: (event: PointerEvent) => void; onPointerLeave: () => void; onFocusIn: () => void; onFocusOut: (event: FocusEvent) => void };
}
const FRESH_MS = 12_000;
const SCROLLED = 240; /* pixels */

export function useHeld<T>(sorted: T[] | undefined, keyOf: (row: T) => string, filter: string): Held<T> {
  const [, draw] = useState(0);
  const [pointed, setPointed] = useState(false);
  const [focused, setFocused] = useState(false);
  const order = useRef<string[]>([]);
  const last = useRef(new Map<string, T>());
  const known = useRef<Map<string, number> | null>(null);
  const under = useRef(filter);
  const shown = useRef(false); /* "show them" was asked for */

  const now = Date.now();
  const present = new Map((sorted ?? []).map((row) => [keyOf(row), row]));
  if (sorted && known.current === null) known.current = new Map([...present.keys()].map((key) => [key, 0]));
  const holds = (pointed || focused || window.scrollY > SCROLLED) && under.current === filter && !shown.current;
  shown.current = false;
  under.current = filter;
  let rows = sorted ?? [];
  let waiting: T[] = [];
  if (!holds || order.current.length === 0) {
    order.current = [...present.keys()];
    last.current = present;
  } else {
    for (const [key, row] of present) last.current.set(key, row);
    rows = order.current.flatMap((key) => last.current.get(key) ?? []);
    const standing = new Set(order.current);
    waiting = [...present].filter(([key]) => !standing.has(key)).map(([, row]) => row);
  }
  for (const key of order.current) if (known.current && !known.current.has(key)) known.current.set(key, now + FRESH_MS);

  const soon = [...(known.current?.values() ?? [])].some((until) => until > now);
  useEffect(() => {
    if (!soon) return;
    const timer = window.setTimeout(() => draw((n) => n + 1), FRESH_MS + 100);
    return () => window.clearTimeout(timer);
  }, [soon, sorted]);

  return {
    rows, waiting,
    fresh: (key) => (known.current?.get(key) ?? 0) > now,
    gone: (key) => !present.has(key),
    show: () => {
      shown.current = true;
      window.scrollTo(0, 0);
      draw((n) => n + 1);
    },
    hold: {
      onPointerEnter: (event) => { if (event.pointerType === "mouse") setPointed(true); },
      onPointerLeave: () => setPointed(false),
      onFocusIn: () => setFocused(true),
      onFocusOut: (event) => setFocused((event.currentTarget as HTMLElement).contains(event.relatedTarget as Node | null)),
    },
  };
}
