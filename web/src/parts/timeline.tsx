/* What happened, one thing after the other: when, who, what, and whatever there is to say of it. */
import "./timeline.css";
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon";
import { Time } from "./time";

export interface Happening {
  key: string | number;
  at: string;
  title: string;
  who?: string;
  icon?: IconName;
  tone?: "warning" | "steady" | "client" | "provider";
  said?: ComponentChildren;
}
export function Timeline({ label, list }: { label: string; list: Happening[] }) {
  return (
    <ol class="timeline" aria-label={label}>
      {list.map((one) => (
        <li key={one.key} class={`happening ${one.tone ?? ""}`}>
          <span class="happening-mark"><Icon name={one.icon ?? "next"} /></span>
          <div class="happening-body">
            <div class="happening-head">
              <strong>{one.title}</strong>
              {one.who && <span class="small soft">{one.who}</span>}
              <span class="small soft"><Time at={one.at} /></span>
            </div>
            {one.said && <div class="happening-said">{one.said}</div>}
          </div>
        </li>
      ))}
    </ol>
  );
}
