/* Moments, stretches and deadlines, in the chosen zone; whole and exact under the pointer. */
import "./time.css";
import { signal } from "@preact/signals";
import { say, saySpan, sayTime } from "../words/words";
import { Icon } from "./icon";

/* One clock for all countdowns of the page. */
const now = signal(Date.now());
window.setInterval(() => { now.value = Date.now(); }, 1000);

export function Time({ at, ago = false }: { at: string | null | undefined; ago?: boolean }) {
  if (!at) return <span class="soft">{say("common.never")}</span>;
  const passed = now.value - Date.parse(at);
  /* Whole minutes once there is one: what has passed need not tick. */
  const span = passed < 60_000 ? Math.max(passed, 1000) : passed - (passed % 60_000);
  const text = ago && passed >= 0 ? say("time.ago", { span: saySpan(span) }) : sayTime(at, !ago);
  return <time dateTime={at} title={sayTime(at)}>{text}</time>;
}

/** How long is left; late in words and colour.  `warned`: the share of an SLA at which it warns has passed. */
export function Countdown({ due, warned = false }: { due: string | null | undefined; warned?: boolean }) {
  if (!due) return <span class="soft">{say("time.none")}</span>;
  const left = Date.parse(due) - now.value;
  const tone = left < 0 ? "late" : warned || left < 15 * 60_000 ? "near" : "far";
  const text = left < 0 ? say("time.late", { span: saySpan(left) }) : say("time.left", { span: saySpan(left) });
  return (
    <time class={`countdown ${tone}`} dateTime={due} title={sayTime(due)}>
      <Icon name={left < 0 ? "warning" : "clock"} />
      {text}
    </time>
  );
}
