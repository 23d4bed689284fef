/* The form of a person: to add one, or to change one. */
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { me, myParty } from "../../api/me";
import { Dialog } from "../../parts/dialog";
import { CheckField, SelectField, TextField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { named, say } from "../../words/words";
import { slugOf } from "./state";

export type Person = Schemas["Person"];
export type Role = Person["roles"][number];

const OF_SIDE: Record<string, Role[]> = {
  client: ["responsible", "contact", "viewer"],
  provider: ["provider-admin", "engineer", "analyst", "consultant"],
  installation: ["provider-admin", "engineer", "analyst", "consultant"],
  auditor: ["auditor"],
  bidder: ["bidder"],
};
const ORDER: Role[] = ["provider-admin", "engineer", "analyst", "consultant", "responsible", "contact", "viewer", "auditor", "bidder"];

/** Roles that my party can give, by the sides on which it stands, and those that `person` has already. */
function rolesOffered(person?: Person): Role[] {
  const party = myParty();
  const offered = new Set<Role>(person?.roles ?? []);
  for (const { client, side } of me.value?.clients ?? []) {
    if (side === "client" && client !== party) continue;
    for (const role of OF_SIDE[side] ?? []) offered.add(role);
  }
  return ORDER.filter((role) => offered.has(role));
}

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
interface Draft { person: string; ja: string; en: string; mail: string; language: "ja" | "en"; active: boolean; roles: Role[] }
function draftOf(person?: Person): Draft {
  return {
    person: person ? slugOf(person) : "", ja: person?.name.ja ?? "", en: person?.name.en ?? "", mail: person?.mail ?? "",
    language: person?.language ?? me.value?.language ?? "ja", active: person?.active ?? true, roles: person?.roles ?? [],
  };
}

function Roles({ roles, offered, onRoles }: { roles: Role[]; offered: Role[]; onRoles: (roles: Role[]) => void }) {
  return (
    <fieldset class="choices">
      <legend class="label">{say("people.roles")}</legend>
      <p class="small soft">{say("people.roles-help")}</p>
      {offered.map((role) => (
        <CheckField key={role} value={roles.includes(role)}
          label={<>{say(`role.${role}`)}<span class="small soft role-does">{say(`people.role-does.${role}`)}</span></>}
          onValue={(on) => onRoles(on ? ORDER.filter((r) => r === role || roles.includes(r)) : roles.filter((r) => r !== role))} />
      ))}
    </fieldset>
  );
}

/** `person` absent: somebody new. */
export function PersonForm({ person, onDone, onClose }:
  { person?: Person; onDone: (person: Person) => void; onClose: () => void }) {
  const [draft, setDraft] = useState(() => draftOf(person));
  const change = (part: Partial<Draft>) => setDraft({ ...draft, ...part });
  const slugWrong = !person && draft.person !== "" && !SLUG.test(draft.person);
  const ready = (person || SLUG.test(draft.person)) && (draft.ja.trim() || draft.en.trim()) && draft.roles.length > 0 && /^\S+@\S+$/.test(draft.mail.trim());
  const send = async () => {
    const name = { ja: draft.ja.trim() || draft.en.trim(), en: draft.en.trim() || draft.ja.trim() };
    const body = { name, mail: draft.mail.trim(), language: draft.language, roles: draft.roles };
    const done = person
      ? await answer(api.PUT("/people/{party}/{person}", {
        params: { path: { party: myParty(), person: slugOf(person) } }, body: { ...body, active: draft.active } }))
      : await answer(api.POST("/people", { body: { ...body, person: draft.person } }));
    toast(say("account.saved"));
    onDone(done);
  };
  return (
    <Dialog title={person ? named(person.name, person.person) : say("people.add")} onClose={onClose} onDo={send}
      act={person ? say("common.save") : say("people.add-do")} disabled={!ready} grave={person?.active && !draft.active}>
      {person ? <p><code>{person.person}</code></p> : (
        <TextField label={say("people.slug")} help={say("people.slug-help", { party: myParty() })} value={draft.person} required focus
          maxLength={63} onValue={(value) => change({ person: value })} wrong={slugWrong ? say("setup.slug-wrong") : undefined} />
      )}
      <div class="two">
        <TextField label={say("people.name-ja")} value={draft.ja} onValue={(ja) => change({ ja })} maxLength={200} />
        <TextField label={say("people.name-en")} value={draft.en} onValue={(en) => change({ en })} maxLength={200} />
      </div>
      <div class="two">
        <TextField label={say("account.mail")} type="email" value={draft.mail} onValue={(mail) => change({ mail })} required maxLength={320} />
        <SelectField<"ja" | "en"> label={say("account.language")} value={draft.language} onValue={(value) => change({ language: value })}
          options={[{ value: "ja", text: "日本語" }, { value: "en", text: "English" }]} />
      </div>
      <Roles roles={draft.roles} offered={rolesOffered(person)} onRoles={(roles) => change({ roles })} />
      {person && (
        <div>
          <CheckField label={say("people.active")} value={draft.active} onValue={(active) => change({ active })} />
          {person.active && !draft.active && <p class="small going">{say("people.inactive-help")}</p>}
        </div>
      )}
    </Dialog>
  );
}
