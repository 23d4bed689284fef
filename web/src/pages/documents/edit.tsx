/*
 * Editing a document: the form on its newest version, which saving makes a draft of.  If somebody else
 * wrote a version meanwhile, that is said at once and nothing is overwritten unasked.
 */
import "./documents.css";
import { useEffect, useMemo, useState } from "preact/hooks";
import { answer, api, Refusal } from "../../api/client";
import type { Form, Group } from "../../api/form";
import { useAsked } from "../../api/use";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty, Refused } from "../../parts/empty";
import { TextField } from "../../parts/field";
import type { Issue } from "../../parts/form/check";
import { DocumentForm, type Told } from "../../parts/form/form";
import { localOf, momentOf } from "../../parts/form/scalar";
import { written } from "../../parts/form/value";
import { Icon } from "../../parts/icon";
import { Head } from "../../parts/sheet";
import { toast } from "../../parts/toast";
import { named, say } from "../../words/words";
import { go, type PageProps } from "../router";
import { Trail } from "./document";
import { authorText, documentHref, mayDraft, rolesText, useForm, useSight, versionRead, versionsList, type Read, type Version } from "./kinds";
import { useNames } from "../names";
import { keptForget, keptRead, useGuard, useKept, type Kept } from "./kept";
import { versionName } from "./version";

interface Begun {
  versions: Version[];
  base?: Read; /* what the form begins with */
}
const freshOf = ({ versions, base }: Begun): Kept =>
  ({ after: versions[0]?.hash ?? "", base: base?.hash ?? "", document: base?.document ?? {}, note: "", wanted: "" });

function Conflict({ client, kind, mine, newest, onKeep, onTake }:
  { client: string; kind: string; mine: Kept; newest: Version; onKeep: () => void; onTake: () => void }) {
  const { person } = useNames(client);
  return (
    <div class="banner grave" role="alert">
      <Icon name="warning" />
      <div class="grow">
        <p><strong>{say("documents.conflict", { version: versionName(newest), author: authorText(newest.author, person) })}</strong></p>
        <p class="small">{say("documents.conflict-means")}{" "}
          {mine.base && <a target="_blank" rel="noreferrer" href={documentHref(client, kind, { from: mine.base, to: newest.hash }, "compare")}>{say("documents.conflict-look")}</a>}</p>
      </div>
      <Button onPress={onTake}>{say("documents.conflict-take")}</Button>
      <Button onPress={onKeep}>{say("documents.conflict-keep")}</Button>
    </div>
  );
}

function Leave({ to, onClose }: { to: string; onClose: () => void }) {
  return (
    <Dialog title={say("documents.leave-title")} onClose={onClose} act={say("documents.leave")} onDo={async () => { go(to); }}>
      <p>{say("documents.leave-means")}</p>
    </Dialog>
  );
}

