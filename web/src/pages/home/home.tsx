/*
 * A client's home, for somebody who comes here once a week: is all well, is anything expected of me, and
 * whom do I call.  Everything in words, the most important first; what a person has no right to is left
 * out.
 */
import "./home.css";
import type { ComponentChildren } from "preact";
import { answer, api, type Incident } from "../../api/client";
import { clientName, hasRole, may, me, sideOf } from "../../api/me";
import { useAsked, type Asked } from "../../api/use";
import { SeverityBadge, StateBadge } from "../../parts/badge";
import { ButtonLink } from "../../parts/button";
import { Answer, Empty, Refused } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Head, Sheet } from "../../parts/sheet";
import { Countdown, Time } from "../../parts/time";
import { named, say, sayMaybe, sayNumber } from "../../words/words";
import { actsOf, wantedOf } from "../incident/what-next";
import { href, type PageProps } from "../router";
import { compare, lineOf, type Line } from "../queue/line";
import { contactsOf, heardOf, plannedOf, requestsOf, signaturesOf } from "./asked";

const LATELY = 10;
const OPEN_MAX = 500;
const TURNS = 8; /* of my side, before "and more" */

async function incidentsOf(client: string) {
  const ask = (open: boolean, limit: number) =>
    answer(api.GET("/clients/{client}/incidents", { params: { path: { client }, query: { open, limit } } }));
  const [open, lately] = await Promise.all([ask(true, OPEN_MAX), ask(false, LATELY)]);
  return { open: open.incidents, lately: lately.incidents };
}

/** A part that may be missing: nothing while it is asked for, nothing where there is no right to it. */
function Part<T>({ asked, title, acts, children }: {
  asked: Asked<T | null>; title: string; acts?: ComponentChildren; children: (data: T) => ComponentChildren;
}) {
  if (asked.data === undefined && asked.error) return <Sheet title={title}><Refused refusal={asked.error} again={asked.again} /></Sheet>;
  if (asked.data === undefined || asked.data === null) return null;
  return <Sheet title={title} acts={acts}>{children(asked.data)}</Sheet>;
}

/* ---- The sentence. */

function Word({ client, open, mine }: { client: string; open: number; mine: number }) {
  const ours = sideOf(client) === "client";
  const name = named(clientName(client), client);
  const tone = mine > 0 ? "mine" : open > 0 ? "busy" : "steady";
  const count = mine > 0 ? mine : open;
  const many = count === 1 ? "one" : "many";
  const text = open === 0 ? say("home.steady")
    : say(mine > 0 ? `home.turn.${many}` : ours ? `home.under-way.${many}` : `home.open.${many}`, { count: sayNumber(count) });
  return (
    <section class={`home-word ${tone}`} aria-labelledby="home-word">
      <Icon name={tone === "steady" ? "check" : tone === "mine" ? "turn" : "clock"} />
      <div>
        <p class="small home-whose">{name}</p>
        <h2 id="home-word">{text}</h2>
        <p class="soft">{open === 0 ? say("home.steady-more") : say("home.open", { open: sayNumber(open), mine: sayNumber(mine) })}</p>
      </div>
    </section>
  );
}

/* ---- My turn. */

function whatOf(incident: Incident): string {
  const asset = named(incident.names.asset, incident.asset);
  const type = named(incident.names.type, incident.type);
  return asset ? say("home.what", { type, asset }) : type;
}

