/* Where something stands on a way of known steps: those behind, the present one, those ahead. */
import "./steps.css";
import { Icon } from "./icon";

export function Steps({ label, steps, at, done }: { label: string; steps: { id: string; text: string }[]; at: string; done: string }) {
  const present = steps.findIndex((step) => step.id === at);
  const last = present === steps.length - 1;
  return (
    <ol class="steps" aria-label={label} style={{ "--count": String(steps.length) }}>
      {steps.map((step, index) => {
        const behind = index < present || last;
        return (
          <li key={step.id} class={`step ${index === present ? "present" : ""} ${behind ? "behind" : ""}`}
            aria-current={index === present ? "step" : undefined}>
            <span class="step-mark">{behind ? <Icon name="check" label={index === present ? undefined : done} /> : index + 1}</span>
            <span class="step-text">{index === present && <span class="step-count" aria-hidden="true">{index + 1}/{steps.length}</span>}{step.text}</span>
          </li>
        );
      })}
    </ol>
  );
}
