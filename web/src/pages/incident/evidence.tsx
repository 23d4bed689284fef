/*
 * What an incident rests on: each alert with the rule that raised it and the original lines behind it.
 * All of it came from outside or from a rule's author, and is shown as text; a rule's link is followed
 * only if it is one of the web, and says where it leads.
 */
import "./evidence.css";
import { useEffect, useState } from "preact/hooks";
import { answer, api, Refusal, type Incident, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { SeverityBadge } from "../../parts/badge";
import { Button, ButtonLink } from "../../parts/button";
import { Answer, Empty, Refused } from "../../parts/empty";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toast";
import { plain } from "../../words/plain";
import { say, sayNumber } from "../../words/words";
import { href } from "../router";
import { term } from "../search/query";
import { Marked } from "./marked";
import { partsFound, whyOf, WhyShown, type Explanation } from "./why";

type Alert = Schemas["Alert"];
type Event = Schemas["Event"];
interface Piece { alert: Alert; lines: Event[] }
const PAGE = 20;
const AROUND_MS = 10 * 60_000;

function OutsideLink({ to }: { to: string }) {
  let url: URL;
  try {
    url = new URL(to);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return null;
  return <a href={url.href} target="_blank" rel="noopener noreferrer">{say("incident.evidence.link", { host: url.host })}</a>;
}

function searchHref(client: string, query: string, event: Event): string {
  const at = Date.parse(event.happened ?? event.received);
  const span = new URLSearchParams({
    ...(query ? { q: query } : {}), from: new Date(at - AROUND_MS).toISOString(), to: new Date(at + AROUND_MS).toISOString(),
  });
  return `${href("search", client)}?${span.toString()}`;
}
function copy(text: string): void {
  navigator.clipboard.writeText(text).then(() => toast(say("common.copied")), () => toast(say("common.failed")));
}

function Original({ client, event, parts }: { client: string; event: Event; parts: string[] }) {
  const around = event.fields.find((field) => field.name === "source.ip" || field.name === "host.name");
  return (
    <figure class="original">
      <figcaption class="row small soft">
        <Time at={event.happened ?? event.received} /><span>{event.source}</span>
        <span class="original-acts">
          <Button kind="quiet" icon="copy" onPress={() => copy(event.original)}>{say("common.copy")}</Button>
          <ButtonLink kind="quiet" icon="search" href={searchHref(client, around ? term(around.name, around.value) : "", event)}>
            {say("incident.evidence.around")}</ButtonLink>
        </span>
      </figcaption>
      <pre class="original-text" tabIndex={0} aria-label={say("incident.evidence.original")}><Marked text={event.original} parts={parts} /></pre>
      {event.cut && <p class="small soft">{say("incident.evidence.cut")}</p>}
      {event.fields.length > 0 && (
        <details>
          <summary class="small">{say("incident.evidence.fields", { count: event.fields.length })}</summary>
          <table class="event-fields">
            <thead class="only-read"><tr><th scope="col">{say("incident.evidence.field")}</th><th scope="col">{say("incident.evidence.value")}</th></tr></thead>
            <tbody>
              {event.fields.map((field, index) => (
                <tr key={index}>
                  <th scope="row"><code>{plain(field.name)}</code></th>
                  <td><code>{plain(field.value)}</code>{" "}
                    <a class="small" href={searchHref(client, term(field.name, field.value), event)}
                      aria-label={say("incident.evidence.search-field", { name: field.name })}>{say("incident.evidence.search")}</a></td>
                </tr>
              ))}
            </tbody>
          </table>
        </details>
      )}
    </figure>
  );
}

function AlertShown({ client, piece }: { client: string; piece: Piece }) {
  const { alert, lines } = piece;
  const [why, setWhy] = useState<Explanation>();
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const explain = () => {
    setBusy(true);
    setRefusal(undefined);
    answer(api.GET("/clients/{client}/alerts/{alert}/explanation", { params: { path: { client, alert: alert.id } } }))
      .then((got) => setWhy(whyOf(got)), (error: unknown) => setRefusal(error instanceof Refusal ? error : new Refusal(0, "failed", "")))
      .finally(() => setBusy(false));
  };
  const parts = why ? partsFound(why.why.condition) : [];
  return (
    <article class="alert">
      <header class="alert-head">
        <SeverityBadge severity={alert.level} />
        <h3 class="grow">{alert.rule.title}</h3>
        {alert.kind === "rule" && !why && <Button icon="help" busy={busy} onPress={explain}>{say("incident.why.ask")}</Button>}
      </header>
      <p class="small soft alert-about">
        <span>{say("incident.evidence.received")} <Time at={alert.received} /></span>
        {alert.rule.author && <span>{say("incident.evidence.author", { author: alert.rule.author })}</span>}
        {alert.rule.link && <OutsideLink to={alert.rule.link} />}
        {alert.kind === "correlation" && <span>{say("incident.evidence.correlation", { count: sayNumber(alert.count) })}</span>}
        {alert.group && Object.entries(alert.group).map(([name, value]) => <code key={name}>{name}: {plain(value)}</code>)}
      </p>
      {refusal && <Refused refusal={refusal} />}
      {why && <WhyShown explanation={why} rule={alert.rule} />}
      {lines.length === 0 && <p class="soft">{say("incident.evidence.no-lines")}</p>}
      {lines.map((line) => <Original key={line.place} client={client} event={line} parts={parts} />)}
    </article>
  );
}

export function Evidence({ incident }: { incident: Incident }) {
  const { client, number } = incident;
  const [count, setCount] = useState(1);
  const asked = useAsked(async () => {
    const pieces: Piece[] = [];
    let more = true;
    for (let page = 0; page < count && more; page++) {
      const after = pieces.at(-1)?.alert.id;
      const query = { limit: PAGE, ...(after === undefined ? {} : { after }) };
      const got = await answer(api.GET("/clients/{client}/incidents/{number}/evidence", { params: { path: { client, number }, query } }));
      pieces.push(...got.alerts);
      more = got.more;
    }
    return { pieces, more };
  }, [client, number], (change) => change.what === "alerts" && change.client === client);
  useEffect(() => { if (count > 1) asked.again(); }, [count]);
  return (
    <Answer asked={asked}>
      {({ pieces, more }) => pieces.length === 0 ? (
        <Empty icon="search" title={say("incident.evidence.none")}>{incident.alerts === 0 && say("incident.evidence.reported")}</Empty>
      ) : (
        <div class="evidence">
          <p class="small soft">{say("incident.evidence.noted")}</p>
          {pieces.map((piece) => <AlertShown key={piece.alert.id} client={client} piece={piece} />)}
          {more && <div class="row"><Button busy={asked.loading} onPress={() => setCount(count + 1)}>{say("incident.evidence.more")}</Button></div>}
          {incident.alerts > pieces.length && <p class="small soft">
            {say("incident.evidence.shown", { shown: sayNumber(pieces.length), all: sayNumber(incident.alerts)})}</p>}
        </div>
      )}
    </Answer>
  );
}
