/* The documents of a client: what each is for, how far it is, and whom it waits for. */
import "./documents.css";
import { answer, api } from "../../api/client";
import { formOf } from "../../api/form";
import { useAsked } from "../../api/use";
import { clientName, may, sideOf } from "../../api/me";
import { Badge } from "../../parts/badge";
import { ButtonLink } from "../../parts/button";
import { Answer, Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Head } from "../../parts/sheet";
import { Time } from "../../parts/time";
import { named, say, sayMaybe } from "../../words/words";
import type { PageProps } from "../router";
import { documentHref, mayDraft, signRole, type Version } from "./kinds";
import { VersionBadge, versionName, Waits } from "./version";

/* In the order in which they are written: people first, then what is to be protected, then what follows from it. */
const ORDER = ["contacts", "calendars", "assets", "table-1", "log-sources", "criteria", "detection", "sla"];
interface Row {
  kind: string;
  name: { ja: string; en: string };
  guideline?: string;
  latest?: Version;
  effective?: Version;
  complete?: { wanted: number; there: number };
}

async function ask(client: string): Promise<Row[]> {
  const [{ documents }, { kinds }] = await Promise.all([
    answer(api.GET("/clients/{client}/documents", { params: { path: { client } } })),
    answer(api.GET("/schemas")),
  ]);
  const place = (kind: string) => (ORDER.indexOf(kind) + 1 || ORDER.length + 1);
  const rows = await Promise.all(kinds.map(async ({ kind, name }): Promise<Row> => {
    const found = documents.find((d) => d.kind === kind);
    const latest = found?.latest && found.latest.state !== "withdrawn" ? found.latest : undefined;
    const shown = latest ?? found?.effective;
    const [form, complete] = await Promise.all([
      formOf(kind),
      shown && answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/completeness",
        { params: { path: { client, kind, hash: shown.hash } } })).catch(() => undefined),
    ]);
    return { kind, name, guideline: form.guideline, latest, effective: found?.effective, complete: complete || undefined };
  }));
  return rows.sort((a, b) => place(a.kind) - place(b.kind));
}

function Complete({ client, row }: { client: string; row: Row }) {
  if (!row.complete) return null;
  const { wanted, there } = row.complete;
  const full = there === wanted;
  const whole = sideOf(client) === "client" || sideOf(client) === "installation";
  return (
    <div class="complete">
      <span class={full ? "" : "missing"}>{full ? <><Icon name="check" /> {say("documents.complete")}</> : say(whole ? "documents.incomplete" : "documents.incomplete-part", { count: wanted - there })}</span>
      {!full && <meter min={0} max={wanted} value={there} aria-label={say("documents.completeness")}>{there}/{wanted}</meter>}
    </div>
  );
}

function Kind({ client, row }: { client: string; row: Row }) {
  const { latest, effective } = row;
  const pending = latest && latest.hash !== effective?.hash ? latest : undefined;
  return (
    <li class="kind-row">
      <div class="kind-what">
        <h2><a href={documentHref(client, row.kind)}>{named(row.name)}</a></h2>
        <p class="small soft">{sayMaybe(`documents.about.${row.kind}`, "")}{row.guideline && <> {say("documents.guideline", { section: row.guideline })}</>}</p>
      </div>
      <dl class="kind-state">
        <div>
          <dt>{say("documents.effective")}</dt>
          <dd>{effective
            ? <><strong>{versionName(effective)}</strong> <span class="small soft"><Time at={effective.effective} /></span></>
            : <Badge tone="high" icon="warning">{say("documents.none-effective")}</Badge>}</dd>
        </div>
        {pending && (
          <div>
            <dt>{say("documents.latest")}</dt>
            <dd><a href={documentHref(client, row.kind, { version: pending.hash })}>{versionName(pending)}</a> <VersionBadge version={pending} /><br />
              <span class="small"><Waits client={client} version={pending} /></span></dd>
          </div>
        )}
      </dl>
      <div class="kind-acts">
        <Complete client={client} row={row} />
        {!latest && !effective && mayDraft(client) && (
          <ButtonLink href={documentHref(client, row.kind, {}, "edit")} icon="plus">{say("documents.begin")}</ButtonLink>
        )}
        {pending && signRole(client, pending) && (
          <ButtonLink kind="main" href={documentHref(client, row.kind, { version: pending.hash })}>{say("documents.look-sign")}</ButtonLink>
        )}
      </div>
    </li>
  );
}

export default function Documents({ params }: PageProps) {
  const client = params.client!;
  const asked = useAsked(() => ask(client), [client], (c) => c.what === "document" && c.client === client);
  return (
    <>
      <Head title={say("documents.title")} trail={named(clientName(client), client)} lead={say("documents.lead")}
        acts={may(client, "manage") && <ButtonLink href={`/api/v1/clients/${encodeURIComponent(client)}/export`} download={`${client}.yaml`}>{say("documents.export")}</ButtonLink>} />
      <Answer asked={asked}>
        {(rows) => {
          const mine = rows.filter((r) => r.latest && signRole(client, r.latest));
          const absent = rows.filter((r) => !r.effective);
          if (rows.length === 0) return <Empty title={say("documents.no-kinds")} />;
          return (
            <>
              <ul class="sums">
                <li class={mine.length > 0 ? "sum mine" : "sum"}><strong>{mine.length}</strong> {say("documents.sum-mine")}</li>
                <li class="sum"><strong>{rows.filter((r) => r.latest?.state === "draft").length}</strong> {say("documents.sum-drafts")}</li>
                <li class={absent.length > 0 ? "sum absent" : "sum"}><strong>{absent.length}</strong> {say("documents.sum-absent")}</li>
              </ul>
              <ul class="kinds">{rows.map((row) => <Kind key={row.kind} client={client} row={row} />)}</ul>
            </>
          );
        }}
      </Answer>
    </>
  );
}