function Editing({ client, form, begun, at, again }: { client: string; form: Form; begun: Begun; at: string; again: () => void }) {
  const kind = form.kind;
  const [start] = useState(() => {
    const kept = keptRead(client, kind);
    return kept ? { mine: kept, restored: true } : { mine: freshOf(begun), restored: false };
  });
  const [mine, setMine] = useState(start.mine);
  const [restored, setRestored] = useState(start.restored);
  const [dirty, setDirty] = useState(start.restored);
  const [issues, setIssues] = useState<Issue[]>([]);
  const [told, setTold] = useState<Told>();
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const [leaving, setLeaving] = useState<string>();
  const { targets } = useSight(client, form);
  const newest = begun.versions[0];
  const overtaken = newest && newest.hash !== mine.after ? newest : undefined;
  useKept(client, kind, dirty ? mine : undefined);
  useGuard(dirty, setLeaving);
  const change = (more: Partial<Kept>) => {
    setMine((old) => ({ ...old, ...more }));
    setDirty(true);
    setTold(undefined);
  };
  const fresh = () => {
    keptForget(client, kind);
    setMine(freshOf(begun));
    setDirty(false);
    setRestored(false);
    setTold(undefined);
    setRefusal(undefined);
  };
  /* Nothing typed yet: somebody else's newer version simply takes its place. */
  useEffect(() => {
    if (overtaken && !dirty) setMine(freshOf(begun));
  }, [overtaken?.hash, dirty]);

  const save = async () => {
    setTold(undefined);
    setRefusal(undefined);
    const wrong = issues.find((i) => i.what === "wrong");
    if (wrong) {
      toast(say("documents.mend-first"));
      return setTold({ path: wrong.path });
    }
    setBusy(true);
    const body = written(form.elements, mine.document, { note: mine.note, wanted: mine.wanted, after: mine.after });
    try {
      const made = await answer(api.POST("/clients/{client}/documents/{kind}/versions",
        { params: { path: { client, kind } }, body: { document: {} }, bodySerializer: () => body.text, headers: { "Content-Type": "application/json" } }));
      keptForget(client, kind);
      setDirty(false);
      toast(say(made.hash === mine.base ? "documents.unchanged" : "documents.drafted"));
      window.setTimeout(() => go(documentHref(client, kind, { version: made.hash })), 0);
    } catch (error) {
      const refused = error instanceof Refusal ? error : new Refusal(0, "failed", String(error));
      const place = refused.line === undefined ? undefined : body.places[refused.line - 1];
      /* At its field the mistake is told in full, so the bar below says only that there is one. */
      if (place && place.length > 0) {
        setTold({ path: place, text: say("documents.told", { detail: (refused.detail ?? "").replace(/^[a-z0-9_/-]+: /, "") }) });
        setRefusal(new Refusal(refused.status, refused.code, refused.message));
      } else setRefusal(refused);
      if (refused.code === "newer-version") again();
    }
    setBusy(false);
  };
  const signers = form.signatures.map(rolesText).join(say("documents.and"));
  return (
    <>
      <Head title={say("documents.edit-title", { name: named(form.name) })} trail={<Trail client={client} form={form} />}
        lead={begun.base ? say("documents.edit-lead", { version: versionName(begun.base), roles: signers }) : say("documents.edit-first", { roles: signers })} />
      {overtaken && dirty && (
        <Conflict client={client} kind={kind} mine={mine} newest={overtaken} onTake={fresh}
          onKeep={() => change({ after: overtaken.hash, base: overtaken.hash })} />
      )}
      {restored && (
        <div class="banner" role="status">
          <Icon name="clock" />
          <p class="grow">{say("documents.restored")}</p>
          <Button onPress={fresh}>{say("documents.discard")}</Button>
          <Button onPress={() => setRestored(false)}>{say("documents.go-on")}</Button>
        </div>
      )}
      {begun.base && !begun.base.whole && <div class="banner"><Icon name="warning" /><p class="grow">{say("documents.edit-part")}</p></div>}
      <form noValidate onSubmit={(event) => { event.preventDefault(); void save(); }} onKeyDown={(event) => {
        const target = event.target as HTMLElement;
        if (event.key === "Enter" && target.tagName === "INPUT" && !event.ctrlKey && !event.metaKey) event.preventDefault();
        if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
          event.preventDefault();
          void save();
        }
      }}>
        <DocumentForm form={form} document={mine.document} base={begun.base?.document} targets={targets} told={told} at={at}
          onIssues={setIssues} onDocument={(document: Group) => change({ document })}>
          {refusal && !told && !overtaken && <Refused refusal={refusal} />}
        </DocumentForm>
        <div class="save-about">
          <h2>{say("documents.about-draft")}</h2>
          <div class="save-fields">
            <TextField label={say("documents.note")} help={say("documents.note-help")} value={mine.note} maxLength={500} onValue={(note) => change({ note })} />
            <TextField label={say("documents.wanted")} help={say("documents.wanted-help")} type="datetime-local" value={mine.wanted ? localOf(mine.wanted) : ""}
              onValue={(text) => change({ wanted: text ? momentOf(text) : "" })} />
          </div>
        </div>
        <div class="save-bar">
          {refusal && told && <Refused refusal={refusal} />}
          <div class="row">
            <Button kind="main" submit busy={busy} disabled={!!overtaken && dirty}>{say("documents.save")}</Button>
            <a class="button" href={documentHref(client, kind)}>{say("documents.stop")}</a>
            {dirty && <Button kind="quiet" onPress={fresh}>{say("documents.discard")}</Button>}
            <span class="small soft" role="status">{say(dirty ? "documents.unsaved" : "documents.untouched")}</span>
          </div>
        </div>
      </form>
      {leaving && <Leave to={leaving} onClose={() => setLeaving(undefined)} />}
    </>
  );
}

export default function Edit({ params, query }: PageProps) {
  const client = params.client!;
  const kind = params.kind!;
  const { form, asked: formAsked } = useForm(kind);
  const asked = useAsked(async (): Promise<Begun> => {
    const versions = await versionsList(client, kind);
    const newest = versions.find((v) => v.state !== "withdrawn");
    return { versions, base: newest && (await versionRead(client, kind, newest.hash)) };
  }, [client, kind], (c) => c.what === "document" && c.client === client && c.kind === kind);
  const at = useMemo(() => query.get("at") ?? "", []);
  const head = <Head title={say("documents.edit")} trail={<Trail client={client} form={form} />} />;
  if (!mayDraft(client)) return <>{head}<Empty icon="warning" title={say("documents.no-draft")} /></>;
  if (!form) return <>{head}<Answer asked={formAsked}>{() => null}</Answer></>;
  if (!asked.data) return <>{head}<Answer asked={asked}>{() => null}</Answer></>;
  return <Answer asked={asked}>{(begun) => <Editing key={kind} client={client} form={form} begun={begun} at={at} again={asked.again} />}</Answer>;
}
