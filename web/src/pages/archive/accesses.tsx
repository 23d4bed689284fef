/* Who read logs of this client, when, and what: searches, files, packages.  From the audit trail. */
import { useState } from "preact/hooks";
import { answer, api, Refusal, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { refusalOf } from "../../parts/act";
import { Button } from "../../parts/button";
import { Answer, Empty, Refused } from "../../parts/empty";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { say, sayTime } from "../../words/words";
import { useNames } from "../names";

type Access = Schemas["Access"];
const PAGE = 100;

function ask(client: string, before?: number): Promise<Access[]> {
  return answer(api.GET("/clients/{client}/accesses", {
    params: { path: { client }, query: { limit: PAGE, ...(before ? { before } : {}) } },
  })).then(({ accesses }) => accesses);
}

/** What was read: a search with its span; else what the audit trail says of it. */
function What({ access }: { access: Access }) {
  const { kind, query, from, to, detail } = access;
  if (kind === "other") return <span lang="en">{detail}</span>;
  return (
    <>
      {say(`access.kind.${kind}`)}{" "}
      {from && to && <span class="small soft">{sayTime(from, false)} – {sayTime(to, false)}</span>}
      {query && <code class="access-query">{query}</code>}
    </>
  );
}

export function Accesses({ client }: { client: string }) {
  const asked = useAsked(() => ask(client), [client]);
  const names = useNames(client);
  const [older, setOlder] = useState<Access[]>();
  const [more, setMore] = useState(true);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const next = async (before: number) => {
    setBusy(true);
    setRefusal(undefined);
    try {
      const page = await ask(client, before);
      setOlder((old) => [...(old ?? []), ...page]);
      setMore(page.length === PAGE);
    } catch (error) {
      setRefusal(refusalOf(error));
    }
    setBusy(false);
  };
  return (
    <>
      <p>{say("access.lead")}</p>
      <Answer asked={asked}>
        {(first) => {
          const list = [...first, ...(older ?? [])];
          if (list.length === 0) return <Empty icon="search" title={say("access.none")} />;
          return (
            <>
              <Table label={say("access.title")} rows={list} rowKey={(a) => a.id} columns={[
                { id: "at", head: say("access.at"), width: "12rem", wide: true, cell: (a) => <Time at={a.at} /> },
                { id: "who", head: say("access.who"), width: "13rem", wide: true, cell: (a) => names.person(a.who) },
                { id: "what", head: say("access.what"), cell: (a) => <><span class="narrow small soft"><Time at={a.at} /> {names.person(a.who)}</span><What access={a} /></> },
              ]} />
              {refusal && <Refused refusal={refusal} />}
              {first.length === PAGE && more && <div><Button busy={busy} onPress={() => void next(list.at(-1)!.id)}>{say("access.older")}</Button></div>}
            </>
          );
        }}
      </Answer>
    </>
  );
}
