/* What can be done with a version, each behind a question that says what it means. */
import { useState } from "preact/hooks";
import { answer, api, Refusal } from "../../api/client";
import type { Form, FormElement } from "../../api/form";
import type { Role } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Refused } from "../../parts/empty";
import { TextField } from "../../parts/field";
import type { Sight } from "../../parts/form/shown";
import { toast } from "../../parts/toast";
import { named, say } from "../../words/words";
import { Changes, type Change } from "./changes";
import { rolesText, versionRead, type Read, type Version } from "./kinds";
import { versionName } from "./version";

interface Props {
  client: string;
  form: Form;
  version: Read;
  sight: Sight;
  onClose: () => void;
  onDone: () => void;
}
const pathOf = (client: string, version: Version) => ({ params: { path: { client, kind: version.kind, hash: version.hash } } });

/** Signing: what it means, and what would change, before the button. */
export function SignDialog({ client, form, version, sight, role, effective, onClose, onDone }: Props & { role: Role; effective?: Version }) {
  const asked = useAsked(async () => {
    const { open } = await answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/completeness", pathOf(client, version)));
    if (!effective) return { changes: [] as Change[], before: undefined, open: open.length };
    const [{ changes }, before] = await Promise.all([
      answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/difference", pathOf(client, version))),
      versionRead(client, version.kind, effective.hash),
    ]);
    return { changes, before, open: open.length };
  }, [version.hash, effective?.hash]);
  const others = version.waits.filter((set) => !set.includes(role));
  const sign = async () => {
    await answer(api.POST("/clients/{client}/documents/{kind}/versions/{hash}/signature", pathOf(client, version)));
    toast(say("documents.signed", { version: versionName(version) }));
    onDone();
  };
  return (
    <Dialog title={say("documents.sign-title", { name: named(form.name), version: versionName(version) })} onClose={onClose} onDo={sign}
      act={say("documents.sign-act", { role: rolesText([role]) })} wide disabled={!asked.data}>
      <ul class="means">
        <li>{say("documents.sign-means")}</li>
        <li>{others.length > 0 ? say("documents.sign-others", { roles: others.map(rolesText).join(say("documents.and")) }) : say(version.wanted ? "documents.sign-wanted" : "documents.sign-now")}</li>
        <li>{say("documents.sign-kept")}</li>
        {version.whole && !!asked.data?.open && <li><strong>{say("documents.sign-open", { count: asked.data.open })}</strong></li>}
        {!version.whole && <li><strong>{say("documents.sign-part")}</strong></li>}
      </ul>
      <h3>{effective ? say("documents.sign-difference", { version: versionName(effective) }) : say("documents.sign-first")}</h3>
      <Answer asked={asked}>
        {({ changes, before }) => effective
          ? <div class="dialog-scroll" tabIndex={0} role="region" aria-label={say("documents.difference")}><Changes form={form} changes={changes} before={before?.document} after={version.document} sight={sight} /></div>
          : <p>{say("documents.sign-first-text")}</p>}
      </Answer>
    </Dialog>
  );
}

export function WithdrawDialog({ client, form, version, onClose, onDone }: Props) {
  const withdraw = async () => {
    await answer(api.POST("/clients/{client}/documents/{kind}/versions/{hash}/withdrawal", pathOf(client, version)));
    toast(say("documents.withdrawn", { version: versionName(version) }));
    onDone();
  };
  return (
    <Dialog title={say("documents.withdraw-title", { name: named(form.name), version: versionName(version) })} onClose={onClose} onDo={withdraw}
      act={say("documents.withdraw")} grave>
      <p>{say("documents.withdraw-means")}</p>
    </Dialog>
  );
}

export function AcknowledgeDialog({ client, form, version, onClose, onDone }: Props) {
  const [note, setNote] = useState("");
  const acknowledge = async () => {
    await answer(api.POST("/clients/{client}/documents/{kind}/versions/{hash}/acknowledgements", { ...pathOf(client, version), body: { note } }));
    toast(say("documents.acknowledged"));
    onDone();
  };
  return (
    <Dialog title={say("documents.acknowledge-title", { name: named(form.name), version: versionName(version) })} onClose={onClose} onDo={acknowledge}
      act={say("documents.acknowledge")}>
      <p>{say("documents.acknowledge-means")}</p>
      <TextField label={say("documents.note")} value={note} onValue={setNote} lines={2} />
    </Dialog>
  );
}

/* ---- CSV. */

/** A file as text: UTF-8, else what spreadsheets in Japan write. */
async function textOf(file: File): Promise<{ text: string; old: boolean }> {
  const bytes = await file.arrayBuffer();
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), old: false };
  } catch {
    return { text: new TextDecoder("shift_jis").decode(bytes), old: true };
  }
}
export async function csvDownload(client: string, version: Version, list: string): Promise<void> {
  const { path } = pathOf(client, version).params;
  const text = await answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/csv", { params: { path, query: { list } }, parseAs: "text" }));
  /* With a mark at its beginning spreadsheets read it as UTF-8. */
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(["\ufeff", text as string], { type: "text/csv" }));
  link.download = `${client}-${version.kind}-${list}-${version.number}.csv`;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

