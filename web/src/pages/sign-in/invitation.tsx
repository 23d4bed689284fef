/* An invitation: whose it is, then a password for them, and they are in. */
import "./sign-in.css";
import { useState } from "preact/hooks";
import { answer, api } from "../../api/client";
import { useAsked } from "../../api/use";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Empty, Refused } from "../../parts/empty";
import { TextField } from "../../parts/field";
import { NewPasswordFields, noPassword, passwordGood } from "../../parts/new-password";
import { named, say } from "../../words/words";
import { signedIn } from "../session";
import { Door } from "./door";
import { useToken } from "./token";
import { useWait, Wait } from "./wait";

function Gone() {
  return (
    <Empty icon="warning" title={say("invitation.gone")}>
      <p>{say("invitation.gone-help")}</p>
      <p><a href="/sign-in">{say("setup.to-sign-in")}</a></p>
    </Empty>
  );
}

function Enter({ onToken }: { onToken: (token: string) => void }) {
  const [typed, setTyped] = useState("");
  return (
    <form class="stack" onSubmit={(event) => { event.preventDefault(); onToken(typed.trim()); }}>
      <TextField label={say("invitation.token")} help={say("invitation.token-help")} value={typed} onValue={setTyped} mono required focus />
      <Button kind="main" submit disabled={typed.trim() === ""}>{say("invitation.next")}</Button>
    </form>
  );
}

function Accept({ token }: { token: string }) {
  const whose = useAsked(() => answer(api.POST("/invitation", { body: { token } })), [token]);
  const [password, setPassword] = useState(noPassword);
  const act = useAct();
  const left = useWait(act.refusal);
  if (whose.error?.status === 404 || act.refusal?.status === 404) return <Gone />;
  /* Who has a second factor has the new password now, and signs in with both. */
  if (act.refusal?.code === "second-factor") {
    return (
      <Empty title={say("invitation.factor")}>
        <a href="/sign-in">{say("setup.to-sign-in")}</a>
      </Empty>
    );
  }
  if (whose.error) return <Refused refusal={whose.error} again={whose.again} />;
  if (!whose.data) return <p class="waiting soft">{say("common.loading")}</p>;
  const { person, name } = whose.data;
  const send = async () => {
    await answer(api.POST("/invitation/use", { body: { token, password: password.value } }));
    await signedIn();
  };
  return (
    <form class="stack" onSubmit={(event) => act.run(event, send)}>
      <p>{say("invitation.welcome", { name: named(name, person) })}</p>
      <p class="invited"><span class="small soft">{say("invitation.name")}</span><br /><code>{person}</code></p>
      <NewPasswordFields password={password} onPassword={setPassword} name={person} />
      {act.refusal && (act.refusal.status === 429 ? <Wait left={left} text={act.refusal.message} /> : <Refused refusal={act.refusal} />)}
      <Button kind="main" submit busy={act.busy} disabled={!passwordGood(password, person) || left > 0}>{say("invitation.do")}</Button>
    </form>
  );
}

export default function Invitation() {
  const [token, setToken] = useToken();
  return <Door title={say("invitation.title")}>{token ? <Accept key={token} token={token} /> : <Enter onToken={setToken} />}</Door>;
}
