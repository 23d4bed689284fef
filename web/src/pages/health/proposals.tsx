/*
 * Senders that no document names, for a provider's administrators; nothing for others.  A press enrols one for a
 * client: it is a source at once, and its definition a draft that the client signs.
 */
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { clientName, clients, may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Button } from "../../parts/button";
import { CopyButton } from "../../parts/copy";
import { Dialog } from "../../parts/dialog";
import { SelectField, TextField } from "../../parts/field";
import { Facts, Sheet } from "../../parts/sheet";
import { Time } from "../../parts/time";
import { language, named, say, sayNumber } from "../../words/words";
import { href } from "../router";

type Proposal = Schemas["Proposal"];
interface Enrolled { client: string; source: string; defined: boolean; draft: string }
const KIND = "log-sources";
const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
const NAME_MAX = 66; /* 200 bytes, three for a letter of Japanese */

function Enrol({ proposal, onClose, onDone }: { proposal: Proposal; onClose: () => void; onDone: (enrolled: Enrolled) => void }) {
  const choices = clients.value.filter((c) => may(c.client, "manage"));
  const [client, setClient] = useState(choices.length === 1 ? choices[0]?.client ?? "" : "");
  const [name, setName] = useState("");
  const [slug, setSlug] = useState(proposal.slug);
  const wrong = SLUG.test(slug) ? undefined : say("devices.enrol-slug-wrong");
  return (
    <Dialog title={say("devices.enrol-title", { address: proposal.address })} act={say("devices.enrol")} onClose={onClose}
      disabled={!client || !!wrong} onDo={async () => {
        const done = await answer(api.POST("/clients/{client}/sources", {
          params: { path: { client } },
          body: { listener: proposal.listener, address: proposal.address, slug,
            ...(name.trim() ? { name: { [language.value]: name.trim() } } : {}),
            note: say("devices.enrol-note", { address: proposal.address, listener: proposal.listener }) },
        }));
        onDone({ client, ...done });
      }}>
      <p>{say("devices.enrol-lead")}</p>
      <SelectField label={say("devices.client")} required value={client} onValue={setClient} options={[
        ...(choices.length === 1 ? [] : [{ value: "", text: say("devices.enrol-choose") }]),
        ...choices.map((c) => ({ value: c.client, text: named(c.name, c.client) }))]} />
      <TextField label={say("devices.enrol-name")} value={name} onValue={setName} maxLength={NAME_MAX} help={say("devices.enrol-name-help")} />
      <TextField label={say("devices.enrol-slug")} value={slug} onValue={setSlug} required mono wrong={wrong} help={say("devices.enrol-slug-help")} />
    </Dialog>
  );
}

function Done({ enrolled }: { enrolled: Enrolled }) {
  const { client, source } = enrolled;
  return (
    <Sheet tone="steady">
      <p role="status">{say("devices.enrolled", { source, client: named(clientName(client), client) })}</p>
      <p>{say(enrolled.defined ? "devices.enrolled-defined" : "devices.enrolled-draft")}</p>
      <div class="row">
        {!enrolled.defined && <a href={`${href("documents", client, KIND)}?version=${enrolled.draft}`}>{say("devices.enrolled-open")}</a>}
        <a href={href("sources", client)}>{say("sources.title")}</a>
      </div>
    </Sheet>
  );
}

function One({ proposal, onEnrol }: { proposal: Proposal; onEnrol: () => void }) {
  const title = `${proposal.address} (${proposal.listener})`;
  return (
    <Sheet title={title} acts={clients.value.some((c) => may(c.client, "manage"))
      && <Button onPress={onEnrol} label={`${say("devices.enrol-begin")}: ${title}`}>{say("devices.enrol-begin")}</Button>}>
      <Facts rows={[
        [say("devices.count"), sayNumber(proposal.count)],
        [say("devices.first"), <Time at={proposal.first} />],
        [say("sources.heard"), <Time at={proposal.last} ago />],
        [say("devices.parser"), proposal.parser],
      ]} />
      <pre class="sample">{proposal.sample}</pre>
      <details>
        <summary>{say("devices.lines")}</summary>
        <div class="row"><span class="small soft grow">{say("devices.lines-help")}</span><CopyButton text={proposal.lines} about={say("devices.lines")} /></div>
        <pre class="sample">{proposal.lines}</pre>
      </details>
    </Sheet>
  );
}

export function Proposals() {
  const asked = useAsked(() => answer(api.GET("/proposals")), []);
  const [chosen, setChosen] = useState<Proposal>();
  const [done, setDone] = useState<Enrolled[]>([]);
  const list = asked.data?.proposals ?? [];
  if (list.length === 0 && done.length === 0) return null;
  return (
    <section class="stack">
      <h2>{say("devices.proposals")}</h2>
      {done.map((enrolled) => <Done key={`${enrolled.client} ${enrolled.source}`} enrolled={enrolled} />)}
      {list.length > 0 && <p class="soft">{say("devices.proposals-help")}</p>}
      {list.map((p) => <One key={`${p.listener} ${p.address}`} proposal={p} onEnrol={() => setChosen(p)} />)}
      {chosen && <Enrol proposal={chosen} onClose={() => setChosen(undefined)} onDone={(enrolled) => {
        setDone([...done, enrolled]);
        asked.again();
      }} />}
    </section>
  );
}
