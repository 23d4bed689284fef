/*
 * The second factor: a secret that an authenticator app is given (as a picture, or typed), its first code,
 * then recovery codes, which are shown this once.
 */
import { useEffect, useState } from "preact/hooks";
import { answer, api, type Me, type Schemas } from "../../api/client";
import { meAsk } from "../../api/me";
import { useAct } from "../../parts/act";
import { Badge } from "../../parts/badge";
import { Button } from "../../parts/button";
import { CopyButton, Once } from "../../parts/copy";
import { Dialog } from "../../parts/dialog";
import { Refused } from "../../parts/empty";
import { CheckField, TextField } from "../../parts/field";
import { Icon } from "../../parts/icon";
import { Sheet } from "../../parts/sheet";
import { toast } from "../../parts/toast";
import { say } from "../../words/words";

type Secret = { secret: string; uri: string };
const LOW = 3; /* recovery codes that are left */

/** The otpauth address as a QR code: one path, one unit a module, with the quiet zone that readers want. */
function Qr({ text }: { text: string }) {
  const [drawn, setDrawn] = useState<{ size: number; path: string }>();
  useEffect(() => {
    void import("uqr").then(({ encode }) => {
      const { data, size } = encode(text, { ecc: "M", border: 4 });
      const path = data.flatMap((line, y) => line.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
      setDrawn({ size, path });
    }, () => undefined);
  }, [text]);
  if (!drawn) return <div class="qr" />;
  return (
    <svg class="qr" role="img" aria-label={say("account.factor-qr")} viewBox={`0 0 ${drawn.size} ${drawn.size}`} shape-rendering="crispEdges">
      <path d={drawn.path} />
    </svg>
  );
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  const [taken, setTaken] = useState(false);
  return (
    <Dialog title={say("account.codes")} must onClose={onClose} onDo={() => Promise.resolve()} act={say("account.codes-done")} disabled={!taken}>
      <p>{say("account.codes-help")}</p>
      <ol class="codes mono">{codes.map((code) => <li key={code}>{code}</li>)}</ol>
      <div class="row">
        <CopyButton quiet={false} text={codes.join("\n")} />
        <Button onPress={() => window.print()}>{say("account.print")}</Button>
      </div>
      <CheckField label={say("account.codes-taken")} value={taken} onValue={setTaken} />
    </Dialog>
  );
}

function Begin({ onCodes, onClose }: { onCodes: (codes: string[]) => void; onClose: () => void }) {
  const [secret, setSecret] = useState<Secret>();
  const [code, setCode] = useState("");
  const act = useAct();
  const begin = () => act.run(undefined, async () => setSecret(await answer(api.POST("/me/second-factor", { body: {} }))));
  useEffect(begin, []);
  const confirm = async () => {
    const got = await answer(api.PUT("/me/second-factor", { body: { code: code.replace(/\s/g, "") } }));
    onCodes(got.recovery_codes);
  };
  return (
    <Dialog title={say("account.factor-begin")} onClose={onClose} onDo={secret && confirm} act={say("account.factor-confirm")}
      disabled={!/^\s*(\d\s*){6}$/.test(code)}>
      {act.refusal && <Refused refusal={act.refusal} again={begin} />}
      {secret && (
        <>
          <ol class="steps">
            <li>
              <p>{say("account.factor-scan")}</p>
              <Qr text={secret.uri} />
              <details>
                <summary class="small">{say("account.factor-type")}</summary>
                <Once label={say("account.factor-secret")} text={secret.secret.replace(/(.{4})(?=.)/g, "$1 ")} />
                <p class="small"><a href={secret.uri}>{say("account.factor-open")}</a></p>
              </details>
            </li>
            <li>
              <TextField label={say("account.factor-first")} help={say("sign-in.code-help")} value={code} onValue={setCode}
                complete="one-time-code" inputMode="numeric" required maxLength={16} />
            </li>
          </ol>
        </>
      )}
    </Dialog>
  );
}

/** Asks for a code before something that weakens the account. */
function AskCode({ title, help, grave, onCode, onClose }:
  { title: string; help: string; grave?: boolean; onCode: (code: string) => Promise<void>; onClose: () => void }) {
  const [code, setCode] = useState("");
  return (
    <Dialog title={title} onClose={onClose} onDo={() => onCode(code.trim())} act={title} grave={grave} disabled={code.trim() === ""}>
      <p>{help}</p>
      <TextField label={say("sign-in.code")} help={say("sign-in.code-help")} value={code} onValue={setCode} complete="one-time-code"
        inputMode="numeric" required focus maxLength={64} />
    </Dialog>
  );
}

function Left({ person }: { person: Me }) {
  const low = person.recovery_codes <= LOW;
  return <p class={low ? "codes-low" : "soft"}>{low && <Icon name="warning" />} {say("account.codes-left", { count: person.recovery_codes })}
    {low && ` ${say("account.codes-low")}`}</p>;
}

export function Factor({ person }: { person: Schemas["Me"] }) {
  const [open, setOpen] = useState<"begin" | "codes" | "end">();
  const [codes, setCodes] = useState<string[]>();
  const close = () => setOpen(undefined);
  const shut = async () => {
    setCodes(undefined);
    await meAsk().catch(() => undefined);
  };
  const renew = async (code: string) => setCodes((await answer(api.POST("/me/second-factor/recovery-codes", { body: { code } }))).recovery_codes);
  const end = async (code: string) => {
    await answer(api.POST("/me/second-factor/removal", { body: { code } }));
    toast(say("account.factor-ended"));
    await meAsk();
  };
  return (
    <Sheet title={say("account.factor")} tone={person.second_factor ? undefined : "high"} acts={person.second_factor
      ? <Badge tone="steady" icon="check">{say("account.factor-on")}</Badge>
      : <Badge tone="high" icon="warning">{say("account.factor-off")}</Badge>}>
      <p class="soft">{say("account.factor-help")}</p>
      {person.second_factor && <Left person={person} />}
      <div class="row">
        {person.second_factor ? (
          <>
            <Button onPress={() => setOpen("codes")}>{say("account.codes-renew")}</Button>
            <Button kind="grave" onPress={() => setOpen("end")}>{say("account.factor-end")}</Button>
          </>
        ) : <Button kind="main" onPress={() => setOpen("begin")}>{say("account.factor-begin")}</Button>}
      </div>
      {open === "begin" && !codes && <Begin onCodes={setCodes} onClose={close} />}
      {open === "codes" && !codes && <AskCode title={say("account.codes-renew")} help={say("account.codes-renew-help")} onCode={renew} onClose={close} />}
      {open === "end" && <AskCode grave title={say("account.factor-end")} help={say("account.factor-end-help")} onCode={end} onClose={close} />}
      {codes && <Codes codes={codes} onClose={() => { close(); void shut(); }} />}
    </Sheet>
  );
}
