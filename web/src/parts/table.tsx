/*
 * A table for 1 to 100,000 rows.  Up to WHOLE_MAX rows it is an ordinary table whose rows are as high as
 * their texts; beyond, only the rows in sight are drawn, each one line high, between two spacers that
 * keep the scroll bar honest.  Screen readers are told how many rows there are and which one this is.
 *
 * A row that leads somewhere has its link in the first cell, stretched over the row; arrow keys, Home and
 * End go from link to link.
 */
import "./table.css";
import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Column<Row> {
  id: string;
  head: string;
  cell: (row: Row) => ComponentChildren;
  width?: string; /* of CSS; the others share the rest */
  align?: "end"; /* numbers */
  wide?: boolean; /* left out on a narrow screen */
}
interface Props<Row> {
  label: string;
  rows: Row[];
  columns: Column<Row>[];
  rowKey: (row: Row) => string | number;
  href?: (row: Row) => string | undefined;
  onPress?: (row: Row) => void; /* instead of href: the row opens something here */
  current?: (row: Row) => boolean;
  tone?: (row: Row) => string | undefined; /* a class of the row */
  empty?: ComponentChildren;
}
const WHOLE_MAX = 100;
const SPARE = 12; /* rows drawn beyond what is in sight */

function useWindow(windowed: boolean, count: number) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [range, setRange] = useState({ first: 0, last: WHOLE_MAX });
  const [height, setHeight] = useState(44);
  useLayoutEffect(() => {
    const row = body.current?.querySelector<HTMLElement>("tr[data-row]");
    if (windowed && row && row.offsetHeight > 0 && row.offsetHeight !== height) setHeight(row.offsetHeight);
  });
  useEffect(() => {
    if (!windowed) return;
    const look = () => {
      if (!body.current) return;
      const top = body.current.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(-top / height) - SPARE);
      const last = Math.min(count, Math.ceil((window.innerHeight - top) / height) + SPARE);
      setRange((old) => (old.first === first && old.last === last ? old : { first, last: Math.max(last, first) }));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [windowed, count, height]);
  return windowed ? { body, height, ...range } : { body, height, first: 0, last: count };
}

/** From one row's link to another; past the drawn ones the page scrolls there first. */
function move(event: KeyboardEvent): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.altKey || event.ctrlKey || event.metaKey) return;
  const links = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>("[data-row-link]")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (at < 0) return;
  event.preventDefault();
  links[at + step]?.focus();
}

export function Table<Row>(p: Props<Row>) {
  const windowed = p.rows.length > WHOLE_MAX;
  const frame = useRef<HTMLDivElement>(null);
  const [scrolls, setScrolls] = useState(false);
  useLayoutEffect(() => {
    if (frame.current) setScrolls(frame.current.scrollWidth > frame.current.clientWidth);
  });
  const { body, height, first, last } = useWindow(windowed, p.rows.length);
  if (p.rows.length === 0) return <>{p.empty}</>;
  const spacer = (rows: number) => rows > 0 && <tr aria-hidden="true" style={{ height: `${rows * height}px` }}><td /></tr>;
  const lead = (row: Row, children: ComponentChildren) => {
    const to = p.href?.(row);
    if (to) return <a class="row-link" data-row-link href={to}>{children}</a>;
    if (p.onPress) return <button type="button" class="row-link" data-row-link onClick={() => p.onPress?.(row)}>{children}</button>;
    return children;
  };
  return (
    <div ref={frame} class={windowed ? "table windowed" : "table"} onKeyDown={move}
      /* What is wider than its place is scrolled with arrow keys too. */
      {...(scrolls ? { tabIndex: 0, role: "region", "aria-label": p.label } : {})}>
      <table aria-label={p.label} aria-rowcount={p.rows.length + 1}>
        <colgroup>{p.columns.map((c) => <col key={c.id} class={c.wide ? "wide" : ""} style={c.width ? { width: c.width } : undefined} />)}</colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {p.columns.map((c) => <th key={c.id} scope="col" class={`${c.align ?? ""} ${c.wide ? "wide" : ""}`}>{c.head}</th>)}
          </tr>
        </thead>
        <tbody ref={body}>
          {spacer(first)}
          {p.rows.slice(first, last).map((row, index) => (
            <tr key={p.rowKey(row)} data-row aria-rowindex={first + index + 2} aria-current={p.current?.(row) || undefined}
              class={p.tone?.(row)}>
              {p.columns.map((c, column) => (
                <td key={c.id} class={`${c.align ?? ""} ${c.wide ? "wide" : ""}`}>{column === 0 ? lead(row, c.cell(row)) : c.cell(row)}</td>
              ))}
            </tr>
          ))}
          {spacer(p.rows.length - last)}
        </tbody>
      </table>
    </div>
  );
}
