/* Hostile strings as log fields, names and notes: on every page that shows them they stay text. */
import { browserStart, check, open, settings, settled, signIn, WAIT, windowOpen, word, wordLike } from "../lib/browser.mjs";

const { client, incident, evidence, markers } = settings;
const browser = await browserStart();
const asked = (query) => `/search/${client}?q=${encodeURIComponent(query)}`;
/* The pages that anything hostile comes to; what has room for all strings must show them all. */
const WHOLE = [
  "/queue", `/documents/${client}/assets`, asked("mark*"),
  asked("mark* | dedup user.name | fields message, user.name, user_agent.original, host.name, file.path, url.original"), asked("mark* | top 500 user.name"),
];
const PARTS = [
  `/clients/${client}`, `/incidents/${client}/${incident}`, `/incidents/${client}/${incident}?tab=notices`, `/incidents/${client}/${evidence}?tab=evidence`,
  `/documents/${client}/assets/edit`, `/documents/${client}/contacts`, `/documents/${client}/contacts/edit`, `/people/${client}`,
];
const EVERY = 24; /* which line of a search is opened: those out of sight are not drawn, and a table shows the fields of all */
/* What brings more of a list, once its first rows are explained. */
const BUTTONS = [["incident.why.ask"], ["search.older", "queue.older", "incident.older", "incident.evidence.more"]];

/** What comes only when it is asked for comes, and whatever opens is opened, at once: rows, lines, explanations. */
async function openAll(window) {
  const press = (texts) => window.page.evaluate((wanted) => {
    const buttons = [...document.querySelectorAll("#content button")]
      .filter((button) => wanted.some((text) => new RegExp(`^${text}$`).test(button.textContent.trim())));
    for (const button of buttons) button.click();
    return buttons.length;
  }, texts);
  const [why, more] = BUTTONS.map((keys) => keys.map((key) => wordLike(window.language, key).source));
  let pressed = await press(why);
  for (let turn = 0; turn < 50 && (turn === 0 || pressed > 0); turn++) {
    /* The top values beside a search too: who searches twice at once has to wait. */
    await window.page.waitForFunction((loading) => {
      const content = document.querySelector("#content");
      return !content.querySelector("[aria-busy=true]") && !content.textContent.includes(loading);
    }, word(window.language, "common.loading"), WAIT);
    await settled(window.page);
    pressed = await press(more);
  }
  await window.page.evaluate((every) => {
    for (const one of document.querySelectorAll("#content details:not([open]) > summary, #content button.row-link")) one.click();
    for (const one of [...document.querySelectorAll("#content [data-line]")].filter((_, index) => index % every === 0)) one.click();
  }, EVERY);
  await settled(window.page);
}

async function look(who) {
  /* So high that every row of a table is drawn. */
  const window = await windowOpen(browser, { language: who === "provider" ? "en" : "ja", height: 40_000 });
  await window.context.addInitScript(() => {
    window.__ran = 0; /* what a string that comes alive would call */
    window.hinomiRan = () => { window.__ran++; };
  });
  await signIn(window, settings.people[who].name, settings.people[who].password);
  const seen = new Set();
  for (const path of [...WHOLE, ...PARTS]) {
    window.trouble.list.length = 0;
    const began = performance.now();
    await open(window, path);
    await openAll(window);
    const state = await window.page.evaluate((wanted) => {
      const text = document.body.innerText;
      const all = text + [...document.querySelectorAll("input, textarea")].map((e) => e.value).join("\n");
      return {
        ran: window.__ran,
        foreign: [...document.querySelectorAll("script, iframe, object, embed, base, form[action]:not([action='']), link[rel=import], meta[http-equiv]")]
          .filter((e) => !(e.tagName === "SCRIPT" && e.src.startsWith(location.origin))).map((e) => e.outerHTML.slice(0, 120)),
        handlers: [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name)))
          .map((e) => e.outerHTML.slice(0, 120)),
        links: [...document.querySelectorAll("a[href], area[href], [src], [formaction]")]
          .map((e) => e.getAttribute("href") ?? e.getAttribute("src") ?? e.getAttribute("formaction"))
          .filter((to) => !/^(\/|#|\?|https?:|mailto:|tel:)/.test(to)),
        steering: [...new Set(document.body.textContent.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g))]
          .map((c) => c.codePointAt(0).toString(16)),
        shown: wanted.filter((marker) => all.includes(marker)),
      };
    }, markers);
    for (const marker of state.shown) seen.add(marker);
    console.log(`        ${Math.round(performance.now() - began)} ms, ${state.shown.length} of ${markers.length} strings on ${path}`);
    check(state.ran === 0 && state.foreign.length === 0 && state.handlers.length === 0 && state.links.length === 0 && state.steering.length === 0 &&
      window.trouble.list.length === 0, `nothing comes alive on ${path} for ${who}`, { ...state, shown: undefined, trouble: window.trouble.list });
    if (!PARTS.includes(path)) check(state.shown.length === markers.length, `and each string is there for ${who}`, markers.filter((m) => !state.shown.includes(m)).slice(0, 9));
  }
  check(seen.size === markers.length, `each string was there to be seen by ${who}`, `${seen.size} of ${markers.length}`);
  await window.context.close();
}
await Promise.all(["provider", "responsible"].map(look));

