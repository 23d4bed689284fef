/* What is kept of each source against what was promised, how long the disk will last, and what went. */
import { useState } from "preact/hooks";
import type { Schemas } from "../../api/client";
import { Dialog } from "../../parts/dialog";
import { Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Facts, Sheet } from "../../parts/sheet";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { sayBytes } from "../../words/figures";
import { named, say, sayNumber, sayTime } from "../../words/words";
import type { Sources } from "./sources";

type Archive = Schemas["Archive"];
type Source = Archive["sources"][number];
const DAY = 86400_000;
const TONES = { unknown: undefined, enough: "steady", short: "high", soon: "critical" } as const;

export function sayDays(days: number): string {
  return days === 0 ? say("archive.for-ever") : say("span.day", { count: sayNumber(days) });
}
/** The service's own records (heartbeats, books) have no name of a document. */
const nameOf = ({ name, source }: Source, names: Sources) =>
  named(name) || (source === "hinomi" ? say("archive.own-source") : names.name(source));
const day = (iso: string) => sayTime(iso).slice(0, 10);
/** Days since the oldest record that is there, the day that has begun included. */
const keptDays = (oldest: string) => Math.max(1, Math.ceil((Date.now() - Date.parse(oldest)) / DAY));

/** Two bars on one scale: what was promised, and how far the disk reaches. */
function Reach({ promised, left }: { promised: number; left: number | null }) {
  const reach = left ?? promised * 2; /* null: farther than is looked */
  const scale = Math.max(promised, Math.min(reach, promised * 2), 1);
  const lines: [string, number, string][] = [
    [say("archive.reach.promised"), promised, sayDays(promised)],
    [say("archive.reach.left"), reach, left === null ? say("archive.reach.years") : say("archive.reach.about", { days: sayDays(Math.max(1, left)) })],
  ];
  return (
    <dl class="reach">
      {lines.map(([name, days, text], index) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <svg class={index === 0 ? "reach-bar promised" : reach < promised ? "reach-bar short" : "reach-bar"} viewBox="0 0 1000 12"
              preserveAspectRatio="none" aria-hidden="true">
              <rect class="reach-all" width="1000" height="12" />
              <rect class="reach-part" width={Math.min(1, days / scale) * 1000} height="12" />
            </svg>
            <strong>{text}</strong>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Forecast({ forecast }: { forecast: Archive["forecast"] }) {
  const { warning: state, days_left: left, days_promised: promised } = forecast;
  const known = state !== "unknown";
  return (
    <Sheet tone={TONES[state]} title={say("archive.forecast")}>
      <div class="row forecast-said" role="status">
        <Icon name={state === "enough" ? "check" : state === "unknown" ? "clock" : "warning"} />
        <strong class="grow">{say(`archive.forecast.${state}`, { left: sayNumber(Math.max(1, left ?? 1)), promised: sayNumber(promised) } as never)}</strong>
      </div>
      {(state === "short" || state === "soon") && <p>{say("archive.forecast.do")}</p>}
      {known && promised > 0 && <Reach promised={promised} left={left} />}
      <Facts rows={[
        [say("archive.rate"), known && say("archive.rate-day", { size: sayBytes(forecast.rate_bytes_day) })],
        [say("archive.disk-free"), forecast.disk_free !== null && sayBytes(forecast.disk_free)],
      ].filter(([, value]) => value !== false) as [string, string][]} />
      <p class="small soft">{say("archive.forecast.promise")}</p>
    </Sheet>
  );
}

function Details({ source, name, onClose }: { source: Source; name: string; onClose: () => void }) {
  const share = source.original_bytes > 0 ? source.stored_bytes / source.original_bytes : 0;
  return (
    <Dialog title={name} onClose={onClose}>
      <Facts rows={[
        [say("archive.source"), <span class="mono">{source.source}</span>],
        [say("archive.promised"), sayDays(source.promised_days)],
        [say("archive.oldest"), <Time at={source.oldest} />],
        [say("archive.newest"), <Time at={source.newest} />],
        [say("archive.events"), sayNumber(source.events)],
        [say("archive.original"), sayBytes(source.original_bytes)],
        [say("archive.stored"), share > 0 && share < 1
          ? say("archive.stored-share", { size: sayBytes(source.stored_bytes), share: sayNumber(Math.max(0.1, Math.round(share * 1000) / 10)) })
          : sayBytes(source.stored_bytes)],
      ]} />
      <p class="small soft">{say(source.promised_days === 0 ? "archive.for-ever-help" : "archive.promised-help")}</p>
    </Dialog>
  );
}

/** "341 of 365 days": how much of what was promised can be there already. */
function KeptSpan({ source }: { source: Source }) {
  if (!source.oldest) return <span class="soft">{say("archive.nothing-yet")}</span>;
  const days = keptDays(source.oldest);
  return (
    <>
      <span class="kept-since">{say("archive.since", { day: day(source.oldest) })}</span>{" "}
      <span class="small soft kept-days">{say("archive.days-there", { days: sayNumber(days) })}</span>
    </>
  );
}

function SourcesTable({ list, names }: { list: Source[]; names: Sources }) {
  const [open, setOpen] = useState<Source>();
  return (
    <>
      <Table label={say("archive.sources")} rows={list} rowKey={(s) => s.source} onPress={setOpen} columns={[
        { id: "name", head: say("archive.source"), cell: (s) => <>{nameOf(s, names)}{" "}
          {nameOf(s, names) !== s.source && <span class="small soft mono source-slug">{s.source}</span>}<span class="narrow"><KeptSpan source={s} /></span></> },
        { id: "promised", head: say("archive.promised"), align: "end", width: "6rem", cell: (s) => sayDays(s.promised_days) },
        { id: "kept", head: say("archive.there"), width: "13rem", wide: true, cell: (s) => <KeptSpan source={s} /> },
        { id: "newest", head: say("archive.newest"), width: "9rem", wide: true, cell: (s) => s.newest && <Time at={s.newest} ago /> },
        { id: "events", head: say("archive.events"), align: "end", width: "8.5rem", wide: true, cell: (s) => sayNumber(s.events) },
        { id: "original", head: say("archive.original"), align: "end", width: "7.5rem", wide: true, cell: (s) => sayBytes(s.original_bytes) },
        { id: "stored", head: say("archive.stored"), align: "end", width: "7.5rem", wide: true, cell: (s) => sayBytes(s.stored_bytes) },
      ]} />
      {open && <Details source={open} name={nameOf(open, names)} onClose={() => setOpen(undefined)} />}
    </>
  );
}

function Tombstones({ archive }: { archive: Archive }) {
  const { tombstones: list, next_drop: next, clock_doubted: doubted } = archive;
  return (
    <section class="stack">
      <h2>{say("archive.gone")}</h2>
      <p class="soft">{say("archive.gone-help")}</p>
      {doubted && <p><Icon name="warning" /> {say("archive.clock-doubted")}</p>}
      {!doubted && next && <p>{say("archive.gone-next", { day: day(next) })}</p>}
      <Table label={say("archive.gone")} rows={list} rowKey={(t) => t.segment} empty={<p class="soft">{say("archive.gone-none")}</p>} columns={[
        { id: "what", head: say("archive.gone-span"), cell: (t) => t.oldest && t.newest
          ? <span class="nowrap-parts"><span>{day(t.oldest)}</span> – <span>{day(t.newest)}</span></span> : "" },
        { id: "events", head: say("archive.events"), align: "end", width: "8rem", cell: (t) => sayNumber(t.events) },
        { id: "promised", head: say("archive.promised"), align: "end", width: "6rem", wide: true, cell: (t) => sayDays(t.promised_days) },
        { id: "stored", head: say("archive.stored"), align: "end", width: "7.5rem", wide: true, cell: (t) => sayBytes(t.stored_bytes) },
        { id: "at", head: say("archive.gone-at"), width: "9rem", cell: (t) => <Time at={t.dropped} ago /> },
      ]} />
    </section>
  );
}

export function Kept({ archive, names }: { archive: Archive; names: Sources }) {
  return (
    <>
      <Forecast forecast={archive.forecast} />
      <section class="stack">
        <h2>{say("archive.sources")}</h2>
        <p class="small soft">{archive.told ? say("archive.as-of", { time: sayTime(archive.told) }) : say("archive.not-told")}</p>
        {archive.unsealed_events > 0 && <p>{say("archive.unsealed", { count: sayNumber(archive.unsealed_events) })}</p>}
        {archive.sources.length > 0
          ? <SourcesTable list={archive.sources} names={names} />
          : <Empty icon="archive" title={say("archive.none")}>{say("archive.none-help")}</Empty>}
      </section>
      <Tombstones archive={archive} />
    </>
  );
}
