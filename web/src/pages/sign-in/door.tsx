/* The frame of the pages before somebody is signed in. */
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { Icon } from "../../parts/icon";
import { language, languageUse, say } from "../../words/words";

export function Door({ title, children }: { title: string; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} – Hinomi`;
  }, [title]);
  const other = language.value === "ja" ? "en" : "ja";
  return (
    <main class="door">
      <div class="door-sheet">
        <div class="door-brand"><Icon name="tower" /><span>Hinomi <span lang="ja">火の見</span></span></div>
        <h1>{title}</h1>
        {children}
        <button type="button" class="door-language" lang={other} onClick={() => void languageUse(other)}>
          {other === "ja" ? "日本語" : "English"}
        </button>
        <p class="small soft">{say("sign-in.about")}</p>
      </div>
    </main>
  );
}
