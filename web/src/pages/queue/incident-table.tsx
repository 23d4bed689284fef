/* Incidents as a table: for the queue over clients and for the list of one client. */
import "./incident-table.css";
import type { ComponentChildren } from "preact";
import type { Incident } from "../../api/client";
import { Badge, SeverityBadge, StateBadge } from "../../parts/badge";
import { Icon } from "../../parts/icon";
import { Table, type Column } from "../../parts/table";
import { Countdown, Time } from "../../parts/time";
import { language, named, say, sayMaybe } from "../../words/words";
import { href } from "../router";
import { identity, type Line } from "./line";

interface Props {
  label: string;
  lines: Line[];
  clients?: boolean; /* whether each line says whose it is */
  fresh?: (key: string) => boolean;
  gone?: (key: string) => boolean;
  empty: ComponentChildren;
}

function What({ line, clients, fresh, gone }: { line: Line; clients?: boolean; fresh?: boolean; gone?: boolean }) {
  const { incident } = line;
  const { names } = incident;
  const hit = named(names.asset, incident.asset) || incident.inside || incident.outside;
  const about = [hit, named(names.owner, incident.owner)].filter(Boolean).join(say("queue.and"));
  return (
    <span class="line">
      <span class="line-grade"><SeverityBadge severity={incident.severity} /></span>
      <span class="line-what">
        <span class="line-name">
          <span class="line-number">#{incident.number}</span> {named(names.type, incident.type)}
          {fresh && <Badge tone="high">{say("queue.new")}</Badge>}
          {gone && <Badge tone="steady" icon="check">{say("queue.gone")}</Badge>}
        </span>
        <span class="line-about">{clients && <span class="line-client">{line.client}</span>}{about || say("queue.no-asset")}</span>
      </span>
    </span>
  );
}

/** What is waited for, in a word or two. */
const waitsFor = (incident: Incident) =>
  sayMaybe(incident.waits_for.replace("incident.waits.", "queue.waits."), named(incident.names.waits_for, incident.waits_for));

function Turn({ line }: { line: Line }) {
  const { incident } = line;
  if (incident.turn === "none") return <span class="line-turn soft">{say("incident.waits.nothing")}</span>;
  return (
    <span class="line-turn">
      <span class={line.mine ? "turn mine" : "turn"}>
        <Icon name={line.mine ? "turn" : "clock"} />
        {line.mine ? say("queue.turn.mine") : say(`side.${incident.turn === "client" ? "client" : "provider"}`)}
      </span>
      <span class="line-waits small soft">{waitsFor(incident)}</span>
    </span>
  );
}

function Due({ line }: { line: Line }) {
  if (!line.due) return <span class="soft">{say("time.none")}</span>;
  return (
    <span class="line-due">
      <Countdown due={line.due} warned={line.warned} />
      <span class="small soft">{line.dueOf === "decision" ? say("queue.decision") : line.dueName}</span>
    </span>
  );
}

/* Columns grow with the window; English takes more room. */
const wide = (english: string, japanese: string, share: number) =>
  `clamp(${language.value === "en" ? english : japanese}, ${share}vw, 15rem)`;

export function IncidentTable({ label, lines, clients, fresh, gone, empty }: Props) {
  const key = (line: Line) => identity(line.incident);
  const columns: Column<Line>[] = [
    {
      id: "what", head: say("queue.what"),
      cell: (line) => (
        <>
          <What line={line} clients={clients} fresh={fresh?.(key(line))} gone={gone?.(key(line))} />
          <span class="line-small"><Turn line={line} /><Due line={line} /></span>
        </>
      ),
    },
    { id: "turn", head: say("queue.turn"), width: clients ? "9.5rem" : "13rem", wide: true, cell: (line) => <Turn line={line} /> },
    { id: "due", head: say("queue.due"), width: wide("11.5rem", "10rem", 11), wide: true, cell: (line) => <Due line={line} /> },
    { id: "state", head: say("queue.state"), width: wide("11rem", "10.25rem", 13), wide: true, cell: (line) => <StateBadge state={line.incident.state} /> },
    { id: "active", head: say("queue.active"), width: wide("9rem", "8rem", 9), wide: true, cell: (line) => <Time at={line.active} ago /> },
  ];
  return (
    <div class="incident-table">
      <Table<Line> label={label} rows={lines} columns={columns} rowKey={key} empty={empty}
        href={(line) => href("incidents", line.incident.client, line.incident.number)}
        tone={(line) => `${line.mine ? "is-mine" : ""} ${fresh?.(key(line)) ? "is-fresh" : ""} ${gone?.(key(line)) ? "is-gone" : ""}`} />
    </div>
  );
}
