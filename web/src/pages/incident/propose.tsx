/* A proposal: one to ten countermeasures, of which the client chooses one. */
import { useState } from "preact/hooks";
import { answer, api } from "../../api/client";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { CheckField, SelectField, TextField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { say } from "../../words/words";
import type { DialogProps } from "./acts";
import type { Option } from "./options";

const OPTIONS_MAX = 10;
const LINE_MAX = 4096;
const empty = (): Option => ({ text: "", effect: "", risk: "", executes: "provider", recommended: false });

export function Propose({ incident, onClose, onDone }: DialogProps) {
  const [options, setOptions] = useState<Option[]>(() => [{ ...empty(), recommended: true }]);
  const [by, setBy] = useState("");
  const change = (at: number, next: Partial<Option>) =>
    setOptions((old) => old.map((option, index) => {
      if (index === at) return { ...option, ...next };
      return next.recommended ? { ...option, recommended: false } : option;
    }));
  return (
    <Dialog wide title={say("incident.act.propose")} act={say("incident.act.propose.do")} onClose={onClose}
      disabled={options.some((option) => !option.text.trim())} onDo={async () => {
        await answer(api.POST("/clients/{client}/incidents/{number}/proposals", {
          params: { path: { client: incident.client, number: incident.number } },
          body: { options, ...(by ? { decide_by: new Date(by).toISOString() } : {}) },
        }));
        toast(say("incident.done"));
        onDone();
      }}>
      <p>{say(incident.state === "coordination" ? "incident.act.propose.again" : "incident.act.propose.lead")}</p>
      {options.map((option, at) => (
        <fieldset key={at} class="propose-option">
          <legend>
            {say("incident.act.propose.option", { number: at + 1 })}
            {options.length > 1 && <Button kind="quiet" icon="close" label={say("incident.act.propose.remove", { number: at + 1 })}
              onPress={() => setOptions(options.filter((_, index) => index !== at))}>{""}</Button>}
          </legend>
          <TextField label={say("incident.act.propose.text")} value={option.text} onValue={(text) => change(at, { text })} lines={2} required focus={at === 0} maxLength={LINE_MAX} />
          <div class="propose-pair">
            <TextField label={say("incident.effect")} value={option.effect ?? ""} onValue={(effect) => change(at, { effect })} lines={2} maxLength={LINE_MAX} />
            <TextField label={say("incident.risk")} value={option.risk ?? ""} onValue={(risk) => change(at, { risk })} lines={2} maxLength={LINE_MAX} />
          </div>
          <div class="propose-pair">
            <SelectField<"provider" | "client"> label={say("incident.executes")} value={option.executes} onValue={(executes) => change(at, { executes })}
              options={[{ value: "provider", text: say("side.provider") }, { value: "client", text: say("side.client") }]} />
            <CheckField label={say("incident.recommend")} value={option.recommended ?? false} onValue={(recommended) => change(at, { recommended })} />
          </div>
        </fieldset>
      ))}
      {options.length < OPTIONS_MAX && (
        <Button icon="plus" onPress={() => setOptions([...options, empty()])}>{say("incident.act.propose.more")}</Button>
      )}
      <TextField label={say("incident.act.propose.by")} help={say("incident.act.propose.by-help")} type="datetime-local" value={by} onValue={setBy} />
    </Dialog>
  );
}
