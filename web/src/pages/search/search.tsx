/*
 * Searching a client's logs.  The address says what is asked (`q`, and `span` or `from` and `to`), so a
 * search can be kept, shared and gone back to; what is typed counts once it is sent.
 */
import "./search.css";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { answer, api, Refusal, type Schemas } from "../../api/client";
import { clientName, may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button } from "../../parts/button";
import { Histogram } from "../../parts/chart";
import { CopyButton } from "../../parts/copy";
import { Answer, Empty, Refused } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Head } from "../../parts/sheet";
import { named, say, sayNumber } from "../../words/words";
import { address, go, goQuery, href, type PageProps } from "../router";
import { Events, goLine, type Event } from "./events";
import { mistakeOf, spanEnds, spanOf, term, withTerm, type Span } from "./query";
import { QueryHelp } from "./query-help";
import { SpanChoice } from "./span";
import { Views } from "./views";

type Found = Schemas["Found"];
interface Asking { client: string; query: string; from: string; to: string }
const parameters = (a: Asking) => ({ path: { client: a.client }, query: { query: a.query, from: a.from, to: a.to } });

/** Keys for whoever is not writing just now. */
function useKeys(field: { current: HTMLTextAreaElement | null }) {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const at = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || at.closest("input, textarea, select, dialog")) return;
      if (event.key === "/") field.current?.focus();
      else if (event.key === "j") goLine(1);
      else if (event.key === "k") goLine(-1);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
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

function QueryField({ query, refusal, onQuery, onHelp, field }: {
  query: string; refusal: Refusal | undefined; onQuery: (query: string) => void; onHelp: () => void;
  field: { current: HTMLTextAreaElement | null };
}) {
  const [text, setText] = useState(query);
  useEffect(() => setText(query), [query]);
  const mistake = mistakeOf(refusal, query);
  const send = (event: Event0) => {
    event.preventDefault();
    onQuery(text.trim());
  };
  return (
    <form class="query" role="search" onSubmit={send}>
      <label class="label" for="query">{say("search.query")}</label>
      <div class="query-row">
        <textarea id="query" ref={field} class="control mono query-text" rows={1} value={text} spellcheck={false} autocomplete="off"
          placeholder={say("search.query-hint")} aria-invalid={mistake ? true : undefined}
          aria-describedby={mistake ? "query-mistake" : undefined} maxLength={65536}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => { if (event.key === "Enter" && !event.isComposing) send(event); }} />
        <Button kind="main" submit icon="search">{say("search.do")}</Button>
        <Button onPress={onHelp} icon="help">{say("search.help")}</Button>
      </div>
      {mistake && text.trim() === query && <Mistake query={query} {...mistake} />}
    </form>
  );
}
type Event0 = { preventDefault: () => void };

/** Older events, page by page behind those of the answer. */
function useOlder(asking: Asking | undefined, found: Found | undefined) {
  const [older, setOlder] = useState<{ events: Event[]; more: boolean } | null>(null);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const turn = useRef(0);
  useEffect(() => {
    turn.current++;
    setOlder(null);
    setRefusal(undefined);
    setBusy(false);
  }, [found]);
  const events = useMemo(() => [...(found?.events ?? []), ...(older?.events ?? [])], [found, older]);
  const next = async () => {
    const last = events.at(-1);
    if (!asking || !last) return;
    const mine = turn.current;
    setBusy(true);
    setRefusal(undefined);
    const { path, query } = parameters(asking);
    try {
      const page = await answer(api.GET("/clients/{client}/events", { params: { path, query: { ...query, before: last.place } } }));
      if (mine !== turn.current) return;
      setOlder((old) => ({ events: [...(old?.events ?? []), ...page.events], more: page.more }));
    } catch (error) {
      if (mine !== turn.current) return;
      setRefusal(error instanceof Refusal ? error : new Refusal(0, "failed", String(error)));
    }
    setBusy(false);
  };
  return { events, more: older?.more ?? found?.more ?? false, paged: older !== null, busy, refusal, next };
}

function CsvButton({ asking, total }: { asking: Asking; total: number }) {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const save = async () => {
    setBusy(true);
    setRefusal(undefined);
    try {
      const file = await answer(api.GET("/clients/{client}/events/csv", { params: parameters(asking), parseAs: "blob" }));
      const link = document.createElement("a");
      link.href = URL.createObjectURL(file as unknown as Blob);
      link.download = `${asking.client}-${asking.from.slice(0, 19).replace(/[^0-9T]/g, "")}.csv`;
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      setRefusal(error instanceof Refusal ? error : new Refusal(0, "failed", String(error)));
    }
    setBusy(false);
  };
  return (
    <>
      {refusal && <Refused refusal={refusal} />}
      {total > 10_000 && <span class="small soft">{say("search.csv-cut")}</span>}
      <Button busy={busy} onPress={() => void save()}>{say("search.csv")}</Button>
    </>
  );
}

const REFRESH = [0, 10, 60] as const;
function useRefresh(again: () => void, possible: boolean) {
  const [every, setEvery] = useState<(typeof REFRESH)[number]>(0);
  useEffect(() => {
    if (every === 0 || !possible) return;
    const timer = window.setInterval(() => document.visibilityState === "visible" && again(), every * 1000);
    return () => window.clearInterval(timer);
  }, [every, possible]);
  return { every, setEvery };
}
function Refresh({ every, onEvery }: { every: number; onEvery: (every: (typeof REFRESH)[number]) => void }) {
  return (
    <label class="refresh small">
      <span>{say("search.refresh")}</span>
      <select class="control" value={every} onChange={(e) => onEvery(Number(e.currentTarget.value) as (typeof REFRESH)[number])}>
        {REFRESH.map((seconds) => <option key={seconds} value={seconds}>{say(`search.refresh.${seconds}`)}</option>)}
      </select>
    </label>
  );
}

