/* A person reports what they saw: an incident at once, with its clocks and notices. */
import { useState } from "preact/hooks";
import { answer, api, type Severity } from "../../api/client";
import { sideOf } from "../../api/me";
import { useAsked } from "../../api/use";
import { Choices } from "../../parts/choices";
import { Dialog } from "../../parts/dialog";
import { SelectField, TextField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { language, named, say, sayTypes, type Names } from "../../words/words";
import { go, href } from "../router";
import { SEVERITIES } from "./line";

const TEXT_MAX = 16384;
interface Asset { slug: string; name: Names }

export function Report({ client, onClose }: { client: string; onClose: () => void }) {
  const [text, setText] = useState("");
  const [severity, setSeverity] = useState<Severity>("medium");
  const [type, setType] = useState("suspicious");
  const [asset, setAsset] = useState("");
  const assets = useAsked(async () => {
    const { document } = await answer(api.GET("/clients/{client}/documents/{kind}", { params: { path: { client, kind: "assets" } } }));
    return (document as { assets?: Asset[] }).assets ?? [];
  }, [client]);
  const types = sayTypes().sort((a, b) => a.text.localeCompare(b.text, language.value));
  return (
    <Dialog wide title={say("queue.report")} act={say("queue.report.do")} onClose={onClose} disabled={!text.trim()} onDo={async () => {
      const made = await answer(api.POST("/clients/{client}/incidents", {
        params: { path: { client } }, body: { text: text.trim(), severity, type, ...(asset ? { asset } : {}) },
      }));
      toast(say("queue.report.done", { number: made.number }));
      go(href("incidents", client, made.number));
    }}>
      <p>{say(sideOf(client) === "client" ? "queue.report.lead" : "queue.report.lead-provider")}</p>
      <TextField label={say("queue.report.text")} help={say("queue.report.text-help")} value={text} onValue={setText} lines={5} required focus maxLength={TEXT_MAX} />
      <Choices<Severity> label={say("queue.report.severity")} value={severity} onValue={setSeverity} options={SEVERITIES.map((one) => ({
        value: one, text: say(`level.${one}`), more: <span class="small soft">{say(`queue.report.${one}`)}</span>,
      }))} />
      <SelectField label={say("queue.report.type")} help={say("queue.report.type-help")} value={type} onValue={setType}
        options={types.map((one) => ({ value: one.type, text: one.text }))} />
      {(assets.data?.length ?? 0) > 0 && (
        <SelectField label={say("queue.report.asset")} value={asset} onValue={setAsset} options={[
          { value: "", text: say("queue.report.no-asset") },
          ...(assets.data ?? []).map((one) => ({ value: one.slug, text: named(one.name, one.slug) })),
        ]} />
      )}
    </Dialog>
  );
}
