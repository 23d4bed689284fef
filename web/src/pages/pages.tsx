/* The page of the present address, in its frame.  Focus goes to its heading when it changes. */
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { me } from "../api/me";
import { Empty, Refused } from "../parts/empty";
import { Refusal } from "../api/client";
import { say } from "../words/words";
import { address, go, routeOf, type PageProps, type Route } from "./router";
import { routes } from "./routes";
import { firstPage } from "./session";
import { Shell } from "./shell";

const loaded = new Map<Route, ComponentType<PageProps>>();

function useLoaded(route: Route | undefined): { page?: ComponentType<PageProps>; failed: boolean } {
  const [, draw] = useState(0);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    setFailed(false);
    if (!route || loaded.has(route)) return;
    route.load().then(
      (module) => {
        loaded.set(route, module.default);
        draw((n) => n + 1);
      },
      () => setFailed(true),
    );
  }, [route]);
  return { page: route && loaded.get(route), failed };
}

export function Pages() {
  const at = address.value;
  const found = routeOf(routes, at);
  const path = at.split("?")[0]!;
  const { page: Page, failed } = useLoaded(found?.route);
  useEffect(() => {
    document.querySelector<HTMLElement>("#content h1")?.focus({ preventScroll: true });
  }, [path, Page]);
  if (path === "/") {
    if (me.value) queueMicrotask(() => go(firstPage(), true));
    return null;
  }
  const inside = failed
    ? <Refused refusal={new Refusal(0, "unreachable", "")} again={() => location.reload()} />
    : !found ? <Empty icon="warning" title={say("common.no-page")}><a href="/">{say("common.first-page")}</a></Empty>
    : Page ? <Page key={path} {...found.props} /> : <p class="waiting soft">{say("common.loading")}</p>;
  if (found?.route.open) return inside;
  if (!me.value) return null;
  return <Shell params={found?.props.params ?? {}} path={path}>{inside}</Shell>;
}