function Nothing({ client, query }: { client: string; query: string }) {
  if (query) return <Empty icon="search" title={say("search.nothing")}>{say("search.nothing-help")}</Empty>;
  return (
    <Empty icon="search" title={say("search.nothing-at-all")}>
      {may(client, "books") && <a href={href("sources", client)}>{say("search.to-sources")}</a>}
    </Empty>
  );
}

/** Three times as wide, about the same middle, but not into the future. */
function wider(found: Found): Span {
  const [from, to] = [Date.parse(found.from), Date.parse(found.to)];
  const end = Math.min(to + (to - from), Math.max(to, Math.ceil(Date.now() / 1000) * 1000));
  return { from: new Date(end - 3 * (to - from)).toISOString(), to: new Date(end).toISOString() };
}

export default function SearchPage({ params, query }: PageProps) {
  const client = params.client ?? "";
  if (may(client, "read")) return <Search client={client} asked={query} />;
  return (
    <>
      <Head title={say("search.title")} />
      <Empty icon="search" title={say("search.no-right")} />
    </>
  );
}

function Search({ client, asked }: { client: string; asked: URLSearchParams }) {
  const query = asked.get("q") ?? "";
  const span = spanOf(asked);
  const [views, setViews] = useState(false);
  const [help, setHelp] = useState(false);
  const [asking, setAsking] = useState<Asking>();
  const field = useRef<HTMLTextAreaElement>(null);
  const spanKey = `${span.preset} ${span.from} ${span.to}`;
  const running = useRef<AbortController | null>(null);
  const found = useAsked(() => {
    const now: Asking = { client, query, ...spanEnds(span, Date.now()) };
    setAsking(now);
    /* A search that nobody waits for any more is ended: a person may run few at once. */
    running.current?.abort();
    running.current = new AbortController();
    return answer(api.GET("/clients/{client}/events", { params: parameters(now), signal: running.current.signal }));
  }, [client, query, spanKey]);
  useEffect(() => () => running.current?.abort(), []);
  const older = useOlder(asking, found.data);
  const { every, setEvery } = useRefresh(found.again, span.preset !== undefined && !older.paged);
  useKeys(field);

  const ask = (text: string) => (text === query ? found.again() : goQuery({ q: text }, false));
  const choose = (to: Span) => goQuery({ span: to.preset, from: to.from, to: to.to }, false);
  const latest = useRef(query);
  latest.current = query;
  const narrow = useCallback((name: string, value: string, not: boolean) => {
    goQuery({ q: withTerm(latest.current, term(name, value), not) }, false);
    window.scrollTo(0, 0);
  }, []);
  const mistaken = mistakeOf(found.error, query) !== null;
  return (
    <>
      <Head title={say("search.title")} trail={named(clientName(client), client)} lead={say("search.noted")}
        acts={<Button onPress={() => setViews(true)} icon="book">{say("search.views")}</Button>} />
      <QueryField query={query} refusal={found.error} onQuery={ask} onHelp={() => setHelp(true)} field={field} />
      <SpanChoice span={span} onSpan={choose} />
      {mistaken ? null : (
        <Answer asked={found}>
          {(data) => (
            <div class={found.loading ? "found busy" : "found"} aria-busy={found.loading || undefined}>
              {!data.complete && <div class="notice" role="status"><Icon name="warning" /><p>{say("search.incomplete")}</p></div>}
              <div class="row found-head">
                <div class="grow" role="status"><strong>{older.more
                  ? say("search.total-shown", { count: sayNumber(data.total), shown: sayNumber(older.events.length) })
                  : say("search.total", { count: sayNumber(data.total) })}</strong></div>
                {span.from && <Button onPress={() => choose(wider(data))}>{say("search.wider")}</Button>}
                {span.preset && <Refresh every={every} onEvery={setEvery} />}
              </div>
              <Histogram label={say("search.chart")} from={data.from} stepSeconds={data.step_seconds} counts={data.counts}
                onRange={data.counts.length > 1 ? (from, to) => choose({ from, to }) : undefined} />
              {older.events.length === 0 ? <Nothing client={client} query={query} /> : (
                <>
                  <div class="small soft keys">{say("search.keys")}</div>
                  <Events events={older.events} onNarrow={narrow} />
                  {older.refusal && <Refused refusal={older.refusal} />}
                  <div class="row">
                    {older.more
                      ? <Button busy={older.busy} onPress={() => void older.next()}>{say("search.older")}</Button>
                      : <span class="small soft">{say("search.oldest")}</span>}
                    <span class="grow" />
                    {asking && <CopyButton quiet={false} word={say("search.link")} text={location.origin + href("search", client) +
                      `?${new URLSearchParams({ ...(query ? { q: query } : {}), from: asking.from, to: asking.to })}`} />}
                    {asking && <CsvButton asking={asking} total={data.total} />}
                  </div>
                </>
              )}
            </div>
          )}
        </Answer>
      )}
      {help && <QueryHelp onClose={() => setHelp(false)} onUse={(example) => { goQuery({ q: example }, false); }} />}
      {views && <Views client={client} address={address.value.split("?")[1] ?? ""} onClose={() => setViews(false)}
        onUse={(kept) => go(`${href("search", client)}${kept ? `?${kept}` : ""}`)} />}
    </>
  );
}
