/* Requests for logs of a client: what was asked for, what became of it, and the way to ask for more. */
import "./provision.css";
import { useEffect } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { clientName, hasRole, may, sideOf } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { ButtonLink } from "../../parts/button";
import { Answer, Empty } from "../../parts/empty";
import { Head } from "../../parts/sheet";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { named, say, sayNumber } from "../../words/words";
import { useKeys } from "../keys";
import { useNames } from "../names";
import { go, href, type PageProps } from "../router";
import { periodText, STATUS_ICONS, STATUS_TONES } from "./period";

type Row = Schemas["ProvisionRow"];
const EVERY = 5000;

export function StatusBadge({ status }: { status: Row["status"] }) {
  return <Badge tone={STATUS_TONES[status]} icon={STATUS_ICONS[status]}>{say(`provision.status.${status}`)}</Badge>;
}
/** Asks again while something is being prepared: that happens in the background and tells nobody. */
export function useWhilePreparing(preparing: boolean, again: () => void): void {
  useEffect(() => {
    if (!preparing) return;
    const timer = window.setInterval(() => document.visibilityState === "visible" && again(), EVERY);
    return () => window.clearInterval(timer);
  }, [preparing]);
}
export function maySee(client: string): boolean {
  return may(client, "read") || may(client, "audit");
}

export default function ProvisionPage({ params }: PageProps) {
  const client = params.client ?? "";
  if (maySee(client)) return <Provisions client={client} />;
  return (
    <>
      <Head title={say("provision.title")} />
      <Empty icon="package" title={say("provision.no-right")} />
    </>
  );
}

function Provisions({ client }: { client: string }) {
  const asked = useAsked(() => answer(api.GET("/clients/{client}/provisions", { params: { path: { client } } })), [client]);
  const names = useNames(client);
  const list = asked.data?.provisions ?? [];
  useWhilePreparing(list.some((one) => one.status === "preparing"), asked.again);
  const mayAsk = may(client, "read");
  const decides = may(client, "decide");
  const waiting = list.filter((one) => one.status === "waiting-approval");
  const ends = sideOf(client) === "client" || hasRole(client, "provider-admin");
  useKeys(say("provision.title"), mayAsk ? [{ keys: "n", text: say("provision.ask"), run: () => go(`${href("provision", client)}/new`) }] : []);
  return (
    <>
      <Head title={say("provision.title")} trail={named(clientName(client), client)} lead={say("provision.lead")}
        acts={mayAsk && <ButtonLink kind="main" icon="plus" href={`${href("provision", client)}/new`}>{say("provision.ask")}</ButtonLink>} />
      <Answer asked={asked}>
        {() => (
          <>
            {decides && waiting.length > 0 && (
              <div class="notice" role="status"><strong>{say("provision.your-turn", { count: sayNumber(waiting.length) })}</strong></div>
            )}
            <Table label={say("provision.title")} rows={list} rowKey={(p) => p.id} href={(p) => href("provision", client, p.id)}
              empty={<Empty icon="package" title={say("provision.none")}>{say("provision.none-help")}</Empty>} columns={[
                { id: "purpose", head: say("provision.purpose"), cell: (p) => p.purpose },
                { id: "status", head: say("provision.status"), width: "10.5rem", cell: (p) => <StatusBadge status={p.status} /> },
                { id: "period", head: say("provision.period"), width: "13rem", wide: true, cell: (p) => periodText(p.from, p.to) },
                { id: "by", head: say("provision.asked-by"), width: "12rem", wide: true, cell: (p) => names.person(p.asked_by) },
                { id: "asked", head: say("provision.asked"), width: "9rem", wide: true, cell: (p) => <Time at={p.asked} ago /> },
              ]} />
          </>
        )}
      </Answer>
      {ends && <p class="small"><a href={href("offboarding", client)}>{say("ending.link")}</a></p>}
    </>
  );
}
