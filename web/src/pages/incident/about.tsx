/* What kind of incident this is, for a person who is no expert; and under which documents it was opened. */
import { answer, api, type Incident } from "../../api/client";
import { useAsked } from "../../api/use";
import { Answer, Empty } from "../../parts/empty";
import { Sheet } from "../../parts/sheet";
import { language, named, say, sayAdvice } from "../../words/words";
import { href } from "../router";

export function About({ incident, whole }: { incident: Incident; whole: boolean }) {
  const asked = useAsked(() => sayAdvice(incident.type), [incident.type, language.value]);
  return (
    <Answer asked={asked}>
      {(advice) => !advice.overview ? whole && <Sheet><Empty icon="book" title={say("incident.about.none")} /></Sheet> : (
        <Sheet title={say("incident.about.title", { type: named(incident.names.type, incident.type) })}>
          <p>{advice.overview}</p>
          <h3>{say("incident.about.advice")}</h3>
          <p>{advice.advice}</p>
          {whole
            ? <><h3>{say("incident.about.analysis")}</h3><p>{advice.analysis}</p></>
            : <details><summary>{say("incident.about.analysis")}</summary><p class="about-more">{advice.analysis}</p></details>}
        </Sheet>
      )}
    </Answer>
  );
}

export function Under({ incident }: { incident: Incident }) {
  const kinds = useAsked(() => answer(api.GET("/schemas")), []);
  const documents = incident.documents.split(" ").filter(Boolean).map((one) => one.split(":") as [string, string]);
  if (documents.length === 0) return <p class="soft">{say("incident.under.none")}</p>;
  return (
    <>
      <p class="soft">{say("incident.under.lead")}</p>
      <ul class="under">
        {documents.map(([kind, hash]) => (
          <li key={kind}>
            <a href={`${href("documents", incident.client, kind)}?version=${encodeURIComponent(hash)}`}>
              {named(kinds.data?.kinds.find((one) => one.kind === kind)?.name, kind)}</a>
            <span class="mono small soft">{hash.slice(0, 12)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
