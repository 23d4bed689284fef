/* One request for logs: whose turn it is, what was asked for, the package, and what has happened. */
import "./provision.css";
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { clientName, may, me } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button, ButtonLink } from "../../parts/button";
import { CopyButton } from "../../parts/copy";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { TextField } from "../../parts/field";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Steps } from "../../parts/steps";
import { Time } from "../../parts/time";
import { Timeline } from "../../parts/timeline";
import { toast } from "../../parts/toast";
import { sayBytes } from "../../words/figures";
import { plain } from "../../words/plain";
import { named, say, sayMaybe, sayNumber, sayTime } from "../../words/words";
import { useSources } from "../archive/sources";
import { useNames } from "../names";
import { href, type PageProps } from "../router";
import { periodText } from "./period";
import { maySee, StatusBadge, useWhilePreparing } from "./provision";

type Request = Schemas["Provision"];
type Act = "approve" | "refuse" | "cancel";
const NOTE_MAX = 2000;
const WAY = ["waiting-approval", "preparing", "ready", "delivered"] as const;
const HISTORY_LOOK = {
  asked: ["document", undefined], taken: ["clock", undefined], approved: ["check", "steady"], refused: ["close", "warning"], cancelled: ["close", undefined],
  ready: ["package", "steady"], failed: ["warning", "warning"], delivered: ["next", undefined], expired: ["clock", undefined],
} as const;

export default function RequestPage({ params }: PageProps) {
  const client = params.client ?? "";
  const id = Number(params.id);
  if (maySee(client) && Number.isInteger(id) && id > 0) return <One client={client} id={id} />;
  return (
    <>
      <Head title={say("provision.title")} />
      <Empty icon="package" title={say("common.no-page")} />
    </>
  );
}

function ActDialog({ client, id, act, onClose, onDone }: { client: string; id: number; act: Act; onClose: () => void; onDone: () => void }) {
  const [note, setNote] = useState("");
  const options = { params: { path: { client, id } }, body: note.trim() ? { note: note.trim() } : {} };
  return (
    <Dialog title={say(`provision.act.${act}`)} act={say(`provision.act.${act}-do`)} grave={act !== "approve"} onClose={onClose}
      disabled={act === "refuse" && !note.trim()} onDo={async () => {
        await answer(act === "approve" ? api.POST("/clients/{client}/provisions/{id}/approve", options)
          : act === "refuse" ? api.POST("/clients/{client}/provisions/{id}/refuse", options)
          : api.POST("/clients/{client}/provisions/{id}/cancel", options));
        toast(say(`provision.act.${act}-done`));
        onDone();
      }}>
      <p>{say(`provision.act.${act}-lead`)}</p>
      <TextField label={say("provision.note")} help={act === "refuse" ? undefined : say("incident.optional")} required={act === "refuse"}
        value={note} onValue={setNote} lines={3} focus maxLength={NOTE_MAX} />
    </Dialog>
  );
}

function Turn({ client, request, press }: { client: string; request: Request; press: (act: Act) => void }) {
  const { status } = request;
  const decides = may(client, "decide");
  const mine = request.asked_by === me.value?.person;
  const fetchable = (status === "ready" || status === "delivered") && may(client, "read") && (mine || may(client, "act"));
  const tone = status === "failed" ? "critical" : status === "ready" || status === "delivered" ? "steady" : undefined;
  const key = status === "waiting-approval" && decides ? "waiting-you" : status;
  return (
    <Sheet tone={tone}>
      <div class="row" role="status"><StatusBadge status={status} /></div>
      <p>{say(`provision.said.${key}`)}</p>
      {request.failure && <p class="small" lang="en">{request.failure}</p>}
      <div class="row">
        {status === "waiting-approval" && decides && <>
          <Button kind="main" onPress={() => press("approve")}>{say("provision.act.approve")}</Button>
          <Button onPress={() => press("refuse")}>{say("provision.act.refuse")}</Button>
        </>}
        {(status === "waiting-approval" || status === "preparing") && (mine || decides) && (
          <Button kind="quiet" onPress={() => press("cancel")}>{say("provision.act.cancel")}</Button>)}
        {fetchable && <ButtonLink kind="main" icon="package" download={`${client}-${request.id}.zip`}
          href={`/api/v1${href("clients", client, "provisions", request.id, "package")}`}>
          {say("provision.download", { size: sayBytes(request.size) })}</ButtonLink>}
        {fetchable && request.expires && <span class="small soft">{say("provision.until", { time: sayTime(request.expires, false) })}</span>}
      </div>
      {fetchable && <p class="small soft">{say("provision.download-noted")}</p>}
    </Sheet>
  );
}

