/*
 * One incident, for both sides: where it stands, whose turn it is and what they may do, what happened, and
 * what it rests on.  Everything is asked for again when it changes, so two people who look at it see the
 * same.
 */
import "./incident.css";
import { useState } from "preact/hooks";
import { answer, api, type Incident } from "../../api/client";
import { clientName, isProvider, may, sideOf } from "../../api/me";
import type { Change } from "../../api/live";
import { useAsked } from "../../api/use";
import { SeverityBadge, StateBadge } from "../../parts/badge";
import { Answer, Empty } from "../../parts/empty";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Steps } from "../../parts/steps";
import { Tabs } from "../../parts/tabs";
import { Time } from "../../parts/time";
import { named, say, sayNumber } from "../../words/words";
import { useKeys } from "../keys";
import { go, href, type PageProps } from "../router";
import { About, Under } from "./about";
import { ActDialog } from "./acts";
import { Clocks } from "./clocks";
import { Evidence } from "./evidence";
import { KeepLogs } from "./keep";
import { History } from "./history";
import { Notices } from "./notices";
import { useNames } from "../names";
import { Turn } from "./turn";
import { actsOf, STATES, wantedOf, type Act } from "./what-next";

type Tab = "history" | "evidence" | "notices" | "about" | "documents";

async function whole(client: string, number: number) {
  const params = { path: { client, number } };
  const [incident, history, clocks, notices] = await Promise.all([
    answer(api.GET("/clients/{client}/incidents/{number}", { params })),
    answer(api.GET("/clients/{client}/incidents/{number}/history", { params })),
    answer(api.GET("/clients/{client}/incidents/{number}/clocks", { params })),
    answer(api.GET("/clients/{client}/incidents/{number}/notices", { params })),
  ]);
  return { incident, history: history.history, clocks: clocks.clocks, notices: notices.steps };
}

function FactsOf({ incident }: { incident: Incident }) {
  const { names } = incident;
  return (
    <Facts rows={[
      [say("incident.fact.asset"), named(names.asset, incident.asset)],
      [say("incident.fact.owner"), named(names.owner, incident.owner)],
      [say("incident.fact.zone"), named(names.zone, incident.zone)],
      [say("incident.fact.inside"), incident.inside && <span class="mono">{incident.inside}</span>],
      [say("incident.fact.outside"), incident.outside && <span class="mono">{incident.outside}</span>],
      [say("incident.fact.other"), incident.other && <span class="mono">{incident.other}</span>],
      [say("incident.fact.detected"), <Time at={incident.detected} />],
      [say("incident.fact.notified"), <Time at={incident.notified} />],
      [say("incident.fact.acknowledged"), <Time at={incident.acknowledged} />],
      [say("incident.fact.alerts"), incident.alerts > 0 && <>{sayNumber(incident.alerts)} <span class="small soft">(<Time at={incident.alert_last} ago />)</span></>],
      [say("incident.fact.criterion"), named(names.criterion, incident.criterion)],
      [say("incident.fact.action"), incident.action && <>{named(names.action, incident.action)}
        <span class="small soft"> {say(incident.authorised ? "incident.fact.authorised" : "incident.fact.not-authorised")}</span></>],
      [say("incident.fact.chain"), named(names.chain, incident.chain)],
      [say("incident.fact.rules"), incident.rules && <ul class="rules">{incident.rules.split("\n").filter(Boolean).map((rule) => <li key={rule}>{rule}</li>)}</ul>],
    ].filter(([, value]) => value !== false) as [string, string][]} />
  );
}

export default function Page({ params, query }: PageProps) {
  const client = params.client!;
  const number = Number(params.number);
  const valid = Number.isInteger(number) && number > 0;
  const concerns = (change: Change) => change.client === client &&
    ((change.what === "incident" && change.number === number) || change.what === "client");
  const asked = useAsked(() => whole(client, valid ? number : 0), [client, number], concerns);
  const names = useNames(client);
  const [act, setAct] = useState<Act>();

  const tabs: Tab[] = ["history", ...(may(client, "read") ? ["evidence" as const] : []), "notices", "about", "documents"];
  const tab = tabs.find((one) => one === query.get("tab")) ?? "history";
  const at = href("incidents", client, params.number!);
  const hrefOf = (one: Tab) => (one === "history" ? at : `${at}?tab=${one}`);

  const data = asked.data;
  const acts = data ? actsOf(data.incident) : [];
  const wanted = data && wantedOf(data.incident, acts);
  useKeys(say("keys.incident"), [
    ...(wanted ? [{ keys: "a", text: say("keys.act"), run: () => setAct(wanted) }] : []),
    ...(acts.includes("note") ? [{ keys: "c", text: say("keys.note"), run: () => setAct("note") }] : []),
    { keys: "u", text: say("keys.back"), run: () => go(isProvider() ? "/queue" : href("incidents", client)) },
    ...tabs.map((one, index) => ({
      keys: String(index + 1), text: say("keys.tab", { tab: say(`incident.tab.${one}`) }), run: () => go(hrefOf(one), true),
    })),
  ]);

  const trail = (
    <nav aria-label={say("incident.trail")}>
      {isProvider() && <><a href="/queue">{say("queue.title")}</a> › </>}
      <a href={href("incidents", client)}>{named(clientName(client), client)}</a>
    </nav>
  );
  if (!valid) return <><Head title={say("incident.title")} trail={trail} /><Empty icon="warning" title={say("common.no-page")} /></>;
  return (
    <>
      <Head trail={trail}
        title={data ? say("incident.head", { number, type: named(data.incident.names.type, data.incident.type) }) : `${say("incident.title")} #${number}`}
        lead={data && (
          <span class="row">
            <SeverityBadge severity={data.incident.severity} /><StateBadge state={data.incident.state} />
            {named(data.incident.names.asset, data.incident.asset) && <span>{named(data.incident.names.asset, data.incident.asset)}</span>}
            <Time at={data.incident.detected} />
          </span>
        )} />
      <Answer asked={asked}>
        {({ incident, history, clocks, notices }) => (
          <>
            <Steps label={say("incident.steps")} at={incident.state} done={say("incident.step-done")}
              steps={STATES.map((state) => ({ id: state, text: say(`incident.state.${state}`) }))} />
            <Turn incident={incident} lines={history} acts={acts} press={setAct} />
            <div class="incident-parts">
              <div class="incident-main">
                {sideOf(client) === "client" && tab === "history" && <About incident={incident} whole={false} />}
                <Tabs label={say("incident.views")} at={tab}
                  tabs={tabs.map((one) => ({ id: one, text: say(`incident.tab.${one}`), href: hrefOf(one) }))} />
                {tab === "about" ? <About incident={incident} whole /> : (
                  <Sheet>
                    {tab === "history" && <History lines={history} incident={incident} clocks={clocks} names={names} />}
                    {tab === "evidence" && <><KeepLogs incident={incident} /><Evidence incident={incident} /></>}
                    {tab === "notices" && <Notices steps={notices} contact={names.contact} />}
                    {tab === "documents" && <Under incident={incident} />}
                  </Sheet>
                )}
              </div>
              <div class="incident-side">
                <Sheet title={say("incident.clocks")}><Clocks client={client} clocks={clocks} onDone={asked.again} /></Sheet>
                <Sheet title={say("incident.facts")}><FactsOf incident={incident} /></Sheet>
              </div>
            </div>
            {act && <ActDialog act={act} incident={incident} onClose={() => setAct(undefined)} onDone={asked.again} />}
          </>
        )}
      </Answer>
    </>
  );
}
