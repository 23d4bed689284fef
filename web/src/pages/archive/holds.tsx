/* Holds: what stops the deletion of logs that are past their time.  They are placed here and from an incident. */
import { Fragment } from "preact";
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { CheckField, TextField } from "../../parts/field";
import { Facts, Sheet } from "../../parts/sheet";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toast";
import { zoneMoment } from "../../words/figures";
import { say, sayMaybe, sayTime } from "../../words/words";
import { useNames } from "../names";
import { href } from "../router";
import type { Sources } from "./sources";

type Hold = Schemas["Hold"];
const REASON_MAX = 2000;
const DAY = 86400_000;

export function mayHold(client: string): boolean {
  return may(client, "work") || may(client, "act") || may(client, "audit");
}
/** Who may let logs go again (docs/keeping.md). */
function mayRelease(client: string, hold: Hold): boolean {
  return may(client, "decide") ? hold.side === "client" || hold.side === "provider"
    : may(client, "work") ? hold.side === "provider"
      : may(client, "audit") && hold.side === "auditor";
}
/** The moment at which a day of the chosen zone begins, or the one after it; undefined for an empty text. */
function dayMoment(day: string, after = 0): string | undefined {
  const wall = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(wall) ? undefined : new Date(zoneMoment(wall + after * DAY)).toISOString();
}

export function HoldDialog({ client, sources, incident = 0, onClose, onDone }: {
  client: string; sources: Sources; incident?: number; onClose: () => void; onDone: () => void;
}) {
  const [chosen, setChosen] = useState<string[]>([]);
  const [first, setFirst] = useState("");
  const [last, setLast] = useState("");
  const [until, setUntil] = useState("");
  const [reason, setReason] = useState("");
  const wrong = first !== "" && last !== "" && last < first ? say("hold.span-wrong") : undefined;
  return (
    <Dialog title={say("hold.place")} act={say("hold.place-do")} onClose={onClose} disabled={!reason.trim() || !!wrong} onDo={async () => {
      await answer(api.POST("/clients/{client}/holds", {
        params: { path: { client } },
        body: { sources: chosen, from: dayMoment(first), to: dayMoment(last, 1), until: dayMoment(until, 1), reason: reason.trim(),
          ...(incident ? { incident } : {}) },
      }));
      toast(say("hold.placed"));
      onDone();
    }}>
      <p>{say(incident ? "hold.lead-incident" : "hold.lead", { number: incident } as never)}</p>
      <TextField label={say("hold.why")} value={reason} onValue={setReason} lines={3} required focus maxLength={REASON_MAX} />
      <div class="pair">
        <TextField label={say("hold.from")} type="date" value={first} onValue={setFirst} help={say(incident ? "hold.from-incident" : "hold.from-help")} />
        <TextField label={say("hold.to")} type="date" value={last} onValue={setLast} help={say(incident ? "hold.to-incident" : "hold.to-help")} wrong={wrong} />
      </div>
      {sources.list.length > 1 && (
        <fieldset class="sources-choice">
          <legend class="label">{say("hold.sources")}</legend>
          <p class="small soft">{say(incident ? "hold.sources-incident" : "hold.sources-help")}</p>
          {sources.list.map(({ source, text }) => (
            <CheckField key={source} label={text} value={chosen.includes(source)}
              onValue={(on) => setChosen(on ? [...chosen, source] : chosen.filter((one) => one !== source))} />
          ))}
        </fieldset>
      )}
      <TextField label={say("hold.until")} type="date" value={until} onValue={setUntil} help={say("hold.until-help")} />
    </Dialog>
  );
}

function Release({ client, hold, onClose, onDone }: { client: string; hold: Hold; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Dialog title={say("hold.release")} act={say("hold.release-do")} grave onClose={onClose} disabled={!reason.trim()} onDo={async () => {
      await answer(api.POST("/clients/{client}/holds/{id}/release", { params: { path: { client, id: hold.id } }, body: { reason: reason.trim() } }));
      toast(say("hold.released"));
      onDone();
    }}>
      <p>{say("hold.release-lead")}</p>
      <TextField label={say("hold.release-why")} value={reason} onValue={setReason} lines={3} required focus maxLength={REASON_MAX} />
    </Dialog>
  );
}

