/* What a page is made of: its head, and sheets with a heading and what belongs together. */
import "./sheet.css";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";

/** A page's head: sets the window's title too. `acts` are the page's buttons. */
export function Head({ title, lead, acts, trail }:
  { title: string; lead?: ComponentChildren; acts?: ComponentChildren; trail?: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} – Hinomi`;
  }, [title]);
  return (
    <header class="head">
      {trail && <div class="trail small">{trail}</div>}
      <div class="row">
        <h1 class="grow" tabIndex={-1}>{title}</h1>
        {acts}
      </div>
      {lead && <div class="lead soft">{lead}</div>}
    </header>
  );
}

export function Sheet({ title, acts, children, tone }:
  { title?: string; acts?: ComponentChildren; children: ComponentChildren; tone?: "critical" | "high" | "steady" }) {
  return (
    <section class={`sheet ${tone ?? ""}`}>
      {(title || acts) && (
        <div class="sheet-head row">
          {title && <h2 class="grow">{title}</h2>}
          {acts}
        </div>
      )}
      {children}
    </section>
  );
}

/** Names and their values, aligned. Empty values are left out. */
export function Facts({ rows }: { rows: [name: string, value: ComponentChildren][] }) {
  return (
    <dl class="facts">
      {rows.filter(([, value]) => value !== "" && value !== null && value !== undefined).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
