/*
 * Where the query is typed: what of it is wrong is marked, and names of fields are completed.  The names
 * are those of the events at hand, and the usual ones; they are taken with the arrow keys and Enter or Tab.
 */
import { useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Refusal } from "../../api/client";
import { Button } from "../../parts/button";
import { Icon } from "../../parts/icon";
import { say } from "../../words/words";
import { mistakeOf } from "./query";

/** Names that many parsers give, for when no event is there yet. */
const USUAL = [
  "destination.ip", "destination.port", "event.action", "event.code", "event.original", "event.outcome", "hinomi.class",
  "hinomi.parse_error", "hinomi.parser", "host.name", "http.request.method", "http.response.status_code", "network.protocol",
  "process.command_line", "process.executable", "process.name", "source.ip", "source.port", "url.domain", "url.original",
  "url.path", "user.name", "user_agent.original",
];
const PIPES = ["count by ", "top 10 ", "timeline 1h", "fields ", "sort -", "dedup ", "where ", "head 10", "rare 10 ", "sum ", "avg ", "min ", "max ", "distinct "];
const SHOWN_MAX = 7;

/** What stands before the caret and can be completed, and by what. */
export function completions(before: string, names: string[]): { from: number; list: string[] } {
  const word = /[\p{L}_@][\p{L}\p{N}_.@-]*$/u.exec(before)?.[0] ?? "";
  const from = before.length - word.length;
  const ahead = before.slice(0, from);
  const quotes = (ahead.match(/(?<!\\)"/g) ?? []).length % 2 === 1;
  if (quotes || /:\s*\(?$/.test(ahead)) return { from, list: [] };
  const pool = /\|\s*$/.test(ahead) ? PIPES : word.length < 2 ? [] : names;
  const list = pool.filter((name) => name.toLowerCase().startsWith(word.toLowerCase()) && name !== word);
  return { from, list: list.slice(0, SHOWN_MAX) };
}

/** What of the query is wrong: the query with a mark where it is. */
function Mistake({ query, at, text }: { query: string; at: number; text: string }) {
  const from = Math.max(0, at - 60);
  return (
    <div class="mistake" role="alert" id="query-mistake">
      <p><Icon name="warning" /> {say("search.error-at", { column: at + 1 })} <span lang="en">{text}</span></p>
      <pre class="mono small">{from > 0 && "…"}{query.slice(from, at)}<mark>{query.slice(at, at + 1) || " "}</mark>{query.slice(at + 1, at + 60)}</pre>
    </div>
  );
}

interface Props {
  query: string;
  refusal: Refusal | undefined;
  names: string[]; /* of fields that events at hand have */
  onQuery: (query: string) => void;
  onHelp: () => void;
  field: { current: HTMLTextAreaElement | null };
}
export function QueryField({ query, refusal, names, onQuery, onHelp, field }: Props) {
  const [text, setText] = useState(query);
  const [shown, setShown] = useState(query);
  const [offer, setOffer] = useState<{ from: number; to: number; list: string[]; at: number } | null>(null);
  const id = useId();
  /* Another query in the address replaces what stands here, at once: an effect would come after the paint, and
     take away what somebody has typed by then. */
  if (shown !== query) {
    setShown(query);
    setText(query);
    setOffer(null);
  }
  const caret = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (caret.current !== null) field.current?.setSelectionRange(caret.current, caret.current);
    caret.current = null;
  });
  const known = useMemo(() => [...new Set([...names, ...USUAL])].sort(), [names]);
  const mistake = mistakeOf(refusal, query);
  const send = (event: { preventDefault: () => void }) => {
    event.preventDefault();
    setOffer(null);
    onQuery(text.trim());
  };
  const look = (area: HTMLTextAreaElement) => {
    const to = area.selectionEnd;
    const { from, list } = completions(area.value.slice(0, to), known);
    setOffer(list.length > 0 ? { from, to, list, at: -1 } : null);
  };
  const take = (name: string) => {
    if (!offer) return;
    const added = name.endsWith(" ") || name.endsWith("-") || /\|/.test(text.slice(0, offer.from)) ? name : `${name}: `;
    const next = text.slice(0, offer.from) + added + text.slice(offer.to);
    setText(next);
    setOffer(null);
    caret.current = offer.from + added.length;
    field.current?.focus();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    if (offer) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        setOffer({ ...offer, at: Math.min(offer.list.length - 1, Math.max(-1, offer.at + step)) });
        return;
      }
      if ((event.key === "Enter" || event.key === "Tab") && offer.at >= 0) {
        event.preventDefault();
        take(offer.list[offer.at]!);
        return;
      }
      if (event.key === "Escape") {
        event.preventDefault();
        setOffer(null);
        return;
      }
    }
    if (event.key === "Enter") send(event);
  };
  return (
    <form class="query" role="search" onSubmit={send}>
      <label class="label" for="query">{say("search.query")}</label>
      <div class="query-row">
        <div class="query-box">
          <textarea id="query" ref={field} class="control mono query-text" rows={1} value={text} spellcheck={false} autocomplete="off"
            placeholder={say("search.query-hint")} aria-invalid={mistake ? true : undefined}
            aria-describedby={mistake ? "query-mistake" : undefined} maxLength={65536} aria-autocomplete="list"
            aria-controls={offer ? id : undefined} aria-activedescendant={offer && offer.at >= 0 ? `${id}-${offer.at}` : undefined}
            onInput={(event) => { setText(event.currentTarget.value); look(event.currentTarget); }}
            onBlur={() => setOffer(null)} onKeyDown={keys} />
          {offer && (
            <ul class="offers" id={id} role="listbox" aria-label={say("search.offers")}>
              {offer.list.map((name, index) => (
                <li key={name} id={`${id}-${index}`} role="option" aria-selected={index === offer.at} class="mono"
                  /* Before the field loses the focus, which would take the list away. */
                  onPointerDown={(event) => { event.preventDefault(); take(name); }}>{name}</li>
              ))}
            </ul>
          )}
        </div>
        <Button kind="main" submit icon="search">{say("search.do")}</Button>
        <Button onPress={onHelp} icon="help">{say("search.help")}</Button>
      </div>
      {mistake && text.trim() === query && <Mistake query={query} {...mistake} />}
    </form>
  );
}
