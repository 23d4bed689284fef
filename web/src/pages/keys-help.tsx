/* The list of keys, and the switch for them. */
import "./keys-help.css";
import { Dialog } from "../parts/dialog";
import { CheckField } from "../parts/field";
import { say } from "../words/words";
import { keysKnown, keysOn, keysShown, keysUse } from "./keys";

export function KeysHelp() {
  return (
    <Dialog title={say("keys.title")} onClose={() => { keysShown.value = false; }}>
      <CheckField label={say("keys.on")} value={keysOn.value} onValue={keysUse} />
      {keysKnown().filter((group) => group.keys.length > 0).map((group) => (
        <section key={group.title} class="keys-group">
          <h3>{group.title}</h3>
          <dl class="keys-list">
            {group.keys.map((key) => (
              <div key={key.keys}>
                <dt>{key.keys.split(" ").map((one) => <kbd key={one}>{one}</kbd>)}</dt>
                <dd>{key.text}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <p class="small soft">{say("keys.more")}</p>
    </Dialog>
  );
}
