/* Which stretch of time is searched: presets, or two moments on the clock of the chosen zone. */
import { useState } from "preact/hooks";
import { Button } from "../../parts/button";
import { TextField } from "../../parts/field";
import { zoneParse, zoneText } from "../../words/figures";
import { say } from "../../words/words";
import { SPANS, spanEnds, type Preset, type Span } from "./query";

function Own({ span, onSpan }: { span: Span; onSpan: (span: Span) => void }) {
  const ends = spanEnds(span, Date.now());
  const [from, setFrom] = useState(zoneText(Date.parse(ends.from)));
  const [to, setTo] = useState(zoneText(Date.parse(ends.to)));
  const [wrong, setWrong] = useState(false);
  const take = () => {
    const [first, last] = [zoneParse(from), zoneParse(to)];
    if (!(first < last)) {
      setWrong(true);
      return;
    }
    setWrong(false);
    onSpan({ from: new Date(first).toISOString(), to: new Date(last).toISOString() });
  };
  return (
    <div class="row own-span" onKeyDown={(event) => { if (event.key === "Enter") { event.preventDefault(); take(); } }}>
      <TextField label={say("search.from")} type="datetime-local" value={from} onValue={setFrom} />
      <TextField label={say("search.to")} type="datetime-local" value={to} onValue={setTo}
        wrong={wrong ? say("search.span-wrong") : undefined} />
      <Button onPress={take}>{say("common.ok")}</Button>
    </div>
  );
}

export function SpanChoice({ span, onSpan }: { span: Span; onSpan: (span: Span) => void }) {
  const [own, setOwn] = useState(false);
  const fixed = span.from !== undefined;
  return (
    <div class="stack span-choice">
      <div class="row" role="group" aria-label={say("search.span")}>
        <span class="segments">
          {(Object.keys(SPANS) as Preset[]).map((preset) => (
            <Button key={preset} pressed={!own && span.preset === preset} onPress={() => { setOwn(false); onSpan({ preset }); }}>
              {say(`search.span.${preset}`)}
            </Button>
          ))}
          <Button pressed={own || fixed} onPress={() => setOwn(!own)}>{say("search.span.own")}</Button>
        </span>
      </div>
      {(own || fixed) && <Own key={`${span.from} ${span.to} ${span.preset}`} span={span} onSpan={(chosen) => { setOwn(false); onSpan(chosen); }} />}
    </div>
  );
}
