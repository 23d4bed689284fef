/*
 * The provider's queue: everything that is not steady, over all clients.  It is worked through from the
 * top: what waits for us stands first, and of that what is due soon, then the gravest.
 */
import "./queue.css";
import { useMemo, useRef } from "preact/hooks";
import { answer, api, type Incident } from "../../api/client";
import { clients } from "../../api/me";
import { useAsked } from "../../api/use";
import { SeverityBadge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Answer, Empty } from "../../parts/empty";
import { Head } from "../../parts/sheet";
import { language, say } from "../../words/words";
import { useKeys } from "../keys";
import type { PageProps } from "../router";
import { filter, FilterBar, filtered, filtersClear, filtersOf } from "./filters";
import { useHeld } from "./held";
import { compare, identity, lineOf, SEVERITIES, type Line } from "./line";
import { IncidentTable } from "./incident-table";

const PAGE = 500;
const PAGES_MAX = 10;

async function openIncidents(): Promise<Incident[]> {
  const all: Incident[] = [];
  for (let page = 0; page < PAGES_MAX; page++) {
    const before = all.at(-1)?.id;
    const query = { open: true, limit: PAGE, ...(before === undefined ? {} : { before }) };
    const { incidents } = await answer(api.GET("/incidents", { params: { query } }));
    all.push(...incidents);
    if (incidents.length < PAGE) break;
  }
  return all;
}

/** j and k: from link to link of the list, as arrow keys go. */
function step(list: HTMLElement | null, by: 1 | -1): void {
  const links = [...(list?.querySelectorAll<HTMLElement>("[data-row-link]") ?? [])];
  const at = links.indexOf(document.activeElement as HTMLElement);
  const next = links[at < 0 ? 0 : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function News({ waiting, show }: { waiting: Line[]; show: () => void }) {
  const worst = SEVERITIES.find((severity) => waiting.some((line) => line.incident.severity === severity));
  return (
    <div class="queue-news" role="status">
      {waiting.length > 0 && worst && (
        <Button kind="main" onPress={show}>
          {say("queue.news", { count: waiting.length })} <SeverityBadge severity={worst} />
        </Button>
      )}
    </div>
  );
}

function Sum({ lines }: { lines: Line[] }) {
  const mine = lines.filter((line) => line.mine).length;
  const late = lines.filter((line) => line.due !== null && Date.parse(line.due) < Date.now()).length;
  return <>{say("queue.sum", { count: lines.length, mine })}{late > 0 && <strong class="queue-late"> {say("queue.sum-late", { count: late })}</strong>}</>;
}

export default function Queue({ query }: PageProps) {
  const asked = useAsked(openIncidents, [], (change) => change.what === "incident" || change.what === "client");
  const filters = filtersOf(query);
  const under = JSON.stringify(filters);
  const lines = useMemo(() => asked.data?.map(lineOf), [asked.data, clients.value, language.value]);
  const wanted = useMemo(() => lines && [...filter(lines, filters)].sort(compare), [lines, under]);
  const held = useHeld(wanted, (line) => identity(line.incident), under);
  const list = useRef<HTMLDivElement>(null);
  useKeys(say("keys.queue"), [
    { keys: "j", text: say("keys.next"), run: () => step(list.current, 1) },
    { keys: "k", text: say("keys.previous"), run: () => step(list.current, -1) },
    { keys: "/", text: say("keys.filter"), run: () => document.getElementById("queue-search")?.focus() },
    { keys: "n", text: say("keys.new"), run: held.show },
    { keys: "x", text: say("keys.unfilter"), run: filtersClear },
  ]);
  return (
    <>
      <Head title={say("queue.title")} lead={lines && lines.length > 0 && <Sum lines={lines} />} />
      <Answer asked={asked}>
        {() => lines!.length === 0 ? (
          <div class="queue-steady"><Empty icon="tower" title={say("queue.steady")}>{say("queue.steady-more")}</Empty></div>
        ) : (
          <>
            <FilterBar lines={lines!} filters={filters} clients />
            <News waiting={held.waiting} show={held.show} />
            <div ref={list} {...held.hold}>
              <IncidentTable label={say("queue.title")} lines={held.rows} clients
                fresh={held.fresh} gone={held.gone}
                empty={<Empty icon="filter" title={say("queue.nothing")}>
                  {filtered(filters) && <Button onPress={filtersClear}>{say("queue.clear")}</Button>}
                </Empty>} />
            </div>
          </>
        )}
      </Answer>
    </>
  );
}
