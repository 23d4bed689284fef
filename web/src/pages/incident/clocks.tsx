/* The clocks of the agreed service level: how much of each is used up, and pausing for an agreed reason. */
import "./clocks.css";
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { SelectField, TextField } from "../../parts/field";
import { Countdown } from "../../parts/time";
import { toast } from "../../parts/toast";
import { named, say, saySpan, type Names } from "../../words/words";

type Clock = Schemas["Clock"];
interface Reason { slug: string; name: Names }

async function reasonsOf(client: string, metric: string): Promise<Reason[]> {
  const path = { client, kind: "sla" };
  const sla = await answer(api.GET("/clients/{client}/documents/{kind}", { params: { path } }));
  const { metrics } = sla.document as { metrics?: { slug: string; pause_reasons?: Reason[] }[] };
  return metrics?.find((one) => one.slug === metric)?.pause_reasons ?? [];
}

function Pause({ client, clock, onClose, onDone }: { client: string; clock: Clock; onClose: () => void; onDone: () => void }) {
  const asked = useAsked(() => reasonsOf(client, clock.metric), [client, clock.metric]);
  const [reason, setReason] = useState("");
  const [note, setNote] = useState("");
  const chosen = reason || asked.data?.[0]?.slug || "";
  return (
    <Dialog title={say("incident.clock.pause")} act={say("incident.clock.pause")} onClose={onClose} disabled={!chosen} onDo={async () => {
      await answer(api.POST("/clients/{client}/clocks/{clock}/pause", {
        params: { path: { client, clock: clock.id } }, body: { reason: chosen, ...(note.trim() ? { note: note.trim() } : {}) },
      }));
      toast(say("incident.done"));
      onDone();
    }}>
      <p>{say("incident.clock.pause-lead", { name: named(clock.name, clock.metric) })}</p>
      <Answer asked={asked}>
        {(reasons) => reasons.length === 0 ? <Empty icon="clock" title={say("incident.clock.no-reasons")} /> : (
          <>
            <SelectField label={say("incident.clock.reason")} value={chosen} onValue={setReason}
              options={reasons.map((one) => ({ value: one.slug, text: named(one.name, one.slug) }))} />
            <TextField label={say("incident.clock.note")} help={say("incident.optional")} value={note} onValue={setNote} lines={2} maxLength={1000} />
          </>
        )}
      </Answer>
    </Dialog>
  );
}

function ClockLine({ client, clock, onDone }: { client: string; clock: Clock; onDone: () => void }) {
  const [pauses, setPauses] = useState(false);
  const [busy, setBusy] = useState(false);
  const mayPause = clock.stopped === null && (may(client, "work") || may(client, "act"));
  const used = Math.min(1, clock.elapsed_ms / Math.max(1, clock.target_ms));
  const resume = () => {
    setBusy(true);
    answer(api.POST("/clients/{client}/clocks/{clock}/resume", { params: { path: { client, clock: clock.id } }, body: {} }))
      .then(onDone, (error: Error) => toast(error.message || say("common.failed")))
      .finally(() => setBusy(false));
  };
  const name = named(clock.name, clock.metric);
  return (
    <li class={clock.breached ? "clock late" : clock.warned ? "clock near" : "clock"}>
      <div class="clock-head">
        <strong>{name}</strong>
        {clock.stopped
          ? <Badge tone={clock.breached ? "critical" : "steady"} icon={clock.breached ? "warning" : "check"}>
            {say(clock.breached ? "incident.clock.missed" : "incident.clock.kept")}</Badge>
          : clock.paused ? <Badge icon="clock">{say("incident.clock.paused")}</Badge>
          : <Countdown due={clock.due} warned={clock.warned !== null} />}
      </div>
      <progress class="clock-bar" max={1} value={used} aria-label={name} />
      <div class="clock-foot small soft">
        <span>{say("incident.clock.used", { used: saySpan(clock.elapsed_ms), target: saySpan(clock.target_ms) })}</span>
        {mayPause && (clock.paused
          ? <Button kind="quiet" busy={busy} onPress={resume}>{say("incident.clock.resume")}</Button>
          : <Button kind="quiet" onPress={() => setPauses(true)}>{say("incident.clock.pause")}</Button>)}
      </div>
      {pauses && <Pause client={client} clock={clock} onClose={() => setPauses(false)} onDone={onDone} />}
    </li>
  );
}

export function Clocks({ client, clocks, onDone }: { client: string; clocks: Clock[]; onDone: () => void }) {
  if (clocks.length === 0) return <p class="soft">{say("incident.clock.none")}</p>;
  const running = [...clocks].sort((a, b) => Number(a.stopped !== null) - Number(b.stopped !== null));
  return <ul class="clocks">{running.map((clock) => <ClockLine key={clock.id} client={client} clock={clock} onDone={onDone} />)}</ul>;
}
