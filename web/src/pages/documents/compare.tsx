/* Two versions of a document, element by element. */
import "./documents.css";
import { answer, api } from "../../api/client";
import { useAsked } from "../../api/use";
import { Answer, Empty } from "../../parts/empty";
import { SelectField } from "../../parts/field";
import { Head } from "../../parts/sheet";
import { Tabs } from "../../parts/tabs";
import { Button } from "../../parts/button";
import { named, say } from "../../words/words";
import { goQuery, type PageProps } from "../router";
import { Changes, type View } from "./changes";
import { Trail } from "./document";
import { useNames } from "../names";
import { authorText, documentHref, useForm, useSight, versionFirst, versionRead, versionsList, type Version } from "./kinds";
import { versionName } from "./version";

async function ask(client: string, kind: string, wantedFrom: string, wantedTo: string) {
  const versions = await versionsList(client, kind);
  const to = versions.find((v) => v.hash === wantedTo) ?? versions.find((v) => v.state !== "withdrawn") ?? versions[0];
  const effective = versionFirst(versions);
  const from = versions.find((v) => v.hash === wantedFrom) ??
    (effective && effective.hash !== to?.hash ? effective : versions.find((v) => to && v.number < to.number));
  if (!from || !to) return { versions };
  const [before, after, { changes }] = await Promise.all([
    versionRead(client, kind, from.hash),
    versionRead(client, kind, to.hash),
    answer(api.GET("/clients/{client}/documents/{kind}/versions/{hash}/difference",
      { params: { path: { client, kind, hash: to.hash }, query: { from: from.hash } } })),
  ]);
  return { versions, pair: { before, after, changes } };
}
export default function Compare({ params, query }: PageProps) {
  const client = params.client!;
  const kind = params.kind!;
  const view: View = query.get("view") === "inline" ? "inline" : "beside";
  const { form } = useForm(kind);
  const { sight } = useSight(client, form);
  const from = query.get("from") ?? "";
  const to = query.get("to") ?? "";
  const asked = useAsked(() => ask(client, kind, from, to), [client, kind, from, to],
    (c) => c.what === "document" && c.client === client && c.kind === kind);
  const { person } = useNames(client);
  const optionOf = (v: Version) =>
    ({ value: v.hash, text: `${versionName(v)} · ${say(`documents.state.${v.state}`)} · ${authorText(v.author, person)}` });
  const tab = (id: View) => ({ id, text: say(`documents.view.${id}`), href: documentHref(client, kind, { from, to, view: id }, "compare") });
  return (
    <>
      <Head title={say("documents.compare-title", { name: named(form?.name, kind) })} trail={<Trail client={client} form={form} />} />
      <Answer asked={asked}>
        {({ versions, pair }) => {
          if (!pair || !form) return versions.length < 2 ? <Empty icon="document" title={say("documents.compare-none")} /> : null;
          const { before, after, changes } = pair;
          return (
            <>
              <div class="compare-choice">
                <SelectField label={say("documents.before")} value={before.hash} options={versions.map(optionOf)} onValue={(hash) => goQuery({ from: hash, to: after.hash })} />
                <Button icon="turn" onPress={() => goQuery({ from: after.hash, to: before.hash })}>{say("documents.swap")}</Button>
                <SelectField label={say("documents.after")} value={after.hash} options={versions.map(optionOf)} onValue={(hash) => goQuery({ from: before.hash, to: hash })} />
              </div>
              <Tabs label={say("documents.view")} tabs={[tab("beside"), tab("inline")]} at={view} />
              {(!before.whole || !after.whole) && <p class="small soft">{say("documents.not-whole")}</p>}
              <Changes form={form} changes={changes} before={before.document} after={after.document} sight={sight} view={view} heading="h2" />
            </>
          );
        }}
      </Answer>
    </>
  );
}
