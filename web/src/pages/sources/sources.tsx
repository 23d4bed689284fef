/*
 * The books of a client's sources: what came, what became of it, and when each was last heard.  Books
 * change with every record and tell nobody, so they are asked for again while the page is in sight.
 */
import "./sources.css";
import { useEffect, useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { clientName, may } from "../../api/me";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { ButtonLink } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { Answer, Empty } from "../../parts/empty";
import { Help } from "../../parts/help";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Table, type Column } from "../../parts/table";
import { Time } from "../../parts/time";
import { named, say, sayMaybe, sayNumber, saySpan, sayTime } from "../../words/words";
import { href, type PageProps } from "../router";
import { Devices } from "./devices";

type Account = Schemas["Account"];
const EVERY = 15_000;
const QUIET = 3600_000;

/** An account, with the longest silence of its source that is none, in ms. */
interface Watched extends Account { usual: number }

const reasonText = (reason: string) => sayMaybe(`books.reason.${reason}`, reason);

type Heard = "heard" | "quiet" | "never" | "off";
function heardOf(account: Watched, now: number): Heard {
  if (!account.active) return "off";
  if (!account.heard) return "never";
  return now - Date.parse(account.heard) < account.usual ? "heard" : "quiet";
}
function HeardBadge({ account, now }: { account: Watched; now: number }) {
  switch (heardOf(account, now)) {
    case "heard": return <Badge tone="steady" icon="check">{say("sources.state.heard")}</Badge>;
    case "quiet": return <Badge tone="medium" icon="clock">{say("sources.state.quiet", { span: saySpan(now - Date.parse(account.heard!)) })}</Badge>;
    case "never": return <Badge tone="high" icon="warning">{say("sources.state.never")}</Badge>;
    case "off": return <Badge>{say("sources.state.off")}</Badge>;
  }
}

interface Sum { received: number; stored: number; rejected: number; deduplicated: number; in_flight: number }
const rejected = (account: Account) => account.rejected.reduce((all, { count }) => all + count, 0);
function sumOf(accounts: Account[]): Sum {
  const sum = { received: 0, stored: 0, rejected: 0, deduplicated: 0, in_flight: 0 };
  for (const a of accounts) {
    sum.received += a.received;
    sum.stored += a.stored;
    sum.rejected += rejected(a);
    sum.deduplicated += a.deduplicated;
    sum.in_flight += a.in_flight;
  }
  return sum;
}
const kept = (s: Sum) => s.received === s.stored + s.rejected + s.deduplicated + s.in_flight;

/** received = stored + rejected + duplicates + on the way, with the numbers below the words. */
function SumLine({ sum }: { sum: Sum }) {
  const parts: [string, number, string][] = [
    [say("sources.received"), sum.received, "="], [say("sources.stored"), sum.stored, "+"],
    [say("sources.rejected"), sum.rejected, "+"], [say("sources.deduplicated"), sum.deduplicated, "+"],
    [say("sources.in-flight"), sum.in_flight, ""],
  ];
  return (
    <div class="sum">
      <dl class="sum-line">
        {parts.map(([name, value, sign]) => (
          <div key={name}>
            <dt class="small soft">{name}</dt>
            <dd>{sayNumber(value)}{sign && <span class="sum-sign" aria-hidden="true">{sign}</span>}</dd>
          </div>
        ))}
      </dl>
      <BooksBadge sum={sum} />
    </div>
  );
}
function BooksBadge({ sum }: { sum: Sum }) {
  return kept(sum)
    ? <Badge tone="steady" icon="check">{say("sources.sum-kept")}</Badge>
    : <Badge tone="critical" icon="warning">{say("sources.sum-broken")}</Badge>;
}

function Details({ account, now, onClose }: { account: Watched; now: number; onClose: () => void }) {
  const reasons = account.rejected.filter(({ count }) => count > 0);
  return (
    <Dialog wide title={named(account.name, account.source)} onClose={onClose}>
      <Facts rows={[
        [say("sources.name"), account.source],
        [say("sources.heard"), <><Time at={account.heard} /> <HeardBadge account={account} now={now} /></>],
      ]} />
      <SumLine sum={sumOf([account])} />
      <section>
        <h3>{say("sources.rejected")}</h3>
        {reasons.length === 0 ? <p class="soft">{say("sources.reason-none")}</p> : (
          <ul class="plain-list">
            {reasons.map(({ reason, count }) => <li key={reason}><strong>{sayNumber(count)}</strong> {reasonText(reason)}</li>)}
          </ul>
        )}
      </section>
      <section>
        <h3>{say("sources.senders")}</h3>
        {account.senders.length === 0 ? <p class="soft">{say("sources.no-senders")}</p> : (
          <ul class="plain-list mono small">{account.senders.map((sender) => <li key={sender}>{sender}</li>)}</ul>
        )}
      </section>
    </Dialog>
  );
}

