/*
 * Who of the provider works for a client, and as what: each person of the party with the roles that they
 * can take.  The whole list is replaced at once.
 */
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { Dialog } from "../../parts/dialog";
import { CheckField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { named, say } from "../../words/words";
import type { Person } from "./person-form";
import { slugOf } from "./state";

type Engagement = Schemas["Engagement"];
type Assignment = Engagement["assignments"][number];
const ROLES: Assignment["role"][] = ["provider-admin", "engineer", "analyst", "consultant", "auditor", "bidder"];

interface Line { slug: string; name: string; roles: Assignment["role"][] }
/** Who can be chosen: whoever is active, and who stands in the list already, until they are taken out. */
function linesOf(own: Person[], before: Assignment[]): Line[] {
  const slugs = new Set([...own.filter((p) => p.active).map(slugOf), ...before.map((a) => a.person)]);
  return [...slugs].map((slug) => {
    const person = own.find((p) => slugOf(p) === slug);
    const has = (role: Assignment["role"]) =>
      (person?.active && person.roles.includes(role)) || before.some((a) => a.person === slug && a.role === role);
    return { slug, name: named(person?.name, slug), roles: ROLES.filter(has) };
  }).filter((line) => line.roles.length > 0);
}

export function Assign({ client, engagement, own, onDone, onClose }:
  { client: string; engagement: Engagement; own: Person[]; onDone: () => void; onClose: () => void }) {
  const [list, setList] = useState<Assignment[]>(engagement.assignments);
  const is = (slug: string, role: Assignment["role"]) => list.some((a) => a.person === slug && a.role === role);
  const set = (slug: string, role: Assignment["role"], on: boolean) =>
    setList(on ? [...list, { person: slug, role }] : list.filter((a) => a.person !== slug || a.role !== role));
  const save = async () => {
    await answer(api.PUT("/clients/{client}/engagements/{engagement}/assignments", {
      params: { path: { client, engagement: engagement.engagement } }, body: { assignments: list } }));
    toast(say("account.saved"));
    onDone();
  };
  return (
    <Dialog wide title={say("people.assign")} onClose={onClose} onDo={save} act={say("common.save")}>
      <p class="soft">{say("people.assign-help")}</p>
      <div class="assignments">
        {linesOf(own, engagement.assignments).map(({ slug, name, roles }) => (
          <fieldset key={slug} class="assignment">
            <legend><strong>{name}</strong> <span class="small soft">{slug}</span></legend>
            {roles.map((role) => <CheckField key={role} label={say(`role.${role}`)} value={is(slug, role)} onValue={(on) => set(slug, role, on)} />)}
          </fieldset>
        ))}
      </div>
      <p class="small soft">{say("people.assign-roles")} <a href="/people">{say("people.title")}</a></p>
    </Dialog>
  );
}
