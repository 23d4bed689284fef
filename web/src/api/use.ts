/*
 * What a page shows, asked for now and again when it changes:
 *
 *     const incident = useAsked(() => answer(api.GET(…)), [client, number], (c) => c.what === "incident");
 *
 * While it is asked for again the old answer stays, so nothing flickers; an answer that a later
 * question overtook is dropped.  What one may not see any more is not shown any longer.
 */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { Refusal } from "./client";
import { listen, type Change } from "./live";

export interface Asked<T> {
  data: T | undefined;
  error: Refusal | undefined;
  loading: boolean;
  again: () => void;
}

export function useAsked<T>(
  ask: () => Promise<T>,
  on: readonly unknown[],
  matters: (change: Change) => boolean = () => false,
): Asked<T> {
  const [state, set] = useState<Omit<Asked<T>, "again">>({ data: undefined, error: undefined, loading: true });
  const latest = useRef(0);
  const question = useRef(ask);
  question.current = ask;
  const concerns = useRef(matters);
  concerns.current = matters;

  const again = useCallback(() => {
    const turn = ++latest.current;
    set((old) => ({ ...old, loading: true }));
    question.current().then(
      (data) => turn === latest.current && set({ data, error: undefined, loading: false }),
      (error: unknown) => {
        if (turn !== latest.current) return;
        const refusal = error instanceof Refusal ? error : new Refusal(0, "failed", String(error));
        const taken = refusal.status === 403 || refusal.status === 404;
        set((old) => ({ data: taken ? undefined : old.data, error: refusal, loading: false }));
      },
    );
  }, []);

  useEffect(() => {
    set({ data: undefined, error: undefined, loading: true });
    again();
  }, on);
  useEffect(() => {
    let waits: number | undefined;
    /* Several changes at once are one question. */
    const stop = listen((change) => {
      if (change !== null && !concerns.current(change)) return;
      window.clearTimeout(waits);
      waits = window.setTimeout(again, 20);
    });
    return () => {
      stop();
      window.clearTimeout(waits);
      latest.current++;
    };
  }, []);
  return { ...state, again };
}
