/*
 * How the service itself is: one sentence, then what wants attention, then everything; and what comes in that
 * nobody has enrolled.
 */
import "./health.css";
import { useEffect } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Answer } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Facts, Head, Sheet } from "../../parts/sheet";
import { Table } from "../../parts/table";
import { Time } from "../../parts/time";
import { sayBytes } from "../../words/figures";
import { clientName } from "../../api/me";
import { href } from "../router";
import { Proposals } from "./proposals";
import { named, say, sayMaybe, sayNumber, saySpan, sayTime } from "../../words/words";

type Health = Schemas["Health"];
const EVERY = 10_000;
const TONES = { steady: "steady", attention: "high", trouble: "critical" } as const;

/** A text of the service whose one placeholder is {value}; the key itself if this build has no such text. */
function matterText({ word, value }: Health["matters"][number]): string {
  const text = sayMaybe(word, "");
  return text ? text.replace(/\{value\}/g, () => value) : `${word} ${value}`;
}

function State({ health }: { health: Health }) {
  return (
    <Sheet tone={TONES[health.state]}>
      <div class="row state" role="status">
        <Icon name={health.state === "steady" ? "check" : "warning"} />
        <strong class="grow">{sayMaybe(`health.state.${health.state}`, health.state)}</strong>
        <span class="small soft">{say("health.page.as-of", { time: sayTime(health.now).slice(11) })}</span>
      </div>
      {health.matters.length > 0 && (
        <section>
          <h2 class="only-read">{say("health.page.matters")}</h2>
          <ul>{health.matters.map((matter, index) => <li key={index}>{matterText(matter)}</li>)}</ul>
        </section>
      )}
    </Sheet>
  );
}

function Processes({ list }: { list: Health["processes"] }) {
  return (
    <section class="stack">
      <h2>{say("health.page.processes")}</h2>
      <Table label={say("health.page.processes")} rows={list} rowKey={(p) => p.name} columns={[
        { id: "name", head: say("health.page.process"), cell: (p) => <>
          <strong class="mono">{p.name}</strong>{" "}
          <span class="small soft process-does">{sayMaybe(`health.page.process.${p.name}`, "")}</span></> },
        { id: "state", head: say("health.page.state"), width: "8rem", cell: (p) => p.running
          ? <Badge tone="steady" icon="check">{say("health.page.running")}</Badge>
          : <Badge tone="critical" icon="warning">{say("health.page.stopped")}</Badge> },
        { id: "since", head: say("health.page.since"), width: "12rem", wide: true, cell: (p) => p.since && <Time at={p.since} ago /> },
        { id: "restarts", head: say("health.page.restarts"), width: "6rem", align: "end", cell: (p) => sayNumber(p.restarts) },
      ]} />
    </section>
  );
}

function Disk({ disk }: { disk: Health["disk"] }) {
  const used = disk.size_bytes > 0 ? Math.min(1, Math.max(0, 1 - disk.free_bytes / disk.size_bytes)) : 0;
  const reserve = disk.size_bytes > 0 ? Math.min(1, disk.reserve_bytes / disk.size_bytes) : 0;
  const tone = disk.free_bytes < disk.reserve_bytes ? "critical" : disk.free_bytes < 3 * disk.reserve_bytes ? "high" : "plain";
  const percent = say("health.page.disk-bar", { percent: sayNumber(Math.round(used * 100)) });
  return (
    <Sheet title={say("health.page.disk")}>
      <svg class={`bar-of ${tone}`} role="img" aria-label={percent} viewBox="0 0 1000 24" preserveAspectRatio="none">
        <rect class="bar-all" width="1000" height="24" />
        <rect class="bar-used" width={used * 1000} height="24" />
        <rect class="bar-reserve" x={1000 - reserve * 1000} width={reserve * 1000} height="24" />
      </svg>
      <p>{say("health.page.disk-text", { size: sayBytes(disk.size_bytes), free: sayBytes(disk.free_bytes) })} <span class="soft">({percent})</span></p>
      <p class="small soft">{say("health.page.disk-reserve", { reserve: sayBytes(disk.reserve_bytes) })}</p>
    </Sheet>
  );
}

function Mail({ mail }: { mail: Health["mail"] }) {
  return (
    <Sheet title={say("health.page.mail")} tone={mail.relay && mail.failed === 0 ? undefined : "high"}>
      {!mail.relay && <p>{say("health.page.relay-none")}</p>}
      <Facts rows={[
        [say("health.page.waiting"), sayNumber(mail.waiting)],
        [say("health.page.oldest"), mail.oldest && <Time at={mail.oldest} ago />],
        [say("health.page.failed"), sayNumber(mail.failed)],
      ]} />
    </Sheet>
  );
}

