/* What proves that nothing was changed, dropped or dated back; and how anybody can check that without us. */
import type { Schemas } from "../../api/client";
import { may } from "../../api/me";
import { Badge } from "../../parts/badge";
import { CopyButton } from "../../parts/copy";
import { Facts, Sheet } from "../../parts/sheet";
import { Time } from "../../parts/time";
import { say, sayNumber } from "../../words/words";
import { href } from "../router";

type Archive = Schemas["Archive"];
const LATE = 10 * 60_000; /* heads are signed each minute */

function Heads({ head }: { head: Archive["last_head"] }) {
  if (!head) return <Sheet title={say("proof.heads")}><p class="soft">{say("proof.heads-none")}</p></Sheet>;
  const late = Date.now() - Date.parse(head.at) > LATE;
  return (
    <Sheet title={say("proof.heads")} tone={late ? "high" : undefined}>
      <p>{say("proof.heads-help")}</p>
      <Facts rows={[
        [say("proof.last"), <><Time at={head.at} ago />{" "}
          {late ? <Badge tone="high" icon="warning">{say("proof.late")}</Badge> : <Badge tone="steady" icon="check">{say("proof.on-time")}</Badge>}</>],
        [say("proof.leaves"), sayNumber(head.leaves)],
      ]} />
      <div>
        <div class="row"><span class="small soft grow">{say("proof.hash")}</span><CopyButton text={head.hash} about={say("proof.hash")} /></div>
        <code class="small">{head.hash}</code>
      </div>
    </Sheet>
  );
}

function Stamps({ stamps }: { stamps: Archive["stamps"] }) {
  return (
    <Sheet title={say("proof.stamps")}>
      <p>{say("proof.stamps-help")}</p>
      {!stamps.last ? <p class="soft">{say("proof.stamps-none")}</p> : (
        <Facts rows={[
          [say("proof.stamp-last"), <Time at={stamps.last} ago />],
          [say("proof.stamp-pending"), sayNumber(stamps.pending)],
        ]} />
      )}
      {stamps.last && <p class="small soft">{say("proof.pending-help")}</p>}
    </Sheet>
  );
}

/** Where checking begins: without a copy of it that lies elsewhere, a package can only vouch for itself. */
function Anchor({ anchor }: { anchor: string | null }) {
  if (!anchor) return null;
  return (
    <Sheet title={say("proof.anchor")}>
      <p>{say("proof.anchor-help")}</p>
      <div>
        <div class="row"><span class="small soft grow">{say("proof.anchor-value")}</span><CopyButton text={anchor} about={say("proof.anchor")} /></div>
        <code class="small">{anchor}</code>
      </div>
    </Sheet>
  );
}

function Check({ client }: { client: string }) {
  return (
    <Sheet title={say("proof.check")}>
      <p>{say("proof.check-lead")}</p>
      <ol class="proof-steps">
        <li>{say("proof.check-1")}{may(client, "read") && <> <a href={`${href("provision", client)}/new`}>{say("provision.ask")}</a></>}</li>
        <li>{say("proof.check-2")}<pre class="mono small proof-line">python3 verify.py --anchor {say("proof.anchor")} PACKAGE.zip</pre></li>
        <li>{say("proof.check-3")}</li>
      </ol>
      <p class="small soft">{say("proof.check-more")}</p>
    </Sheet>
  );
}

export function Proofs({ client, archive }: { client: string; archive: Archive }) {
  return (
    <>
      <p>{say("proof.lead")}</p>
      <div class="proofs">
        <Heads head={archive.last_head} />
        <Anchor anchor={archive.anchor} />
        <Stamps stamps={archive.stamps} />
        <Check client={client} />
      </div>
    </>
  );
}
