/*
 * Keys: each page says which it knows, the frame adds those that lead to other pages.
 *
 *     useKeys(say("keys.queue"), [{ keys: "j", text: say("keys.next"), run: next }]);
 *
 * They are plain letters, so they rest while somebody writes or a question is open, and can be switched
 * off (WCAG 2.1.4).  "g q" is g, then q.
 */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

export interface Key {
  keys: string;
  text: string;
  run: () => void;
}
interface Group {
  title: string;
  keys: Key[];
}
const KEPT = "hinomi.keys";
const PAUSE_MS = 1500; /* between the two of "g q" */

const groups: { current: Group }[] = [];
export const keysOn = signal(localStorage.getItem(KEPT) !== "off");
export const keysShown = signal(false);
let begun = "";
let forgets: number | undefined;

export function keysUse(on: boolean): void {
  keysOn.value = on;
  localStorage.setItem(KEPT, on ? "on" : "off");
}
/** What can be pressed now, for the list of keys. */
export function keysKnown(): Group[] {
  return groups.map((group) => group.current);
}

export function useKeys(title: string, keys: Key[]): void {
  const group = useRef<Group>({ title, keys });
  group.current = { title, keys };
  useEffect(() => {
    groups.push(group);
    return () => void groups.splice(groups.indexOf(group), 1);
  }, []);
}

function writes(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!keysOn.value || writes(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key.length !== 1) return;
  const said = begun ? `${begun} ${event.key}` : event.key;
  const known = groups.flatMap((group) => group.current.keys);
  const found = known.findLast((key) => key.keys === said);
  window.clearTimeout(forgets);
  begun = "";
  if (found) {
    event.preventDefault();
    found.run();
  } else if (known.some((key) => key.keys.startsWith(`${said} `))) {
    begun = said;
    forgets = window.setTimeout(() => { begun = ""; }, PAUSE_MS);
  }
}

export function useKeyboard(): void {
  useEffect(() => {
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, []);
}
