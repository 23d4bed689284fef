/*
 * Counts over time, as bars.  A span is chosen by dragging over it, by a click on one bar, or by arrow
 * keys: they go from bar to bar, with Shift they choose, Enter takes the choice, Escape drops it.
 * Screen readers hear the bar at hand as a slider's value, and find all bars in a table.
 */
import "./chart.css";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { sayShort } from "../words/figures";
import { say, sayNumber, sayTime } from "../words/words";
import { countTicks, timeTicks } from "./ticks";

const HEIGHT = 132;
const TOP = 8;
const FOOT = 34; /* two lines of texts below the bars */

interface Props {
  label: string;
  from: string;
  stepSeconds: number;
  counts: number[];
  onRange?: (from: string, to: string) => void;
}

function useWidth() {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(600);
  useLayoutEffect(() => {
    if (!frame.current) return;
    const watch = new ResizeObserver(([entry]) => setWidth(Math.max(160, Math.floor(entry!.contentRect.width))));
    watch.observe(frame.current);
    return () => watch.disconnect();
  }, []);
  return { frame, width };
}

/** Which bar is at hand, and from which one on bars are chosen. */
interface Hand {
  at: number;
  since: number | null;
}

export function Histogram({ label, from, stepSeconds, counts, onRange }: Props) {
  const { frame, width } = useWidth();
  const [hand, setHand] = useState<Hand | null>(null);
  const [drags, setDrags] = useState(false);
  useEffect(() => setHand(null), [from, stepSeconds, counts]);

  const count = Math.max(1, counts.length);
  const start = Date.parse(from);
  const step = stepSeconds * 1000;
  const levels = countTicks(counts.reduce((most, n) => Math.max(most, n), 0));
  const top = levels.at(-1)!;
  const left = 10 + Math.max(...levels.map((n) => [...sayShort(n)].reduce((sum, c) => sum + (c > "\u2000" ? 12 : 7), 0)));
  const inner = Math.max(40, width - left - 6);
  const across = HEIGHT - TOP - FOOT;
  const xOf = (at: number) => left + ((at - start) / (count * step)) * inner;
  const yOf = (n: number) => TOP + across - (n / top) * across;
  const bar = inner / count;

  const clip = (at: number) => Math.min(count - 1, Math.max(0, at));
  const barAt = (event: PointerEvent) =>
    clip(Math.floor((event.clientX - (event.currentTarget as Element).getBoundingClientRect().left - left) / bar));
  const momentOf = (index: number) => new Date(start + index * step).toISOString();
  const first = hand ? Math.min(hand.at, hand.since ?? hand.at) : 0;
  const last = hand ? Math.max(hand.at, hand.since ?? hand.at) : 0;
  const take = () => hand && onRange?.(momentOf(first), momentOf(last + 1));
  const sum = counts.slice(first, last + 1).reduce((all, n) => all + n, 0);
  const said = hand
    ? say("chart.span", { from: sayTime(momentOf(first)), to: sayTime(momentOf(last + 1)), count: sayNumber(sum) })
    : "";

  const press = (event: KeyboardEvent) => {
    const at = hand?.at ?? (event.key === "ArrowLeft" ? count : -1);
    const page = Math.max(1, Math.round(count / 10));
    const to = {
      ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1,
      PageUp: at + page, PageDown: at - page, Home: 0, End: count - 1,
    }[event.key];
    if (to !== undefined) {
      setHand({ at: clip(to), since: event.shiftKey ? (hand?.since ?? hand?.at ?? clip(to)) : null });
    } else if (event.key === "Enter") {
      take();
    } else if (event.key === "Escape" && hand) {
      setHand(null);
    } else {
      return;
    }
    event.preventDefault();
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0 || !onRange) return;
    (event.currentTarget as Element).setPointerCapture(event.pointerId);
    const at = barAt(event);
    setDrags(true);
    setHand({ at, since: at });
  };
  const up = () => {
    if (drags) take();
    setDrags(false);
  };

  return (
    <figure class="chart">
      <div ref={frame} class="chart-frame" role="slider" tabIndex={0} aria-label={label} aria-orientation="horizontal"
        aria-valuemin={0} aria-valuemax={count - 1} aria-valuenow={hand?.at ?? 0} aria-valuetext={said || say("chart.none")}
        onKeyDown={press} onPointerDown={down} onPointerUp={up}
        onPointerMove={(event) => setHand((old) => ({ at: barAt(event), since: drags ? (old?.since ?? null) : null }))}
        onPointerCancel={() => { setDrags(false); setHand(null); }}
        onPointerLeave={() => !drags && setHand(null)}>
        <svg viewBox={`0 0 ${width} ${HEIGHT}`} height={HEIGHT} aria-hidden="true">
          {levels.map((n) => (
            <g key={n}>
              <line class={n === 0 ? "chart-base" : "chart-grid"} x1={left} x2={left + inner} y1={yOf(n)} y2={yOf(n)} />
              <text x={left - 6} y={yOf(n) + 4} text-anchor="end">{sayShort(n)}</text>
            </g>
          ))}
          {hand && <rect class={hand.since === null ? "chart-at" : "chart-chosen"} x={left + first * bar} y={TOP}
            width={(last - first + 1) * bar} height={across} />}
          {counts.map((n, index) => {
            const height = n > 0 ? Math.max(2, (n / top) * across) : 0;
            return n > 0 && <rect key={index} class={hand && index >= first && index <= last ? "chart-bar at" : "chart-bar"}
              x={left + index * bar} y={TOP + across - height} width={Math.max(1, bar - (bar > 3 ? 1 : 0))} height={height} />;
          })}
          {timeTicks(start, start + count * step, Math.max(2, Math.floor(inner / 84))).map(({ at, text, day }) => {
            const x = xOf(at);
            const anchor = x < left + 24 ? "start" : x > left + inner - 24 ? "end" : "middle";
            return (
              <g key={at}>
                <line class="chart-base" x1={x} x2={x} y1={TOP + across} y2={TOP + across + 4} />
                <text x={x} y={TOP + across + 16} text-anchor={anchor}>{text}</text>
                {day && <text x={x} y={TOP + across + 30} text-anchor={anchor}>{day}</text>}
              </g>
            );
          })}
        </svg>
      </div>
      <figcaption class="chart-said small soft" aria-hidden={said ? "true" : undefined}>
        {said || (onRange ? say("chart.how") : "")}
      </figcaption>
      <div class="only-read">
        <table>
          <caption>{label}</caption>
          <thead><tr><th scope="col">{say("chart.time")}</th><th scope="col">{say("chart.count")}</th></tr></thead>
          <tbody>
            {counts.map((n, index) => n > 0 && (
              <tr key={index}><th scope="row">{sayTime(momentOf(index))}</th><td>{sayNumber(n)}</td></tr>
            ))}
          </tbody>
        </table>
      </div>
    </figure>
  );
}