function Package({ request }: { request: Request }) {
  if (!request.sha256) return null;
  return (
    <Sheet title={say("provision.package")}>
      <Facts rows={[
        [say("archive.events"), sayNumber(request.events)],
        [say("provision.size"), sayBytes(request.size)],
        [say("provision.made"), <Time at={request.made} />],
        [say("provision.expires"), <Time at={request.expires} />],
        [say("provision.downloads"), sayNumber(request.downloads)],
      ]} />
      <div>
        <div class="row"><span class="small soft grow">{say("provision.sha256")}</span><CopyButton text={request.sha256} about={say("provision.sha256")} /></div>
        <code class="small">{request.sha256}</code>
      </div>
      <p class="small soft">{say(request.proof ? "provision.package-help" : "provision.package-no-proof")}</p>
    </Sheet>
  );
}

function One({ client, id }: { client: string; id: number }) {
  const asked = useAsked(() => answer(api.GET("/clients/{client}/provisions/{id}", { params: { path: { client, id } } })), [client, id]);
  const names = useNames(client);
  const sources = useSources(client);
  const [act, setAct] = useState<Act>();
  useWhilePreparing(asked.data?.status === "preparing", asked.again);
  return (
    <>
      <Head title={say("provision.request", { number: id })}
        trail={<><a href={href("provision", client)}>{say("provision.title")}</a> › {named(clientName(client), client)}</>} />
      <Answer asked={asked}>
        {(request) => (
          <>
            {WAY.some((status) => status === request.status) && <Steps label={say("provision.steps")} at={request.status} done={say("incident.step-done")}
              steps={WAY.map((status) => ({ id: status, text: say(`provision.status.${status}`) }))} />}
            <Turn client={client} request={request} press={setAct} />
            <div class="request-parts">
              <Sheet title={say("provision.asked-for")}>
                <Facts rows={[
                  [say("provision.purpose"), plain(request.purpose)],
                  [say("provision.period"), periodText(request.from, request.to)],
                  [say("provision.sources"), request.sources.length === 0 ? say("provision.sources-all") : request.sources.map((slug) => sources.name(slug)).join(say("hold.comma"))],
                  [say("provision.filter-short"), request.query && <code>{request.query}</code>],
                  [say("provision.format"), say(`provision.format.${request.format}`)],
                  [say("provision.proof-short"), say(request.proof ? "provision.proof-with" : "provision.proof-without")],
                  [say("provision.language"), say(`provision.language.${request.language}`)],
                  [say("provision.asked-by"), <>{names.person(request.asked_by)} <span class="small soft">({sayMaybe(`side.${request.asked_side}`, request.asked_side)})</span></>],
                  [say("provision.approved-by"), request.approved_by && names.person(request.approved_by)],
                ]} />
              </Sheet>
              <Package request={request} />
              <Sheet title={say("provision.history")}>
                <Timeline label={say("provision.history")} list={request.history.map((line, index) => {
                  const [icon, tone] = HISTORY_LOOK[line.what];
                  const hash = /^[0-9a-f]{64}$/.test(line.note);
                  return { key: index, at: line.at, who: names.person(line.who), title: say(`provision.did.${line.what}`), icon, tone,
                    said: line.note ? (hash ? <code class="small">{line.note}</code> : plain(line.note)) : undefined };
                })} />
              </Sheet>
            </div>
            {act && <ActDialog client={client} id={id} act={act} onClose={() => setAct(undefined)} onDone={asked.again} />}
          </>
        )}
      </Answer>
    </>
  );
}
