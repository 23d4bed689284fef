/* Why a rule raised an alert: each of its conditions with what the event had there, in words. */
import type { Schemas } from "../../api/client";
import { Icon } from "../../parts/icon";
import { plain } from "../../words/plain";
import { say, sayMaybe } from "../../words/words";

/* The members of `why` (detect/explain_print.c). */
export interface Node {
  what: string;
  holds: boolean;
  found?: string | null;
  note?: string;
  parts?: Node[];
}
export interface Why {
  class: string;
  held: boolean;
  condition: Node;
  filters: Node[];
}
export type Explanation = { why: Why; edition: string };
export const whyOf = (answer: { why: unknown; edition: string }): Explanation => ({ edition: answer.edition, why: answer.why as Why });

/** "url.query|contains|all" → the field, and how it is compared. */
function itemOf(what: string): { field: string; how: string[] } {
  const [field = "", ...how] = what.split("|");
  return { field, how };
}
/** What can be marked in the line: the literal values that were found, or all of what a pattern was held against. */
export function partsFound(node: Node): string[] {
  if (!node.holds) return [];
  const below = node.parts ?? [];
  if (node.found !== undefined && node.found !== null) {
    const { how } = itemOf(node.what);
    const literal = !how.some((one) => ["re", "cidr", "exists", "gt", "gte", "lt", "lte", "fieldref"].includes(one));
    const values = literal
      ? below.filter((value) => value.holds).flatMap((value) => value.what.split("*")).filter((value) => value.length > 2)
      : [];
    return values.length > 0 ? values : [node.found];
  }
  return below.flatMap(partsFound);
}

function Item({ node }: { node: Node }) {
  const { field, how } = itemOf(node.what);
  const values = (node.parts ?? []).filter((value) => value.holds === node.holds);
  const words = how.map((one) => sayMaybe(`incident.how.${one}`, one)).join(say("queue.and"));
  return (
    <li class={node.holds ? "why-item holds" : "why-item"}>
      <Icon name={node.holds ? "check" : "close"} label={say(node.holds ? "incident.why.holds" : "incident.why.fails")} />
      <div class="why-body">
        <div><code>{field || say("incident.why.whole")}</code> <span class="small soft">{words}</span></div>
        {node.found === null && <div class="small soft">{say("incident.why.missing")}</div>}
        {node.found && <div class="small">{say("incident.why.found")} <code class="why-found">{plain(node.found)}</code></div>}
        {values.length > 0 && (
          <details>
            <summary class="small">{say("incident.why.values", { count: values.length })}</summary>
            <ul class="why-values">{values.slice(0, 50).map((value, index) => <li key={index}><code>{value.what}</code></li>)}</ul>
          </details>
        )}
        {node.note && <div class="small soft" lang="en">{node.note}</div>}
      </div>
    </li>
  );
}
const isItem = (node: Node) => node.found !== undefined || (node.parts ?? []).every((part) => part.parts === undefined && part.found === undefined);

function Selection({ node }: { node: Node }) {
  const items = (node.parts ?? []).flatMap(function flat(one: Node): Node[] { return isItem(one) ? [one] : (one.parts ?? []).flatMap(flat); });
  return (
    <div class="why-selection">
      <div class="row"><code>{node.what}</code><span class="small soft">{say(node.holds ? "incident.why.holds" : "incident.why.fails")}</span></div>
      <ul class="why-items">{items.map((item, index) => <Item key={index} node={item} />)}</ul>
    </div>
  );
}
function selections(node: Node): Node[] {
  const parts = node.parts ?? [];
  return parts.length === 0 || parts.every(isItem) ? [node] : parts.flatMap(selections);
}

export function WhyShown({ explanation, rule }: { explanation: Explanation; rule: Schemas["Alert"]["rule"] }) {
  const all = selections(explanation.why.condition);
  const holding = all.filter((one) => one.holds);
  const others = all.filter((one) => !one.holds);
  const filters = explanation.why.filters ?? [];
  return (
    <div class="why">
      <p>{say("incident.why.lead", { rule: rule.title })} <code>{explanation.why.condition.what}</code></p>
      {holding.map((one, index) => <Selection key={index} node={one} />)}
      {others.length + filters.length > 0 && (
        <details>
          <summary>{say("incident.why.others", { count: others.length + filters.length })}</summary>
          {[...others, ...filters].map((one, index) => <Selection key={index} node={one} />)}
        </details>
      )}
    </div>
  );
}
