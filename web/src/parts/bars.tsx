/*
 * Values and how often each is there, as bars of one length: the most frequent first.  Each line says its
 * count in figures; the bar only helps the eye.  With `onPress` a line can be pressed.
 */
import "./bars.css";
import { say, sayNumber } from "../words/words";

export interface Bar {
  key: string | number;
  text: string;
  count: number;
}
interface Props {
  label: string;
  list: Bar[];
  press?: string; /* what pressing a line does, for screen readers */
  onPress?: (bar: Bar) => void;
}

function Line({ bar, most }: { bar: Bar; most: number }) {
  return (
    <>
      <span class={bar.text === "" ? "bars-text soft" : "bars-text mono"}>{bar.text || say("search.empty-line")}</span>
      <span class="bars-count">{sayNumber(bar.count)}</span>
      <svg class="bars-bar" viewBox="0 0 1000 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="bars-all" width="1000" height="6" />
        <rect class="bars-share" width={most > 0 ? Math.max(4, (bar.count / most) * 1000) : 0} height="6" />
      </svg>
    </>
  );
}

export function Bars({ label, list, press, onPress }: Props) {
  const most = list.reduce((max, { count }) => Math.max(max, count), 0);
  return (
    <ol class="bars" aria-label={label}>
      {list.map((bar) => (
        <li key={bar.key}>
          {onPress
            ? <button type="button" class="bars-line" title={press} onClick={() => onPress(bar)}>
                <Line bar={bar} most={most} /><span class="only-read">{press}</span></button>
            : <div class="bars-line"><Line bar={bar} most={most} /></div>}
        </li>
      ))}
    </ol>
  );
}
