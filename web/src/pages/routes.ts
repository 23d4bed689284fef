/* Every page: its address, its file, its title.  Each is loaded when it is first opened. */
import type { Route } from "./router";

export const routes: Route[] = [
  { path: "/sign-in", load: () => import("./sign-in/sign-in"), title: "sign-in.title", open: true },
  { path: "/setup", load: () => import("./sign-in/setup"), title: "setup.title", open: true },
  { path: "/invitation", load: () => import("./sign-in/invitation"), title: "invitation.title", open: true },

  { path: "/queue", load: () => import("./queue/queue"), title: "queue.title" },
  { path: "/clients/:client", load: () => import("./home/home"), title: "home.title" },
  { path: "/incidents/:client/:number", load: () => import("./incident/incident"), title: "incident.title" },
  { path: "/incidents/:client", load: () => import("./queue/client-incidents"), title: "queue.client-title" },
  { path: "/documents/:client", load: () => import("./documents/documents"), title: "documents.title" },
  { path: "/documents/:client/:kind", load: () => import("./documents/document"), title: "documents.title" },
  { path: "/documents/:client/:kind/edit", load: () => import("./documents/edit"), title: "documents.edit" },
  { path: "/documents/:client/:kind/compare", load: () => import("./documents/compare"), title: "documents.compare" },
  { path: "/search/:client", load: () => import("./search/search"), title: "search.title" },
  { path: "/archive/:client", load: () => import("./archive/archive"), title: "archive.title" },
  { path: "/provision/:client", load: () => import("./provision/provision"), title: "provision.title" },
  { path: "/provision/:client/new", load: () => import("./provision/ask"), title: "provision.ask" },
  { path: "/provision/:client/:id", load: () => import("./provision/request"), title: "provision.title" },
  { path: "/offboarding/:client", load: () => import("./provision/offboarding"), title: "ending.title" },
  { path: "/sources/:client", load: () => import("./sources/sources"), title: "sources.title" },
  { path: "/people", load: () => import("./people/people"), title: "people.title" },
  { path: "/people/:client", load: () => import("./people/client-people"), title: "people.title" },
  { path: "/health", load: () => import("./health/health"), title: "health.title" },
  { path: "/account", load: () => import("./account/account"), title: "account.title" },
];