function columns(now: number): Column<Watched>[] {
  const number = (id: keyof Sum, wide: boolean): Column<Watched> => ({
    id, head: say(`sources.${id === "in_flight" ? "in-flight" : id}`), align: "end", wide, width: "6.75rem",
    cell: (a) => sayNumber(id === "rejected" ? rejected(a) : a[id]),
  });
  return [
    { id: "name", head: say("sources.name"), cell: (a) => <>{named(a.name, a.source)} <span class="small soft source-slug">{a.source}</span></> },
    { id: "heard", head: say("sources.heard"), width: "10.5rem", cell: (a) => (
      <span class="heard"><HeardBadge account={a} now={now} /> <span class="small soft"><Time at={a.heard} ago /></span></span>) },
    number("received", true), number("stored", true),
    { ...number("rejected", true), cell: (a) => {
      const count = rejected(a);
      return count > 0 ? <strong class="rejected">{sayNumber(count)}</strong> : "0";
    } },
    number("deduplicated", true), number("in_flight", true),
  ];
}

function Accounts({ label, accounts, now }: { label: string; accounts: Watched[]; now: number }) {
  const [open, setOpen] = useState<string>();
  const shown = accounts.find((a) => a.source === open);
  return (
    <>
      <Table label={label} rows={accounts} columns={columns(now)} rowKey={(a) => a.source} onPress={(a) => setOpen(a.source)} />
      {shown && <Details account={shown} now={now} onClose={() => setOpen(undefined)} />}
    </>
  );
}

export default function Sources({ params }: PageProps) {
  const client = params.client ?? "";
  if (may(client, "books")) return <Books client={client} />;
  return (
    <>
      <Head title={say("sources.title")} />
      <Empty icon="device" title={say("sources.no-right")} />
    </>
  );
}

function Books({ client }: { client: string }) {
  const asked = useAsked(async () => {
    const params = { params: { path: { client } } };
    const [books, { devices }] = await Promise.all([
      answer(api.GET("/clients/{client}/books", params)), answer(api.GET("/clients/{client}/devices", params)),
    ]);
    const usual = new Map(devices.flatMap((d) => d.sources).map((s) => [s.source, s.expected_seconds * 1000]));
    return { sources: books.sources.map((a): Watched => ({ ...a, usual: usual.get(a.source) || QUIET })), at: Date.now() };
  }, [client]);
  useEffect(() => {
    const timer = window.setInterval(() => document.visibilityState === "visible" && asked.again(), EVERY);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <>
      <Head title={say("sources.title")} trail={named(clientName(client), client)} lead={say("sources.lead")}
        acts={may(client, "read") && <ButtonLink href={href("search", client)} icon="search">{say("sources.search")}</ButtonLink>} />
      <Answer asked={asked}>
        {({ sources, at }) => {
          const count = (state: Heard) => sayNumber(sources.filter((a) => heardOf(a, at) === state).length);
          const sum = sumOf(sources);
          return (
            <>
              <Devices client={client} again={at} />
              {sources.length > 0 && (
                <Sheet title={say("sources.all")} tone={kept(sum) ? undefined : "critical"}
                  acts={<Help about={say("sources.books")}>{say("sources.sum-help")}</Help>}>
                  <SumLine sum={sum} />
                  {!kept(sum) && <p>{say("sources.sum-broken-help")}</p>}
                </Sheet>
              )}
              {sources.length > 0 && (
                <div class="row">
                  <strong>{say("sources.summary", { heard: count("heard"), quiet: count("quiet"), never: count("never") })}</strong>
                  <Help about={say("sources.heard")}>{say("sources.state-help")}</Help>
                  <span class="grow" />
                  <span class="small soft">{say("sources.as-of", { time: sayTime(new Date(at).toISOString()).slice(11) })}</span>
                </div>
              )}
              {sources.length > 0 && <Accounts label={say("sources.title")} accounts={sources} now={at} />}
              {sources.length === 0 && <Empty icon="device" title={say("sources.none")}>{say("sources.none-help")}</Empty>}
            </>
          );
        }}
      </Answer>
    </>
  );
}
