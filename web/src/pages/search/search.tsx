/*
 * Searching a client's logs.  The address says what is asked (`q`, and `span` or `from` and `to`), so a
 * search can be kept, shared and gone back to; what is typed counts once it is sent.
 */
import "./search.css";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import { answer, api, Refusal, type Schemas } from "../../api/client";
import { clientName, may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button, ButtonLink } from "../../parts/button";
import { Histogram } from "../../parts/chart";
import { CopyButton } from "../../parts/copy";
import { Answer, Empty, Refused } from "../../parts/empty";
import { Head } from "../../parts/sheet";
import { named, say, sayNumber } from "../../words/words";
import { useKeys } from "../keys";
import { go, goQuery, href, type PageProps } from "../router";
import { Events, goLine, type Event } from "./events";
import { QueryField } from "./field";
import { mistakeOf, parted, shapeOf, spanEnds, spanOf, term, withTerm, type Span } from "./query";
import { QueryHelp } from "./query-help";
import { Result, Unread } from "./result";
import { SavedSearches } from "./saved";
import { SpanChoice } from "./span";
import { fieldsOf, Tops } from "./tops";

type Found = Schemas["Found"];
interface Asking { client: string; query: string; from: string; to: string }
const ROWS_MAX = 500; /* of a table; events come page by page */
const parameters = (a: Asking) => ({ path: { client: a.client }, query: { query: a.query, from: a.from, to: a.to } });

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

