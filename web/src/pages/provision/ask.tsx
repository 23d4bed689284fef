/*
 * Asking for logs: which days, of which sources, in what form, what for.  A search leads here with its own
 * query and moments (`?q=…&from=…&to=…`).
 */
import "./provision.css";
import { useState } from "preact/hooks";
import { answer, api } from "../../api/client";
import { clientName, may } from "../../api/me";
import { useAct } from "../../parts/act";
import { Button, ButtonLink } from "../../parts/button";
import { Choices } from "../../parts/choices";
import { Empty, Refused } from "../../parts/empty";
import { CheckField, SelectField, TextField } from "../../parts/field";
import { Head, Sheet } from "../../parts/sheet";
import { toast } from "../../parts/toast";
import { language, named, say, sayTime } from "../../words/words";
import { useSources } from "../archive/sources";
import { go, href, type PageProps } from "../router";
import { dayBegins, dayOf, PRESETS, presetDays } from "./period";
import "../archive/archive.css";

const PURPOSE_MAX = 2000;
type Format = "raw" | "ndjson" | "csv";

export default function AskPage({ params, query }: PageProps) {
  const client = params.client ?? "";
  if (may(client, "read")) return <Ask client={client} asked={query} />;
  return (
    <>
      <Head title={say("provision.ask")} />
      <Empty icon="package" title={say("provision.no-right")} />
    </>
  );
}

/** Two moments of a search, where it led here with whole ones. */
function momentsOf(query: URLSearchParams): { from: string; to: string } | undefined {
  const [from, to] = [Date.parse(query.get("from") ?? ""), Date.parse(query.get("to") ?? "")];
  return from < to ? { from: new Date(from).toISOString(), to: new Date(to).toISOString() } : undefined;
}

function Days({ first, last, wrong, onDays }: { first: string; last: string; wrong?: string; onDays: (first: string, last: string) => void }) {
  return (
    <>
      <div class="segments" role="group" aria-label={say("provision.presets")}>
        {PRESETS.map((preset) => {
          const days = presetDays(preset, Date.now());
          return <Button key={preset} pressed={days.first === first && days.last === last}
            onPress={() => onDays(days.first, days.last)}>{say(`provision.preset.${preset}`)}</Button>;
        })}
      </div>
      <div class="pair">
        <TextField label={say("provision.from")} type="date" value={first} required onValue={(day) => onDays(day, last)} />
        <TextField label={say("provision.to")} type="date" value={last} required wrong={wrong} help={say("provision.to-help")} onValue={(day) => onDays(first, day)} />
      </div>
    </>
  );
}

function Ask({ client, asked }: { client: string; asked: URLSearchParams }) {
  const sources = useSources(client);
  const month = presetDays("last-month", Date.now());
  const [moments, setMoments] = useState(() => momentsOf(asked));
  const [first, setFirst] = useState(() => (moments ? dayOf(Date.parse(moments.from)) : month.first));
  const [last, setLast] = useState(() => (moments ? dayOf(Date.parse(moments.to) - 1) : month.last));
  const [all, setAll] = useState<"all" | "some">("all");
  const [chosen, setChosen] = useState<string[]>([]);
  const [query, setQuery] = useState(asked.get("q") ?? "");
  const [format, setFormat] = useState<Format>("csv");
  const [proof, setProof] = useState(true);
  const [spoken, setSpoken] = useState<"ja" | "en">(language.value);
  const [purpose, setPurpose] = useState("");
  const act = useAct();
  const wrong = first && last && last < first ? say("provision.period-wrong") : undefined;
  const ready = first !== "" && last !== "" && !wrong && purpose.trim() !== "" && (all === "all" || chosen.length > 0);
  const days = (from: string, to: string) => { setMoments(undefined); setFirst(from); setLast(to); };
  const send = async () => {
    const span = moments ?? { from: new Date(dayBegins(first)).toISOString(), to: new Date(dayBegins(last, 1)).toISOString() };
    const made = await answer(api.POST("/clients/{client}/provisions", {
      params: { path: { client } },
      body: { ...span, sources: all === "all" ? [] : chosen, query: query.trim(), format, proof, language: spoken, purpose: purpose.trim() },
    }));
    toast(say("provision.asked-done"));
    go(href("provision", client, made.id));
  };
  return (
    <>
      <Head title={say("provision.ask")} lead={say("provision.ask-lead")}
        trail={<><a href={href("provision", client)}>{say("provision.title")}</a> › {named(clientName(client), client)}</>} />
      <form class="ask" onSubmit={(event) => act.run(event, send)}>
        <Sheet title={say("provision.ask.what-for")}>
          <TextField label={say("provision.purpose")} help={say("provision.purpose-help")} value={purpose} onValue={setPurpose} lines={2} required maxLength={PURPOSE_MAX} />
        </Sheet>
        <Sheet title={say("provision.period")}>
          {moments && <p class="small">{say("provision.from-search", { from: sayTime(moments.from), to: sayTime(moments.to) })}</p>}
          <Days first={first} last={last} wrong={wrong} onDays={days} />
        </Sheet>
        <Sheet title={say("provision.sources")}>
          <Choices<"all" | "some"> label={say("provision.sources-which")} value={all} onValue={setAll} options={[
            { value: "all", text: say("provision.sources-all") },
            { value: "some", text: say("provision.sources-some"), more: all === "some" && (
              <span class="source-list">
                {sources.list.map(({ source, text }) => (
                  <CheckField key={source} label={text} value={chosen.includes(source)}
                    onValue={(on) => setChosen(on ? [...chosen, source] : chosen.filter((one) => one !== source))} />
                ))}
              </span>) },
          ]} />
          <details open={query !== ""}>
            <summary>{say("provision.filter")}</summary>
            <TextField label={say("search.query")} help={say("provision.filter-help")} value={query} onValue={setQuery} mono lines={2} maxLength={65536} />
          </details>
        </Sheet>
        <Sheet title={say("provision.form")}>
          <Choices<Format> label={say("provision.format")} value={format} onValue={setFormat} options={(["csv", "raw", "ndjson"] as const).map((one) => ({
            value: one, text: say(`provision.format.${one}`), more: <span class="small soft">{say(`provision.format.${one}-more`)}</span>,
          }))} />
          <CheckField label={<>{say("provision.proof")} <span class="small soft">{say("provision.proof-help")}</span></>} value={proof} onValue={setProof} />
          <SelectField<"ja" | "en"> label={say("provision.language")} value={spoken} onValue={setSpoken}
            options={[{ value: "ja", text: say("provision.language.ja") }, { value: "en", text: say("provision.language.en") }]} />
        </Sheet>
        <div class="ask-end stack">
          <p>{say(may(client, "decide") ? "provision.then-made" : "provision.then-waits")}</p>
          {act.refusal && <Refused refusal={act.refusal} />}
          <div class="row">
            <Button kind="main" submit busy={act.busy} disabled={!ready}>{say("provision.send")}</Button>
            <ButtonLink href={href("provision", client)}>{say("common.cancel")}</ButtonLink>
            {!ready && <span class="small soft">{say("provision.not-ready")}</span>}
          </div>
        </div>
      </form>
    </>
  );
}
