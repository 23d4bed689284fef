/* A version told in words: its state, who signed, whom it waits for. */
import { Badge, type Tone } from "../../parts/badge";
import { Icon, type IconName } from "../../parts/icon";
import { Time } from "../../parts/time";
import { say } from "../../words/words";
import { rolesText, signRole, type Version } from "./kinds";

const LOOKS: Record<Version["state"], [Tone, IconName]> = {
  draft: ["medium", "clock"], signed: ["low", "clock"], effective: ["steady", "check"], superseded: ["plain", "turn"], withdrawn: ["plain", "close"],
};
export function VersionBadge({ version }: { version: Version }) {
  const [tone, icon] = LOOKS[version.state];
  return <Badge tone={tone} icon={icon}>{say(`documents.state.${version.state}`)}</Badge>;
}
export function versionName(version: Version): string {
  return say("documents.version", { number: version.number });
}

/** Whom it waits for, and whether that is me. */
export function Waits({ client, version }: { client: string; version: Version }) {
  if (version.state === "signed") {
    return <span>{say("documents.waits-day")} <Time at={version.wanted} /></span>;
  }
  if (version.state !== "draft" || version.waits.length === 0) return null;
  const mine = signRole(client, version);
  return (
    <span class="waits">
      {mine
        ? <strong class="waits-me"><Icon name="warning" /> {say("documents.waits-me", { role: rolesText([mine]) })}</strong>
        : say("documents.waits", { roles: version.waits.map(rolesText).join(say("documents.and")) })}
      {mine && version.waits.length > 1 && (
        <span class="small soft"> {say("documents.waits-also", { roles: version.waits.filter((set) => !set.includes(mine)).map(rolesText).join(say("documents.and")) })}</span>
      )}
    </span>
  );
}

export function Signatures({ version, person }: { version: Version; person: (who: string) => string }) {
  if (version.signatures.length === 0) return <span class="soft small">{say("documents.no-signatures")}</span>;
  return (
    <ul class="signatures">
      {version.signatures.map((s) => (
        <li key={s.role + s.who}>
          <Icon name="check" /> {person(s.who)}<span class="small soft">{say("documents.signed-as", { role: rolesText([s.role as never]) })}</span> <span class="small"><Time at={s.at} /></span>
        </li>
      ))}
    </ul>
  );
}
