/* One of a few answers, each with whatever it takes to choose it: radio buttons as cards. */
import "./choices.css";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export function Choices<T extends string | number>({ label, value, onValue, options }: {
  label: string; value: T | undefined; onValue: (value: T) => void; options: { value: T; text: ComponentChildren; more?: ComponentChildren }[];
}) {
  const name = useId();
  return (
    <fieldset class="choices">
      <legend class="label">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class="choice">
          <input type="radio" name={name} checked={value === option.value} required onChange={() => onValue(option.value)} />
          <span class="choice-body">
            <span class="choice-text">{option.text}</span>
            {option.more}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
