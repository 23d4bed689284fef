/* The door: name and password, then the code of the second factor where there is one. */
import "./sign-in.css";
import { useEffect, useRef, useState } from "preact/hooks";
import { answer, api, Refusal } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Refused } from "../../parts/empty";
import { CheckField, TextField } from "../../parts/field";
import { say } from "../../words/words";
import { signedIn } from "../session";
import { Door } from "./door";
import { useWait, Wait } from "./wait";

export default function SignIn() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [code, setCode] = useState("");
  const [step, setStep] = useState<"password" | "code" | "recovery">("password");
  const act = useAct();
  const left = useWait(act.refusal);
  const form = useRef<HTMLFormElement>(null);

  const send = async () => {
    const second = step === "password" ? {} : { code: code.trim().replace(step === "code" ? /\s/g : /^$/, "") };
    try {
      await answer(api.POST("/session", { body: { name: name.trim(), password, ...second } }));
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "second-factor" || step !== "password") {
        setCode("");
        throw error;
      }
      setStep("code");
      return;
    }
    await signedIn();
  };
  const go = (to: typeof step) => {
    setStep(to);
    setCode("");
    act.clear();
  };
  /* A refused try is typed anew: where, depends on the step. */
  useEffect(() => {
    if (act.refusal && left === 0) form.current?.querySelector<HTMLInputElement>(step === "password" ? "input[type=password]" : "input")?.focus();
  }, [act.refusal]);

  return (
    <Door title={say(step === "password" ? "sign-in.title" : "sign-in.second")}>
      <form class="stack" ref={form} onSubmit={(event) => act.run(event, send)}>
        {step === "password" ? (
          <>
            <TextField key="name" label={say("sign-in.name")} help={say("sign-in.name-help")} value={name} onValue={setName}
              complete="username" required focus />
            <TextField key="password" label={say("sign-in.password")} type={shown ? "text" : "password"} value={password} onValue={setPassword}
              complete="current-password" required />
            <CheckField label={say("password.show")} value={shown} onValue={setShown} />
          </>
        ) : (
          <>
            <p class="soft">{name}</p>
            {step === "code"
              ? <TextField key="code" label={say("sign-in.code")} help={say("sign-in.code-help")} value={code} onValue={setCode}
                  complete="one-time-code" inputMode="numeric" required focus maxLength={16} />
              : <TextField key="recovery" label={say("sign-in.recovery")} help={say("sign-in.recovery-help")} value={code} onValue={setCode}
                  mono required focus maxLength={64} />}
          </>
        )}
        {act.refusal && (act.refusal.status === 429 ? <Wait left={left} text={act.refusal.message} /> : <Refused refusal={act.refusal} />)}
        <Button kind="main" submit busy={act.busy} disabled={left > 0}>{say("sign-in.do")}</Button>
        {step !== "password" && (
          <div class="row">
            <Button kind="quiet" onPress={() => go(step === "code" ? "recovery" : "code")}>
              {say(step === "code" ? "sign-in.use-recovery" : "sign-in.use-code")}</Button>
            <Button kind="quiet" icon="back" onPress={() => go("password")}>{say("sign-in.start-again")}</Button>
          </div>
        )}
      </form>
      {step === "password" && (
        <details class="small">
          <summary>{say("sign-in.forgot")}</summary>
          <p>{say("sign-in.forgot-help")}</p>
        </details>
      )}
      {step === "password" && <p class="small"><a href="/setup">{say("sign-in.first")}</a></p>}
    </Door>
  );
}
