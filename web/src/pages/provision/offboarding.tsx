/*
 * The end of a client's service: asked for, everything handed out as one package, confirmed by both sides,
 * then keys and data are destroyed.  What will be gone is said before each step, and who confirms writes
 * the client's name.
 */
import "./provision.css";
import { useState } from "preact/hooks";
import { answer, api, Refusal, type Schemas } from "../../api/client";
import { clientName, hasRole, me, sideOf } from "../../api/me";
import { useAsked } from "../../api/use";
import { useAct } from "../../parts/act";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Refused } from "../../parts/empty";
import { CheckField, TextField } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Steps } from "../../parts/steps";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toast";
import { language, named, say } from "../../words/words";
import { useNames } from "../names";
import { href, type PageProps } from "../router";
import { useWhilePreparing } from "./provision";

type Ending = Schemas["Offboarding"];
type Act = "ask" | "confirm" | "cancel";
const WAY = ["asked", "exported", "confirmed", "destroyed"] as const;
const GONE = ["logs", "keys", "incidents", "documents", "people", "backups"] as const;
const TEXT_MAX = 2000;

export default function OffboardingPage({ params }: PageProps) {
  const client = params.client ?? "";
  if (hasRole(client, "responsible") || hasRole(client, "provider-admin")) return <Page client={client} />;
  return (
    <>
      <Head title={say("ending.title")} lead={say("ending.lead")}
        trail={<><a href={href("provision", client)}>{say("provision.title")}</a> › {named(clientName(client), client)}</>} />
      <Sheet title={say("ending.how")}>
        <p>{say("ending.no-right")} <a href={href("people", client)}>{say("people.client-title")}</a></p>
        <How />
        <Gone />
      </Sheet>
    </>
  );
}

function How() {
  return <ol class="ending-how">{([1, 2, 3, 4] as const).map((step) => <li key={step}>{say(`ending.how.${step}`)}</li>)}</ol>;
}

/** What will be gone, each in its own words. */
function Gone() {
  return (
    <div class="gone">
      <p><strong><Icon name="warning" /> {say("ending.gone")}</strong></p>
      <ul>{GONE.map((one) => <li key={one}>{say(`ending.gone.${one}`)}</li>)}</ul>
      <p>{say("ending.gone-never")}</p>
      <p class="small">{say("ending.remains")}</p>
    </div>
  );
}

function AskDialog({ client, onClose, onDone }: { client: string; onClose: () => void; onDone: () => void }) {
  const [reason, setReason] = useState("");
  return (
    <Dialog wide title={say("ending.ask")} act={say("ending.ask-do")} grave onClose={onClose} disabled={!reason.trim()} onDo={async () => {
      await answer(api.POST("/clients/{client}/offboarding", { params: { path: { client } }, body: { reason: reason.trim(), language: language.value } }));
      toast(say("ending.asked-done"));
      onDone();
    }}>
      <p>{say("ending.ask-lead")}</p>
      <Gone />
      <TextField label={say("ending.reason")} value={reason} onValue={setReason} lines={3} required maxLength={TEXT_MAX} />
    </Dialog>
  );
}
function ConfirmDialog({ client, onClose, onDone }: { client: string; onClose: () => void; onDone: () => void }) {
  const [typed, setTyped] = useState("");
  const [kept, setKept] = useState(false);
  return (
    <Dialog wide title={say("ending.confirm")} act={say("ending.confirm-do")} grave onClose={onClose} disabled={typed.trim() !== client || !kept} onDo={async () => {
      await answer(api.POST("/clients/{client}/offboarding/confirm", { params: { path: { client } }, body: {} }));
      toast(say("ending.confirmed-done"));
      onDone();
    }}>
      <p>{say("ending.confirm-lead", { client: named(clientName(client), client) })}</p>
      <Gone />
      <CheckField label={say("ending.confirm-read")} value={kept} onValue={setKept} />
      <TextField label={say("ending.confirm-type", { client })} value={typed} onValue={setTyped} mono required />
    </Dialog>
  );
}
function CancelDialog({ client, onClose, onDone }: { client: string; onClose: () => void; onDone: () => void }) {
  return (
    <Dialog title={say("ending.cancel")} act={say("ending.cancel-do")} onClose={onClose} onDo={async () => {
      await answer(api.POST("/clients/{client}/offboarding/cancel", { params: { path: { client } }, body: {} }));
      toast(say("ending.cancelled-done"));
      onDone();
    }}>
      <p>{say("ending.cancel-lead")}</p>
    </Dialog>
  );
}

