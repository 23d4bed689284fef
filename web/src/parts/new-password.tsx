/* A password that is chosen: twice, with its rules beside it, and readable if wanted. */
import "./new-password.css";
import { useState } from "preact/hooks";
import { say } from "../words/words";
import { CheckField, TextField } from "./field";
import { Icon } from "./icon";

export const PASSWORD_MIN = 12;
const BYTES_MAX = 1024;

export interface NewPassword {
  value: string;
  again: string;
}
export const noPassword: NewPassword = { value: "", again: "" };

function rules({ value, again }: NewPassword, name: string): { text: string; kept: boolean }[] {
  const lower = value.toLowerCase();
  const [party = "", person = ""] = name.toLowerCase().split("/");
  return [
    { text: say("password.rule.length", { count: PASSWORD_MIN }),
      kept: [...value].length >= PASSWORD_MIN && new TextEncoder().encode(value).length <= BYTES_MAX },
    { text: say("password.rule.name"), kept: value !== "" && ![name.toLowerCase(), party, person].includes(lower) },
    { text: say("password.rule.same"), kept: value !== "" && value === again },
  ];
}
/** Whether it may be sent. `name`: PARTY/PERSON, which it must not be. */
export function passwordGood(password: NewPassword, name: string): boolean {
  return rules(password, name).every(({ kept }) => kept);
}

export function NewPasswordFields({ password, onPassword, name }:
  { password: NewPassword; onPassword: (password: NewPassword) => void; name: string }) {
  const [shown, setShown] = useState(false);
  const type = shown ? "text" : "password";
  return (
    <>
      {/* So that password managers know whose it is. */}
      <input type="text" autocomplete="username" value={name} readOnly hidden />
      <TextField label={say("password.new")} type={type} value={password.value} complete="new-password" required
        onValue={(value) => onPassword({ ...password, value })} />
      <TextField label={say("password.again")} type={type} value={password.again} complete="new-password" required
        onValue={(again) => onPassword({ ...password, again })} />
      <CheckField label={say("password.show")} value={shown} onValue={setShown} />
      <ul class="password-rules small">
        {rules(password, name).map(({ text, kept }) => (
          <li key={text} class={kept ? "kept" : ""}>
            {kept ? <Icon name="check" label={say("password.rule.kept")} /> : <span class="password-dot" aria-hidden="true">·</span>}
            <span>{text}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
