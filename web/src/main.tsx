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
const page = document.getElementById("page")!;

/* Not even the words came: what is then shown stands in index.html, in both languages. */
function lostShow() {
  page.append(document.querySelector<HTMLTemplateElement>("#lost")!.content.cloneNode(true));
  page.querySelector("button")!.onclick = () => location.reload();
}

void sessionStart().then(() => render(<Pages />, page), lostShow);
