/*
 * Which page an address means.  Addresses are real ones (`/incidents/acme/3`), so mails lead to them and
 * they can be kept; links are plain <a href>, followed here without loading anything anew.
 */
import { signal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Word } from "../words/words";

export interface Route {
  path: string; /* "/incidents/:client/:number" */
  load: () => Promise<{ default: ComponentType<PageProps> }>;
  title: Word;
  open?: boolean; /* for who is not signed in, without the frame around it */
}
export interface PageProps {
  params: Record<string, string>;
  query: URLSearchParams;
}

export const address = signal(location.pathname + location.search);

export function go(to: string, replace = false): void {
  if (to !== address.value) {
    if (replace) history.replaceState(null, "", to);
    else history.pushState(null, "", to);
  }
  address.value = to;
}
/** Changes the query alone, as filters do: `undefined` or an empty text takes a key away. */
export function goQuery(changes: Record<string, string | undefined>, replace = true): void {
  const url = new URL(address.value, location.origin);
  for (const [key, value] of Object.entries(changes)) {
    if (value) url.searchParams.set(key, value);
    else url.searchParams.delete(key);
  }
  go(url.pathname + url.search, replace);
}

/** An address made of segments, each encoded: `href("incidents", client, 3)`. */
export function href(...segments: (string | number)[]): string {
  return "/" + segments.map((segment) => encodeURIComponent(segment)).join("/");
}

function fits(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/").filter(Boolean);
  const given = path.split("/").filter(Boolean);
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (let i = 0; i < wanted.length; i++) {
    const name = wanted[i]!;
    try {
      if (name.startsWith(":")) params[name.slice(1)] = decodeURIComponent(given[i]!);
      else if (name !== given[i]) return null;
    } catch {
      return null;
    }
  }
  return params;
}
export function routeOf(routes: Route[], at: string): { route: Route; props: PageProps } | null {
  const url = new URL(at, location.origin);
  for (const route of routes) {
    const params = fits(route.path, url.pathname);
    if (params) return { route, props: { params, query: url.searchParams } };
  }
  return null;
}

export function routerStart(): void {
  window.addEventListener("popstate", () => { address.value = location.pathname + location.search; });
  document.addEventListener("click", (event) => {
    const link = (event.target as Element | null)?.closest("a");
    if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey ||
        event.altKey || link.target || link.hasAttribute("download") || link.origin !== location.origin ||
        link.pathname.startsWith("/api/")) return;
    event.preventDefault();
    const to = link.pathname + link.search;
    const other = new URL(address.value, location.origin).pathname !== link.pathname;
    go(to);
    if (other) window.scrollTo(0, 0);
  });
}
