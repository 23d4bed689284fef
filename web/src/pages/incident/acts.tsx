/* The dialogs behind the buttons of an incident: plain questions, and what their answers bring about. */
import { useState } from "preact/hooks";
import { answer, api, type Incident, type State } from "../../api/client";
import { sideOf } from "../../api/me";
import { useAsked } from "../../api/use";
import { Choices } from "../../parts/choices";
import { Dialog } from "../../parts/dialog";
import { Answer } from "../../parts/empty";
import { SelectField, TextField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { named, say } from "../../words/words";
import { OptionFacts, OptionHead, type Option } from "./options";
import { Propose } from "./propose";
import { statesBack, type Act } from "./what-next";

export const TEXT_MAX = 16384; /* INCIDENT_TEXT_SIZE_MAX, in bytes there */

export interface DialogProps {
  incident: Incident;
  onClose: () => void;
  onDone: () => void;
}
const pathOf = (incident: Incident) => ({ path: { client: incident.client, number: incident.number } });

/** What most acts are: one text, and what it is sent to. */
function TextAct({ title, lead, label, help, required = false, act, grave, send, onClose, onDone }: Omit<DialogProps, "incident"> & {
  title: string; lead?: string; label: string; help?: string; required?: boolean; act: string; grave?: boolean; send: (text: string) => Promise<unknown>;
}) {
  const [text, setText] = useState("");
  return (
    <Dialog title={title} act={act} grave={grave} onClose={onClose} disabled={required && !text.trim()} onDo={async () => {
      await send(text.trim());
      toast(say("incident.done"));
      onDone();
    }}>
      {lead && <p>{lead}</p>}
      <TextField label={label} help={help} value={text} onValue={setText} lines={5} required={required} focus maxLength={TEXT_MAX} />
    </Dialog>
  );
}

function step(incident: Incident, to: State, reason: string): Promise<Incident> {
  return answer(api.POST("/clients/{client}/incidents/{number}/step", {
    params: pathOf(incident), body: { to, ...(reason ? { reason } : {}) },
  }));
}

function Back({ incident, onClose, onDone }: DialogProps) {
  const states = statesBack(incident);
  const [to, setTo] = useState<State>(states.at(-1) ?? "detected");
  const [reason, setReason] = useState("");
  return (
    <Dialog title={say("incident.act.back")} act={say("incident.act.back.do")} onClose={onClose} disabled={!reason.trim()} onDo={async () => {
      await step(incident, to, reason.trim());
      toast(say("incident.done"));
      onDone();
    }}>
      {incident.state === "coordination" && <p>{say("incident.act.back.withdraws")}</p>}
      <SelectField<State> label={say("incident.act.back.to")} value={to} onValue={setTo}
        options={states.map((state) => ({ value: state, text: say(`incident.state.${state}`) }))} />
      <TextField label={say("incident.reason")} value={reason} onValue={setReason} lines={4} required maxLength={TEXT_MAX} />
    </Dialog>
  );
}

function Execute({ incident, onClose, onDone }: DialogProps) {
  const [done, setDone] = useState<"yes" | "no">();
  const [evidence, setEvidence] = useState("");
  return (
    <Dialog title={say("incident.act.execute")} act={say("incident.act.record")} onClose={onClose} disabled={!done || !evidence.trim()} onDo={async () => {
      await answer(api.POST("/clients/{client}/incidents/{number}/execution", {
        params: pathOf(incident), body: { done: done === "yes", evidence: evidence.trim() },
      }));
      toast(say("incident.done"));
      onDone();
    }}>
      <Choices<"yes" | "no"> label={say("incident.act.execute.how")} value={done} onValue={setDone} options={[
        { value: "yes", text: say("incident.act.execute.yes"), more: <span class="small soft">{say("incident.act.execute.yes-more")}</span> },
        { value: "no", text: say("incident.act.execute.no"), more: <span class="small soft">{say("incident.act.execute.no-more")}</span> },
      ]} />
      <TextField label={say("incident.act.execute.evidence")} help={say("incident.act.execute.evidence-help")} value={evidence}
        onValue={setEvidence} lines={4} required maxLength={TEXT_MAX} />
    </Dialog>
  );
}

function Return({ incident, onClose, onDone }: DialogProps) {
  const [agreed, setAgreed] = useState<"yes" | "no">();
  const [reason, setReason] = useState("");
  return (
    <Dialog title={say("incident.act.return")} act={say("incident.act.answer")} onClose={onClose}
      disabled={!agreed || (agreed === "no" && !reason.trim())} onDo={async () => {
        await answer(api.POST("/clients/{client}/incidents/{number}/return", {
          params: pathOf(incident), body: { agreed: agreed === "yes", ...(reason.trim() ? { reason: reason.trim() } : {}) },
        }));
        toast(say(agreed === "yes" ? "incident.returned" : "incident.done"));
        onDone();
      }}>
      <p>{say("incident.act.return.lead")}</p>
      <Choices<"yes" | "no"> label={say("incident.act.return.ask")} value={agreed} onValue={setAgreed} options={[
        { value: "yes", text: say("incident.act.return.yes"), more: <span class="small soft">{say("incident.act.return.yes-more")}</span> },
        { value: "no", text: say("incident.act.return.no"), more: <span class="small soft">{say("incident.act.return.no-more")}</span> },
      ]} />
      <TextField label={say("incident.reason")} help={agreed === "no" ? undefined : say("incident.optional")} value={reason} onValue={setReason}
        lines={3} required={agreed === "no"} maxLength={TEXT_MAX} />
    </Dialog>
  );
}

function Decide({ incident, onClose, onDone }: DialogProps) {
  const { client, number, proposal } = incident;
  const asked = useAsked(
    () => answer(api.GET("/clients/{client}/incidents/{number}/proposals/{proposal}", { params: { path: { client, number, proposal } } })),
    [client, number, proposal],
  );
  const [option, setOption] = useState<number>();
  const [reason, setReason] = useState("");
  const [read] = useState(proposal);
  return (
    <Dialog wide title={say("incident.act.decide")} act={say("incident.act.decide.do")} onClose={onClose}
      disabled={option === undefined || (option === 0 && !reason.trim())} onDo={async () => {
        /* The proposal that was read is decided upon, not one that came meanwhile. */
        await answer(api.POST("/clients/{client}/incidents/{number}/decision", {
          params: pathOf(incident), body: { proposal: read, option: option ?? 0, ...(reason.trim() ? { reason: reason.trim() } : {}) },
        }));
        toast(say("incident.done"));
        onDone();
      }}>
      <p>{say("incident.act.decide.lead")}</p>
      <Answer asked={asked}>
        {({ options }) => (
          <Choices<number> label={say("incident.act.decide.ask")} value={option} onValue={setOption} options={[
            ...options.map((one: Option, index) => ({
              value: index + 1, text: <OptionHead option={one} number={index + 1} />, more: <OptionFacts option={one} />,
            })),
            { value: 0, text: say("incident.act.decide.none"), more: <span class="small soft">{say("incident.act.decide.none-more")}</span> },
          ]} />
        )}
      </Answer>
      <TextField label={say("incident.reason")} help={option === 0 ? undefined : say("incident.optional")} value={reason} onValue={setReason}
        lines={3} required={option === 0} maxLength={TEXT_MAX} />
    </Dialog>
  );
}

export function ActDialog({ act, ...props }: DialogProps & { act: Act }) {
  const { incident, onClose, onDone } = props;
  const after = { onClose, onDone };
  const provider = sideOf(incident.client) !== "client";
  switch (act) {
    case "decide": return <Decide {...props} />;
    case "return": return <Return {...props} />;
    case "execute": return <Execute {...props} />;
    case "propose": return <Propose {...props} />;
    case "back": return <Back {...props} />;
    case "note":
      return <TextAct {...after} title={say("incident.act.note")} label={say("incident.act.note.text")} help={say("incident.act.note.help")} required
        act={say("incident.act.record")}
        send={(text) => answer(api.POST("/clients/{client}/incidents/{number}/notes", { params: pathOf(incident), body: { text } }))} />;
    case "acknowledge":
      return <TextAct {...after} title={say(provider ? "incident.act.acknowledge.provider" : "incident.act.acknowledge")}
        lead={say(provider ? "incident.act.acknowledge.provider-lead" : "incident.act.acknowledge.lead")}
        label={say(provider ? "incident.act.acknowledge.provider-text" : "incident.act.acknowledge.text")}
        help={provider ? say("incident.act.acknowledge.provider-help") : say("incident.optional")}
        act={say("incident.act.acknowledge.do")}
        send={(note) => answer(api.POST("/clients/{client}/incidents/{number}/acknowledgement", {
          params: pathOf(incident), body: note ? { note } : {},
        }))} />;
    case "cause":
      return <TextAct {...after} title={say("incident.act.cause")} lead={say("incident.act.cause.lead")} label={say("incident.act.cause.text")}
        help={say("incident.optional")} act={say("incident.act.cause")} send={(text) => step(incident, "cause", text)} />;
    case "countermeasure":
      return <TextAct {...after} title={say("incident.act.countermeasure")} label={say("incident.act.countermeasure.text")}
        help={say("incident.act.countermeasure.help")} required act={say("incident.act.countermeasure.do")}
        send={(text) => step(incident, "countermeasure", text)} />;
    case "checks":
      return <TextAct {...after} title={say("incident.act.checks")} lead={say("incident.act.checks.lead")} label={say("incident.act.checks.text")}
        help={say("incident.act.checks.help")} required act={say("incident.act.checks.do")} send={(text) => step(incident, "return-check", text)} />;
    case "authorised":
      return <TextAct {...after} title={say("incident.act.authorised")}
        lead={say("incident.act.authorised.lead", { action: named(incident.names.action, incident.action) })}
        label={say("incident.act.authorised.text")} required act={say("incident.act.authorised.do")}
        send={(text) => answer(api.POST("/clients/{client}/incidents/{number}/authorised-action", { params: pathOf(incident), body: { text } }))} />;
  }
}
