/* From an incident: what keeps its logs from being deleted (itself while it is open, then a hold), and placing one. */
import { useState } from "preact/hooks";
import { answer, api, type Incident } from "../../api/client";
import { may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { say } from "../../words/words";
import { HoldDialog, mayHold } from "../archive/holds";
import { useSources } from "../archive/sources";
import { href } from "../router";
import "../archive/archive.css";

export function KeepLogs({ incident }: { incident: Incident }) {
  const { client, number } = incident;
  const asked = useAsked(() => answer(api.GET("/clients/{client}/holds", { params: { path: { client } } })), [client, number],
    (change) => change.client === client && change.what === "incident" && change.number === number);
  const sources = useSources(client);
  const [open, setOpen] = useState(false);
  if (!may(client, "books") || !asked.data) return null;
  const held = asked.data.holds.some((hold) => hold.in_force && hold.incident === number);
  const itself = asked.data.open_incidents.some((one) => one.incident === number);
  return (
    <div class="row keep-logs">
      {held ? <Badge tone="medium" icon="hold">{say("hold.incident-held")}</Badge>
        : <span class="small soft">{say(itself ? "hold.incident-open" : "hold.incident-free")}</span>}
      <a class="small" href={`${href("archive", client)}?tab=holds`}>{say("archive.tab.holds")}</a>
      <span class="grow" />
      {!held && mayHold(client) && <Button icon="hold" onPress={() => setOpen(true)}>{say("hold.place")}</Button>}
      {open && <HoldDialog client={client} sources={sources} incident={number} onClose={() => setOpen(false)} onDone={asked.again} />}
    </div>
  );
}
