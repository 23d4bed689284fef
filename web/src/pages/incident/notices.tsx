/* Who was told, when, by what, and whether they said that they read it. */
import "./notices.css";
import type { Schemas } from "../../api/client";
import { Badge, type Tone } from "../../parts/badge";
import { Empty } from "../../parts/empty";
import { type IconName } from "../../parts/icon";
import { Time } from "../../parts/time";
import { say, sayMaybe } from "../../words/words";

type Step = Schemas["NoticeStep"];
const LOOKS: Record<string, [Tone, IconName]> = {
  waiting: ["plain", "clock"], sent: ["low", "check"], failed: ["critical", "warning"], acknowledged: ["steady", "check"], settled: ["plain", "check"],
};

export function Notices({ steps, contact }: { steps: Step[]; contact: (slug: string) => string }) {
  if (steps.length === 0) return <Empty icon="people" title={say("incident.notices.none")} />;
  const notices = new Map<number, Step[]>();
  for (const step of steps) notices.set(step.notice, [...(notices.get(step.notice) ?? []), step]);
  return (
    <ol class="notices">
      {[...notices].reverse().map(([notice, list]) => (
        <li key={notice} class="notice">
          <h3>{sayMaybe(`incident.purpose.${list[0]!.purpose}`, list[0]!.purpose)}</h3>
          <ul>
            {list.map((step, index) => {
              const [tone, icon] = LOOKS[step.state] ?? ["plain", "clock"];
              return (
                <li key={index} class="told">
                  <span class="told-who"><strong>{contact(step.contact)}</strong>
                    <span class="small soft">{say("incident.notices.step", { number: step.step })}</span></span>
                  <span class="told-to small"><span class="soft">{say(`incident.means.${step.means}`)}</span> <span class="mono">{step.to}</span></span>
                  <span><Badge tone={tone} icon={icon}>{sayMaybe(`incident.notice.${step.state}`, step.state)}</Badge></span>
                  <span class="small soft"><Time at={step.ended ?? step.at} /></span>
                  {step.state === "failed" && step.said && <span class="told-said small mono">{step.said}</span>}
                </li>
              );
            })}
          </ul>
        </li>
      ))}
    </ol>
  );
}