const CSV_MAX = 10_000; /* events */
function CsvButton({ asking, cut }: { asking: Asking; cut: boolean }) {
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
      {cut && <span class="small soft">{say("search.csv-cut")}</span>}
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

const TOPS_KEPT = "hinomi.tops";
const NONE: Event[] = [];

function Search({ client, asked }: { client: string; asked: URLSearchParams }) {
  const query = asked.get("q") ?? "";
  const { pipes } = useMemo(() => parted(query), [query]);
  const shape = shapeOf(pipes);
  const span = spanOf(asked);
  const [dialog, setDialog] = useState<"saved" | "help">();
  const [tops, setTops] = useState(() => (localStorage.getItem(TOPS_KEPT) ?? (matchMedia("(min-width: 72rem)").matches ? "on" : "off")) === "on");
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
    const { path, query: asks } = parameters(now);
    return answer(api.GET("/clients/{client}/events", {
      params: { path, query: { ...asks, ...(pipes.length > 0 ? { limit: ROWS_MAX } : {}) } }, signal: running.current.signal,
    }));
  }, [client, query, spanKey]);
  useEffect(() => () => running.current?.abort(), []);
  const older = useOlder(asking, found.data);
  const { every, setEvery } = useRefresh(found.again, span.preset !== undefined && !older.paged);
  const names = useMemo(() => fieldsOf(found.data?.events ?? NONE), [found.data]);
  useKeys(say("search.title"), [
    { keys: "/", text: say("search.key.field"), run: () => field.current?.focus() },
    { keys: "j", text: say("search.key.next"), run: () => goLine(1) },
    { keys: "k", text: say("search.key.previous"), run: () => goLine(-1) },
    { keys: "v", text: say("search.views"), run: () => setDialog("saved") },
    { keys: "w", text: say("search.help"), run: () => setDialog("help") },
  ]);

  const ask = (text: string) => (text === query ? found.again() : goQuery({ q: text }, false));
  const choose = (to: Span) => goQuery({ span: to.preset, from: to.from, to: to.to }, false);
  const latest = useRef(query);
  latest.current = query;
  const narrow = useCallback((name: string, value: string, not: boolean) => {
    goQuery({ q: withTerm(latest.current, term(name, value), not) }, false);
    window.scrollTo(0, 0);
  }, []);
  /* From a line of a list to its events: the pipes have done their work. */
  const look = useCallback((name: string, value: string) => {
    goQuery({ q: withTerm(parted(latest.current).search, term(name, value), false) }, false);
    window.scrollTo(0, 0);
  }, []);
  const topsUse = (on: boolean) => {
    setTops(on);
    localStorage.setItem(TOPS_KEPT, on ? "on" : "off");
  };
  const mistaken = mistakeOf(found.error, query) !== null;
  return (
    <>
      <Head title={say("search.title")} trail={named(clientName(client), client)} lead={say("search.noted")}
        acts={<Button onPress={() => setDialog("saved")} icon="book">{say("search.views")}</Button>} />
      <QueryField query={query} refusal={found.error} names={names} onQuery={ask} onHelp={() => setDialog("help")} field={field} />
      <SpanChoice span={span} onSpan={choose} />
      {mistaken ? null : (
        <Answer asked={found}>
          {(data) => {
            const made = data.table;
            const listed = older.events.length > 0;
            const link = asking && <CopyButton quiet={false} word={say("search.link")} text={location.origin + href("search", client) +
              `?${new URLSearchParams({ ...(query ? { q: query } : {}), from: asking.from, to: asking.to })}`} />;
            return (
              <div class={found.loading ? "found busy" : "found"} aria-busy={found.loading || undefined}>
                <Unread found={data} />
                <div class="row found-head">
                  <div class="grow" role="status"><strong>{older.more && !made
                    ? say("search.total-shown", { count: sayNumber(data.total), shown: sayNumber(older.events.length) })
                    : say("search.total", { count: sayNumber(data.total) })}</strong></div>
                  {span.from && <Button onPress={() => choose(wider(data))}>{say("search.wider")}</Button>}
                  {span.preset && <Refresh every={every} onEvery={setEvery} />}
                  {!made && listed && <Button pressed={tops} icon="filter" onPress={() => topsUse(!tops)}>{say("search.tops")}</Button>}
                </div>
                {!data.timeline && <Histogram label={say("search.chart")} from={data.from} stepSeconds={data.step_seconds} counts={data.counts}
                  onRange={data.counts.length > 1 ? (from, to) => choose({ from, to }) : undefined} />}
                {made ? (
                  <>
                    <Result made={made} step={data.timeline?.step_seconds} shape={shape} onNarrow={look} onRange={(from, to) => choose({ from, to })} />
                    <div class="row">
                      {link}
                      {asking && made.rows.length > 0 && <CsvButton asking={asking} cut={false} />}
                    </div>
                  </>
                ) : !listed ? <Nothing client={client} query={query} /> : (
                  <div class={tops ? "found-parts" : "stack"}>
                    {tops && asking && <Tops client={client} query={query} from={asking.from} to={asking.to} names={names} onNarrow={narrow} />}
                    <div class="found-main stack">
                      <Events events={older.events} onNarrow={narrow} />
                      {older.refusal && <Refused refusal={older.refusal} />}
                      <div class="row">
                        {older.more
                          ? <Button busy={older.busy} onPress={() => void older.next()}>{say("search.older")}</Button>
                          : <span class="small soft">{say("search.oldest")}</span>}
                      </div>
                      <div class="row">
                        {asking && <ButtonLink icon="package" href={`${href("provision", client)}/new?${new URLSearchParams({
                          q: query, from: asking.from, to: asking.to })}`}>{say("provision.of-search")}</ButtonLink>}
                        {link}
                        {asking && <CsvButton asking={asking} cut={data.total > CSV_MAX} />}
                      </div>
                    </div>
                  </div>
                )}
              </div>
            );
          }}
        </Answer>
      )}
      {dialog === "help" && <QueryHelp onClose={() => setDialog(undefined)} onUse={(example) => { goQuery({ q: example }, false); }} />}
      {dialog === "saved" && <SavedSearches client={client} query={query} span={span} onClose={() => setDialog(undefined)}
        onUse={(kept) => go(`${href("search", client)}?${kept}`)} />}
    </>
  );
}
