/* The first administrator of an installation at which nobody can sign in yet. */
import "./sign-in.css";
import { useState } from "preact/hooks";
import { answer, api } from "../../api/client";
import { useAct } from "../../parts/act";
import { Button } from "../../parts/button";
import { Refused } from "../../parts/empty";
import { TextField } from "../../parts/field";
import { NewPasswordFields, noPassword, passwordGood } from "../../parts/new-password";
import { say } from "../../words/words";
import { signedIn } from "../session";
import { Door } from "./door";
import { useToken } from "./token";
import { useWait, Wait } from "./wait";

const SLUG = /^[a-z0-9][a-z0-9-]{0,62}$/;
const slugWrong = (text: string) => (text === "" || SLUG.test(text) ? undefined : say("setup.slug-wrong"));

export default function Setup() {
  const [token, setToken] = useToken();
  const [party, setParty] = useState("");
  const [person, setPerson] = useState("");
  const [password, setPassword] = useState(noPassword);
  const act = useAct();
  const left = useWait(act.refusal);
  const name = `${party}/${person}`;
  const ready = token !== "" && SLUG.test(party) && SLUG.test(person) && passwordGood(password, name);
  const send = async () => {
    await answer(api.POST("/setup", { body: { token: token.trim(), party, person, password: password.value } }));
    await signedIn();
  };
  const gone = act.refusal?.status === 404;
  return (
    <Door title={say("setup.title")}>
      <p class="soft">{say("setup.lead")}</p>
      <form class="stack" onSubmit={(event) => act.run(event, send)}>
        <TextField label={say("setup.token")} help={say("setup.token-help")} value={token} onValue={setToken} mono required
          wrong={gone ? say("setup.token-gone") : undefined} />
        <TextField label={say("setup.party")} help={say("setup.party-help")} value={party} onValue={setParty} required maxLength={63}
          wrong={slugWrong(party)} />
        <TextField label={say("setup.person")} help={say("setup.person-help")} value={person} onValue={setPerson} required maxLength={63}
          wrong={slugWrong(person)} />
        {SLUG.test(party) && SLUG.test(person) ? <p class="small">{say("setup.name-is", { name })}</p> : null}
        <NewPasswordFields password={password} onPassword={setPassword} name={name} />
        {act.refusal && !gone && (act.refusal.status === 429 ? <Wait left={left} text={act.refusal.message} /> : <Refused refusal={act.refusal} />)}
        <Button kind="main" submit busy={act.busy} disabled={!ready || left > 0}>{say("setup.do")}</Button>
      </form>
      <p class="small"><a href="/sign-in">{say("setup.to-sign-in")}</a></p>
    </Door>
  );
}