function Turns({ lines }: { lines: Line[] }) {
  return (
    <Sheet title={say(lines.some((line) => line.mine) ? "home.turn" : "home.unread")}>
      <ul class="home-list">
        {lines.slice(0, TURNS).map((line, index) => {
          const { incident } = line;
          const wanted = line.mine ? wantedOf(incident, actsOf(incident)) : "acknowledge";
          const todo = !line.mine ? say("home.acknowledge") : wanted
            ? sayMaybe(incident.waits_for.replace("incident.waits.", "incident.todo."), named(incident.names.waits_for))
            : say("home.somebody-else", { what: named(incident.names.waits_for, incident.waits_for) });
          return (
            <li key={incident.number} class="home-turn">
              <div class="home-turn-words">
                <strong>{todo}</strong>
                <span class="small soft">#{incident.number} {whatOf(incident)}</span>
                {line.mine && line.due && <span class="small"><span class="soft">{line.dueOf === "decision" ? say("queue.decision") : line.dueName}</span>{" "}
                  <Countdown due={line.due} warned={line.warned} /> <span class="soft">(<Time at={line.due} />)</span></span>}
              </div>
              <ButtonLink kind={index === 0 && line.mine && wanted ? "main" : "plain"} href={href("incidents", incident.client, incident.number)}>
                {wanted ? say(`incident.act.${wanted}`) : say("home.look")}</ButtonLink>
            </li>
          );
        })}
        {lines.length > TURNS && (
          <li><a href={`${href("incidents", lines[0]!.incident.client)}?show=open`}>{say("home.more", { count: sayNumber(lines.length - TURNS) })}</a></li>
        )}
      </ul>
    </Sheet>
  );
}

/** What somebody asked for, and what only this person can allow. */
function Requests({ client }: { client: string }) {
  const side = hasRole(client, "responsible") ? "client" : hasRole(client, "provider-admin") ? "provider" : null;
  const asked = useAsked(() => requestsOf(client, may(client, "decide"), side), [client]);
  const { logs, ending } = asked.data ?? { logs: [], ending: false };
  if (logs.length === 0 && !ending) return null;
  return (
    <Sheet title={say("home.requests")}>
      <ul class="home-list">
        {ending && (
          <li class="home-turn">
            <div class="home-turn-words"><strong>{say("home.ending")}</strong></div>
            <ButtonLink href={href("offboarding", client)}>{say("home.look")}</ButtonLink>
          </li>
        )}
        {logs.slice(0, TURNS).map((one) => (
          <li key={one.id} class="home-turn">
            <div class="home-turn-words"><strong>{say("home.logs")}</strong><span class="small soft">#{one.id} {one.purpose}</span></div>
            <ButtonLink href={href("provision", client, one.id)}>{say("home.look")}</ButtonLink>
          </li>
        ))}
        {logs.length > TURNS && <li><a href={href("provision", client)}>{say("home.more", { count: sayNumber(logs.length - TURNS) })}</a></li>}
      </ul>
    </Sheet>
  );
}

/* ---- The other parts. */

function Lately({ client, list }: { client: string; list: Incident[] }) {
  return (
    <Sheet title={say("home.lately")} acts={<a href={href("incidents", client)}>{say("home.all")}</a>}>
      {list.length === 0 ? <Empty icon="tower" title={say("queue.none-ever")} /> : (
        <ul class="home-list">
          {list.map((incident) => (
            <li key={incident.number} class="home-incident">
              <a href={href("incidents", client, incident.number)}>#{incident.number} {whatOf(incident)}</a>
              <span class="home-badges"><SeverityBadge severity={incident.severity} /><StateBadge state={incident.state} /></span>
              <span class="small soft">
                {incident.ended ? say("home.was-ended") : say("home.was-detected")} <Time at={incident.ended ?? incident.detected} ago /></span>
            </li>
          ))}
        </ul>
      )}
    </Sheet>
  );
}

function Devices({ client }: { client: string }) {
  const asked = useAsked(() => heardOf(client), [client], (change) => change.client === client && change.what === "client");
  return (
    <Part asked={asked} title={say("home.devices")}
      acts={may(client, "books") ? <a href={href("sources", client)}>{say("home.details")}</a> : undefined}>
      {(devices) => {
        const silent = devices.filter((device) => device.silent);
        return devices.length === 0 ? <p class="soft">{say("home.devices.none")}</p> : (
          <>
            <p class={silent.length > 0 ? "home-fact warning" : "home-fact steady"}>
              <Icon name={silent.length > 0 ? "warning" : "check"} />
              <span>{silent.length > 0
                ? say("home.devices.silent", { count: sayNumber(silent.length), all: sayNumber(devices.length) })
                : say("home.devices.heard", { all: sayNumber(devices.length) })}</span>
            </p>
            {silent.length > 0 && (
              <ul class="home-list small">
                {silent.slice(0, 8).map((device) => (
                  <li key={device.source} class="home-pair"><span>{device.name}</span>
                    <span class="soft">{device.heard ? <>{say("home.devices.last")} <Time at={device.heard} ago /></> : say("home.devices.never")}</span></li>
                ))}
                {silent.length > 8 && <li class="soft">{say("home.more", { count: sayNumber(silent.length - 8) })}</li>}
              </ul>
            )}
          </>
        );
      }}
    </Part>
  );
}

