/* Changing my password: every other session of mine ends with it. */
import { useState } from "preact/hooks";
import { answer, api, type Me } from "../../api/client";
import { Button } from "../../parts/button";
import { Dialog } from "../../parts/dialog";
import { TextField } from "../../parts/field";
import { NewPasswordFields, noPassword, passwordGood } from "../../parts/new-password";
import { Sheet } from "../../parts/sheet";
import { toast } from "../../parts/toast";
import { say } from "../../words/words";

export function Password({ person }: { person: Me }) {
  const [open, setOpen] = useState(false);
  return (
    <Sheet title={say("account.password")} acts={<Button onPress={() => setOpen(true)}>{say("account.password-change")}</Button>}>
      <p class="soft">{say("account.password-help")}</p>
      {open && <Change person={person} onClose={() => setOpen(false)} />}
    </Sheet>
  );
}

function Change({ person, onClose }: { person: Me; onClose: () => void }) {
  const [old, setOld] = useState("");
  const [password, setPassword] = useState(noPassword);
  const change = async () => {
    await answer(api.PUT("/me/password", { body: { old, new: password.value } }));
    toast(say("account.password-changed"));
  };
  return (
    <Dialog title={say("account.password-change")} onClose={onClose} onDo={change} act={say("account.password-change")}
      disabled={old === "" || !passwordGood(password, person.person)}>
      <TextField label={say("account.password-old")} type="password" value={old} onValue={setOld} complete="current-password" required focus />
      <NewPasswordFields password={password} onPassword={setPassword} name={person.person} />
    </Dialog>
  );
}