/** Which logs a hold covers, in one sentence. */
function covered(hold: Hold, sources: Sources): string {
  const which = hold.sources.length === 0 ? say("hold.all-sources") : hold.sources.map((slug) => sources.name(slug)).join(say("hold.comma"));
  const day = (iso: string, before = 0) => sayTime(new Date(Date.parse(iso) - before).toISOString()).slice(0, 10);
  const span = hold.from && hold.to ? say("hold.span", { from: day(hold.from), to: day(hold.to, 1000) })
    : hold.from ? say("hold.span-from", { from: day(hold.from) }) : hold.to ? say("hold.span-to", { to: day(hold.to, 1000) }) : say("hold.span-all");
  return say("hold.covers", { which, span });
}

function One({ client, hold, sources, who, onRelease }: {
  client: string; hold: Hold; sources: Sources; who: (person: string) => string; onRelease: () => void;
}) {
  return (
    <Sheet acts={<>
      <span class="grow"><Badge tone={hold.in_force ? "medium" : "plain"} icon={hold.in_force ? "hold" : undefined}>
        {say(hold.in_force ? "hold.in-force" : "hold.over")}</Badge></span>
      {hold.in_force && mayRelease(client, hold) && <Button onPress={onRelease} label={`${say("hold.release")}: ${hold.reason}`}>{say("hold.release")}</Button>}
    </>}>
      <p><strong>{hold.reason}</strong></p>
      <p>{covered(hold, sources)}</p>
      <Facts rows={[
        [say("hold.incident"), hold.incident > 0 && <a href={href("incidents", client, hold.incident)}>#{hold.incident}</a>],
        [say("hold.made"), <>{who(hold.who)} <span class="small soft">({sayMaybe(`side.${hold.side}`, hold.side)})</span>, <Time at={hold.made} /></>],
        [say("hold.ends"), hold.in_force && (hold.until ? <Time at={hold.until} /> : say("hold.ends-never"))],
        [say("hold.was-released"), hold.released && <>{who(hold.released_by)}, <Time at={hold.released} /></>],
        [say("hold.release-why"), hold.released_reason],
      ].filter(([, value]) => value !== false) as [string, string][]} />
    </Sheet>
  );
}

/** While an incident is open, its logs stay by themselves. */
function OpenIncidents({ client, list }: { client: string; list: number[] }) {
  return (
    <p>{say("hold.open-incidents")}{" "}
      {list.map((number, index) => <Fragment key={number}>{index > 0 && say("hold.comma")}<a href={href("incidents", client, number)}>#{number}</a></Fragment>)}</p>
  );
}

export function Holds({ client, sources }: { client: string; sources: Sources }) {
  const asked = useAsked(() => answer(api.GET("/clients/{client}/holds", { params: { path: { client } } })), [client]);
  const names = useNames(client);
  const [place, setPlace] = useState(false);
  const [release, setRelease] = useState<Hold>();
  const [old, setOld] = useState(false);
  return (
    <>
      <div class="row">
        <p class="grow">{say("hold.about")}</p>
        {mayHold(client) && <Button kind="main" icon="hold" onPress={() => setPlace(true)}>{say("hold.place")}</Button>}
      </div>
      <Answer asked={asked}>
        {({ holds, open_incidents: open }) => {
          const running = holds.filter((hold) => hold.in_force);
          const over = holds.filter((hold) => !hold.in_force);
          const one = (hold: Hold) => <One key={hold.id} client={client} hold={hold} sources={sources} who={names.person} onRelease={() => setRelease(hold)} />;
          return (
            <>
              {open.length > 0 && <OpenIncidents client={client} list={open.map(({ incident }) => incident)} />}
              {running.length === 0 && <Empty icon="hold" title={say("hold.none")}>{say("hold.none-help")}</Empty>}
              {running.map(one)}
              {over.length > 0 && (
                <details open={old} onToggle={(event) => setOld(event.currentTarget.open)}>
                  <summary>{say("hold.old", { count: over.length })}</summary>
                  <div class="stack holds-old">{over.map(one)}</div>
                </details>
              )}
            </>
          );
        }}
      </Answer>
      {place && <HoldDialog client={client} sources={sources} onClose={() => setPlace(false)} onDone={asked.again} />}
      {release && <Release client={client} hold={release} onClose={() => setRelease(undefined)} onDone={asked.again} />}
    </>
  );
}
