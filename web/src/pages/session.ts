/* Coming in and going out. */
import { answer, api, onFactorWanted, onSignedOut, Refusal } from "../api/client";
import { liveStart, liveStop } from "../api/live";
import { isProvider, me, meAsk } from "../api/me";
import { toast } from "../parts/toast";
import { languageUse, languageWanted, say } from "../words/words";
import { keptForgetAll } from "./documents/kept";
import { address, go } from "./router";

const OPEN = ["/sign-in", "/setup", "/invitation"];
const isOpen = () => OPEN.includes(address.value.split("?")[0]!);

/** After a session was made: who it is, their language unless another was chosen here, and where they wanted to go. */
export async function signedIn(): Promise<void> {
  await meAsk();
  if (!localStorage.getItem("hinomi.language") && me.value) await languageUse(me.value.language, false);
  liveStart();
  go(addressOwn(new URLSearchParams(address.value.split("?")[1] ?? "").get("to")), true);
}
/** Where somebody wanted to go, read as the browser would read it (`/\host` and `/<tab>/host` lead away); else `/`. */
function addressOwn(wanted: string | null): string {
  try {
    const url = new URL(wanted ?? "/", location.origin);
    if (url.origin === location.origin && wanted?.startsWith("/") && !url.pathname.startsWith("//")) return url.pathname + url.search;
  } catch {
    /* No address at all. */
  }
  return "/";
}
/** Whoever is shown the door again has left: a session that could not be ended is still there, and is told of. */
export async function signOut(): Promise<void> {
  liveStop();
  try {
    await answer(api.DELETE("/session"));
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 401) {
      toast(say("nav.sign-out-failed"));
      liveStart();
      return;
    }
  }
  keptForgetAll();
  me.value = null;
  go("/sign-in");
}
/** The first page of who is signed in. */
export function firstPage(): string {
  if (isProvider()) return "/queue";
  const client = me.value?.clients.find((c) => c.client !== "installation")?.client;
  return client ? `/clients/${encodeURIComponent(client)}` : "/account";
}

export async function sessionStart(): Promise<void> {
  onSignedOut(() => {
    liveStop();
    me.value = null;
    if (!isOpen()) go(`/sign-in?to=${encodeURIComponent(address.value)}`, true);
  });
  onFactorWanted(() => {
    if (!address.value.startsWith("/account")) go("/account?why=second-factor", true);
  });
  await languageUse(languageWanted(), false);
  if (isOpen()) return;
  try {
    await meAsk();
    if (!localStorage.getItem("hinomi.language") && me.value) await languageUse(me.value.language, false);
    liveStart();
  } catch {
    if (!isOpen()) go(`/sign-in?to=${encodeURIComponent(address.value)}`, true);
  }
}
