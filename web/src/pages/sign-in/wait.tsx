/* After too many tries: how long to wait, counted down, then nothing. */
import { useEffect, useState } from "preact/hooks";
import type { Refusal } from "../../api/client";
import { Icon } from "../../parts/icon";
import { say, saySpan } from "../../words/words";

/** The seconds that are left, from the moment of the refusal on. */
export function useWait(refusal: Refusal | undefined): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    if (refusal?.status !== 429) {
      setLeft(0);
      return;
    }
    const end = Date.now() + (refusal.retrySeconds ?? 60) * 1000;
    const look = () => setLeft(Math.max(0, Math.ceil((end - Date.now()) / 1000)));
    look();
    const timer = window.setInterval(look, 500);
    return () => window.clearInterval(timer);
  }, [refusal]);
  return left;
}
export function Wait({ left, text }: { left: number; text: string }) {
  return (
    <div class="refused">
      <Icon name="clock" />
      <div>
        <p role="alert">{text}</p>
        <p role="timer"><strong>{left > 0 ? say("sign-in.wait", { span: saySpan(left * 1000) }) : say("sign-in.wait-over")}</strong></p>
      </div>
    </div>
  );
}