const CSV_TYPE = { "Content-Type": "text/csv" };
export function CsvDialog({ client, form, version, sight, list, onClose, onDone }: Props & { list: FormElement }) {
  const [csv, setCsv] = useState<{ name: string; text: string; old: boolean }>();
  const [found, setFound] = useState<Change[]>();
  const [refusal, setRefusal] = useState<Refusal>();
  const [note, setNote] = useState("");
  const [busy, setBusy] = useState(false);
  const shared = (body: string) => ({ body: body as never, bodySerializer: (text: unknown) => text as string, headers: CSV_TYPE });
  const { path } = pathOf(client, version).params;
  const look = async (file: File | undefined) => {
    setFound(undefined);
    setRefusal(undefined);
    setCsv(undefined);
    if (!file) return;
    setBusy(true);
    try {
      const read = await textOf(file);
      setCsv({ name: file.name, ...read });
      setNote(say("documents.csv-note", { file: file.name }));
      const { changes } = await answer(api.POST("/clients/{client}/documents/{kind}/versions/{hash}/csv-difference",
        { params: { path, query: { list: list.key } }, ...shared(read.text) }));
      setFound(changes);
    } catch (error) {
      setRefusal(error instanceof Refusal ? error : new Refusal(0, "failed", String(error)));
    }
    setBusy(false);
  };
  const draft = async () => {
    await answer(api.POST("/clients/{client}/documents/{kind}/versions/{hash}/csv", { params: { path, query: { list: list.key, note } }, ...shared(csv!.text) }));
    toast(say("documents.drafted"));
    onDone();
  };
  return (
    <Dialog title={say("documents.csv-title", { list: named(list.label) })} onClose={onClose} onDo={draft} act={say("documents.csv-act")} wide
      disabled={!found || found.length === 0}>
      <p>{say("documents.csv-means", { version: versionName(version) })}</p>
      <div class="field">
        <label class="label" for="csv-file">{say("documents.csv-file")}</label>
        <input id="csv-file" class="control" type="file" accept=".csv,text/csv" onChange={(event) => void look(event.currentTarget.files?.[0])} />
      </div>
      {busy && <p class="soft" role="status">{say("common.loading")}</p>}
      {csv?.old && <p class="small soft">{say("documents.csv-old")}</p>}
      {refusal && <><Refused refusal={refusal} />{refusal.line && <p class="small">{say("documents.csv-place", { line: refusal.line, column: refusal.column ?? 1 })}</p>}</>}
      {found && (
        <>
          <h3>{say("documents.csv-difference")}</h3>
          <div class="dialog-scroll" tabIndex={0} role="region" aria-label={say("documents.difference")}>
            <Changes form={form} changes={found} before={version.document} after={version.document} sight={sight} />
          </div>
          {found.length > 0 && <TextField label={say("documents.note")} value={note} onValue={setNote} maxLength={500} />}
        </>
      )}
    </Dialog>
  );
}

/* ---- Disclosure. */

export type Disclosure = "shown" | "hidden" | "summarised";
const STATES: Disclosure[] = ["shown", "summarised", "hidden"];
export type Said = ReadonlyMap<string, Disclosure>;

/** What holds at a path: what was said of it, else what the kind says, else what holds above (document/disclose.c). */
export function disclosureAt(said: Said, form: Form, path: string): { state: Disclosure; own: boolean } {
  let state: Disclosure = said.get("") ?? "shown";
  let own = said.has("");
  let level: FormElement[] | undefined = form.elements;
  let list = false;
  const parts = path === "" ? [] : path.split("/");
  parts.forEach((part, at) => {
    const spoken = said.get(parts.slice(0, at + 1).join("/"));
    let hidden = false;
    if (list) list = false;
    else {
      const e: FormElement | undefined = level?.find((x) => x.key === part);
      hidden = !!e?.hidden;
      level = e?.elements;
      list = e?.type === "list";
    }
    own = spoken !== undefined;
    if (spoken) state = spoken;
    else if (hidden) state = "hidden";
  });
  return { state, own };
}
export function DisclosureSelect({ client, form, path, said, label, onDone }:
  { client: string; form: Form; path: string; said: Said; label: string; onDone: () => void }) {
  const [refusal, setRefusal] = useState<Refusal>();
  const { state, own } = disclosureAt(said, form, path);
  const put = async (wanted: Disclosure) => {
    setRefusal(undefined);
    try {
      await answer(api.PUT("/clients/{client}/documents/{kind}/disclosure", { params: { path: { client, kind: form.kind } }, body: { path, disclosure: wanted } }));
      toast(say("documents.disclosed", { element: label, state: say(`documents.disclosure.${wanted}`) }));
      onDone();
    } catch (error) {
      setRefusal(error instanceof Refusal ? error : new Refusal(0, "failed", String(error)));
    }
  };
  return (
    <span class={`disclosure ${state}`}>
      <select class="control" aria-label={say("documents.disclosure-of", { element: label })} value={state}
        onChange={(event) => void put(event.currentTarget.value as Disclosure)}>
        {STATES.map((s) => <option key={s} value={s}>{say(`documents.disclosure.${s}`)}{s === state && !own && path !== "" ? ` ${say("documents.disclosure-follows")}` : ""}</option>)}
      </select>
      {refusal && <Refused refusal={refusal} />}
    </span>
  );
}
export function DisclosureLead({ client, form, said, onDone, onClose }:
  { client: string; form: Form; said: Said; onDone: () => void; onClose: () => void }) {
  return (
    <div class="banner">
      <div class="grow">
        <p><strong>{say("documents.disclosure-title")}</strong></p>
        <p class="small">{say("documents.disclosure-means")}</p>
      </div>
      <span class="small">{say("documents.disclosure-whole")}</span>
      <DisclosureSelect client={client} form={form} path="" said={said} label={named(form.name)} onDone={onDone} />
      <Button onPress={onClose}>{say("documents.disclosure-end")}</Button>
    </div>
  );
}
