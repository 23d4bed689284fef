/* Searches that somebody wants again, kept in this browser under their name and client. */
import { useState } from "preact/hooks";
import { me } from "../../api/me";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { say, sayMaybe, sayTime } from "../../words/words";

interface View { name: string; address: string }
const VIEWS_MAX = 50;
const key = (client: string) => `hinomi.views.${me.value?.person ?? ""}.${client}`;

function viewsRead(client: string): View[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(key(client)) ?? "[]");
    if (!Array.isArray(kept)) return [];
    return kept.filter((v: Partial<View> | null): v is View => typeof v?.name === "string" && typeof v.address === "string");
  } catch {
    return [];
  }
}
function about(address: string): string {
  const query = new URLSearchParams(address);
  const [from, to] = [query.get("from"), query.get("to")];
  const span = from && to ? `${sayTime(from)} – ${sayTime(to)}` : sayMaybe(`search.span.${query.get("span") ?? "24h"}`, "");
  return `${query.get("q") || say("search.view-all")} · ${span}`;
}

/** `address`: the search part of the present address, which is all that is kept. */
export function Views({ client, address, onUse, onClose }:
  { client: string; address: string; onUse: (address: string) => void; onClose: () => void }) {
  const [views, setViews] = useState(() => viewsRead(client));
  const [name, setName] = useState("");
  const keep = (list: View[]) => {
    setViews(list);
    localStorage.setItem(key(client), JSON.stringify(list));
  };
  const save = () => {
    keep([{ name: name.trim(), address }, ...views.filter((v) => v.name !== name.trim())]);
    setName("");
  };
  const full = views.length >= VIEWS_MAX;
  return (
    <Dialog title={say("search.views")} onClose={onClose}>
      {views.length === 0 ? <p class="soft">{say("search.views-none")}</p> : (
        <ul class="views">
          {views.map((view) => (
            <li key={view.name} class="row">
              <button type="button" class="view grow" onClick={() => { onUse(view.address); onClose(); }}>
                <strong>{view.name}</strong>
                <span class="mono small soft">{about(view.address)}</span>
              </button>
              <Button kind="quiet" icon="close" label={`${say("search.view-remove")}: ${view.name}`}
                onPress={() => keep(views.filter((v) => v !== view))}>{""}</Button>
            </li>
          ))}
        </ul>
      )}
      <TextField label={say("search.view-name")} value={name} onValue={setName} maxLength={80}
        help={full ? say("search.view-full") : say("search.views-here")} />
      <div><Button onPress={save} disabled={name.trim() === "" || full}>{say("search.view-save")}</Button></div>
    </Dialog>
  );
}
