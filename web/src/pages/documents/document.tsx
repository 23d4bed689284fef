/* One document of a client: a version to be read, the others beside it, and what can be done. */
import "./documents.css";
import { useMemo, useState } from "preact/hooks";
import { answer, api } from "../../api/client";
import type { Form, FormElement } from "../../api/form";
import { clientName } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button, ButtonLink } from "../../parts/button";
import { Answer, Empty } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Head } from "../../parts/sheet";
import { pathWords } from "../../parts/form/form";
import { pathOfSlugs } from "../../parts/form/value";
import { named, say, sayMaybe } from "../../words/words";
import { href, type PageProps } from "../router";
import { AcknowledgeDialog, csvDownload, CsvDialog, DisclosureLead, DisclosureSelect, SignDialog, WithdrawDialog, type Said } from "./acts";
import { VersionAside } from "./aside";
import { documentHref, mayDisclose, mayDraft, signRole, useForm, useSight, versionFirst, versionPending, versionRead, versionsList, type Read, type Version } from "./kinds";
import { Reading } from "./reading";
import { VersionBadge, versionName, Waits } from "./version";

type Asking = { what: "sign" | "withdraw" | "acknowledge" } | { what: "csv"; list: FormElement };

export function Trail({ client, form }: { client: string; form?: Form }) {
  return (
    <>
      {named(clientName(client), client)} › <a href={href("documents", client)}>{say("documents.title")}</a>
      {form && <> › <a href={documentHref(client, form.kind)}>{named(form.name)}</a></>}
    </>
  );
}

/** What somebody should know before they read: it is not in effect, not whole, or another version waits. */
function Banners({ client, version, versions }: { client: string; version: Read; versions: Version[] }) {
  const pending = versionPending(versions);
  const effective = versions.find((v) => v.state === "effective");
  const compare = pending && effective && documentHref(client, pending.kind, { from: effective.hash, to: pending.hash }, "compare");
  return (
    <>
      {!version.whole && <div class="banner"><Icon name="warning" /><p class="grow">{say("documents.not-whole")}</p></div>}
      {version.state !== "effective" && (
        <div class="banner no-print">
          <Icon name="warning" />
          <p class="grow">{say(`documents.reading.${version.state as "draft"}`)}{" "}
            {effective && <a href={documentHref(client, version.kind)}>{say("documents.to-effective", { version: versionName(effective) })}</a>}</p>
        </div>
      )}
      {pending && pending.hash !== version.hash && (
        <div class="banner no-print">
          <Icon name="clock" />
          <p class="grow">{say("documents.pending")} <a href={documentHref(client, pending.kind, { version: pending.hash })}>{versionName(pending)}</a> <VersionBadge version={pending} /> <Waits client={client} version={pending} /></p>
          {compare && <ButtonLink href={compare}>{say("documents.compare-act")}</ButtonLink>}
        </div>
      )}
    </>
  );
}

function None({ client, form }: { client: string; form: Form }) {
  return (
    <Empty icon="document" title={say("documents.none")}>
      <p>{sayMaybe(`documents.about.${form.kind}`, "")}</p>
      {mayDraft(client) ? <p><ButtonLink kind="main" icon="plus" href={documentHref(client, form.kind, {}, "edit")}>{say("documents.begin")}</ButtonLink></p>
        : <p>{say("documents.none-for-you")}</p>}
    </Empty>
  );
}

