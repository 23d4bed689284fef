/* Where I am signed in. */
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer } from "../../parts/empty";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toast";
import { say } from "../../words/words";
import { signOut } from "../session";

type Session = Schemas["Session"];
const BROWSERS: [RegExp, string][] = [
  [/Edg(?:e|A|iOS)?\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\/|FxiOS\//, "Firefox"], [/Chrome\/|CriOS\//, "Chrome"], [/Safari\//, "Safari"],
];
const SYSTEMS: [RegExp, string][] = [
  [/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"], [/CrOS/, "ChromeOS"], [/Linux/, "Linux"],
];
/** What a browser says of itself, in short; the whole of it if it is none that we know. */
function agentText(agent: string): string {
  const of = (list: [RegExp, string][]) => list.find(([sign]) => sign.test(agent))?.[1];
  const known = [of(BROWSERS), of(SYSTEMS)].filter(Boolean).join(" · ");
  return known || (agent.length > 80 ? `${agent.slice(0, 80)}…` : agent) || say("account.session-unknown");
}

export function Sessions() {
  const asked = useAsked(() => answer(api.GET("/me/sessions")), []);
  const [ending, setEnding] = useState<Session>();
  const end = async () => {
    if (!ending) return;
    if (ending.current) {
      await signOut();
      return;
    }
    await answer(api.DELETE("/me/sessions/{id}", { params: { path: { id: ending.id } } }));
    asked.again();
    toast(say("account.session-ended"));
  };
  return (
    <section class="stack">
      <h2>{say("account.sessions")}</h2>
      <Answer asked={asked}>
        {({ sessions }) => (
          <Table label={say("account.sessions")} rows={sessions} rowKey={(s) => s.id} current={(s) => s.current} columns={[
            { id: "agent", head: say("account.session-agent"), cell: (s) => (
              <span class="badges"><span title={s.agent}>{agentText(s.agent)}</span>
                {s.current && <Badge tone="steady" icon="check">{say("account.session-this")}</Badge>}</span>) },
            { id: "peer", head: say("account.session-peer"), width: "11rem", wide: true, cell: (s) => <span class="mono">{s.peer}</span> },
            { id: "created", head: say("account.session-created"), width: "12rem", wide: true, cell: (s) => <Time at={s.created} ago /> },
            { id: "seen", head: say("account.session-seen"), width: "7.5rem", cell: (s) => <Time at={s.seen} ago /> },
            { id: "end", head: say("account.acts"), width: "6rem", align: "end", cell: (s) => (
              <Button onPress={() => setEnding(s)} label={`${say("account.end")}: ${agentText(s.agent)}`}>{say("account.end")}</Button>) },
          ]} />
        )}
      </Answer>
      {ending && (
        <Dialog title={say("account.session-end")} grave act={say("account.end")} onDo={end} onClose={() => setEnding(undefined)}>
          <p>{say(ending.current ? "account.session-end-this" : "account.session-end-help", { agent: agentText(ending.agent), peer: ending.peer })}</p>
        </Dialog>
      )}
    </section>
  );
}
