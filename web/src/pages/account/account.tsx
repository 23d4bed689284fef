/* My own account: who I am, how I sign in, where I am signed in, and what signs in for me. */
import "./account.css";
import { answer, api, type Me } from "../../api/client";
import { clientName, me, meAsk } from "../../api/me";
import { useAct } from "../../parts/act";
import { Badge } from "../../parts/badge";
import { Refused } from "../../parts/empty";
import { SelectField } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Table } from "../../parts/table";
import { toast } from "../../parts/toast";
import { language, languageUse, named, say } from "../../words/words";
import type { PageProps } from "../router";
import { Factor } from "./factor";
import { Password } from "./password";
import { Sessions } from "./sessions";
import { Tokens } from "./tokens";

function Who({ person }: { person: Me }) {
  const act = useAct();
  const change = (wanted: "ja" | "en") => act.run(undefined, async () => {
    await answer(api.PUT("/me/language", { body: { language: wanted } }));
    if (!localStorage.getItem("hinomi.language")) await languageUse(wanted, false);
    await meAsk();
    toast(say("account.saved"));
  });
  return (
    <Sheet title={say("account.who")}>
      <Facts rows={[
        [say("account.name"), named(person.name, person.person)],
        [say("account.sign-in-name"), <code>{person.person}</code>],
        [say("account.mail"), person.mail],
      ]} />
      <div class="account-language">
        <SelectField<"ja" | "en"> label={say("account.language")} help={say("account.language-help")} value={person.language} onValue={change}
          disabled={act.busy} options={[{ value: "ja", text: "日本語" }, { value: "en", text: "English" }]} />
      </div>
      {act.refusal && <Refused refusal={act.refusal} />}
    </Sheet>
  );
}

function Roles({ person }: { person: Me }) {
  return (
    <section class="stack">
      <h2>{say("account.roles")}</h2>
      {person.clients.length === 0 ? <p class="soft">{say("account.roles-none")}</p> : (
        <Table label={say("account.roles")} rows={person.clients} rowKey={(c) => c.client} columns={[
          { id: "client", head: say("nav.client"), cell: (c) => <>{named(clientName(c.client), c.client)} <span class="small soft">{c.client}</span></> },
          { id: "roles", head: say("account.role"), cell: (c) => (
            <span class="badges">{c.roles.map((role) => <Badge key={role}>{say(`role.${role}`)}</Badge>)}</span>) },
          { id: "rights", head: say("account.rights"), wide: true, cell: (c) => (
            <span class="small soft">{c.rights.map((right) => say(`right.${right}`)).join(language.value === "ja" ? "、" : ", ")}</span>) },
        ]} />
      )}
    </section>
  );
}

export default function Account({ query }: PageProps) {
  const person = me.value;
  if (!person) return null;
  const wanted = query.get("why") === "second-factor" && !person.second_factor;
  return (
    <>
      <Head title={say("account.title")} />
      {wanted && (
        <div class="notice" role="alert">
          <Icon name="warning" />
          <div>
            <p><strong>{say("account.factor-wanted")}</strong></p>
            <p>{say("account.factor-wanted-help")}</p>
          </div>
        </div>
      )}
      {!wanted && person.clients.length === 0 && <div class="notice" role="status"><p>{say("account.no-client")}</p></div>}
      {wanted && <Factor person={person} />}
      <Who person={person} />
      <Password person={person} />
      {!wanted && <Factor person={person} />}
      <Sessions />
      <Tokens person={person} />
      <Roles person={person} />
    </>
  );
}
