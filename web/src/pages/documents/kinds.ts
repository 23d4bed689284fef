/* What all pages about documents share: addresses, the names behind references, who is awaited. */
import { useMemo } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { formOf, referencesOf, targetsIn, targetsOf, type Form, type Group, type Target } from "../../api/form";
import { hasRole, may, me, sideOf, type Role } from "../../api/me";
import { useAsked } from "../../api/use";
import type { Sight } from "../../parts/form/shown";
import { say } from "../../words/words";
import { href } from "../router";

export type Version = Schemas["Version"];
export type Read = Omit<Schemas["Document"], "document"> & { document: Group };

export function documentHref(client: string, kind: string, query: Record<string, string | undefined> = {}, page?: "edit" | "compare"): string {
  const search = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => !!pair[1])).toString();
  return href("documents", client, kind, ...(page ? [page] : [])) + (search ? `?${search}` : "");
}
/** "contacts:people" and a slug: where that person is read. */
export function targetHref(client: string, to: string, slug: string): string {
  const [kind = "", list = ""] = to.split(":");
  return documentHref(client, kind, { at: `${list}/${slug}` });
}

export async function versionRead(client: string, kind: string, hash: string): Promise<Read> {
  const got = await answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}", { params: { path: { client, kind, hash } } }));
  return got as unknown as Read;
}
export async function versionsList(client: string, kind: string): Promise<Version[]> {
  return (await answer(api.GET("/clients/{client}/documents/{kind}/versions", { params: { path: { client, kind } } }))).versions;
}
/** What is read first: what is in effect, else the newest that was not withdrawn, else the newest. */
export function versionFirst(versions: Version[]): Version | undefined {
  return versions.find((v) => v.state === "effective") ?? versions.find((v) => v.state !== "withdrawn") ?? versions[0];
}
/** The newest draft behind what is in effect, if there is one. */
export function versionPending(versions: Version[]): Version | undefined {
  const newest = versions.find((v) => v.state !== "withdrawn");
  return newest && (newest.state === "draft" || newest.state === "signed") ? newest : undefined;
}

/** The role in which I could still sign, of those that are awaited. */
export function signRole(client: string, version: Version): Role | undefined {
  if (version.state !== "draft") return undefined;
  return version.waits.flat().find((role) => hasRole(client, role));
}
export function mayDraft(client: string): boolean {
  return may(client, "draft") || may(client, "manage");
}
/** Only the client's own people say what is disclosed. */
export function mayDisclose(client: string): boolean {
  return sideOf(client) === "client" && may(client, "draft");
}
export function isOther(author: string): boolean {
  return me.value?.person.split("/")[0] !== author.split("/")[0];
}
/** Who wrote it: a person by name, or whoever runs the machine, by an apply file. */
export function authorText(author: string, person: (who: string) => string): string {
  return author.startsWith("uid:") ? say("documents.author-file") : person(author);
}
export function rolesText(roles: readonly Role[]): string {
  return roles.map((role) => say(`documents.role.${role}`)).join(say("documents.or"));
}

interface Known {
  targets: (to: string) => Target[] | undefined;
  sight: Sight;
}
/** The items that references of this kind may mean; those of the kind itself are of the document that is shown. */
export function useSight(client: string, form: Form | undefined, document?: Group): Known {
  const asked = useAsked(async () => {
    if (!form) return {};
    const lists = referencesOf(form.elements);
    const found = await Promise.all(lists.map((to) => targetsOf(client, to).catch(() => undefined)));
    return Object.fromEntries(lists.map((to, at) => [to, found[at]])) as Record<string, Target[] | undefined>;
  }, [client, form], (c) => c.what === "document" && c.client === client && c.kind !== form?.kind);
  return useMemo(() => {
    const targets = (to: string): Target[] | undefined => {
      const [kind = "", list = ""] = to.split(":");
      return kind === form?.kind && document ? targetsIn(document, list) : asked.data?.[to];
    };
    return { targets, sight: { targets, href: (to: string, slug: string) => targetHref(client, to, slug) } };
  }, [asked.data, form, document, client]);
}
export function useForm(kind: string): { form: Form | undefined; asked: ReturnType<typeof useAsked<Form>> } {
  const asked = useAsked(() => formOf(kind), [kind]);
  return { form: asked.data, asked };
}