/* Where somebody goes after signing in: an address of ours, whatever the link said. */
const own = new URL(settings.portal).origin;
await Promise.all([
  ["/account", "/account"], ["//attacker.example/", null], ["/\\attacker.example/", null], ["/\t/attacker.example/", null],
  ["https://attacker.example/", null], ["javascript:hinomiRan()", null], ["/%2Fattacker.example", null], [" //attacker.example", null],
  ["data:text/html,x", null], ["/../..//attacker.example", null],
].map(async ([to, wanted]) => {
  const window = await windowOpen(browser);
  const { page } = window;
  const { name, password } = settings.people.provider;
  await page.goto(`${settings.portal}/sign-in?to=${encodeURIComponent(to)}`);
  await page.getByLabel(word("en", "sign-in.name")).first().fill(name);
  await page.getByLabel(word("en", "sign-in.password"), { exact: false }).first().fill(password);
  await page.getByRole("button", { name: word("en", "sign-in.do"), exact: true }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"), WAIT).catch(() => undefined);
  await page.waitForSelector("#content h1, #content .empty", WAIT).catch(() => undefined); /* one of them is no page at all */
  const at = new URL(page.url());
  check(at.origin === own && at.pathname !== "/sign-in" && (wanted === null || at.pathname === wanted) && window.trouble.list.length === 0,
    `signing in by a link to ${JSON.stringify(to)} leads to a page of ours`, { at: at.href, trouble: window.trouble.list });
  if (to === "/account") {
    const sinks = await page.evaluate(() => [
      () => { document.body.innerHTML = "<b>x</b>"; },
      () => { document.createElement("script").src = "/x.js"; },
      () => { document.createElement("iframe").srcdoc = "x"; },
      () => { window.trustedTypes.createPolicy("any", {}); },
    ].map((act) => {
      try {
        act();
        return "taken";
      } catch {
        return "refused";
      }
    }));
    check(sinks.every((s) => s === "refused"), "no text becomes a part of the page: trusted types are in force, and none can be made", sinks);
  }
  await window.context.close();
}));
/* Who leaves without being able to is told so, and is shown nothing after a right was taken away. */
const leaving = await windowOpen(browser);
await signIn(leaving, settings.people.provider.name, settings.people.provider.password);
await leaving.page.route("**/api/v1/session", (route) => route.abort());
const leave = leaving.page.getByRole("button", { name: word("en", "nav.sign-out"), exact: true });
await leave.click();
check(await leaving.page.getByText(word("en", "nav.sign-out-failed")).first().waitFor({ timeout: 5000 }).then(() => true, () => false) &&
  !leaving.page.url().includes("/sign-in"), "a session that could not be ended is not called ended");
await leaving.page.unroute("**/api/v1/session");
await open(leaving, `/incidents/${client}/${incident}`);
const before = await leaving.page.locator("#content").innerText();
await leaving.page.route(`**/api/v1/clients/${client}/**`, (route) => route.fulfill({
  status: 404, contentType: "application/json", body: JSON.stringify({ error: { code: "not-found", text: "There is no such thing." } }) }));
await leaving.page.request.post(`${settings.portal}/api/v1/clients/${client}/incidents/${incident}/notes`,
  { data: { text: "something new" }, headers: { "Hinomi-Request": "1" } });
const titles = before.split("\n").filter((line) => line.length > 30);
const gone = await leaving.page.waitForFunction((lines) => !lines.some((line) => document.querySelector("#content").innerText.includes(line)),
  titles.slice(0, 5), { timeout: 8000 }).then(() => true, () => false);
check(titles.length > 0 && gone, "what may not be seen any more is not shown any longer", titles.slice(0, 5));
await leaving.page.unroute(`**/api/v1/clients/${client}/**`);
await leave.click();
await leaving.page.waitForURL((url) => url.pathname === "/sign-in", WAIT).catch(() => undefined);
check(leaving.page.url() === `${settings.portal}/sign-in`, "and a session that was ended is", leaving.page.url());
await leaving.context.close();
await browser.close();
