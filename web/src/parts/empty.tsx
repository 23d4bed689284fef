/* What stands where there is nothing, or nothing yet: why, and what to do next. */
import "./empty.css";
import type { ComponentChildren } from "preact";
import type { Refusal } from "../api/client";
import type { Asked } from "../api/use";
import { say } from "../words/words";
import { Button } from "./button";
import { Icon, type IconName } from "./icon";

export function Empty({ icon = "check", title, children }: { icon?: IconName; title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p class="label"><strong>{title}</strong></p>
      {children && <div class="soft">{children}</div>}
    </div>
  );
}

/** A refusal in the service's own words. */
export function Refused({ refusal, again }: { refusal: Refusal; again?: () => void }) {
  const text = refusal.message || say(refusal.code === "unreachable" ? "common.unreachable" : "common.failed");
  return (
    <div class="refused" role="alert">
      <Icon name="warning" />
      <div class="grow">
        <p>{text}</p>
        {refusal.detail && <p class="small soft" lang="en">{refusal.detail}</p>}
      </div>
      {again && <Button onPress={again}>{say("common.again")}</Button>}
    </div>
  );
}

/** The answer once it is there; else that it is awaited, or why it did not come. */
export function Answer<T>({ asked, children }: { asked: Asked<T>; children: (data: T) => ComponentChildren }) {
  if (asked.data !== undefined) {
    return (
      <>
        {asked.error && <Refused refusal={asked.error} again={asked.again} />}
        {children(asked.data)}
      </>
    );
  }
  if (asked.error) return <Refused refusal={asked.error} again={asked.again} />;
  return <p class="waiting soft" aria-live="polite">{say("common.loading")}</p>;
}
