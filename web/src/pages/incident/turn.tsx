/* Whose turn it is, in one sentence: what is to be done, by when, and the button that does it. */
import { sideOf } from "../../api/me";
import { answer, api, type Incident, type Schemas } from "../../api/client";
import { useAsked } from "../../api/use";
import { Button } from "../../parts/button";
import { Answer } from "../../parts/empty";
import { Icon } from "../../parts/icon";
import { Countdown, Time } from "../../parts/time";
import { plain } from "../../words/plain";
import { named, say, sayMaybe } from "../../words/words";
import { checkedAs, decidedOn } from "./history";
import { Options } from "./options";
import { wantedOf, type Act } from "./what-next";

function Proposal({ incident }: { incident: Incident }) {
  const { client, number, proposal } = incident;
  const asked = useAsked(
    () => answer(api.GET("/clients/{client}/incidents/{number}/proposals/{proposal}", { params: { path: { client, number, proposal } } })),
    [client, number, proposal],
  );
  return <Answer asked={asked}>{({ options }) => <Options options={options} />}</Answer>;
}

/** What one has to know for it: what was decided, what was done, what was checked. */
function Known({ incident, lines }: { incident: Incident; lines: Schemas["Line"][] }) {
  if (incident.state === "coordination" && incident.proposal > 0) return <Proposal incident={incident} />;
  const done = incident.executed ? lines.findLast((line) => line.what === "executed")?.text : "";
  const rows = ([
    ["incident.known.decided", incident.state === "executing" ? decidedOn(lines, incident) : ""],
    ["incident.known.done", incident.state === "executing" || incident.state === "return-check" ? done : ""],
    ["incident.known.checked", incident.state === "return-check" ? checkedAs(lines) : ""],
  ] as const).filter(([, text]) => text);
  if (rows.length === 0) return null;
  return (
    <div class="turn-said">
      {rows.map(([word, text]) => (
        <div key={word}><span class="small soft">{say(word)}</span><p class="words">{plain(text ?? "")}</p></div>
      ))}
    </div>
  );
}

export function Turn({ incident, lines, acts, press }: {
  incident: Incident; lines: Schemas["Line"][]; acts: Act[]; press: (act: Act) => void;
}) {
  const side = sideOf(incident.client);
  const wanted = wantedOf(incident, acts);
  const steady = incident.state === "steady";
  const ours = incident.turn === side;
  const waits = incident.waits_for.replace("incident.waits.", "");
  const sentence = steady
    ? say("incident.waits.nothing")
    : wanted ? sayMaybe(`incident.todo.${waits}`, named(incident.names.waits_for)) : named(incident.names.waits_for, incident.waits_for);
  const due = incident.state === "coordination" ? (incident.decide_by ?? incident.next_due?.due) : incident.next_due?.due;
  const of = incident.state === "coordination" && incident.decide_by ? say("incident.decide-by")
    : incident.next_due ? named(incident.next_due.name, incident.next_due.metric) : "";
  return (
    <section class={steady ? "turn-sheet steady" : wanted ? "turn-sheet mine" : "turn-sheet"} aria-labelledby="turn-title">
      <div class="turn-main">
        <Icon name={steady ? "check" : wanted ? "turn" : "clock"} />
        <div class="turn-words">
          <p class="turn-whose small">
            {steady ? say("incident.ended") : wanted ? say("incident.turn.you") : ours ? say("incident.turn.your-side") :
              say("incident.turn.other", { side: say(`side.${incident.turn === "client" ? "client" : "provider"}`) })}
          </p>
          <h2 id="turn-title">{sentence}</h2>
          {steady && incident.ended && <p class="soft"><Time at={incident.ended} /></p>}
          {!steady && due && <p class="turn-due"><span class="soft">{of}</span> <Countdown due={due} warned={incident.next_due?.warned} />{" "}
            <span class="small soft"><Time at={due} /></span></p>}
        </div>
        {wanted && <div class="turn-act"><Button kind="main" onPress={() => press(wanted)}>{say(`incident.act.${wanted}`)}</Button></div>}
      </div>
      <Known incident={incident} lines={lines} />
      {acts.filter((act) => act !== wanted).length > 0 && (
        <div class="row turn-more">
          {acts.filter((act) => act !== wanted).map((act) => (
            <Button key={act} onPress={() => press(act)}>
              {say(act === "acknowledge" && side !== "client" ? "incident.act.acknowledge.provider" : `incident.act.${act}`)}</Button>
          ))}
        </div>
      )}
    </section>
  );
}
