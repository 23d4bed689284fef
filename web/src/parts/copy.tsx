/* Copying to the clipboard, and secrets that are shown once. */
import "./copy.css";
import { useEffect, useState } from "preact/hooks";
import { say } from "../words/words";
import { Button } from "./button";

/* Where the page is not on HTTPS there is no clipboard; an old way still works then. */
async function copy(text: string, near: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "only-read";
    near.after(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

export function CopyButton({ text, about, word, quiet = true }:
  { text: string; about?: string; word?: string; quiet?: boolean }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const wait = window.setTimeout(() => setDone(false), 2000);
    return () => window.clearTimeout(wait);
  }, [done]);
  const press = (event: MouseEvent) => {
    const button = event.currentTarget as HTMLElement;
    void copy(text, button).then((copied) => {
      setDone(copied);
      button.focus();
    });
  };
  return (
    <Button kind={quiet ? "quiet" : "plain"} icon={done ? "check" : "copy"} onPress={press}
      label={about && !done ? `${say("common.copy")}: ${about}` : undefined}>
      {done ? say("common.copied") : (word ?? say("common.copy"))}
    </Button>
  );
}

/** A secret or a link that is shown this once, whole, to be taken along. */
export function Once({ label, text }: { label: string; text: string }) {
  return (
    <div class="once">
      <div class="row">
        <span class="label grow">{label}</span>
        <CopyButton text={text} about={label} />
      </div>
      <code class="once-text">{text}</code>
    </div>
  );
}
