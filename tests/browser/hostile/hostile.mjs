/* Hostile strings as log fields, names and notes: on every page that shows them they stay text. */
import { browserStart, check, open, settings, settled, signIn, WAIT, windowOpen, word } from "../lib/browser.mjs";

const { client, incident, strings, kinds } = settings;
const browser = await browserStart();
const PAGES = [
  "/queue", `/clients/${client}`, `/incidents/${client}`, `/incidents/${client}/${incident}`,
  `/incidents/${client}/${incident}?tab=evidence`, `/incidents/${client}/${incident}?tab=notices`,
  `/documents/${client}`, ...kinds.flatMap((kind) => [`/documents/${client}/${kind}`, `/documents/${client}/${kind}/edit`]),
  `/documents/${client}/assets/compare`,
  `/search/${client}`, `/sources/${client}`, "/people", `/people/${client}`, "/account",
];

for (const who of ["provider", "responsible"]) {
  const window = await windowOpen(browser, { language: who === "provider" ? "en" : "ja" });
  await window.context.addInitScript(() => {
    window.__ran = 0; /* what a string that comes alive would call */
    window.hinomiRan = () => { window.__ran++; };
  });
  await signIn(window, settings.people[who].name, settings.people[who].password);
  const seen = new Set();
  for (const path of PAGES) {
    window.trouble.list.length = 0;
    await open(window, path);
    /* Whatever opens is opened: rows, tabs, explanations. */
    for (const summary of await window.page.locator("#content details > summary").all()) await summary.click({ timeout: 1000 }).catch(() => undefined);
    for (const row of (await window.page.locator("#content button.row-link").all()).slice(0, 60)) {
      await row.click({ timeout: 1000 }).catch(() => undefined);
    }
    await settled(window.page);
    const state = await window.page.evaluate((wanted) => {
      const text = document.body.innerText + [...document.querySelectorAll("input, textarea")].map((e) => e.value).join("\n");
      return {
        ran: window.__ran,
        foreign: [...document.querySelectorAll("script, iframe, object, embed, base, form[action]:not([action='']), link[rel=import], meta[http-equiv]")]
          .filter((e) => !(e.tagName === "SCRIPT" && e.src.startsWith(location.origin))).map((e) => e.outerHTML.slice(0, 120)),
        handlers: [...document.querySelectorAll("*")].filter((e) => [...e.attributes].some((a) => /^on/i.test(a.name)))
          .map((e) => e.outerHTML.slice(0, 120)),
        links: [...document.querySelectorAll("a[href], area[href], [src], [formaction]")]
          .map((e) => e.getAttribute("href") ?? e.getAttribute("src") ?? e.getAttribute("formaction"))
          .filter((to) => !/^(\/|#|\?|https?:|mailto:|tel:)/.test(to)),
        shown: wanted.filter((s) => text.includes(s)),
      };
    }, strings.map((s) => s.marker));
    for (const marker of state.shown) seen.add(marker);
    check(state.ran === 0 && state.foreign.length === 0 && state.handlers.length === 0 && state.links.length === 0 &&
      window.trouble.list.length === 0, `nothing comes alive on ${path} for ${who}`, { ...state, shown: undefined, trouble: window.trouble.list });
  }
  check(seen.size >= strings.length * 0.9, `the strings were there to be seen by ${who}`, `${seen.size} of ${strings.length}`);
  console.log(`        ${who}: ${seen.size} of ${strings.length} strings seen`);
  await window.context.close();
}

/* Where somebody goes after signing in: an address of ours, whatever the link said. */
const own = new URL(settings.portal).origin;
for (const [to, wanted] of [
  ["/account", "/account"], ["//attacker.example/", null], ["/\\attacker.example/", null], ["/\t/attacker.example/", null],
  ["https://attacker.example/", null], ["javascript:hinomiRan()", null], ["/%2Fattacker.example", null], [" //attacker.example", null],
  ["data:text/html,x", null], ["/../..//attacker.example", null],
]) {
  const window = await windowOpen(browser);
  const { page } = window;
  const { name, password } = settings.people.provider;
  await page.goto(`${settings.portal}/sign-in?to=${encodeURIComponent(to)}`);
  await page.getByLabel(word("en", "sign-in.name")).first().fill(name);
  await page.getByLabel(word("en", "sign-in.password"), { exact: false }).first().fill(password);
  await page.getByRole("button", { name: word("en", "sign-in.do"), exact: true }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"), WAIT).catch(() => undefined);
  await settled(page).catch(() => undefined);
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
}
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
