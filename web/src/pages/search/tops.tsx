/*
 * The most frequent values of some fields, of everything that the search finds in its span: `SEARCH | top 10
 * FIELD` for each, one after the other, since a person may run few searches at once.  Which fields is
 * chosen here and kept in this browser; at first those that the events at hand have.
 */
import { useEffect, useState } from "preact/hooks";
import { answer, api, Refusal } from "../../api/client";
import { Bars } from "../../parts/bars";
import { Button } from "../../parts/button";
import { plain } from "../../words/plain";
import { say, sayNumber } from "../../words/words";
import type { Event, Narrow } from "./events";
import { fieldName, parted } from "./query";
import { cellText } from "./result";

const USUAL = ["source.ip", "user.name", "event.action", "destination.ip", "http.response.status_code", "url.path", "process.name", "host.name"];
const FIELDS_MAX = 6;
const SHOWN = 5;
const key = (client: string) => `hinomi.tops.${client}`;

/** undefined: nobody has chosen. */
function chosenRead(client: string): string[] | undefined {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(client)) ?? "null");
    return Array.isArray(kept) ? kept.filter((name): name is string => typeof name === "string").slice(0, FIELDS_MAX) : undefined;
  } catch {
    return undefined;
  }
}
/** Names of the fields of some events, those that most of them have first. */
export function fieldsOf(events: Event[]): string[] {
  const counts = new Map<string, number>();
  for (const event of events) {
    for (const name of new Set(event.fields.map((field) => field.name))) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)).map(([name]) => name);
}

type Values = { text: string; count: number }[];
type Got = Values | "waits" | Refusal;

function One({ name, got, onNarrow, onRemove }: { name: string; got: Got; onNarrow: Narrow; onRemove: () => void }) {
  const [all, setAll] = useState(false);
  return (
    <section class="top">
      <div class="top-head">
        <h3 class="mono">{plain(name)}</h3>
        <Button kind="quiet" icon="close" label={say("search.top-remove", { field: name })} onPress={onRemove}>{""}</Button>
      </div>
      {got === "waits" ? <p class="small soft">{say("common.loading")}</p>
        : got instanceof Refusal ? <p class="small soft">{got.message || say("common.failed")}</p>
        : got.length === 0 ? <p class="small soft">{say("search.top-none")}</p> : (
          <>
            <Bars label={say("search.top-of", { field: name })} press={say("search.include")}
              list={(all ? got : got.slice(0, SHOWN)).map(({ text, count }, index) => ({ key: index, text: plain(text), count }))}
              onPress={({ key: at }) => onNarrow(name, got[Number(at)]!.text, false)} />
            {got.length > SHOWN && <button type="button" class="top-more small" aria-expanded={all} onClick={() => setAll(!all)}>
              {all ? say("search.top-less") : say("search.top-more", { count: sayNumber(got.length - SHOWN) })}</button>}
          </>
        )}
    </section>
  );
}

interface Props {
  client: string;
  query: string;
  from: string;
  to: string;
  names: string[]; /* of the fields of the events at hand */
  onNarrow: Narrow;
}
export function Tops({ client, query, from, to, names, onNarrow }: Props) {
  const [chosen, setChosen] = useState(() => chosenRead(client));
  const [got, setGot] = useState<Map<string, Got>>(new Map());
  const fields = chosen ?? USUAL.filter((name) => names.includes(name)).slice(0, 3);
  const { search } = parted(query);
  const asked = fields.join("\n");
  useEffect(() => {
    const stop = new AbortController();
    setGot(new Map());
    void (async () => {
      for (const name of asked.split("\n").filter(Boolean)) {
        const told: Got = await answer(api.GET("/clients/{client}/events", {
          params: { path: { client }, query: { query: `${search} | top 10 ${fieldName(name)}`.trim(), from, to } },
          signal: stop.signal,
        })).then(
          ({ table }) => (table?.rows ?? []).map((row) => ({ text: cellText(row[0]), count: Number(row.at(-1)) || 0 })),
          (error: unknown) => (error instanceof Refusal ? error : new Refusal(0, "failed", String(error))));
        if (stop.signal.aborted) return;
        setGot((old) => new Map(old).set(name, told));
      }
    })();
    return () => stop.abort();
  }, [client, search, from, to, asked]);
  const choose = (list: string[]) => {
    setChosen(list);
    localStorage.setItem(key(client), JSON.stringify(list));
  };
  const others = [...new Set([...names, ...USUAL])].filter((name) => !fields.includes(name)).sort();
  return (
    <aside class="tops" aria-label={say("search.tops")}>
      <h2>{say("search.tops")}</h2>
      <p class="small soft">{say("search.tops-help")}</p>
      {fields.map((name) => <One key={name} name={name} got={got.get(name) ?? "waits"} onNarrow={onNarrow}
        onRemove={() => choose(fields.filter((one) => one !== name))} />)}
      {fields.length < FIELDS_MAX && (
        <label class="top-add">
          <span class="only-read">{say("search.top-add")}</span>
          <select class="control" value="" onChange={(event) => { const name = event.currentTarget.value; if (name) choose([...fields, name]); }}>
            <option value="">{say("search.top-add")}</option>
            {others.map((name) => <option key={name} value={name}>{plain(name)}</option>)}
          </select>
        </label>
      )}
    </aside>
  );
}
