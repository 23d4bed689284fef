/* How somebody stands: whether they can sign in, and as what. */
import { Badge } from "../../parts/badge";
import { Facts } from "../../parts/sheet";
import { Time } from "../../parts/time";
import { say } from "../../words/words";
import type { Person, Role } from "./person-form";

/** The service names people PARTY/PERSON; paths and assignments have the second half alone. */
export function slugOf(person: Person): string {
  return person.person.split("/").at(-1) ?? "";
}

export function StateOf({ person }: { person: Person }) {
  if (!person.active) return <Badge icon="close">{say("people.state.inactive")}</Badge>;
  if (!person.has_password) return <Badge tone="medium" icon="clock">{say("people.state.waiting")}</Badge>;
  return <Badge tone="steady" icon="check">{say("people.state.active")}</Badge>;
}
export function RoleBadges({ roles }: { roles: Role[] }) {
  if (roles.length === 0) return <span class="soft">{say("people.no-role")}</span>;
  return <span class="badges">{roles.map((role) => <Badge key={role}>{say(`role.${role}`)}</Badge>)}</span>;
}
/** All that there is to say of somebody; a telephone's table has no room for it. */
export function PersonFacts({ person }: { person: Person }) {
  return (
    <Facts rows={[
      [say("account.sign-in-name"), <code>{person.person}</code>],
      [say("people.state"), <StateOf person={person} />],
      [say("account.mail"), person.mail],
      [say("account.language"), person.language === "ja" ? "日本語" : "English"],
      [say("people.roles"), <RoleBadges roles={person.roles} />],
      [say("account.factor"), person.second_factor ? say("account.factor-on") : say("account.factor-off")],
      [say("people.seen"), <Time at={person.seen} />],
    ]} />
  );
}
