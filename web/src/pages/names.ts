/* Names behind "PARTY/PERSON" and behind the slugs of contacts, as far as this person may know them. */
import { answer, api, type Schemas } from "../api/client";
import { me } from "../api/me";
import { useAsked } from "../api/use";
import { named, say, type Names as Text } from "../words/words";

type Contact = { slug: string; name: Text };
interface Known {
  people: Map<string, Text>;
  contacts: Contact[];
}
/* Of a document only what a page shows is looked at, since its type is that of its kind. */
function contactsOf(document: unknown): Contact[] {
  const { people, gateways } = (document ?? {}) as { people?: Contact[]; gateways?: Contact[] };
  return [...(people ?? []), ...(gateways ?? [])];
}
/** The client's own people, and who works for it. */
function peopleOf(own: Schemas["Person"][], engagements: Schemas["Engagement"][]): Map<string, Text> {
  const working = engagements.flatMap(({ party, people }) =>
    people.map(({ person, name }): [string, Text] => [`${party}/${person}`, name]));
  return new Map([...own.map(({ person, name }): [string, Text] => [person, name]), ...working]);
}

export interface Names {
  person: (who: string) => string;
  contact: (slug: string) => string;
}
export function useNames(client: string): Names {
  const { data } = useAsked<Known>(async () => {
    const params = { path: { client } };
    const [people, engagements, contacts] = await Promise.allSettled([
      answer(api.GET("/clients/{client}/people", { params })),
      answer(api.GET("/clients/{client}/engagements", { params })),
      answer(api.GET("/clients/{client}/documents/{kind}", { params: { path: { client, kind: "contacts" } } })),
    ]);
    return {
      people: peopleOf(
        people.status === "fulfilled" ? people.value.people : [],
        engagements.status === "fulfilled" ? engagements.value.engagements : []),
      contacts: contacts.status === "fulfilled" ? contactsOf(contacts.value.document) : [],
    };
  }, [client], (change) => change.client === client && change.what === "people");
  return {
    person: (who) => {
      if (who === me.value?.person) return say("incident.you", { name: named(me.value.name, who) });
      if (who === "hinomi" || who.startsWith("hinomi/") || who.startsWith("uid:")) return say("incident.service");
      return named(data?.people.get(who), who);
    },
    contact: (slug) => named(data?.contacts.find((one) => one.slug === slug)?.name, slug),
  };
}
