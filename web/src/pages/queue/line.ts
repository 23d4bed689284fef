/*
 * An incident as a line of a list: whether it waits for me, and what is due next; and the order in which
 * somebody who works through the list wants them.
 *
 * Mine to do first; of these, and of the rest, what is late or due within a day, the nearest deadline
 * first; then the gravest, and among equals the nearest deadline again.  A critical incident without a
 * deadline so stands above a low one that has days.
 */
import { type Incident, type Severity } from "../../api/client";
import { clientName, sideOf } from "../../api/me";
import { named } from "../../words/words";

export const SEVERITIES: Severity[] = ["critical", "high", "medium", "low", "informational"];

const SOON_MS = 24 * 3_600_000;

export interface Line {
  incident: Incident;
  client: string; /* its name */
  mine: boolean;
  due: string | null;
  dueMs: number; /* the same as a number; without a deadline the greatest there is */
  dueOf: "decision" | "clock" | null;
  dueName: string; /* of the clock */
  warned: boolean;
  soon: boolean; /* late, or due within a day */
  active: string; /* the last known moment of it */
}

export function lineOf(incident: Incident): Line {
  const side = sideOf(incident.client);
  const clock = incident.next_due;
  const decision = incident.decide_by;
  const decides = decision !== null && (clock === null || Date.parse(decision) <= Date.parse(clock.due));
  const due = decides ? decision : (clock?.due ?? null);
  const dueMs = due === null ? Number.MAX_SAFE_INTEGER : Date.parse(due);
  const moments = [incident.alert_last, incident.notified, incident.acknowledged, incident.ended];
  return {
    incident,
    client: named(clientName(incident.client), incident.client),
    mine: incident.turn !== "none" && incident.turn === side,
    due,
    dueMs,
    soon: dueMs - Date.now() < SOON_MS,
    dueOf: decides ? "decision" : clock ? "clock" : null,
    dueName: !decides && clock ? named(clock.name, clock.metric) : "",
    warned: !decides && (clock?.warned ?? false),
    active: moments.reduce<string>((latest, at) => (at !== null && at > latest ? at : latest), incident.opened),
  };
}

export function compare(a: Line, b: Line): number {
  if (a.mine !== b.mine) return a.mine ? -1 : 1;
  if (a.soon !== b.soon) return a.soon ? -1 : 1;
  const sooner = a.dueMs - b.dueMs;
  const graver = SEVERITIES.indexOf(a.incident.severity) - SEVERITIES.indexOf(b.incident.severity);
  return (a.soon ? sooner || graver : graver || sooner) || b.incident.id - a.incident.id;
}

/** Everything of a line that somebody may look for. */
export function textOf(line: Line): string {
  const { incident } = line;
  const { names } = incident;
  return [
    `#${incident.number}`, line.client, incident.client, incident.type, named(names.type), incident.asset, named(names.asset),
    named(names.owner), named(names.zone), incident.inside, incident.outside, incident.other, incident.rules,
  ].join("\n").toLocaleLowerCase();
}
export const identity = (incident: Incident) => `${incident.client}/${incident.number}`;
