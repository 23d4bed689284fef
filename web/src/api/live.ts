/*
 * What changes, as it happens: one stream of /changes for all open pages of this tab.  It says only
 * that something changed; whoever shows it asks for it again.  After a break it is opened anew, and
 * everybody is told to look again (`hello`).
 */
import { signal } from "@preact/signals";
import { sayEnded, type Schemas } from "./client";

export type Change = Schemas["StateChange"];
export type Live = "off" | "waiting" | "live";
type Listener = (change: Change | null) => void; /* null: anything may have changed */

export const live = signal<Live>("off");
const listeners = new Set<Listener>();
let stream: EventSource | null = null;
let again: number | undefined;

function tell(change: Change | null): void {
  for (const listener of [...listeners]) listener(change);
}

export function liveStart(): void {
  if (stream) return;
  live.value = "waiting";
  stream = new EventSource("/api/v1/changes");
  stream.addEventListener("hello", () => {
    live.value = "live";
    tell(null);
  });
  stream.addEventListener("change", (event) => tell(JSON.parse((event as MessageEvent<string>).data) as Change));
  stream.addEventListener("end", () => {
    liveStop();
    sayEnded();
  });
  stream.addEventListener("error", () => {
    live.value = "waiting";
    /* A refused stream is not tried again by the browser; a broken one is. */
    if (stream?.readyState === EventSource.CLOSED) {
      liveStop();
      live.value = "waiting";
      again = window.setTimeout(liveStart, 5000);
    }
  });
}

export function liveStop(): void {
  stream?.close();
  stream = null;
  window.clearTimeout(again);
  live.value = "off";
}

/** Calls back at each change until the returned function is called. */
export function listen(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
