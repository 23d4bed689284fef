/* The sources of a client by name, for pages that are told slugs: its own name, else that of `log-sources`. */
import { answer, api } from "../../api/client";
import { useAsked } from "../../api/use";
import { named, type Names } from "../../words/words";
import { optional } from "../home/asked";

export interface Sources {
  list: { source: string; text: string }[]; /* in their order; empty until they are known */
  name: (slug: string) => string;
}
export function useSources(client: string): Sources {
  const { data } = useAsked(async () => {
    const [known, agreed] = await Promise.all([
      answer(api.GET("/clients/{client}/sources", { params: { path: { client } } })),
      optional(answer(api.GET("/clients/{client}/documents/{kind}", { params: { path: { client, kind: "log-sources" } } }))),
    ]);
    const { sources: written } = (agreed?.document ?? {}) as { sources?: { slug: string; name?: Names }[] };
    return known.sources.map(({ source, name }) =>
      ({ source, name, agreed: written?.find((one) => one.slug === source)?.name }));
  }, [client]);
  const list = (data ?? []).map(({ source, name, agreed }) => ({ source, text: named(name, named(agreed, source)) }));
  return { list, name: (slug) => list.find((one) => one.source === slug)?.text ?? slug };
}
