/* What the pipes of a query made: bars for `top`, a chart for `timeline`, else a table; and what was not read. */
import type { Schemas } from "../../api/client";
import { Bars } from "../../parts/bars";
import { Histogram } from "../../parts/chart";
import { Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Table, type Column } from "../../parts/table";
import { plain } from "../../words/plain";
import { say, sayNumber, sayTime } from "../../words/words";
import type { Narrow } from "./events";

type Found = Schemas["Found"];
export type Made = NonNullable<Found["table"]>;
type Cell = Made["rows"][number][number];

const LONG = 24; /* such a text takes more room in a table */
const STEPS_MAX = 2000; /* of a chart: one that has more is a table alone */
const isTime = (text: string) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text);

/** A cell as one text, as a term of a query has it: the first where there are several. */
export function cellText(cell: Cell | undefined): string {
  if (Array.isArray(cell)) return cell[0] ?? "";
  return cell === null || cell === undefined ? "" : String(cell);
}
function Shown({ cell }: { cell: Cell | undefined }) {
  if (cell === null || cell === undefined) return <span class="soft">{say("search.missing")}</span>;
  if (typeof cell === "number") return <>{sayNumber(cell)}</>;
  const texts = Array.isArray(cell) ? cell : [cell];
  return (
    <>
      {texts.map((text, index) => text === "" ? <span key={index} class="soft">{say("search.empty-line")}</span>
        : isTime(text) ? <time key={index} class="cell-time" dateTime={text}>{sayTime(text)}</time>
        : <span key={index} class={text.length > LONG ? "cell long mono" : "cell mono"}>{plain(text)}</span>)}
    </>
  );
}

function Rows({ made }: { made: Made }) {
  const columns = made.columns.map((name, at): Column<{ row: Cell[]; index: number }> => ({
    id: String(at), head: plain(name), align: made.rows.some((row) => typeof row[at] === "number") ? "end" : undefined,
    cell: ({ row }) => <Shown cell={row[at]} />,
  }));
  return (
    <div class="result-table">
      <Table label={say("search.table")} rows={made.rows.map((row, index) => ({ row, index }))} columns={columns} rowKey={({ index }) => index} />
    </div>
  );
}

/** A `top` of one field has the value first and the count last; pressing a value looks at its events. */
function Tops({ made, onNarrow }: { made: Made; onNarrow: Narrow }) {
  const name = made.columns[0]!;
  return <Bars label={say("search.top-of", { field: name })} list={barsOf(made)} press={say("search.top-press")}
    onPress={({ key }) => onNarrow(name, cellText(made.rows[Number(key)]![0]), false)} />;
}
export function barsOf(made: Made): { key: number; text: string; count: number }[] {
  return made.rows.map((row, key) => ({ key, text: plain(cellText(row[0])), count: Number(row.at(-1)) || 0 }));
}

/** The rows of a timeline as counts of steps without gaps; all values of `by` together. */
export function stepsOf(made: Made, stepSeconds: number): { from: string; counts: number[] } | null {
  const time = made.columns.indexOf("time");
  const count = made.columns.indexOf("count");
  const told = made.rows.map((row) => ({ at: Date.parse(cellText(row[time])), count: Number(row[count]) }))
    .filter(({ at, count: n }) => !Number.isNaN(at) && !Number.isNaN(n));
  if (told.length === 0) return null;
  const first = Math.min(...told.map(({ at }) => at));
  const indexOf = (at: number) => Math.round((at - first) / (stepSeconds * 1000));
  const steps = indexOf(Math.max(...told.map(({ at }) => at))) + 1;
  if (steps > STEPS_MAX) return null;
  const counts = Array.from({ length: steps }, () => 0);
  for (const { at, count: n } of told) counts[indexOf(at)] = (counts[indexOf(at)] ?? 0) + n;
  return { from: new Date(first).toISOString(), counts };
}

export function Result({ made, step, shape, onNarrow, onRange }: {
  made: Made; step: number | undefined /* seconds, of a timeline */; shape: string; onNarrow: Narrow; onRange: (from: string, to: string) => void;
}) {
  if (made.rows.length === 0) return <Empty icon="search" title={say("search.nothing")}>{say("search.nothing-help")}</Empty>;
  const steps = step !== undefined && stepsOf(made, step);
  return (
    <>
      {steps && step && <Histogram label={say("search.timeline")} from={steps.from} stepSeconds={step} counts={steps.counts} onRange={onRange} />}
      {steps && made.columns.length === 2 ? (
        <details>
          <summary>{say("search.as-table")}</summary>
          <div class="as-table"><Rows made={made} /></div>
        </details>
      ) : <Listed made={made} shape={shape} onNarrow={onNarrow} />}
    </>
  );
}
function Listed({ made, shape, onNarrow }: { made: Made; shape: string; onNarrow: Narrow }) {
  return (
    <>
      <strong role="status">{say(made.more ? "search.rows-first" : "search.rows", { count: sayNumber(made.rows.length) })}</strong>
      {shape === "top" && made.columns.length === 2 ? <Tops made={made} onNarrow={onNarrow} /> : <Rows made={made} />}
    </>
  );
}

function sentence({ reason, before, events, rows }: Found["unread"][number]): string {
  switch (reason) {
    case "time": return before ? say("search.unread.time", { time: sayTime(before) }) : say("search.incomplete");
    case "values": return say("search.unread.values", { count: sayNumber(events ?? 0) });
    case "rows": return say("search.unread.rows", { count: sayNumber(rows ?? 0) });
  }
}
/** What of the span was not looked at or not counted, in sentences. */
export function Unread({ found }: { found: Found }) {
  if (found.complete && found.unread.length === 0) return null;
  return (
    <div class="notice" role="status">
      <Icon name="warning" />
      <div>
        <p><strong>{say("search.unread.title")}</strong></p>
        {found.unread.length === 0 ? <p>{say("search.incomplete")}</p> : found.unread.map((one, index) => <p key={index}>{sentence(one)}</p>)}
        <p class="small">{say("search.unread.help")}</p>
      </div>
    </div>
  );
}
