/* Filters of a list of incidents: they stand in the address, and each says how many it would leave. */
import "./filters.css";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Severity, State } from "../../api/client";
import { Button } from "../../parts/button";
import { Icon } from "../../parts/icon";
import { say, sayNumber } from "../../words/words";
import { goQuery } from "../router";
import { SEVERITIES, textOf, type Line } from "./line";

export const STATES: State[] = ["detected", "cause", "countermeasure", "coordination", "executing", "return-check", "steady"];
export type Turn = "mine" | "theirs";
export interface Filters {
  client: string;
  severity: Severity | "";
  state: State | "";
  turn: Turn | "";
  text: string;
}
type Name = keyof Filters;
const NAMES: Name[] = ["client", "severity", "state", "turn", "text"];

export function filtersOf(query: URLSearchParams): Filters {
  const of = (name: Name) => query.get(name) ?? "";
  const severity = SEVERITIES.find((one) => one === of("severity")) ?? "";
  const state = STATES.find((one) => one === of("state")) ?? "";
  const turn = (["mine", "theirs"] as const).find((one) => one === of("turn")) ?? "";
  return { client: of("client"), severity, state, turn, text: of("text") };
}
export const filtered = (filters: Filters) => NAMES.some((name) => filters[name] !== "");
export function filtersClear(): void {
  goQuery(Object.fromEntries(NAMES.map((name) => [name, undefined])));
}

function fits(line: Line, filters: Filters, but?: Name): boolean {
  const { incident } = line;
  const turn: Turn | "" = line.mine ? "mine" : incident.turn === "none" ? "" : "theirs";
  const is = (name: Name, value: string) => name === but || filters[name] === "" || filters[name] === value;
  return is("client", incident.client) && is("severity", incident.severity) && is("state", incident.state) && is("turn", turn) &&
    (but === "text" || !filters.text || filters.text.toLocaleLowerCase().split(/\s+/).every((word) => textOf(line).includes(word)));
}
export function filter(lines: Line[], filters: Filters): Line[] {
  return filtered(filters) ? lines.filter((line) => fits(line, filters)) : lines;
}
/** How many lines a filter would leave, all the others staying as they are. */
function count(lines: Line[], filters: Filters, name: Name, value: string): number {
  return lines.filter((line) => fits(line, { ...filters, [name]: value })).length;
}

function Chip({ on, many, onPress, children }: { on: boolean; many: number; onPress: () => void; children: ComponentChildren }) {
  return (
    <button type="button" class="chip" aria-pressed={on} disabled={many === 0 && !on} onClick={onPress}>
      <span>{children}</span>
      <span class="chip-count">{sayNumber(many)}</span>
    </button>
  );
}

/** The text waits a moment, so that a list of hundreds is not sorted at each letter. */
function Search({ text }: { text: string }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed === text) return;
    const timer = window.setTimeout(() => goQuery({ text: typed.trim() || undefined }), 150);
    return () => window.clearTimeout(timer);
  }, [typed]);
  return (
    <span class="filter-search">
      <Icon name="search" />
      <input id="queue-search" class="control" type="search" value={typed} placeholder={say("queue.search")} aria-label={say("queue.search")}
        maxLength={200} onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => { if (event.key === "Escape") { setTyped(""); event.currentTarget.blur(); } }} />
    </span>
  );
}

export function FilterBar({ lines, filters, clients }: { lines: Line[]; filters: Filters; clients?: boolean }) {
  const [open, setOpen] = useState(false);
  const chips = <T extends string>(name: Name, values: T[], text: (value: T) => string) => values.map((value) => (
    <Chip key={value} on={filters[name] === value} many={count(lines, filters, name, value)}
      onPress={() => goQuery({ [name]: filters[name] === value ? undefined : value })}>{text(value)}</Chip>
  ));
  const known = new Map(lines.map((line) => [line.incident.client, line.client]));
  if (filters.client) known.set(filters.client, known.get(filters.client) ?? filters.client);
  const selectable = (name: "client" | "state", label: string, values: [string, string][]) => (
    <select class={filters[name] ? "control chosen" : "control"} aria-label={label} value={filters[name]}
      onChange={(event) => goQuery({ [name]: event.currentTarget.value || undefined })}>
      <option value="">{label}</option>
      {values.map(([value, text]) => (
        <option key={value} value={value}>{`${text} (${sayNumber(count(lines, filters, name, value))})`}</option>
      ))}
    </select>
  );
  return (
    <div class={open ? "filters open" : "filters"} role="search">
      <Search text={filters.text} />
      <div class="filters-more"><Button icon="filter" pressed={open} onPress={() => setOpen(!open)}>{say("queue.filters")}</Button></div>
      <div class="chips" role="group" aria-label={say("queue.turn")}>
        {chips<Turn>("turn", ["mine", "theirs"], (turn) => say(`queue.turn.${turn}`))}
      </div>
      <div class="chips rest" role="group" aria-label={say("queue.severity")}>
        {chips<Severity>("severity", SEVERITIES, (severity) => say(`level.${severity}`))}
      </div>
      <div class="selects rest">
        {clients && known.size > 1 && selectable("client", say("queue.any-client"),
          [...known].sort((a, b) => a[1].localeCompare(b[1])))}
        {selectable("state", say("queue.any-state"),
          STATES.filter((state) => filters.state === state || lines.some((line) => line.incident.state === state))
            .map((state) => [state, say(`incident.state.${state}`)]))}
        {filtered(filters) && <Button kind="quiet" icon="close" onPress={filtersClear}>{say("queue.clear")}</Button>}
      </div>
    </div>
  );
}
