/* The people of my own party: who may sign in, as what, and how they get in. */
import "./people.css";
import { useRef, useState } from "preact/hooks";
import { answer, api } from "../../api/client";
import { me, mayAnywhere, myParty } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Once } from "../../parts/copy";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { Head } from "../../parts/sheet";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toast";
import { named, say } from "../../words/words";
import { PersonForm, type Person } from "./person-form";
import { PersonFacts, RoleBadges, slugOf, StateOf } from "./state";

const path = (person: Person) => ({ params: { path: { party: myParty(), person: slugOf(person) } } });

const isMe = (person: Person) => person.person === me.value?.person;

/** An invitation is made when this is wanted, and its link shown this once. */
function Invite({ person, onClose }: { person: Person; onClose: () => void }) {
  const [link, setLink] = useState<string>();
  const made = useRef(false);
  const name = named(person.name, person.person);
  const invite = async () => {
    const { token } = await answer(api.POST("/people/{party}/{person}/invitation", { ...path(person), body: {} }));
    made.current = true;
    setLink(`${location.origin}/invitation#token=${encodeURIComponent(token)}`);
  };
  if (link) {
    return (
      <Dialog key="link" title={say("people.invited", { name })} onClose={onClose} must onDo={() => Promise.resolve()} act={say("account.codes-done")}>
        <p>{say("people.invited-help", { mail: person.mail })}</p>
        <Once label={say("people.invitation-link")} text={link} />
      </Dialog>
    );
  }
  /* What asked gives way to the link, instead of closing everything. */
  return (
    <Dialog key="ask" title={say("people.invite-title", { name })} onClose={() => made.current || onClose()} onDo={invite} act={say("people.invite")}>
      <p>{person.has_password ? say("people.invite-again-help") : say("people.invite-help")}</p>
    </Dialog>
  );
}

function FactorEnd({ person, onDone, onClose }: { person: Person; onDone: () => void; onClose: () => void }) {
  const end = async () => {
    await answer(api.DELETE("/people/{party}/{person}/second-factor", path(person)));
    toast(say("people.factor-ended"));
    onDone();
  };
  return (
    <Dialog title={say("people.factor-end")} grave act={say("people.factor-end")} onDo={end} onClose={onClose}>
      <p>{say("people.factor-end-help", { name: named(person.name, person.person) })}</p>
    </Dialog>
  );
}

type Open = { what: "show" | "change" | "invite" | "factor"; person: string } | { what: "add" };

function Show({ person, edits, onOpen, onClose }:
  { person: Person; edits: boolean; onOpen: (what: "change" | "invite" | "factor") => void; onClose: () => void }) {
  return (
    <Dialog title={named(person.name, person.person)} onClose={onClose}>
      <PersonFacts person={person} />
      {edits && (
        <div class="row">
          <Button onPress={() => onOpen("change")}>{say("people.change")}</Button>
          {person.active && <Button onPress={() => onOpen("invite")}>{say("people.invite")}</Button>}
          {person.second_factor && !isMe(person) && <Button kind="grave" onPress={() => onOpen("factor")}>{say("people.factor-end")}</Button>}
        </div>
      )}
    </Dialog>
  );
}

export default function People() {
  const asked = useAsked(() => answer(api.GET("/people")), [], (change) => change.what === "people" || change.what === "client");
  const [open, setOpen] = useState<Open>();
  const edits = mayAnywhere("users");
  const close = () => setOpen(undefined);
  const person = open && open.what !== "add" ? asked.data?.people.find((p) => p.person === open.person) : undefined;
  const done = (next?: Open) => {
    asked.again();
    setOpen(next);
  };
  return (
    <>
      <Head title={say("people.title")} lead={<>{say("people.lead")} <code>{myParty()}</code></>}
        acts={edits && <Button kind="main" icon="plus" onPress={() => setOpen({ what: "add" })}>{say("people.add")}</Button>} />
      <Answer asked={asked}>
        {({ people }) => (
          <Table label={say("people.title")} rows={people} rowKey={(p) => p.person} onPress={(p) => setOpen({ what: "show", person: p.person })}
            tone={(p) => (p.active ? undefined : "gone")} empty={<Empty icon="people" title={say("people.none")} />} columns={[
              { id: "name", head: say("account.name"), cell: (p) => (
                <>{named(p.name, p.person)}{isMe(p) && ` (${say("people.me")})`}{" "}
                  <span class="small soft person-slug">{p.person}</span></>) },
              { id: "roles", head: say("people.roles"), width: "14rem", wide: true, cell: (p) => <RoleBadges roles={p.roles} /> },
              { id: "state", head: say("people.state"), width: "9.5rem", cell: (p) => <StateOf person={p} /> },
              { id: "factor", head: say("account.factor"), width: "9rem", wide: true, cell: (p) => p.second_factor
                ? <Badge tone="steady" icon="check">{say("account.factor-on")}</Badge> : <Badge>{say("account.factor-off")}</Badge> },
              { id: "seen", head: say("people.seen"), width: "10rem", wide: true, cell: (p) => <Time at={p.seen} ago /> },
            ]} />
        )}
      </Answer>
      {open?.what === "add" && <PersonForm onClose={() => setOpen((now) => (now?.what === "add" ? undefined : now))}
        onDone={(made) => done({ what: "invite", person: made.person })} />}
      {person && open?.what === "show" && <Show person={person} edits={edits} onClose={close}
        onOpen={(what) => setOpen({ what, person: person.person })} />}
      {person && open?.what === "change" && <PersonForm person={person} onClose={close} onDone={() => done()} />}
      {person && open?.what === "invite" && <Invite key={person.person} person={person} onClose={() => done()} />}
      {person && open?.what === "factor" && <FactorEnd person={person} onClose={close} onDone={() => done()} />}
    </>
  );
}
