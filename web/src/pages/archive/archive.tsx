/*
 * A client's archive: what was promised and what is kept, how long the disk will last, what stops
 * deletion, what proves that nothing was changed, and who read what.  A view each.
 */
import "./archive.css";
import { useEffect } from "preact/hooks";
import { answer, api } from "../../api/client";
import { clientName, may } from "../../api/me";
import { useAsked } from "../../api/use";
import { ButtonLink } from "../../parts/button";
import { Answer, Empty } from "../../parts/empty";
import { Head } from "../../parts/sheet";
import { Tabs } from "../../parts/tabs";
import { named, say } from "../../words/words";
import { useKeys } from "../keys";
import { go, href, type PageProps } from "../router";
import { Accesses } from "./accesses";
import { Holds } from "./holds";
import { Kept } from "./kept";
import { Proofs } from "./proofs";
import { useSources } from "./sources";

const TABS = ["kept", "holds", "proofs", "accesses"] as const;
const EVERY = 30_000; /* as often as the archive is looked through */
type Tab = (typeof TABS)[number];

export default function ArchivePage({ params, query }: PageProps) {
  const client = params.client ?? "";
  if (may(client, "books")) return <Archive client={client} wanted={query.get("tab")} />;
  return (
    <>
      <Head title={say("archive.title")} />
      <Empty icon="archive" title={say("archive.no-right")} />
    </>
  );
}

function Archive({ client, wanted }: { client: string; wanted: string | null }) {
  const tabs = TABS; /* who may not see who read logs is told who may */
  const tab: Tab = tabs.find((one) => one === wanted) ?? "kept";
  const asked = useAsked(() => answer(api.GET("/clients/{client}/archive", { params: { path: { client } } })), [client]);
  const sources = useSources(client);
  useEffect(() => {
    const timer = window.setInterval(() => document.visibilityState === "visible" && asked.again(), EVERY);
    return () => window.clearInterval(timer);
  }, []);
  const at = href("archive", client);
  const hrefOf = (one: Tab) => (one === "kept" ? at : `${at}?tab=${one}`);
  useKeys(say("archive.title"), tabs.map((one, index) => ({
    keys: String(index + 1), text: say("keys.tab", { tab: say(`archive.tab.${one}`) }), run: () => go(hrefOf(one), true),
  })));
  return (
    <>
      <Head title={say("archive.title")} trail={named(clientName(client), client)} lead={say("archive.lead")}
        acts={may(client, "read") && <ButtonLink href={href("provision", client)} icon="package">{say("provision.title")}</ButtonLink>} />
      <Tabs label={say("archive.views")} at={tab} tabs={tabs.map((one) => ({ id: one, text: say(`archive.tab.${one}`), href: hrefOf(one) }))} />
      {tab === "kept" && <Answer asked={asked}>{(archive) => <Kept archive={archive} names={sources} />}</Answer>}
      {tab === "holds" && <Holds client={client} sources={sources} />}
      {tab === "proofs" && <Answer asked={asked}>{(archive) => <Proofs client={client} archive={archive} />}</Answer>}
      {tab === "accesses" && (may(client, "audit") ? <Accesses client={client} />
        : <Empty icon="archive" title={say("access.no-right")}><a href={href("people", client)}>{say("people.client-title")}</a></Empty>)}
    </>
  );
}
