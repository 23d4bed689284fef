/* Countermeasures as they are put before the client. */
import "./options.css";
import type { Schemas } from "../../api/client";
import { Badge } from "../../parts/badge";
import { plain } from "../../words/plain";
import { say } from "../../words/words";

export type Option = Schemas["Countermeasure"];

export function OptionHead({ option, number }: { option: Option; number: number }) {
  return (
    <>
      <span class="option-text">{number}. {plain(option.text)}</span>
      {option.recommended && <Badge tone="steady" icon="check">{say("incident.recommended")}</Badge>}
    </>
  );
}
export function OptionFacts({ option }: { option: Option }) {
  const none = say("incident.option.none");
  return (
    <dl class="option-facts">
      <div><dt>{say("incident.effect")}</dt><dd>{plain(option.effect ?? "") || none}</dd></div>
      <div><dt>{say("incident.risk")}</dt><dd>{plain(option.risk ?? "") || none}</dd></div>
      <div><dt>{say("incident.executes")}</dt><dd>{say(`side.${option.executes}`)}</dd></div>
    </dl>
  );
}
/** A proposal to be read; `chosen` from 1. */
export function Options({ options, chosen }: { options: Option[]; chosen?: number }) {
  return (
    <ol class="options">
      {options.map((option, index) => (
        <li key={index} class={chosen === index + 1 ? "option chosen" : "option"}>
          <strong class="option-head">
            <OptionHead option={option} number={index + 1} />
            {chosen === index + 1 && <Badge icon="check">{say("incident.chosen")}</Badge>}
          </strong>
          <OptionFacts option={option} />
        </li>
      ))}
    </ol>
  );
}
