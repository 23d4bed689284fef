/* All incidents of one client, the past ones too, and the button that reports a new one. */
import { useEffect, useState } from "preact/hooks";
import { answer, api, type Incident } from "../../api/client";
import { clientName, may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button } from "../../parts/button";
import { Answer, Empty } from "../../parts/empty";
import { Head } from "../../parts/sheet";
import { Tabs } from "../../parts/tabs";
import { named, say } from "../../words/words";
import { useKeys } from "../keys";
import { href, type PageProps } from "../router";
import { filter, FilterBar, filtered, filtersClear, filtersOf } from "./filters";
import { IncidentTable } from "./incident-table";
import { compare, lineOf } from "./line";
import { Report } from "./report";

const PAGE = 200;

export default function ClientIncidents({ params, query }: PageProps) {
  const client = params.client!;
  const past = query.get("show") !== "open";
  const [pages, setPages] = useState(1);
  const [reports, setReports] = useState(query.get("report") === "yes");
  const asked = useAsked(async () => {
    const all: Incident[] = [];
    let more = true;
    for (let page = 0; page < pages && more; page++) {
      const before = all.at(-1)?.id;
      const { incidents } = await answer(api.GET("/clients/{client}/incidents", {
        params: { path: { client }, query: { open: !past, limit: PAGE, ...(before === undefined ? {} : { before }) } },
      }));
      all.push(...incidents);
      more = incidents.length === PAGE;
    }
    return { all, more };
  }, [client, past], (change) => change.client === client && change.what === "incident");
  useEffect(() => { if (pages > 1) asked.again(); }, [pages]);
  const mayReport = may(client, "work") || may(client, "act");
  const filters = filtersOf(query);
  useKeys(say("queue.client-title"), [
    { keys: "/", text: say("keys.filter"), run: () => document.getElementById("queue-search")?.focus() },
    { keys: "x", text: say("keys.unfilter"), run: filtersClear },
    ...(mayReport ? [{ keys: "r", text: say("queue.report"), run: () => setReports(true) }] : []),
  ]);
  const report = mayReport && <Button kind="main" icon="plus" onPress={() => setReports(true)}>{say("queue.report")}</Button>;
  const at = href("incidents", client);
  return (
    <>
      <Head title={say("queue.client-title")} trail={named(clientName(client), client)} acts={report} />
      <Tabs label={say("queue.show")} at={past ? "all" : "open"} tabs={[
        { id: "all", text: say("queue.show.all"), href: at }, { id: "open", text: say("queue.show.open"), href: `${at}?show=open` },
      ]} />
      <Answer asked={asked}>
        {({ all, more }) => {
          const lines = all.map(lineOf);
          /* What is under way first, as in the queue; what has ended after it, the newest first. */
          const shown = filter(lines, filters).sort((a, b) => {
            const ended = Number(a.incident.state === "steady") - Number(b.incident.state === "steady");
            return ended || (a.incident.state === "steady" ? b.incident.id - a.incident.id : compare(a, b));
          });
          return lines.length === 0 ? (
            <div class="sheet"><Empty icon="tower" title={say(past ? "queue.none-ever" : "queue.none-open")}>
              {mayReport && say("queue.none-more")}</Empty></div>
          ) : (
            <>
              <FilterBar lines={lines} filters={filters} />
              <IncidentTable label={say("queue.client-title")} lines={shown}
                empty={<div class="sheet"><Empty icon="filter" title={say("queue.nothing")}>
                  {filtered(filters) && <Button onPress={filtersClear}>{say("queue.clear")}</Button>}</Empty></div>} />
              {more && <div class="row"><Button busy={asked.loading} onPress={() => setPages(pages + 1)}>{say("queue.older")}</Button></div>}
            </>
          );
        }}
      </Answer>
      {reports && <Report client={client} onClose={() => setReports(false)} />}
    </>
  );
}
