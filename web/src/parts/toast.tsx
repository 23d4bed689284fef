/* A short word about what was just done.  It goes by itself, and is read aloud. */
import "./toast.css";
import { signal } from "@preact/signals";

const toasts = signal<{ id: number; text: string }[]>([]);
let last = 0;
export function toast(text: string): void {
  const id = ++last;
  /* The same word again takes the place of the first. */
  toasts.value = [...toasts.value.filter((t) => t.text !== text).slice(-3), { id, text }];
  window.setTimeout(() => { toasts.value = toasts.value.filter((t) => t.id !== id); }, 6000);
}
export function Toasts() {
  return (
    <div class="toasts no-print" role="status" aria-live="polite">
      {toasts.value.map((t) => <div key={t.id} class="toast">{t.text}</div>)}
    </div>
  );
}
