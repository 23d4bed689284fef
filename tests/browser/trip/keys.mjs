/* From the door to the client's decision without a mouse: letters, Tab, Enter, Space and arrow keys alone. */
import { browserStart, check, sendLine, settings, settled, WAIT, windowOpen } from "../lib/browser.mjs";
import { sayer, shows, stands } from "../lib/incident.mjs";

const TABS_MAX = 60;
const { language, people } = settings;
const say = sayer(language);
const browser = await browserStart();

/** Tab after Tab, until what has the focus is called so. */
async function tabTo({ page }, name, key = "Tab") {
  for (let i = 0; i < TABS_MAX; i++) {
    const at = await page.evaluate(() => {
      const e = document.activeElement;
      const texts = [e?.getAttribute("aria-label"), ...[...(e?.labels ?? [])].map((l) => l.innerText), e?.tagName === "BODY" ? "" : e?.innerText];
      return texts.filter(Boolean).map((text) => text.replace(/\s*\*$/, "").trim());
    });
    if (at.some((text) => (typeof name === "string" ? text === name : name.test(text)))) return true;
    await page.keyboard.press(key);
  }
  throw new Error(`Tab does not lead to ${name}`);
}
async function fill(window, label, text) {
  await tabTo(window, label);
  await window.page.keyboard.type(text);
}
async function press(window, name, key = "Enter") {
  await tabTo(window, name);
  await window.page.keyboard.press(key);
}
async function door(person) {
  const window = await windowOpen(browser, { language });
  await window.page.goto(settings.portal);
  await settled(window.page);
  await fill(window, say("sign-in.name"), person.name);
  await window.page.keyboard.press("Tab");
  await window.page.keyboard.type(person.password);
  await window.page.keyboard.press("Enter");
  await window.page.waitForURL((url) => !url.pathname.startsWith("/sign-in"), WAIT);
  await settled(window.page);
  return window;
}
async function dialogOpen({ page }) {
  await page.getByRole("dialog").waitFor({ state: "visible", ...WAIT });
}
async function dialogGone({ page }) {
  await page.getByRole("dialog").waitFor({ state: "detached", ...WAIT });
}
const rowAt = ({ page }) => page.evaluate(() => {
  const links = [...document.querySelectorAll("[data-row-link]")];
  return links.indexOf(document.activeElement);
});

/* ---- The analyst. */
const desk = await door(people["watch/analyst"]);
const keyboard = desk.page.keyboard;
await sendLine(settings.syslog, `10.0.1.200:443 198.51.100.99 - - [22/Nov/2026:03:04:05 +0900] "GET /?q=1%27%20UNION%20SELECT%201 HTTP/1.1" 200 5 "-" "-"`);
await desk.page.waitForFunction(() => document.querySelectorAll("[data-row-link]").length > 1, undefined, WAIT);
await keyboard.press("j");
await keyboard.press("j");
check((await rowAt(desk)) === 1, "j goes down the queue");
await keyboard.press("k");
check((await rowAt(desk)) === 0, "k goes up again");
await keyboard.press("ArrowDown");
check((await rowAt(desk)) === 1, "and so do the arrow keys");
await keyboard.press("ArrowUp");
await keyboard.press("Enter");
await desk.page.waitForURL(/\/incidents\//, WAIT);
await stands(desk, "detected");
const at = desk.page.url();
check(true, "Enter opens the incident");
await keyboard.press("c");
await dialogOpen(desk);
await keyboard.type("Looked at by keyboard.");
await press(desk, say("incident.act.record"));
await dialogGone(desk);
await shows(desk, "Looked at by keyboard.");
check(true, "a note is written");
await keyboard.press("a");
await dialogOpen(desk);
await press(desk, say("incident.act.cause"));
await dialogGone(desk);
await stands(desk, "cause");
await keyboard.press("a");
await dialogOpen(desk);
await fill(desk, say("incident.act.countermeasure.text"), "The parameter q reaches the database.");
await press(desk, say("incident.act.countermeasure.do"));
await dialogGone(desk);
await stands(desk, "countermeasure");
await keyboard.press("a");
await dialogOpen(desk);
await fill(desk, say("incident.act.propose.text"), "Block the address");
await press(desk, say("incident.act.propose.more"));
await desk.page.getByRole("group", { name: say("incident.act.propose.option", { number: 2 }) }).waitFor(WAIT);
await tabTo(desk, say("incident.act.propose.text"), "Shift+Tab");
await keyboard.type("Mend the page");
await press(desk, say("incident.act.propose.do"));
await dialogGone(desk);
await stands(desk, "coordination");
check(true, "two countermeasures are proposed");

/* ---- The client. */
const head = await door(people["acme/head"]);
await head.page.getByText(say("incident.todo.decision"), { exact: true }).waitFor(WAIT);
await press(head, say("incident.act.decide"));
await head.page.waitForURL(at, WAIT);
await stands(head, "coordination");
check(true, "from home, Tab and Enter lead to what waits for a decision");
await head.page.keyboard.press("a");
await dialogOpen(head);
await tabTo(head, /^1\. Block the address/);
await head.page.keyboard.press("ArrowDown");
check(await head.page.getByRole("radio", { name: /^2\. Mend the page/ }).isChecked(), "arrow keys choose");
await fill(head, say("incident.reason"), "It is gone for good then.");
await press(head, say("incident.act.decide.do"));
await dialogGone(head);
await stands(head, "executing");
await stands(desk, "executing");
check(true, "the client decides, and the analyst sees it");
await desk.page.keyboard.press("u");
await desk.page.waitForURL(/\/queue$/, WAIT);
check([desk, head].every((one) => one.trouble.list.length === 0), "nothing was amiss on the way", [desk.trouble.list, head.trouble.list]);
await browser.close();
