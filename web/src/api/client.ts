/*
 * The way to desk: calls whose paths, bodies and answers are typed by docs/api.yaml (types.ts is made of
 * it).  A refusal is thrown as a Refusal, which carries the sentence that the service wrote in the
 * reader's language.
 */
import createClient, { type Middleware } from "openapi-fetch";
import { language } from "../words/words";
import type { components, paths } from "./made/types";

export type Schemas = components["schemas"];
export type Me = Schemas["Me"];
export type Incident = Schemas["Incident"];
export type Severity = Incident["severity"];
export type State = Incident["state"];

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    text: string,
    readonly line?: number,
    readonly column?: number,
    readonly detail?: string,
    readonly retrySeconds?: number,
  ) {
    super(text);
  }
}

/** Called when the session has ended, wherever that was noticed. */
let signedOut: () => void = () => undefined;
export function onSignedOut(call: () => void): void {
  signedOut = call;
}
export function sayEnded(): void {
  signedOut();
}
/** Called when a call was refused because this person has no second factor yet and must have one. */
let factorWanted: () => void = () => undefined;
export function onFactorWanted(call: () => void): void {
  factorWanted = call;
}

const TRIES_MAX = 3;
const manners: Middleware = {
  onRequest({ request }) {
    request.headers.set("Hinomi-Request", "1");
    request.headers.set("Accept-Language", language.value);
    return request;
  },
  /* Who presses on before the last answer is there may ask for too much at once: what only reads is asked again. */
  async onResponse({ request, response }) {
    let got = response;
    for (let tries = 0; tries < TRIES_MAX && request.method === "GET" && (got.status === 429 || got.status === 503); tries++) {
      const seconds = Math.min(Number(got.headers.get("Retry-After")) || 1, 2);
      await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
      got = await fetch(new Request(request));
    }
    return got;
  },
};
const client = createClient<paths>({ baseUrl: "/api/v1", credentials: "same-origin" });
client.use(manners);

interface Answered<T> {
  data?: T;
  error?: unknown;
  response: Response;
}
/** What was answered, or the refusal thrown: `await answer(api.GET("/me"))`. */
export async function answer<T>(call: Promise<Answered<T>>): Promise<T> {
  let got: Answered<T>;
  try {
    got = await call;
  } catch {
    throw new Refusal(0, "unreachable", "");
  }
  if (got.response.ok) return got.data as T;
  const error = (got.error as Schemas["Error"] | undefined)?.error;
  const refusal = new Refusal(
    got.response.status,
    error?.code ?? "failed",
    error?.text ?? "",
    error?.line,
    error?.column,
    error?.detail,
    Number(got.response.headers.get("Retry-After")) || undefined,
  );
  if (refusal.status === 401 && refusal.code === "sign-in") signedOut();
  if (refusal.code === "second-factor-wanted") factorWanted();
  throw refusal;
}

export const api = client;
