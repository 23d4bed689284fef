/* One question of a form: its label, the control, help, and what is wrong with the answer. */
import "./field.css";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export interface Base {
  label: string;
  help?: ComponentChildren;
  wrong?: string;
  required?: boolean;
}
export function Field({ label, help, wrong, required, id, children }: Base & { id: string; children: ComponentChildren }) {
  return (
    <div class={wrong ? "field wrong" : "field"}>
      <label class="label" for={id}>{label}{required && <span aria-hidden="true" class="must"> *</span>}</label>
      {children}
      {help && <div class="small soft" id={`${id}-help`}>{help}</div>}
      {wrong && <div class="small field-wrong" id={`${id}-wrong`} role="alert">{wrong}</div>}
    </div>
  );
}
export const described = (id: string, p: Base) =>
  [p.help && `${id}-help`, p.wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;

interface TextProps extends Base {
  value: string;
  onValue: (value: string) => void;
  type?: "text" | "password" | "email" | "date" | "datetime-local" | "number" | "search" | "url" | "tel";
  complete?: string; /* autocomplete */
  lines?: number; /* more than one: a text area */
  mono?: boolean;
  disabled?: boolean;
  focus?: boolean;
  placeholder?: string;
  inputMode?: "numeric" | "text";
  maxLength?: number;
}
export function TextField(p: TextProps) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (p.focus) field.current?.focus();
  }, []);
  const shared = {
    id, value: p.value, disabled: p.disabled, required: p.required, placeholder: p.placeholder,
    class: p.mono ? "control mono" : "control", "aria-invalid": p.wrong ? true : undefined,
    "aria-describedby": described(id, p), maxLength: p.maxLength, autofocus: p.focus, /* which an opening dialog heeds */
  };
  return (
    <Field {...p} id={id}>
      {(p.lines ?? 1) > 1
        ? <textarea {...shared} rows={p.lines} onInput={(e) => p.onValue(e.currentTarget.value)} />
        : <input {...shared} type={(p.type ?? "text") as "text"} ref={field} autocomplete={p.complete ?? "off"} inputMode={p.inputMode}
            spellcheck={false} onInput={(e) => p.onValue(e.currentTarget.value)} />}
    </Field>
  );
}
export function SelectField<T extends string>(p: Base & {
  value: T; options: { value: T; text: string }[]; onValue: (value: T) => void; disabled?: boolean;
}) {
  const id = useId();
  return (
    <Field {...p} id={id}>
      <select id={id} class="control" value={p.value} disabled={p.disabled} required={p.required}
        aria-describedby={described(id, p)} onChange={(e) => p.onValue(e.currentTarget.value as T)}>
        {p.options.map((o) => <option key={o.value} value={o.value}>{o.text}</option>)}
      </select>
    </Field>
  );
}
export function CheckField(p: { label: ComponentChildren; value: boolean; onValue: (value: boolean) => void; disabled?: boolean }) {
  return (
    <label class="check">
      <input type="checkbox" checked={p.value} disabled={p.disabled} onChange={(e) => p.onValue(e.currentTarget.checked)} />
      <span>{p.label}</span>
    </label>
  );
}
