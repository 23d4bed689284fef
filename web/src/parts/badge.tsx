/* A grade or a state: colour and text, never colour alone. */
import "./badge.css";
import type { Severity, State } from "../api/client";
import { say } from "../words/words";
import { Icon, type IconName } from "./icon";

export type Tone = Severity | "steady" | "plain";
export function Badge({ tone = "plain", icon, children }: { tone?: Tone; icon?: IconName; children: string }) {
  return (
    <span class={`badge ${tone}`}>
      {icon && <Icon name={icon} />}
      {children}
    </span>
  );
}
export function SeverityBadge({ severity }: { severity: Severity }) {
  return <Badge tone={severity}>{say(`level.${severity}`)}</Badge>;
}
export function StateBadge({ state }: { state: State }) {
  return <Badge tone={state === "steady" ? "steady" : "plain"}>{say(`incident.state.${state}`)}</Badge>;
}
