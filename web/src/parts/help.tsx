/* A small question mark that opens an explanation beside a word; works by pointer and by keyboard. */
import "./help.css";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { say } from "../words/words";
import { Icon } from "./icon";

export function Help({ about, children }: { about: string; children: ComponentChildren }) {
  const id = useId();
  return (
    <span class="help">
      <button type="button" class="help-mark" popovertarget={id} aria-label={say("common.help-about", { about })}>
        <Icon name="help" />
      </button>
      <span id={id} popover="auto" class="help-text">{children}</span>
    </span>
  );
}
