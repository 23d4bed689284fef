/*
 * What somebody may do with an incident now: what its state allows and their rights carry, as the service
 * itself decides it (incident/step.c, incident/proposal.c).  One of it may be what everybody waits for.
 */
import type { Incident, State } from "../../api/client";
import { may } from "../../api/me";

export type Act = "acknowledge" | "cause" | "countermeasure" | "propose" | "decide" | "authorised" | "execute" | "checks" | "return" | "note" | "back";

export const STATES: State[] = ["detected", "cause", "countermeasure", "coordination", "executing", "return-check", "steady"];
const WANTED: Record<State, Act[]> = {
  detected: ["cause"],
  cause: ["countermeasure"],
  countermeasure: ["propose"],
  coordination: ["decide"],
  executing: ["execute", "checks"],
  "return-check": ["return"],
  steady: [],
};

/** Where a step back may lead: to any earlier state but coordination, into which only a proposal leads. */
export function statesBack(incident: Incident): State[] {
  if (incident.state === "steady") return [];
  return STATES.slice(0, STATES.indexOf(incident.state)).filter((state) => state !== "coordination");
}

export function actsOf(incident: Incident): Act[] {
  const { client, state } = incident;
  const works = may(client, "work");
  const takesPart = works || may(client, "act");
  const decides = may(client, "decide");
  const executes = incident.executes === "client" ? may(client, "act") : works;
  const before = STATES.indexOf(state) < STATES.indexOf("executing");
  const can: Record<Act, boolean> = {
    cause: works && state === "detected",
    countermeasure: works && state === "cause",
    propose: works && (state === "countermeasure" || state === "coordination"),
    decide: decides && state === "coordination",
    execute: executes && state === "executing" && !incident.executed,
    checks: works && state === "executing" && incident.executed,
    return: decides && state === "return-check",
    acknowledge: takesPart && incident.acknowledged === null && state !== "steady",
    authorised: works && before && incident.authorised && incident.action !== "",
    note: takesPart,
    back: works && statesBack(incident).length > 0,
  };
  return (Object.keys(can) as Act[]).filter((act) => can[act]);
}
/** The one of these that the incident waits for. */
export function wantedOf(incident: Incident, acts: Act[]): Act | undefined {
  return WANTED[incident.state].find((act) => acts.includes(act));
}
