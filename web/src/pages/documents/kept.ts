/*
 * What was typed and not saved yet, kept in this tab under the person's name, so that neither a closed
 * page nor an ended session loses it.  Signing out by hand forgets it.
 */
import { useEffect } from "preact/hooks";
import type { Group } from "../../api/form";
import { me } from "../../api/me";

export interface Kept {
  after: string; /* the newest version when it was begun; empty: there was none */
  base: string; /* the version that it was made from */
  document: Group;
  note: string;
  wanted: string;
}
const PREFIX = "hinomi.draft:";
const keyOf = (client: string, kind: string): string => `${PREFIX}${me.value?.person ?? ""}:${client}:${kind}`;

export function keptRead(client: string, kind: string): Kept | undefined {
  try {
    const text = sessionStorage.getItem(keyOf(client, kind));
    return text ? (JSON.parse(text) as Kept) : undefined;
  } catch {
    return undefined;
  }
}
export function keptForget(client: string, kind: string): void {
  sessionStorage.removeItem(keyOf(client, kind));
}
/** Everything of everybody, when somebody signs out. */
export function keptForgetAll(): void {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
}
/** A moment after the last key, and when the page goes. */
export function useKept(client: string, kind: string, kept: Kept | undefined): void {
  useEffect(() => {
    if (!kept) return;
    const write = () => {
      try {
        sessionStorage.setItem(keyOf(client, kind), JSON.stringify(kept));
      } catch {
        /* Larger than this browser keeps: the guard below still asks. */
      }
    };
    const waits = window.setTimeout(write, 400);
    window.addEventListener("pagehide", write);
    return () => {
      window.clearTimeout(waits);
      window.removeEventListener("pagehide", write);
    };
  }, [client, kind, kept]);
}

/** Before somebody leaves a page with something unsaved: `ask` is called with where they wanted to go. */
export function useGuard(dirty: boolean, ask: (to: string) => void): void {
  useEffect(() => {
    if (!dirty) return;
    const unload = (event: BeforeUnloadEvent) => event.preventDefault();
    const click = (event: MouseEvent) => {
      const link = (event.target as Element | null)?.closest("a");
      if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link.target ||
          link.hasAttribute("download") || link.origin !== location.origin || link.hasAttribute("data-stay")) return;
      event.preventDefault();
      event.stopPropagation();
      ask(link.pathname + link.search);
    };
    window.addEventListener("beforeunload", unload);
    document.addEventListener("click", click, true);
    return () => {
      window.removeEventListener("beforeunload", unload);
      document.removeEventListener("click", click, true);
    };
  }, [dirty]);
}