function Documents({ client }: { client: string }) {
  const roles = me.value?.clients.find((one) => one.client === client)?.roles ?? [];
  const asked = useAsked(() => signaturesOf(client, roles), [client], (change) => change.client === client && change.what === "document");
  return (
    <Part asked={asked} title={say("home.documents")} acts={<a href={href("documents", client)}>{say("home.details")}</a>}>
      {(waiting) => waiting.length === 0 ? <p class="soft">{say("home.documents.none")}</p> : (
        <>
          <p class="home-fact warning"><Icon name="document" /><span>{say("home.documents.waiting", { count: sayNumber(waiting.length) })}</span></p>
          <ul class="home-list">
            {waiting.map(({ kind, name, version }) => (
              <li key={kind} class="home-pair"><a href={href("documents", client, kind)}>{named(name, kind)}</a>
                <span class="small soft">{say("home.documents.version", { number: version.number })} <Time at={version.created} ago /></span></li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}

function Planned({ client }: { client: string }) {
  const asked = useAsked(() => plannedOf(client), [client], (change) => change.client === client && change.what === "document");
  return (
    <Part asked={asked} title={say("home.planned")}>
      {(planned) => planned.length === 0 ? <p class="soft">{say("home.planned.none")}</p> : (
        <ul class="home-list">
          {planned.slice(0, 6).map((one) => (
            <li key={one.slug} class="home-planned"><strong>{named(one.name, one.slug)}</strong>
              <span class="small soft"><Time at={one.from} />{one.to && <> – <Time at={one.to} /></>}</span></li>
          ))}
        </ul>
      )}
    </Part>
  );
}

function Call({ client }: { client: string }) {
  const asked = useAsked(() => contactsOf(client), [client], (change) => change.client === client && change.what === "document");
  return (
    <Part asked={asked} title={say("home.call")}>
      {({ ofProvider, people }) => (
        <>
          <p class="small soft">{say(ofProvider ? "home.call.provider" : "home.call.everybody")}</p>
          <ul class="home-list">
            {people.slice(0, 8).map((person) => (
              <li key={person.slug} class="home-person">
                <span><strong>{named(person.name, person.slug)}</strong> <span class="small soft">{named(person.role)}</span></span>
                {person.phone && <a href={`tel:${person.phone.replace(/[^+0-9]/g, "")}`}>{person.phone}</a>}
                {person.mail && <a href={`mailto:${encodeURIComponent(person.mail).replace("%40", "@")}`}>{person.mail}</a>}
              </li>
            ))}
          </ul>
        </>
      )}
    </Part>
  );
}

export default function Home({ params }: PageProps) {
  const client = params.client!;
  const asked = useAsked(() => incidentsOf(client), [client], (change) => change.client === client && change.what === "incident");
  const mayReport = may(client, "work") || may(client, "act");
  return (
    <>
      <Head title={say("home.title")}
        acts={mayReport && <ButtonLink icon="plus" href={`${href("incidents", client)}?report=yes`}>{say("queue.report")}</ButtonLink>} />
      <Answer asked={asked}>
        {({ open, lately }) => {
          const lines = open.map(lineOf).sort(compare);
          const mine = lines.filter((line) => line.mine);
          const unread = lines.filter((line) => !line.mine && line.incident.notified !== null &&
            sideOf(client) === "client" && actsOf(line.incident).includes("acknowledge"));
          return (
            <>
              <Word client={client} open={open.length} mine={mine.length} />
              <div class="home-parts">
                <div class="home-column">
                  {mine.length + unread.length > 0 && <Turns lines={[...mine, ...unread]} />}
                  <Requests client={client} />
                  <Lately client={client} list={lately} />
                </div>
                <div class="home-column">
                  <Documents client={client} />
                  <Devices client={client} />
                  <Planned client={client} />
                  <Call client={client} />
                </div>
              </div>
            </>
          );
        }}
      </Answer>
    </>
  );
}