function Confirmed({ text, at, who }: { text: string; at: string | null; who: string }) {
  return (
    <li>
      {at ? <Badge tone="steady" icon="check">{say("ending.confirmed")}</Badge> : <Badge tone="medium" icon="clock">{say("ending.waits")}</Badge>}
      <span>{text}{at && <span class="small soft"> {who}, <Time at={at} /></span>}</span>
    </li>
  );
}

/** The certificate as a file: the text that was signed, the signature, and the key that checks it. */
function Certificate({ client }: { client: string }) {
  const act = useAct();
  const save = () => act.run(undefined, async () => {
    const told = await answer(api.GET("/clients/{client}/offboarding/certificate", { params: { path: { client } } }));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([JSON.stringify(told, null, 2), "\n"], { type: "application/json" }));
    link.download = `${client}-certificate.json`;
    link.click();
    window.setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  return (
    <>
      {act.refusal && <Refused refusal={act.refusal} />}
      <Button kind="main" icon="document" busy={act.busy} onPress={save}>{say("ending.certificate")}</Button>
    </>
  );
}

function Running({ client, ending, press }: { client: string; ending: Ending; press: (act: Act) => void }) {
  const names = useNames(client);
  const { status } = ending;
  const own = sideOf(client) === "client" ? ending.client_confirmed : ending.provider_confirmed;
  const confirms = hasRole(client, sideOf(client) === "client" ? "responsible" : "provider-admin");
  const mayCancel = ending.asked_by === me.value?.person || hasRole(client, "responsible");
  return (
    <>
      {status !== "failed" && <Steps label={say("ending.steps")} at={status} done={say("incident.step-done")}
        steps={WAY.map((one) => ({ id: one, text: say(`ending.status.${one}`) }))} />}
      <Sheet tone={status === "failed" ? "critical" : status === "destroyed" ? "steady" : "high"}>
        <p role="status"><strong>{say(`ending.said.${status}`)}</strong></p>
        {ending.failure && <p class="small" lang="en">{ending.failure}</p>}
        {ending.exported && status !== "destroyed" && (
          <p><a href={href("provision", client, ending.provision)}>{say("ending.package")}</a></p>)}
        <ul class="confirmed">
          <Confirmed text={say("ending.side.client")} at={ending.client_confirmed} who={names.person(ending.client_confirmed_by)} />
          <Confirmed text={say("ending.side.provider")} at={ending.provider_confirmed} who={names.person(ending.provider_confirmed_by)} />
        </ul>
        <Facts rows={[
          [say("ending.asked-by"), <>{names.person(ending.asked_by)}, <Time at={ending.asked} /></>],
          [say("ending.reason"), ending.reason],
          [say("ending.finished"), ending.ended && <Time at={ending.ended} />],
        ]} />
        <div class="row">
          {status === "exported" && !own && confirms && <Button kind="grave" onPress={() => press("confirm")}>{say("ending.confirm")}</Button>}
          {(status === "asked" || status === "exported" || status === "failed") && mayCancel && (
            <Button onPress={() => press("cancel")}>{say("ending.cancel")}</Button>)}
          {status === "destroyed" && <Certificate client={client} />}
        </div>
      </Sheet>
    </>
  );
}

/** null: nobody has asked for it, which the service tells as something that is not there. */
function endingOf(client: string): Promise<Ending | null> {
  return answer(api.GET("/clients/{client}/offboarding", { params: { path: { client } } })).catch((error: unknown) => {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  });
}

function Page({ client }: { client: string }) {
  const asked = useAsked(() => endingOf(client), [client]);
  const [act, setAct] = useState<Act>();
  const status = asked.data?.status;
  useWhilePreparing(status === "asked" || status === "confirmed", asked.again);
  const close = () => setAct(undefined);
  return (
    <>
      <Head title={say("ending.title")} lead={say("ending.lead")}
        trail={<><a href={href("provision", client)}>{say("provision.title")}</a> › {named(clientName(client), client)}</>} />
      <Answer asked={asked}>
        {(ending) => ending === null || ending.status === "cancelled" ? (
          <Sheet title={say("ending.how")}>
            {ending && <p>{say("ending.said.cancelled")}</p>}
            <How />
            <Gone />
            <div><Button kind="grave" onPress={() => setAct("ask")}>{say("ending.ask")}</Button></div>
          </Sheet>
        ) : <Running client={client} ending={ending} press={setAct} />}
      </Answer>
      {act === "ask" && <AskDialog client={client} onClose={close} onDone={asked.again} />}
      {act === "confirm" && <ConfirmDialog client={client} onClose={close} onDone={asked.again} />}
      {act === "cancel" && <CancelDialog client={client} onClose={close} onDone={asked.again} />}
    </>
  );
}
