/*
 * Found events, a line each; one that is opened shows its fields and the whole record.  j and k go along
 * the lines as arrow keys do.  What stands in an event was written by somebody outside: it is shown as
 * text, with signs in place of what cannot be seen.
 */
import { memo } from "./memo";
import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { Button } from "../../parts/button";
import { CopyButton } from "../../parts/copy";
import { Time } from "../../parts/time";
import { plain } from "../../words/plain";
import { say, sayTime } from "../../words/words";

export type Event = Schemas["Event"];
export type Narrow = (name: string, value: string, not: boolean) => void;

const short = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function Fields({ event, onNarrow }: { event: Event; onNarrow: Narrow }) {
  if (event.fields.length === 0) return <p class="soft">{say("search.no-fields")}</p>;
  return (
    <table class="fields">
      <thead class="only-read">
        <tr>
          <th scope="col">{say("search.field")}</th>
          <th scope="col">{say("search.value")}</th>
          <th scope="col">{say("search.acts")}</th>
        </tr>
      </thead>
      <tbody>
        {event.fields.map(({ name, value }, index) => {
          const about = `${name} ${short(plain(value))}`;
          return (
            <tr key={index}>
              <th scope="row" class="mono">{plain(name)}</th>
              <td class="mono">{value === "" ? <span class="soft">{say("search.empty-line")}</span> : plain(value)}</td>
              <td class="field-acts">
                <Button kind="quiet" icon="plus" label={`${say("search.include")}: ${about}`} onPress={() => onNarrow(name, value, false)}>
                  <span class="act-word">{say("search.include")}</span></Button>
                <Button kind="quiet" icon="filter" label={`${say("search.exclude")}: ${about}`} onPress={() => onNarrow(name, value, true)}>
                  <span class="act-word">{say("search.exclude")}</span></Button>
                <CopyButton text={value} about={name} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Opened({ event, onNarrow, id }: { event: Event; onNarrow: Narrow; id: string }) {
  return (
    <div class="event-opened" id={id}>
      <dl class="event-facts small">
        <div><dt>{say("search.received")}</dt><dd><Time at={event.received} /></dd></div>
        {event.happened && <div><dt>{say("search.happened")}</dt><dd><Time at={event.happened} /></dd></div>}
        <div><dt>{say("search.source")}</dt><dd>{event.source}</dd></div>
        <div><dt>{say("search.place")}</dt><dd>{event.place}</dd></div>
      </dl>
      <Fields event={event} onNarrow={onNarrow} />
      <div class="row">
        <h2 class="event-head grow">{say("search.original")}</h2>
        <CopyButton text={event.original} about={say("search.original")} />
      </div>
      {event.cut && <p class="small soft">{say("search.cut")}</p>}
      <pre class="event-original" tabIndex={0} role="region" aria-label={say("search.original")}>{plain(event.original)}</pre>
    </div>
  );
}

const Row = memo(function Row({ event, onNarrow }: { event: Event; onNarrow: Narrow }) {
  const [open, setOpen] = useState(false);
  const line = plain(event.original.slice(0, 2000)).replace(/\s+/g, " ").trim();
  const id = `event-${event.place}`;
  return (
    <li class={open ? "event open" : "event"}>
      <button type="button" class="event-line" data-line aria-expanded={open} aria-controls={open ? id : undefined}
        onClick={() => setOpen(!open)}>
        <time class="event-time" dateTime={event.received}>{sayTime(event.received).slice(0, 19)}</time>
        <span class="event-source" title={event.source}>{event.source}</span>
        <span class="event-text mono">{line || <span class="soft">{say("search.empty-line")}</span>}</span>
      </button>
      {open && <Opened event={event} onNarrow={onNarrow} id={id} />}
    </li>
  );
});

/** Goes from line to line: by 1 or -1. */
export function goLine(step: number): void {
  const lines = [...document.querySelectorAll<HTMLElement>("[data-line]")];
  const at = lines.findIndex((line) => line === document.activeElement || line.parentElement!.contains(document.activeElement));
  const next = lines[at < 0 ? 0 : at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

export function Events({ events, onNarrow }: { events: Event[]; onNarrow: Narrow }) {
  const keys = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !(event.target as Element).hasAttribute("data-line")) return;
    event.preventDefault();
    goLine(step);
  };
  return (
    <ol class="events" aria-label={say("search.results")} onKeyDown={keys}>
      {events.map((event) => <Row key={event.place} event={event} onNarrow={onNarrow} />)}
    </ol>
  );
}
