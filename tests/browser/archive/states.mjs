/* States that a test cannot wait for, told in the service's place: every one in both languages, themes and widths. */
import { axeLook, browserStart, check, open, picture, settings, signIn, windowOpen } from "../lib/browser.mjs";
import { sayer } from "../lib/incident.mjs";
import { told } from "./told.mjs";

const { client, people } = settings;
const browser = await browserStart();
const state = told();
const base = `/clients/${client}`;
const archive = (forecast, left) => ({ [`${base}/archive`]: state.archive(forecast, left) });
const provision = (id) => ({ [`${base}/provisions/${id}`]: state.provision(id) });
const STATES = [
  ["archive-enough", `/archive/${client}`, archive("enough", null)],
  ["archive-short", `/archive/${client}`, archive("short", 120)],
  ["archive-soon", `/archive/${client}`, archive("soon", 6)],
  ["archive-unknown", `/archive/${client}`, archive("unknown", null)],
  ["archive-proofs", `/archive/${client}?tab=proofs`, archive("enough", null)],
  ["archive-holds", `/archive/${client}?tab=holds`, { [`${base}/holds`]: state.holds }],
  ["archive-accesses", `/archive/${client}?tab=accesses`, { [`${base}/accesses`]: state.accesses }],
  ["provisions", `/provision/${client}`, { [`${base}/provisions`]: state.provisions }],
  ["provision-ask", `/provision/${client}/new`, {}],
  ...state.provisions.provisions.map(({ id, status }) => [`provision-${status}`, `/provision/${client}/${id}`, provision(id)]),
  ...Object.entries(state.endings).map(([status, ending]) => [`ending-${status}`, `/offboarding/${client}`, { [`${base}/offboarding`]: ending }]),
];
const LOOKS = [["ja", "light", 1280], ["en", "dark", 1280], ["ja", "dark", 360], ["en", "light", 360]];

for (const [language, theme, width] of LOOKS) {
  const say = sayer(language);
  const window = await windowOpen(browser, { language, theme, width });
  const { page, trouble } = window;
  await signIn(window, people.head.name, people.head.password);
  for (const [name, path, answers] of STATES) {
    trouble.list.length = 0;
    await page.unrouteAll({ behavior: "wait" });
    await page.route((url) => answers[url.pathname.replace("/api/v1", "")] !== undefined,
      (route) => route.fulfill({ json: answers[new URL(route.request().url()).pathname.replace("/api/v1", "")] }));
    await open(window, path);
    const where = `(${language}, ${theme}, ${width})`;
    const issues = await axeLook(page);
    check(issues.length === 0, `${name} bars nobody ${where}`, issues);
    check(trouble.list.length === 0, `${name} is without errors ${where}`, trouble.list);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(over <= 0, `${name} is not wider than the screen ${where}`, `${over} pixels`);
    const words = await page.evaluate(() => document.body.innerText);
    check(!/\b(archive|hold|proof|access|provision|ending)\.[a-z.-]+\b|\bundefined\b|\bNaN\b|\[object |\{[a-z]+\}/.test(words), `${name} says what it means ${where}`,
      words.match(/\b(archive|hold|proof|access|provision|ending)\.[a-z.-]+\b|undefined|NaN|\[object |\{[a-z]+\}/)?.[0]);
    if (name === "archive-short") {
      check(words.includes(say("archive.forecast.short", { promised: 365, left: 120 })), `a disk that is too small is told plainly ${where}`);
    }
    if (settings.pictures && (width < 400 || theme === "light" || language === "en")) await picture(page, `${name}-${language}-${theme}-${width}`);
  }
  await window.context.close();
}

/* ---- The end of a service asks for the client's name, and says what will be gone. */
{
  const say = sayer("en");
  const window = await windowOpen(browser, { language: "en" });
  const { page } = window;
  await signIn(window, people.admin.name, people.admin.password);
  await page.route(`**/api/v1${base}/offboarding`, (route) => route.fulfill({ json: state.endings.exported }));
  await open(window, `/offboarding/${client}`);
  await page.getByRole("button", { name: say("ending.confirm"), exact: true }).click();
  const dialog = page.getByRole("dialog");
  const does = dialog.getByRole("button", { name: say("ending.confirm-do"), exact: true });
  check((await dialog.innerText()).includes(say("ending.gone.keys")), "who confirms reads what will be destroyed");
  check(await does.isDisabled(), "and cannot confirm with one press");
  await dialog.getByLabel(say("ending.confirm-read")).check();
  await dialog.getByLabel(say("ending.confirm-type", { client })).fill(client);
  check(await does.isEnabled(), "but once the client's name is typed and the warning ticked");
  const issues = await axeLook(page);
  check(issues.length === 0, "nobody is barred from that question", issues);
  await window.context.close();
}
await browser.close();
