/* Everybody involved with a client: its own people, and who works for it by which engagement. */
import "./people.css";
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { clientName, hasRole, myParty } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { named, say } from "../../words/words";
import type { PageProps } from "../router";
import { Assign } from "./assign";
import type { Person } from "./person-form";
import { PersonFacts, RoleBadges, StateOf } from "./state";

type Engagement = Schemas["Engagement"];

/** One line a person, with all their roles. */
function byPerson(engagement: Engagement) {
  const found = new Map<string, Engagement["assignments"][number]["role"][]>();
  for (const { person, role } of engagement.assignments) found.set(person, [...(found.get(person) ?? []), role]);
  return [...found].map(([person, roles]) => ({ person, roles }));
}

function EngagementSheet({ engagement, edits, onEdit }: { engagement: Engagement; edits: boolean; onEdit: () => void }) {
  const nameOf = (slug: string) => (
    <>{named(engagement.people.find((p) => p.person === slug)?.name, slug)} <span class="small soft person-slug">{engagement.party}/{slug}</span></>
  );
  const party = named(engagement.party_name, engagement.party);
  const running = engagement.state === "steady";
  return (
    <Sheet title={party} acts={<>
      <Badge tone={running ? "steady" : engagement.state === "ended" ? "plain" : "low"} icon={running ? "check" : undefined}>
        {say(`people.engagement.${engagement.state}`)}</Badge>
      {edits && <Button onPress={onEdit}>{say("people.assign")}</Button>}
    </>}>
      <Facts rows={[
        [say("people.engagement"), engagement.engagement],
        [say("people.from"), engagement.from && <Time at={engagement.from} />],
        [say("people.to"), engagement.to ? <Time at={engagement.to} /> : say("people.no-end")],
      ]} />
      <Table label={say("people.assigned", { party })} rows={byPerson(engagement)} rowKey={(a) => a.person}
        empty={<p class="soft">{say("people.nobody-assigned")}</p>} columns={[
          { id: "person", head: say("account.name"), cell: (a) => nameOf(a.person) },
          { id: "role", head: say("people.roles-here"), cell: (a) => <RoleBadges roles={a.roles} /> },
        ]} />
    </Sheet>
  );
}

function Own({ people, name }: { people: Person[]; name: string }) {
  const [open, setOpen] = useState<string>();
  const shown = people.find((p) => p.person === open);
  return (
    <section class="stack">
      <h2>{say("people.of-client", { name })}</h2>
      <Table label={say("people.of-client", { name })} rows={people} rowKey={(p) => p.person} onPress={(p) => setOpen(p.person)} tone={(p) => (p.active ? undefined : "gone")}
        empty={<Empty icon="people" title={say("people.none")} />} columns={[
          { id: "name", head: say("account.name"), cell: (p) => <>{named(p.name, p.person)} <span class="small soft person-slug">{p.person}</span></> },
          { id: "roles", head: say("people.roles"), width: "11rem", cell: (p) => <RoleBadges roles={p.roles} /> },
          { id: "mail", head: say("account.mail"), wide: true, cell: (p) => p.mail },
          { id: "state", head: say("people.state"), width: "9.5rem", wide: true, cell: (p) => <StateOf person={p} /> },
          { id: "seen", head: say("people.seen"), width: "10rem", wide: true, cell: (p) => <Time at={p.seen} ago /> },
        ]} />
      {shown && (
        <Dialog title={named(shown.name, shown.person)} onClose={() => setOpen(undefined)}><PersonFacts person={shown} /></Dialog>
      )}
    </section>
  );
}

export default function ClientPeople({ params }: PageProps) {
  const client = params.client ?? "";
  const [editing, setEditing] = useState<string>();
  const asked = useAsked(async () => {
    const at = { params: { path: { client } } };
    const [people, engagements, own] = await Promise.all([
      answer(api.GET("/clients/{client}/people", at)),
      answer(api.GET("/clients/{client}/engagements", at)),
      answer(api.GET("/people")).catch(() => ({ people: [] as Person[] })),
    ]);
    return { people: people.people, engagements: engagements.engagements, own: own.people };
  }, [client], (change) => change.what === "people" || (change.what === "client" && change.client === client));
  const name = named(clientName(client), client);
  return (
    <>
      <Head title={say("people.client-title")} trail={name} lead={say("people.client-lead")} />
      <Answer asked={asked}>
        {({ people, engagements, own }) => {
          const edited = engagements.find((e) => e.engagement === editing);
          return (
            <>
              <Own people={people} name={name} />
              <section class="stack">
                <h2>{say("people.engagements")}</h2>
                {engagements.length === 0 && <Empty icon="people" title={say("people.no-engagement")}>{say("people.no-engagement-help")}</Empty>}
                {engagements.map((engagement) => (
                  <EngagementSheet key={engagement.engagement} engagement={engagement} onEdit={() => setEditing(engagement.engagement)}
                    edits={engagement.party === myParty() && hasRole(client, "provider-admin") && engagement.state !== "ended"} />
                ))}
              </section>
              {edited && <Assign client={client} engagement={edited} own={own} onDone={asked.again} onClose={() => setEditing(undefined)} />}
            </>
          );
        }}
      </Answer>
    </>
  );
}
