/* Who is signed in, and what they may do for which client. */
import { signal } from "@preact/signals";
import { answer, api, Refusal, type Me, type Schemas } from "./client";

export type Right = Me["clients"][number]["rights"][number];
export type Client = Schemas["Client"];
export type Role = Me["clients"][number]["roles"][number];

export const me = signal<Me | null>(null);
export const clients = signal<Client[]>([]);

export async function meAsk(): Promise<void> {
  const person = await answer(api.GET("/me"));
  try {
    clients.value = (await answer(api.GET("/clients"))).clients;
  } catch (error) {
    /* Who must have a second factor and has none reaches their account, and nothing else. */
    if (!(error instanceof Refusal) || error.code !== "second-factor-wanted") throw error;
    clients.value = [];
  }
  me.value = person;
}
/** The party of who is signed in. */
export function myParty(): string {
  return me.value?.person.split("/")[0] ?? "";
}
export function may(client: string, right: Right): boolean {
  return me.value?.clients.find((c) => c.client === client)?.rights.includes(right) ?? false;
}
export function mayAnywhere(right: Right): boolean {
  return me.value?.clients.some((c) => c.rights.includes(right)) ?? false;
}
export function sideOf(client: string): Client["side"] {
  return me.value?.clients.find((c) => c.client === client)?.side ?? "none";
}
export function hasRole(client: string, role: Me["clients"][number]["roles"][number]): boolean {
  return me.value?.clients.find((c) => c.client === client)?.roles.includes(role) ?? false;
}
/** Whether this person works for the provider: then the queue is the first page. */
export function isProvider(): boolean {
  return me.value?.clients.some((c) => c.side === "provider" || c.side === "installation") ?? false;
}
export function clientName(slug: string): Client["name"] | undefined {
  return clients.value.find((c) => c.client === slug)?.name;
}
