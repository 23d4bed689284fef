/*
 * Searches that somebody wants again, kept by the service under their name: mine, and those that others
 * share with everybody who may read these logs.  Using one goes to its address.
 */
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Refused } from "../../parts/empty";
import { CheckField, TextField } from "../../parts/field";
import { toast } from "../../parts/toast";
import { say, sayMaybe } from "../../words/words";
import { useNames } from "../names";
import { SPANS, type Span } from "./query";

type Saved = Schemas["SavedSearch"];
const NAME_MAX = 60; /* 200 bytes there */

/** How far back it looks, "24h"; nothing for two fixed moments, which are not saved. */
const spanText = (span: Span): string => span.preset ?? "";
/** The query of the address that a saved search stands for; one without a span takes that of the page. */
function addressOf({ query, span }: Saved, now: Span): string {
  const wanted = span in SPANS ? { preset: span } : now;
  return new URLSearchParams({
    ...(query ? { q: query } : {}),
    ...("from" in wanted && wanted.from && wanted.to ? { from: wanted.from, to: wanted.to } : { span: wanted.preset ?? "24h" }),
  }).toString();
}
function about({ query, span }: Pick<Saved, "query" | "span">): string {
  const said = query || say("search.view-all");
  return span ? `${said} · ${sayMaybe(`search.span.${span}`, span)}` : said;
}

function Edit({ client, saved, onDone, onBack }: { client: string; saved: Saved; onDone: () => void; onBack: () => void }) {
  const [name, setName] = useState(saved.name);
  const [shared, setShared] = useState(saved.shared);
  const [sure, setSure] = useState(false);
  const act = useAct();
  const params = { path: { client, id: saved.id } };
  const save = () => act.run(undefined, async () => {
    await answer(api.PUT("/clients/{client}/searches/{id}", {
      params, body: { name: name.trim(), query: saved.query, span: saved.span, shared },
    }));
    onDone();
  });
  const remove = () => act.run(undefined, async () => {
    await answer(api.DELETE("/clients/{client}/searches/{id}", { params }));
    toast(say("search.saved-removed", { name: saved.name }));
    onDone();
  });
  return (
    <div class="saved-edit stack">
      <TextField label={say("search.saved-name")} value={name} onValue={setName} maxLength={NAME_MAX} focus />
      <CheckField label={say("search.saved-share")} value={shared} onValue={setShared} />
      {act.refusal && <Refused refusal={act.refusal} />}
      <div class="row">
        <Button onPress={save} busy={act.busy} disabled={!name.trim()}>{say("common.save")}</Button>
        <Button onPress={onBack}>{say("common.cancel")}</Button>
        <span class="grow" />
        <Button kind="grave" busy={act.busy} onPress={() => (sure ? remove() : setSure(true))}>
          {say(sure ? "search.saved-remove-sure" : "search.saved-remove")}</Button>
      </div>
    </div>
  );
}

function List({ title, list, edits, onUse, children }: {
  title: string; list: Saved[]; edits?: (saved: Saved) => void; onUse: (saved: Saved) => void; children: (saved: Saved) => string;
}) {
  if (list.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul class="views">
        {list.map((saved) => (
          <li key={saved.id} class="row">
            <button type="button" class="view grow" onClick={() => onUse(saved)}>
              <strong>{saved.name}</strong>
              <span class="mono small soft">{about(saved)}</span>
              {children(saved) && <small class="soft">{children(saved)}</small>}
            </button>
            {edits && <Button kind="quiet" label={`${say("search.saved-edit")}: ${saved.name}`} onPress={() => edits(saved)}>
              {say("search.saved-edit")}</Button>}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** `query` and `span`: of the present search, which can be saved here. */
export function SavedSearches({ client, query, span, onUse, onClose }: {
  client: string; query: string; span: Span; onUse: (address: string) => void; onClose: () => void;
}) {
  const asked = useAsked(() => answer(api.GET("/clients/{client}/searches", { params: { path: { client } } })), [client]);
  const names = useNames(client);
  const [name, setName] = useState("");
  const [shared, setShared] = useState(false);
  const [edited, setEdited] = useState<Saved>();
  const act = useAct();
  const use = (saved: Saved) => {
    onUse(addressOf(saved, span));
    onClose();
  };
  const save = () => act.run(undefined, async () => {
    await answer(api.POST("/clients/{client}/searches", {
      params: { path: { client } }, body: { name: name.trim(), query, span: spanText(span), shared },
    }));
    toast(say("search.saved-done", { name: name.trim() }));
    setName("");
    setShared(false);
    asked.again();
  });
  return (
    <Dialog title={say("search.views")} onClose={onClose}>
      <Answer asked={asked}>
        {({ searches }) => searches.length === 0 ? <p class="soft">{say("search.views-none")}</p> : (
          <>
            {edited && <Edit key={edited.id} client={client} saved={edited} onBack={() => setEdited(undefined)}
              onDone={() => { setEdited(undefined); asked.again(); }} />}
            {!edited && <List title={say("search.saved-mine")} list={searches.filter((one) => one.own)} onUse={use} edits={setEdited}>
              {(saved) => (saved.shared ? say("search.saved-shared") : "")}</List>}
            {!edited && <List title={say("search.saved-others")} list={searches.filter((one) => !one.own)} onUse={use}>
              {(saved) => say("search.saved-by", { who: names.person(saved.person) })}</List>}
          </>
        )}
      </Answer>
      {!edited && (
        <section class="stack saved-new" onKeyDown={(event) => {
          if (event.key === "Enter" && name.trim() && event.target instanceof HTMLInputElement && event.target.type === "text") {
            event.preventDefault();
            save();
          }
        }}>
          <h3>{say("search.view-save")}</h3>
          <TextField label={say("search.view-name")} value={name} onValue={setName} maxLength={NAME_MAX}
            help={<><span class="mono">{about({ query, span: spanText(span) })}</span>{span.from && <><br />{say("search.saved-no-span")}</>}</>} />
          <CheckField label={say("search.saved-share")} value={shared} onValue={setShared} />
          {act.refusal && <Refused refusal={act.refusal} />}
          <div><Button onPress={save} busy={act.busy} disabled={name.trim() === ""}>{say("search.view-save")}</Button></div>
        </section>
      )}
    </Dialog>
  );
}
