/* What a form does: under way, or refused, or done. */
import { useState } from "preact/hooks";
import { Refusal } from "../api/client";

export function refusalOf(error: unknown): Refusal {
  return error instanceof Refusal ? error : new Refusal(0, "failed", String(error));
}
/** `const act = useAct(); … onSubmit={(event) => act.run(event, async () => { … })}` */
export function useAct() {
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  const run = (event: { preventDefault: () => void } | undefined, act: () => Promise<void>): void => {
    event?.preventDefault();
    if (busy) return;
    setBusy(true);
    setRefusal(undefined);
    act().catch((error: unknown) => setRefusal(refusalOf(error))).finally(() => setBusy(false));
  };
  return { busy, refusal, run, clear: () => setRefusal(undefined) };
}
