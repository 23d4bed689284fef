/*
 * A question over the page: the browser's own modal dialog, so focus stays inside, Escape closes, and
 * focus goes back where it came from.
 */
import "./dialog.css";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Refusal } from "../api/client";
import { say } from "../words/words";
import { Button } from "./button";
import { Refused } from "./empty";

interface Props {
  title: string;
  children: ComponentChildren;
  onClose: () => void;
  /** What the main button does; a refusal is shown in the dialog, which stays open. */
  onDo?: () => Promise<void>;
  act?: string; /* its text */
  grave?: boolean;
  disabled?: boolean;
  wide?: boolean;
  must?: boolean; /* it ends by its act alone: what it shows is not shown again */
}
export function Dialog({ title, children, onClose, onDo, act, grave, disabled, wide, must }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal>();
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => {
      /* Browsers give focus back at close(), not where the element is taken away; and what had it may be gone. */
      if (document.activeElement !== document.body) return;
      const back = before && before !== document.body && before.isConnected ? before : document.querySelector<HTMLElement>("#content h1");
      back?.focus({ preventScroll: true });
    };
  }, []);
  const go = (event: SubmitEvent) => {
    event.preventDefault();
    if (!onDo) return;
    setBusy(true);
    setRefusal(undefined);
    onDo().then(onClose, (error: unknown) => {
      setRefusal(error instanceof Refusal ? error : new Refusal(0, "failed", String(error)));
      setBusy(false);
    });
  };
  return (
    <dialog ref={dialog} class={wide ? "dialog wide" : "dialog"} aria-labelledby="dialog-title"
      onCancel={(event) => { event.preventDefault(); if (!must) onClose(); }}
      /* Browsers close at a second Escape whatever is said. */
      onClose={() => must && dialog.current?.showModal()}>
      <form onSubmit={go}>
        <div class="row">
          <h2 id="dialog-title" class="grow">{title}</h2>
          {!must && <Button kind="quiet" icon="close" label={say("common.close")} onPress={onClose}>{""}</Button>}
        </div>
        <div class="stack dialog-body">{children}</div>
        {refusal && <Refused refusal={refusal} />}
        <div class="row dialog-acts">
          {!must && <Button onPress={onClose}>{onDo ? say("common.cancel") : say("common.close")}</Button>}
          {onDo && <Button kind={grave ? "grave" : "main"} submit busy={busy} disabled={disabled}>{act ?? say("common.ok")}</Button>}
        </div>
      </form>
    </dialog>
  );
}
