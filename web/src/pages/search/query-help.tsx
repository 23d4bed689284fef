/* The query language on one page, with examples that can be taken into the field. */
import { Dialog } from "../../parts/dialog";
import { say, sayMaybe, type Word } from "../../words/words";

const GROUPS: { title: Word; lines: [example: string, means: Word][] }[] = [
  {
    title: "search-help.words",
    lines: [
      ["failed", "search-help.word"],
      ['"failed password"', "search-help.phrase"],
      ["fail*ssh?", "search-help.wild"],
      ["/fail(ed|ure)/i", "search-help.regex"],
      ['"/etc/passwd" "10:30"', "search-help.quote"],
    ],
  },
  {
    title: "search-help.fields",
    lines: [
      ["user.name: root", "search-help.is"],
      ["user.name: adm*", "search-help.begins"],
      ["source.ip: 192.0.2.0/24", "search-help.network"],
      ["http.response.status_code: >= 500", "search-help.number"],
      ["http.response.status_code: 400..499", "search-help.range"],
      ["user.name: *", "search-help.there"],
      ["user.name: (root or adm*)", "search-help.any"],
      ['"Threat Name": EICAR', "search-help.spaced"],
      ["hinomi.parse_error: *", "search-help.broken"],
    ],
  },
  {
    title: "search-help.join",
    lines: [
      ['(GET or POST) "/admin"', "search-help.or"],
      ["sshd -source.ip: 10.0.0.0/8", "search-help.not"],
      ["not user.name: root", "search-help.missing"],
    ],
  },
  {
    title: "search-help.pipes",
    lines: [
      ["failed | top 10 user.name", "search-help.top"],
      ["failed | count by source.ip, user.name", "search-help.count"],
      ["failed | timeline 1h", "search-help.timeline"],
      ["failed | fields source.ip, user.name", "search-help.fields-pipe"],
      ["failed | sum network.bytes by source.ip", "search-help.sum"],
      ["failed | count by user.name | sort -count", "search-help.sort"],
      ["failed | count by user.name | where count > 100", "search-help.where"],
      ["failed | dedup user.name", "search-help.dedup"],
    ],
  },
];

export function QueryHelp({ onUse, onClose }: { onUse: (example: string) => void; onClose: () => void }) {
  return (
    <Dialog wide title={say("search-help.title")} onClose={onClose}>
      <p>{say("search-help.lead")}</p>
      {GROUPS.map((group) => (
        <section key={group.title}>
          <h3 class="query-help-head">{sayMaybe(group.title, "")}</h3>
          {group.title === "search-help.pipes" && <p class="small soft">{say("search-help.pipes-lead")}</p>}
          <dl class="query-help">
            {group.lines.map(([example, means]) => (
              <div key={example}>
                <dt><button type="button" class="mono" onClick={() => { onUse(example); onClose(); }}>{example}</button></dt>
                <dd>{sayMaybe(means, "")}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
