/*
 * Devices of a client: what each sends, when it was last heard against what is usual, and what ails it.
 * A device is opened for its facts, its types of records, and its rhythm: the hours of a day or a week.
 */
import { useState } from "preact/hooks";
import { answer, api, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { Badge } from "../../parts/badge";
import { Histogram } from "../../parts/chart";
import { Dialog } from "../../parts/dialog";
import { Answer } from "../../parts/empty";
import { Facts, Sheet } from "../../parts/sheet";
import { Table, type Column } from "../../parts/table";
import { Time } from "../../parts/time";
import { named, say, sayMaybe, sayNumber, saySpan } from "../../words/words";

type Device = Schemas["Device"];
type DeviceSource = Schemas["DeviceSource"];
type Ailment = Schemas["Ailment"];
const HOUR = 3600_000;

const typeText = (type: string) => sayMaybe(`type.${type}.name`, type);
const choice = (of: string, value: string) => value && sayMaybe(`devices.${of}.${value}`, value);

/** A text in two languages, or nothing. */
const either = (names: { ja: string; en: string }) => (names.ja || names.en ? named(names, "") : undefined);

function StateOf({ ailments, heard }: { ailments: Ailment[]; heard: string | null }) {
  if (ailments.length === 0 && !heard) return <Badge>{say("sources.state.never")}</Badge>;
  if (ailments.length === 0) return <Badge tone="steady" icon="check">{say("devices.well")}</Badge>;
  return <>{ailments.map((a) => <Badge key={a.id} tone={a.type === "device-silent" ? "high" : "medium"} icon="warning">{typeText(a.type)}</Badge>)}</>;
}

/** When the last of its sources was heard. */
function lastHeard(device: Device): string | null {
  return device.sources.reduce<string | null>((last, { heard }) => (heard && (!last || heard > last) ? heard : last), null);
}

function Rhythm({ client, source }: { client: string; source: string }) {
  const [week, setWeek] = useState(false);
  const hours = week ? 168 : 24;
  const asked = useAsked(async () => {
    const now = Math.floor(Date.now() / HOUR) * HOUR;
    const from = new Date(now - (hours - 1) * HOUR).toISOString();
    const query = { source, from, by: "hour" as const };
    const { rows } = await answer(api.GET("/clients/{client}/books/minutes", { params: { path: { client }, query } }));
    const counts = Array.from({ length: hours }, () => 0);
    for (const row of rows) {
      const at = Math.floor((Date.parse(row.at) - Date.parse(from)) / HOUR);
      if (at >= 0 && at < hours) counts[at]! += Math.max(0, row.received);
    }
    return { from, counts };
  }, [client, source, hours]);
  return (
    <section>
      <div class="row">
        <h3 class="grow">{say("devices.rhythm")}</h3>
        <button type="button" class="button quiet" aria-pressed={!week} onClick={() => setWeek(false)}>{say("devices.day")}</button>
        <button type="button" class="button quiet" aria-pressed={week} onClick={() => setWeek(true)}>{say("devices.week")}</button>
      </div>
      <Answer asked={asked}>
        {({ from, counts }) => <Histogram label={say("devices.rhythm")} from={from} stepSeconds={3600} counts={counts} />}
      </Answer>
    </section>
  );
}

function expectedText(source: DeviceSource): string {
  return source.expected_seconds > 0 ? saySpan(source.expected_seconds * 1000) : say("devices.rhythm-unknown");
}

function lagText(source: DeviceSource): string | undefined {
  if (source.lag_seconds === null) return undefined;
  if (Math.abs(source.lag_seconds) < 1) return say("devices.lag-none");
  const span = saySpan(Math.abs(source.lag_seconds) * 1000);
  return source.lag_seconds < 0 ? say("devices.lag-early", { span }) : say("devices.lag-late", { span });
}

function SourceDetails({ client, source }: { client: string; source: DeviceSource }) {
  return (
    <Sheet title={named(source.name, source.source)}>
      <Facts rows={[
        [say("sources.heard"), source.heard && <Time at={source.heard} ago />],
        [say("devices.expected"), expectedText(source)],
        [say("devices.lag"), lagText(source)],
        [say("devices.records"), say("devices.records-text", { records: sayNumber(source.records), failures: sayNumber(source.failures) })],
        [say("devices.usual"), source.usual_high > 0
          ? say("devices.usual-text", { low: sayNumber(source.usual_low), high: sayNumber(source.usual_high) }) : undefined],
      ]} />
      {source.types.length > 0 && (
        <Table label={say("devices.types")} rows={source.types} rowKey={(t) => t.type} columns={[
          { id: "type", head: say("devices.types"), cell: (t) => <code>{t.type}</code> },
          { id: "count", head: say("devices.count"), align: "end", width: "7rem", cell: (t) => sayNumber(t.count) },
          { id: "heard", head: say("sources.heard"), width: "10rem", wide: true, cell: (t) => t.heard && <Time at={t.heard} ago /> },
        ]} />
      )}
      <Rhythm client={client} source={source.source} />
    </Sheet>
  );
}

function Details({ client, device, ailments, onClose }: { client: string; device: Device; ailments: Ailment[]; onClose: () => void }) {
  return (
    <Dialog wide title={named(device.name, device.device)} onClose={onClose}>
      <p class="row"><StateOf ailments={ailments} heard={lastHeard(device)} /></p>
      {device.named && (
        <Facts rows={[
          [say("devices.kind"), choice("kind", device.kind)],
          [say("devices.place"), either(device.place)],
          [say("devices.owner"), device.owner || undefined],
          [say("devices.provision"), choice("provision", device.provision) || undefined],
          [say("devices.installation"), choice("installation", device.installation) || undefined],
          [say("devices.on-failure"), either(device.on_failure)],
        ]} />
      )}
      {device.sources.map((source) => <SourceDetails key={source.source} client={client} source={source} />)}
    </Dialog>
  );
}

function columns(ailing: (device: Device) => Ailment[]): Column<Device>[] {
  return [
    { id: "name", head: say("devices.device"), cell: (d) => <>{named(d.name, d.device)} <span class="small soft source-slug">{d.device}</span></> },
    { id: "kind", head: say("devices.kind"), width: "9rem", wide: true, cell: (d) => (d.named ? choice("kind", d.kind) : "") },
    { id: "state", head: say("devices.state"), width: "11rem", cell: (d) => <span class="heard"><StateOf ailments={ailing(d)} heard={lastHeard(d)} /></span> },
    { id: "heard", head: say("sources.heard"), width: "8rem", wide: true, cell: (d) => {
      const heard = lastHeard(d);
      return heard && <Time at={heard} ago />;
    } },
    { id: "expected", head: say("devices.expected"), width: "9rem", wide: true, cell: (d) => (d.sources[0] ? expectedText(d.sources[0]) : "") },
  ];
}

function about(ailment: Ailment, devices: Device[]): string {
  if (ailment.members > 0) return say("devices.several", { count: sayNumber(ailment.members) });
  const device = devices.find((d) => d.device === ailment.device);
  const name = device ? named(device.name, device.device) : ailment.device;
  return ailment.detail ? `${name}: ${ailment.detail}` : name;
}

function Ailments({ list, devices }: { list: Ailment[]; devices: Device[] }) {
  return (
    <section class="stack">
      <h2>{say("devices.ailments")}</h2>
      <p class="soft">{say("devices.ailments-help")}</p>
      <Table label={say("devices.ailments")} rows={list} rowKey={(a) => a.id} empty={say("devices.ailments-none")} columns={[
        { id: "type", head: say("devices.ailment"), cell: (a) => <>{typeText(a.type)} <span class="small soft source-slug">{about(a, devices)}</span></> },
        { id: "opened", head: say("devices.opened"), width: "7.5rem", cell: (a) => <Time at={a.opened} ago /> },
        { id: "closed", head: say("devices.closed"), width: "7.5rem", cell: (a) => (a.closed ? <Time at={a.closed} ago /> : <Badge tone="high">{say("devices.lasts")}</Badge>) },
        { id: "planned", head: say("devices.told"), width: "9rem", wide: true, cell: (a) => (a.planned ? say("devices.planned") : a.storm ? say("devices.with-others") : a.told ? say("devices.told-yes") : "") },
      ]} />
    </section>
  );
}

export function Devices({ client, again }: { client: string; again: number }) {
  const [open, setOpen] = useState<string>();
  const asked = useAsked(async () => {
    const [devices, ailments] = await Promise.all([
      answer(api.GET("/clients/{client}/devices", { params: { path: { client } } })),
      answer(api.GET("/clients/{client}/ailments", { params: { path: { client } } })),
    ]);
    return { devices: devices.devices, ailments: ailments.ailments };
  }, [client, again]);
  return (
    <Answer asked={asked}>
      {({ devices, ailments }) => {
        const ailing = (device: Device) => ailments.filter((a) => !a.closed && a.device === device.device);
        const shown = devices.find((d) => d.device === open);
        return (
          <>
            {devices.length > 0 && (
              <section class="stack">
                <h2>{say("devices.title")}</h2>
                <Table label={say("devices.title")} rows={devices} columns={columns(ailing)} rowKey={(d) => d.device} onPress={(d) => setOpen(d.device)} />
              </section>
            )}
            {ailments.length > 0 && <Ailments list={ailments} devices={devices} />}
            {shown && <Details client={client} device={shown} ailments={ailing(shown)} onClose={() => setOpen(undefined)} />}
          </>
        );
      }}
    </Answer>
  );
}