function Certificate({ certificate, now }: { certificate: NonNullable<Health["certificate"]>; now: string }) {
  const left = Date.parse(certificate.until) - Date.parse(now);
  const tone = left < 0 ? "critical" : left < 14 * 86400_000 ? "high" : undefined;
  return (
    <Sheet title={say("health.page.certificate")} tone={tone}>
      <Facts rows={[
        [say("health.page.certificate-until"), <><Time at={certificate.until} />{" "}
          <Badge tone={tone ?? "plain"} icon={tone && "warning"}>{left < 0 ? say("health.page.certificate-over")
            : say("health.page.certificate-left", { span: saySpan(left) })}</Badge></>],
        [say("health.page.subject"), certificate.subject],
      ]} />
      {certificate.local && <p class="small">{say("health.page.certificate-local")}</p>}
      <div><span class="small soft">{say("health.page.fingerprint")}</span><br />
        <code class="small">{certificate.sha256.replace(/(..)(?=.)/g, "$1:")}</code></div>
    </Sheet>
  );
}

/** How the devices of every client are, and whether a signed record comes through to the end. */
function Clients() {
  const asked = useAsked(() => answer(api.GET("/devices/health")), []);
  useEffect(() => {
    const timer = window.setInterval(() => document.visibilityState === "visible" && asked.again(), EVERY);
    return () => window.clearInterval(timer);
  }, []);
  const beat = (h: Schemas["ClientHealth"]["heartbeat"]) =>
    h.broken ? <Badge tone="critical" icon="warning">{say("devices.heartbeat-broken", { count: sayNumber(h.missed) })}</Badge>
      : h.came ? <Badge tone="steady" icon="check">{say("devices.heartbeat-ok", { ms: sayNumber(h.latency_ms) })}</Badge>
        : <Badge>{say("devices.heartbeat-none")}</Badge>;
  return (
    <section class="stack">
      <h2>{say("devices.health")}</h2>
      <Answer asked={asked}>
        {({ clients }) => (
          <Table label={say("devices.health")} rows={clients} rowKey={(c) => c.client} href={(c) => href("sources", c.client)} columns={[
            { id: "client", head: say("devices.client"), cell: (c) => named(clientName(c.client), c.client) },
            { id: "sources", head: say("devices.sources"), width: "7rem", align: "end", wide: true, cell: (c) => sayNumber(c.sources) },
            { id: "open", head: say("devices.open"), width: "7rem", align: "end", cell: (c) => (c.ailments > 0 ? <strong class="rejected">{sayNumber(c.ailments)}</strong> : "0") },
            { id: "heartbeat", head: say("devices.heartbeat"), width: "10rem", cell: (c) => beat(c.heartbeat) },
          ]} />
        )}
      </Answer>
    </section>
  );
}

export default function HealthPage() {
  const asked = useAsked(() => answer(api.GET("/health")), []);
  useEffect(() => {
    const timer = window.setInterval(() => document.visibilityState === "visible" && asked.again(), EVERY);
    return () => window.clearInterval(timer);
  }, []);
  return (
    <>
      <Head title={say("health.title")} />
      <Answer asked={asked}>
        {(health) => (
          <>
            <State health={health} />
            <Clients />
            <Proposals />
            <Processes list={health.processes} />
            <div class="sheets">
              <Sheet title={say("health.page.lag")}>
                <Facts rows={[
                  [say("health.page.in-flight"), sayNumber(health.lag.in_flight)],
                  [say("health.page.unjudged"), sayNumber(health.lag.unjudged)],
                ]} />
              </Sheet>
              <Disk disk={health.disk} />
              <Mail mail={health.mail} />
              {health.certificate ? <Certificate certificate={health.certificate} now={health.now} /> : (
                <Sheet title={say("health.page.certificate")}><p class="soft">{say("health.page.certificate-proxy")}</p></Sheet>
              )}
              <Sheet title={say("health.page.rules")} tone={health.rules.refused > 0 ? "high" : undefined}>
                <Facts rows={[
                  [say("health.page.loaded"), sayNumber(health.rules.loaded)],
                  [say("health.page.refused"), sayNumber(health.rules.refused)],
                  [say("health.page.edition"), <code class="small">{health.rules.edition}</code>],
                ]} />
              </Sheet>
              <Sheet title={say("health.page.service")}>
                <Facts rows={[
                  [say("health.page.version"), health.version],
                  [say("health.page.started"), <Time at={health.started} />],
                  [say("health.page.running-for"), saySpan(Date.parse(health.now) - Date.parse(health.started))],
                ]} />
              </Sheet>
            </div>
          </>
        )}
      </Answer>
    </>
  );
}
