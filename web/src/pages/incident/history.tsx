/* The history of an incident in words, the newest first. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Incident, Schemas, Severity, State } from "../../api/client";
import { SeverityBadge, StateBadge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Icon, type IconName } from "../../parts/icon";
import { Timeline, type Happening } from "../../parts/timeline";
import { Time } from "../../parts/time";
import { plain } from "../../words/plain";
import { named, say, sayMaybe, sayNumber } from "../../words/words";
import type { Names } from "../names";
import { Options, type Option } from "./options";

type Line = Schemas["Line"];
type Clock = Schemas["Clock"];
/* What `detail` holds, by `what` (incident/group.c, incident/proposal.c, incident/step.c). */
interface Detail {
  alerts?: number;
  severity?: Severity;
  criterion?: string;
  proposal?: number;
  option?: number;
  options?: Option[];
  decide_by?: string | null;
  agreed?: boolean;
  action?: string;
}
const ICONS: Record<string, IconName> = {
  opened: "warning", reported: "warning", alerts: "plus", graver: "warning", step: "next", back: "back", note: "document", proposal: "queue",
  decision: "check", overdue: "clock", authorised: "turn", executed: "check", failed: "close", return: "check", notified: "people",
  "clock-warning": "clock", "clock-breach": "clock", unanswered: "warning", acknowledged: "check",
};
const SHOWN = 100; /* lines, until the others are asked for */
const WARNINGS = ["graver", "overdue", "failed", "clock-breach", "unanswered"];
const detailOf = (line: Line) => (line.detail ?? {}) as Detail;

function Way({ from, to }: { from: State; to: State }) {
  return <span class="row"><StateBadge state={from} /><Icon name="next" label={say("incident.to")} /><StateBadge state={to} /></span>;
}

/** The countermeasure that was decided upon last, or the action that was authorised beforehand. */
export function decidedOn(lines: Line[], incident: Incident): string {
  const last = lines.findLast((line) => line.what === "decision" || line.what === "authorised");
  if (!last) return "";
  const { proposal, option } = detailOf(last);
  if (last.what === "authorised") return [named(incident.names.action, incident.action), last.text].filter(Boolean).join("\n");
  const offered = lines.find((line) => line.what === "proposal" && detailOf(line).proposal === proposal);
  return (option && offered && detailOf(offered).options?.[option - 1]?.text) || "";
}
/** What was checked before the client was asked to agree to the return. */
export function checkedAs(lines: Line[]): string {
  return lines.findLast((line) => line.what === "step" && line.to === "return-check")?.text ?? "";
}

function decided(line: Line, lines: Line[]): ComponentChildren {
  const { proposal, option } = detailOf(line);
  if (!option) return <span>{say("incident.decided.none")}</span>;
  const options = lines.find((one) => one.what === "proposal" && detailOf(one).proposal === proposal);
  return <span class="words">{option}. {plain((options && detailOf(options).options?.[option - 1]?.text) ?? "")}</span>;
}

function said(line: Line, lines: Line[], incident: Incident, clocks: Clock[]): ComponentChildren[] {
  const detail = detailOf(line);
  const parts: ComponentChildren[] = [];
  if (line.from !== line.to && line.what !== "opened") parts.push(<Way from={line.from} to={line.to} />);
  if (detail.severity && line.what !== "alerts") parts.push(<span class="row"><SeverityBadge severity={detail.severity} /></span>);
  if (detail.alerts !== undefined) parts.push(<span>{say("incident.alerts-so-far", { count: sayNumber(detail.alerts) })}</span>);
  if (detail.criterion) {
    const name = detail.criterion === incident.criterion ? named(incident.names.criterion, detail.criterion) : detail.criterion;
    parts.push(<span>{say("incident.by-criterion", { name })}</span>);
  }
  if (line.what === "decision") parts.push(decided(line, lines));
  if (line.what === "return") parts.push(<span>{say(detail.agreed ? "incident.agreed" : "incident.not-agreed")}</span>);
  if (line.what === "authorised") parts.push(<span>{detail.action === incident.action ? named(incident.names.action, incident.action) : detail.action}</span>);
  if (detail.options) {
    const answered = lines.find((one) => one.what === "decision" && detailOf(one).proposal === detail.proposal);
    const options = <Options options={detail.options} chosen={answered && detailOf(answered).option} />;
    /* What is before the client now stands above already. */
    const above = incident.state === "coordination" && detail.proposal === incident.proposal;
    parts.push(above
      ? <details><summary>{say("incident.options", { count: detail.options.length })}</summary>{options}</details> : options);
    if (detail.decide_by) parts.push(<span class="small soft">{say("incident.decide-by")} <Time at={detail.decide_by} /></span>);
  }
  if (line.what.startsWith("clock-")) {
    parts.push(<span>{named(clocks.find((clock) => clock.metric === line.text)?.name, line.text)}</span>);
  } else if (line.text && line.what !== "acknowledged") parts.push(<p class="words">{plain(line.text)}</p>);
  return parts;
}

/** Who it was.  An acknowledgement's text is PARTY/PERSON, or, by a mail's link, "CONTACT (name)". */
function whoOf(line: Line, { person, contact }: Names): string {
  if (line.what !== "acknowledged") return person(line.who);
  const slug = /^([a-z0-9-]+) \(/.exec(line.text)?.[1];
  return slug ? contact(slug) : person(line.text || line.who);
}

export function History({ lines, incident, clocks, names }: { lines: Line[]; incident: Incident; clocks: Clock[]; names: Names }) {
  const [all, setAll] = useState(false);
  const shown = all ? lines : lines.slice(-SHOWN);
  const list: Happening[] = shown.map((line) => {
    const parts = said(line, lines, incident, clocks);
    return {
      key: line.number, at: line.at, who: whoOf(line, names), icon: ICONS[line.what] ?? "next",
      title: sayMaybe(`incident.what.${line.what}`, line.what),
      tone: WARNINGS.includes(line.what) ? "warning" : line.to === "steady" ? "steady" : undefined,
      said: parts.length > 0 ? parts.map((part, index) => <div key={index}>{part}</div>) : undefined,
    };
  });
  return (
    <>
      <Timeline label={say("incident.tab.history")} list={list.reverse()} />
      {shown.length < lines.length && (
        <div class="row"><Button onPress={() => setAll(true)}>{say("incident.older", { count: sayNumber(lines.length - shown.length) })}</Button></div>
      )}
    </>
  );
}
