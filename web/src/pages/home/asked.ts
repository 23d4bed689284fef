/* What the parts of the home ask for.  A part that this person has no right to, or that is not there, is left out. */
import { answer, api, Refusal, type Schemas } from "../../api/client";
import { named, type Names } from "../../words/words";

/** null: not for this person, or not there. */
export async function optional<T>(ask: Promise<T>): Promise<T | null> {
  try {
    return await ask;
  } catch (error) {
    if (error instanceof Refusal && (error.status === 403 || error.status === 404)) return null;
    throw error;
  }
}

/* ---- Devices. */

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SILENCE_MS = 86_400_000; /* where the documents say nothing: a day */
export interface Heard {
  name: string;
  source: string;
  heard: string | null;
  silent: boolean;
}
export function silenceOf(text: string | undefined): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text ?? "") ?? [];
  return count && unit ? Number(count) * UNIT_MS[unit]! : SILENCE_MS;
}

/** Each device with whether it has been silent for longer than it usually is, by `log-sources`. */
export async function heardOf(client: string): Promise<Heard[] | null> {
  const books = await optional(answer(api.GET("/clients/{client}/books", { params: { path: { client } } })));
  if (books === null) return null;
  const path = { client, kind: "log-sources" };
  const described = await optional(answer(api.GET("/clients/{client}/documents/{kind}", { params: { path } })));
  const sources = (described?.document as { sources?: { slug: string; silence?: string }[] } | undefined)?.sources ?? [];
  const now = Date.now();
  return books.sources.filter((one) => one.active && !one.unknown).map((one) => ({
    name: named(one.name, one.source), source: one.source, heard: one.heard,
    silent: one.heard === null || now - Date.parse(one.heard) > silenceOf(sources.find((known) => known.slug === one.source)?.silence),
  }));
}

/* ---- Documents. */

export interface Waiting { kind: string; name: Names | undefined; version: Schemas["Version"] }
export async function signaturesOf(client: string, roles: string[]): Promise<Waiting[] | null> {
  const listed = await optional(answer(api.GET("/clients/{client}/documents", { params: { path: { client } } })));
  if (listed === null) return null;
  const kinds = await optional(answer(api.GET("/schemas")));
  return listed.documents.flatMap(({ kind, latest }) => {
    const waits = latest?.waits.some((set) => set.some((role) => roles.includes(role)));
    return latest && waits && (latest.state === "draft" || latest.state === "signed")
      ? [{ kind, name: kinds?.kinds.find((one) => one.kind === kind)?.name, version: latest }] : [];
  });
}

/* ---- What waits for an answer of this person's besides incidents. */

export interface Requests { logs: Schemas["ProvisionRow"][]; ending: boolean }
/** Requests for logs that this person can approve, and the end of the service that their side has not confirmed. */
export async function requestsOf(client: string, decides: boolean, side: "client" | "provider" | null): Promise<Requests> {
  const params = { path: { client } };
  const listed = decides ? await optional(answer(api.GET("/clients/{client}/provisions", { params }))) : null;
  const ending = side ? await optional(answer(api.GET("/clients/{client}/offboarding", { params }))) : null;
  const confirmed = side === "client" ? ending?.client_confirmed : ending?.provider_confirmed;
  return {
    logs: listed?.provisions.filter((one) => one.status === "waiting-approval") ?? [],
    ending: ending?.status === "exported" && !confirmed,
  };
}

/* ---- Planned work. */

export async function plannedOf(client: string): Promise<Schemas["PlannedWork"][] | null> {
  const planned = await optional(answer(api.GET("/clients/{client}/planned-work", { params: { path: { client } } })));
  const now = Date.now();
  return planned?.planned.filter((one) => one.to === null || Date.parse(one.to) >= now)
    .sort((a, b) => Date.parse(a.from ?? "") - Date.parse(b.from ?? "")) ?? null;
}

/* ---- People to call. */

export interface Contact { slug: string; name: Names; role?: Names; phone?: string; mail?: string; side?: string }
/** Those of the provider and others first; where the document has none, everybody in it. */
export async function contactsOf(client: string): Promise<{ ofProvider: boolean; people: Contact[] } | null> {
  const path = { client, kind: "contacts" };
  const found = await optional(answer(api.GET("/clients/{client}/documents/{kind}", { params: { path } })));
  const people = (found?.document as { people?: Contact[] } | undefined)?.people;
  if (!people || people.length === 0) return null;
  const provider = people.filter((one) => one.side === "provider");
  const other = people.filter((one) => one.side === "other");
  return provider.length + other.length > 0
    ? { ofProvider: provider.length > 0, people: [...provider, ...other] } : { ofProvider: false, people };
}
