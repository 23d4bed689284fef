/* What is pressed.  One `main` act on a page at most; `busy` while it is under way. */
import "./button.css";
import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./icon";

interface Props {
  children: ComponentChildren;
  onPress?: (event: MouseEvent) => void;
  kind?: "main" | "plain" | "quiet" | "grave";
  icon?: IconName;
  busy?: boolean;
  disabled?: boolean;
  submit?: boolean;
  label?: string; /* for screen readers, where the children are a sign alone */
  pressed?: boolean;
}
export function Button({ children, onPress, kind = "plain", icon, busy, disabled, submit, label, pressed }: Props) {
  return (
    <button type={submit ? "submit" : "button"} class={`button ${kind}`} onClick={onPress} aria-label={label}
      aria-busy={busy || undefined} aria-pressed={pressed} title={label} disabled={disabled || busy}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

/** A link that looks like a button: it leads somewhere and can be opened in another tab. */
export function ButtonLink({ children, href, kind = "plain", icon, download }:
  { children: ComponentChildren; href: string; kind?: Props["kind"]; icon?: IconName; download?: string /* the file's name */ }) {
  return (
    <a class={`button ${kind}`} href={href} download={download}>
      {icon && <Icon name={icon} />}
      {children}
    </a>
  );
}
