/* API tokens: what acts in my name without me, with fewer rights and a last day. */
import { useState } from "preact/hooks";
import { answer, api, type Me, type Schemas } from "../../api/client";
import type { Right } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { Once } from "../../parts/copy";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { CheckField, TextField } from "../../parts/field";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { toast } from "../../parts/toast";
import { zoneParse, zoneText } from "../../words/figures";
import { say, sayTime } from "../../words/words";

type Token = Schemas["Token"];
const RIGHTS: Right[] = ["read", "alerts", "books", "incidents", "documents", "draft", "work", "act", "decide", "manage", "users", "audit"];
const DAY = 86400_000;

function Make({ person, onMade, onClose }: { person: Me; onMade: (token: string) => void; onClose: () => void }) {
  const [name, setName] = useState("");
  const [rights, setRights] = useState<Right[]>([]);
  const [day, setDay] = useState(zoneText(Date.now() + 90 * DAY).slice(0, 10));
  const own = RIGHTS.filter((right) => person.clients.some((c) => c.rights.includes(right)));
  const expires = zoneParse(`${day}T23:59:59`);
  const past = !(expires > Date.now());
  const make = async () => {
    const made = await answer(api.POST("/me/tokens", { body: { name: name.trim(), rights, expires: new Date(expires).toISOString() } }));
    onMade(made.token);
  };
  return (
    <Dialog title={say("account.token-make")} onClose={onClose} onDo={make} act={say("account.token-make-do")}
      disabled={name.trim() === "" || rights.length === 0 || past}>
      <TextField label={say("account.token-name")} help={say("account.token-name-help")} value={name} onValue={setName} required focus maxLength={200} />
      <fieldset class="choices">
        <legend class="label">{say("account.token-rights")}</legend>
        <p class="small soft">{say("account.token-rights-help")}</p>
        {own.map((right) => (
          <CheckField key={right} label={say(`right.${right}`)} value={rights.includes(right)}
            onValue={(on) => setRights(on ? [...rights, right] : rights.filter((r) => r !== right))} />
        ))}
      </fieldset>
      <TextField label={say("account.token-expires")} type="date" value={day} onValue={setDay} required
        wrong={past ? say("account.token-past") : undefined} />
    </Dialog>
  );
}

export function Tokens({ person }: { person: Me }) {
  const asked = useAsked(() => answer(api.GET("/me/tokens")), []);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<string>();
  const [ending, setEnding] = useState<Token>();
  const end = async () => {
    if (!ending) return;
    await answer(api.DELETE("/me/tokens/{id}", { params: { path: { id: ending.id } } }));
    asked.again();
    toast(say("account.token-ended"));
  };
  const expiry = (token: Token) => {
    const left = Date.parse(token.expires) - Date.now();
    return (
      <span class="badges">
        <time dateTime={token.expires} title={sayTime(token.expires)}>{sayTime(token.expires).slice(0, 10)}</time>
        {left < 0 ? <Badge tone="high" icon="warning">{say("account.token-over")}</Badge>
          : left < 14 * DAY && <Badge tone="medium" icon="clock">{say("account.token-soon")}</Badge>}
      </span>
    );
  };
  return (
    <section class="stack">
      <div class="row">
        <h2 class="grow">{say("account.tokens")}</h2>
        <Button icon="plus" onPress={() => setMaking(true)}>{say("account.token-make")}</Button>
      </div>
      <p class="soft">{say("account.tokens-help")}</p>
      <Answer asked={asked}>
        {({ tokens }) => (
          <Table label={say("account.tokens")} rows={tokens} rowKey={(t) => t.id} empty={<Empty icon="account" title={say("account.tokens-none")} />} columns={[
            { id: "name", head: say("account.token-name"), cell: (t) => t.name },
            { id: "rights", head: say("account.rights"), wide: true, cell: (t) => (
              <span class="badges">{t.rights.map((right) => <Badge key={right}>{say(`right.${right}`)}</Badge>)}</span>) },
            { id: "seen", head: say("account.token-seen"), width: "9rem", wide: true, cell: (t) => <Time at={t.seen} ago /> },
            { id: "expires", head: say("account.token-expires"), width: "8.5rem", cell: expiry },
            { id: "end", head: say("account.acts"), width: "6rem", align: "end", cell: (t) => (
              <Button onPress={() => setEnding(t)} label={`${say("account.end")}: ${t.name.slice(0, 60)}`}>{say("account.end")}</Button>) },
          ]} />
        )}
      </Answer>
      {making && <Make person={person} onMade={(token) => { setMade(token); asked.again(); }} onClose={() => setMaking(false)} />}
      {made && !making && (
        <Dialog title={say("account.token-made")} onClose={() => setMade(undefined)}>
          <p>{say("account.token-made-help")}</p>
          <Once label={say("account.token")} text={made} />
        </Dialog>
      )}
      {ending && (
        <Dialog title={say("account.token-end")} grave act={say("account.end")} onDo={end} onClose={() => setEnding(undefined)}>
          <p>{say("account.token-end-help", { name: ending.name })}</p>
        </Dialog>
      )}
    </section>
  );
}
