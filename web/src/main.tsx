/* The start: words, who is signed in, then the page of the address. */
import "./parts/tokens.css";
import "./parts/base.css";
import { render } from "preact";
import { lookShow } from "./pages/look";
import { Pages } from "./pages/pages";
import { routerStart } from "./pages/router";
import { sessionStart } from "./pages/session";

lookShow();
routerStart();
void sessionStart().then(() => render(<Pages />, document.getElementById("page")!));
