/* Beside a document: the version that is shown, and all the others. */
import { answer, api } from "../../api/client";
import { useAsked } from "../../api/use";
import { me } from "../../api/me";
import { Button, ButtonLink } from "../../parts/button";
import { Icon } from "../../parts/icon";
import { Facts, Sheet } from "../../parts/sheet";
import { pathWords } from "../../parts/form/form";
import { pathOfSlugs } from "../../parts/form/value";
import { Time } from "../../parts/time";
import { say } from "../../words/words";
import type { Form } from "../../api/form";
import { useNames } from "../names";
import { authorText, documentHref, isOther, type Read, type Version } from "./kinds";
import { Signatures, VersionBadge, versionName, Waits } from "./version";

function Completeness({ client, form, version }: { client: string; form: Form; version: Read }) {
  const asked = useAsked(() => answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/completeness",
    { params: { path: { client, kind: version.kind, hash: version.hash } } })), [client, version.hash]);
  if (!asked.data) return null;
  const { wanted, there, open } = asked.data;
  if (open.length === 0) return <p class="small"><Icon name="check" /> {say("documents.complete")}</p>;
  return (
    <details class="open-list">
      <summary class="missing">{say("documents.incomplete", { count: wanted - there })}</summary>
      <ul class="small">
        {open.slice(0, 50).map((path) => {
          const plain = path.replace(/\.(ja|en)$/, "");
          const half = /\.(ja|en)$/.exec(path)?.[1] as "ja" | "en" | undefined;
          const at = pathOfSlugs(version.document, form.elements, plain);
          const words = pathWords(form, version.document, at).join(" › ");
          return <li key={path}><a href={documentHref(client, version.kind, { version: version.hash, at: plain })}>{words || plain}</a>{half && ` (${say(`form.language.${half}`)})`}</li>;
        })}
      </ul>
      {open.length > 50 && <p class="small soft">{say("documents.more-open", { count: open.length - 50 })}</p>}
    </details>
  );
}

function Acknowledgements({ client, version, onAcknowledge, stamp, person }:
  { client: string; version: Read; onAcknowledge: () => void; stamp: number; person: (who: string) => string }) {
  const asked = useAsked(() => answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/acknowledgements",
    { params: { path: { client, kind: version.kind, hash: version.hash } } })), [client, version.hash, stamp],
  (c) => c.what === "document" && c.client === client);
  const list = asked.data?.acknowledgements ?? [];
  const mine = list.some((a) => a.who === me.value?.person);
  const could = version.state === "effective" && isOther(version.author) && !mine;
  if (list.length === 0 && !could) return null;
  return (
    <div class={list.length === 0 ? "aside-part no-print" : "aside-part"}>
      <h3>{say("documents.acknowledgements")}</h3>
      <ul class="signatures">
        {list.map((a) => <li key={a.who + a.at}><Icon name="check" /> {person(a.who)} <span class="small"><Time at={a.at} /></span>{a.note && <p class="small">{a.note}</p>}</li>)}
      </ul>
      {could && <div class="no-print"><Button onPress={onAcknowledge}>{say("documents.acknowledge")}</Button></div>}
    </div>
  );
}

export function VersionAside({ client, form, version, versions, onAcknowledge, stamp }:
  { client: string; form: Form; version: Read; versions: Version[]; onAcknowledge: () => void; stamp: number }) {
  const effective = versions.find((v) => v.state === "effective");
  const { person } = useNames(client);
  return (
    <aside class="version-aside" aria-label={say("documents.versions")}>
      <Sheet title={versionName(version)} acts={<VersionBadge version={version} />}>
        <Waits client={client} version={version} />
        <Facts rows={[
          [say("documents.author"), authorText(version.author, person)],
          [say("documents.note"), version.note],
          [say("documents.created"), <Time at={version.created} />],
          [say("documents.wanted"), version.wanted && <Time at={version.wanted} />],
          [say("documents.since"), version.effective && <Time at={version.effective} />],
          [say("documents.ended"), version.ended && <Time at={version.ended} />],
        ]} />
        <div class="aside-part">
          <h3>{say("documents.signatures")}</h3>
          <Signatures version={version} person={person} />
        </div>
        {version.whole && <Completeness client={client} form={form} version={version} />}
        <Acknowledgements client={client} version={version} onAcknowledge={onAcknowledge} stamp={stamp} person={person} />
        <p class="small soft hash">SHA-256 <span class="mono">{version.hash}</span></p>
      </Sheet>
      <div class="no-print"><Sheet title={say("documents.versions")}>
        <ol class="versions">
          {versions.map((v) => (
            <li key={v.hash + v.number} class={v.hash === version.hash ? "now" : ""}>
              <div class="row">
                <a class="grow" href={documentHref(client, form.kind, { version: v.hash })} aria-current={v.hash === version.hash ? "true" : undefined}>{versionName(v)}</a>
                <VersionBadge version={v} />
              </div>
              <span class="small soft"><Time at={v.created} /> · {authorText(v.author, person)}</span>
              {v.note && <p class="small">{v.note}</p>}
              {v.hash !== version.hash && (
                <a class="small version-compare" href={documentHref(client, form.kind, { from: v.number < version.number ? v.hash : version.hash, to: v.number < version.number ? version.hash : v.hash }, "compare")}>{say("documents.compare-with", { version: versionName(version) })}</a>
              )}
            </li>
          ))}
        </ol>
        {effective && effective.hash !== version.hash && (
          <ButtonLink href={documentHref(client, form.kind, { from: effective.hash, to: version.hash }, "compare")}>{say("documents.compare-effective")}</ButtonLink>
        )}
      </Sheet></div>
    </aside>
  );
}