function Whole({ client, form, version, versions, at, again }:
  { client: string; form: Form; version: Read; versions: Version[]; at: string; again: () => void }) {
  const [asking, setAsking] = useState<Asking>();
  const [disclosing, setDisclosing] = useState(false);
  const [stamp, setStamp] = useState(0);
  const { sight } = useSight(client, form, version.document);
  const said = useAsked(async () => {
    if (!mayDisclose(client)) return undefined;
    return (await answer(api.GET("/clients/{client}/documents/{kind}/disclosure", { params: { path: { client, kind: form.kind } } }))).disclosures;
  }, [client, form.kind, stamp], (c) => c.what === "document" && c.client === client && c.kind === form.kind);
  const rules: Said = useMemo(() => new Map((said.data ?? []).map((d) => [d.path, d.disclosure])), [said.data]);
  const role = signRole(client, version);
  const open = version.state === "draft" || version.state === "signed";
  const done = () => {
    setStamp((n) => n + 1);
    again();
  };
  const shared = { client, form, version, sight, onClose: () => setAsking(undefined), onDone: done };
  const nameOf = (path: string) => pathWords(form, version.document, pathOfSlugs(version.document, form.elements, path)).slice(-2).join(" › ");
  return (
    <>
      <Head title={named(form.name)} trail={<Trail client={client} />}
        lead={<><span>{versionName(version)}</span> <VersionBadge version={version} /> {form.guideline && <span class="small">{say("documents.guideline", { section: form.guideline })}</span>}</>}
        acts={
          <span class="row no-print">
            {role && <Button kind="main" icon="check" onPress={() => setAsking({ what: "sign" })}>{say("documents.sign")}</Button>}
            {mayDraft(client) && <ButtonLink kind={role ? "plain" : "main"} href={documentHref(client, form.kind, { at: at || undefined }, "edit")}>{say("documents.edit-act")}</ButtonLink>}
            {open && mayDraft(client) && <Button onPress={() => setAsking({ what: "withdraw" })}>{say("documents.withdraw")}</Button>}
            {mayDisclose(client) && <Button pressed={disclosing} onPress={() => setDisclosing(!disclosing)}>{say("documents.disclosure")}</Button>}
            <Button onPress={() => window.print()}>{say("documents.print")}</Button>
          </span>
        } />
      {disclosing
        ? <DisclosureLead client={client} form={form} said={rules} onDone={done} onClose={() => setDisclosing(false)} />
        : <Banners client={client} version={version} versions={versions} />}
      <div class="document">
        <Reading form={form} document={version.document} sight={sight} at={at}
          listActs={(list) => (
            <span class="row no-print">
              <Button kind="quiet" onPress={() => void csvDownload(client, version, list.key)}>{say("documents.csv-get")}</Button>
              {mayDraft(client) && version.whole && <Button kind="quiet" onPress={() => setAsking({ what: "csv", list })}>{say("documents.csv-put")}</Button>}
            </span>
          )}
          mark={disclosing ? (path) => <DisclosureSelect client={client} form={form} path={path} said={rules} label={nameOf(path)} onDone={done} /> : undefined} />
        <VersionAside client={client} form={form} version={version} versions={versions} stamp={stamp} onAcknowledge={() => setAsking({ what: "acknowledge" })} />
      </div>
      {asking?.what === "sign" && role && <SignDialog {...shared} role={role} effective={versions.find((v) => v.state === "effective")} />}
      {asking?.what === "withdraw" && <WithdrawDialog {...shared} />}
      {asking?.what === "acknowledge" && <AcknowledgeDialog {...shared} />}
      {asking?.what === "csv" && <CsvDialog {...shared} list={asking.list} />}
    </>
  );
}

export default function Document({ params, query }: PageProps) {
  const client = params.client!;
  const kind = params.kind!;
  const wanted = query.get("version") ?? "";
  const { form, asked: formAsked } = useForm(kind);
  const asked = useAsked(async () => {
    const versions = await versionsList(client, kind);
    const first = versionFirst(versions);
    const hash = wanted || first?.hash;
    return { versions, version: hash ? await versionRead(client, kind, hash) : undefined };
  }, [client, kind, wanted], (c) => c.what === "document" && c.client === client && c.kind === kind);
  if (!form) return <><Head title={say("documents.title")} trail={<Trail client={client} />} /><Answer asked={formAsked}>{() => null}</Answer></>;
  if (!asked.data) return <><Head title={named(form.name)} trail={<Trail client={client} />} /><Answer asked={asked}>{() => null}</Answer></>;
  return (
    <Answer asked={asked}>
      {({ versions, version }) => version
        ? <Whole client={client} form={form} version={version} versions={versions} at={query.get("at") ?? ""} again={asked.again} />
        : <><Head title={named(form.name)} trail={<Trail client={client} />} /><None client={client} form={form} /></>}
    </Answer>
  );
}
