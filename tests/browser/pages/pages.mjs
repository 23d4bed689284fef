/* Every page, in both languages and themes: nothing broken, nothing that bars anybody, nothing from elsewhere. */
import { axeLook, browserStart, check, open, picture, settings, settled, signIn, windowOpen, word } from "../lib/browser.mjs";

const FIRST_LOAD_MAX = 150 * 1024;

const browser = await browserStart();

/* ---- How much the first page weighs, as it travels. */
{
  const window = await windowOpen(browser, {});
  const session = await window.context.newCDPSession(window.page);
  await session.send("Network.enable");
  const sizes = [];
  session.on("Network.loadingFinished", (event) => sizes.push(event.encodedDataLength));
  await window.page.goto(`${settings.portal}/sign-in`);
  await settled(window.page);
  await window.page.waitForLoadState("networkidle");
  const door = sizes.reduce((a, b) => a + b, 0);
  check(door > 0 && door <= FIRST_LOAD_MAX, "the sign-in page weighs at most 150 KB as it travels", `${door} bytes`);
  console.log(`        sign-in: ${door} bytes in ${sizes.length} answers`);
  await window.context.close();

  const second = await windowOpen(browser, {});
  await signIn(second, settings.people.provider.name, settings.people.provider.password);
  const cold = await windowOpen(browser, {});
  await cold.context.addCookies(await second.context.cookies());
  const network = await cold.context.newCDPSession(cold.page);
  await network.send("Network.enable");
  const all = [];
  network.on("Network.loadingFinished", (event) => all.push(event.encodedDataLength));
  await cold.page.goto(`${settings.portal}/queue`);
  await settled(cold.page);
  await cold.page.waitForTimeout(500);
  const queue = all.reduce((a, b) => a + b, 0);
  check(queue > 0 && queue <= FIRST_LOAD_MAX, "the queue's first load weighs at most 150 KB", `${queue} bytes`);
  console.log(`        queue: ${queue} bytes in ${all.length} answers`);
  await second.context.close();
  await cold.context.close();
}

/* ---- Each page. */

const { client, incident, kinds } = settings;
const PAGES = {
  provider: [
    ["queue", "/queue"], ["client", `/clients/${client}`], ["incidents", `/incidents/${client}`],
    ["incident", `/incidents/${client}/${incident}`], ["incident-evidence", `/incidents/${client}/${incident}?tab=evidence`],
    ["documents", `/documents/${client}`],
    ...kinds.map((kind) => [`document-${kind}`, `/documents/${client}/${kind}`]),
    ...kinds.map((kind) => [`edit-${kind}`, `/documents/${client}/${kind}/edit`]),
    ["compare", `/documents/${client}/criteria/compare`],
    ["search", `/search/${client}`], ["archive", `/archive/${client}`], ["archive-proofs", `/archive/${client}?tab=proofs`],
    ["provision", `/provision/${client}`], ["provision-ask", `/provision/${client}/new`], ["sources", `/sources/${client}`], ["people", "/people"],
    ["client-people", `/people/${client}`], ["health", "/health"], ["account", "/account"],
  ],
  responsible: [
    ["home", `/clients/${client}`], ["incident-client", `/incidents/${client}/${incident}`],
    ["documents-client", `/documents/${client}`], ["sources-client", `/sources/${client}`], ["people-client", `/people/${client}`],
  ],
};
const DOORS = [["sign-in", "/sign-in"], ["setup", "/setup"], ["invitation", "/invitation#token=none"]];

/* Documents of all kinds are drawn by the same page: two kinds are looked at everywhere, the others in two of
   the four combinations. */
const anotherKind = (name) => /^(document|edit)-/.test(name) && !/-(criteria|assets)$/.test(name);
const everyKind = (language, theme) => (language === "ja") === (theme === "light");

for (const language of ["ja", "en"]) {
  for (const theme of ["light", "dark"]) {
    const door = await windowOpen(browser, { language, theme });
    for (const [name, path] of DOORS) await look(door, name, path);
    await door.context.close();
    for (const [who, pages] of Object.entries(PAGES)) {
      const window = await windowOpen(browser, { language, theme });
      await signIn(window, settings.people[who].name, settings.people[who].password);
      for (const [name, path] of pages) {
        if (everyKind(language, theme) || !anotherKind(name)) await look(window, name, path);
      }
      await window.context.close();
    }
  }
  /* On a telephone nothing is wider than the screen. */
  for (const [who, pages] of Object.entries(PAGES)) {
    const narrow = await windowOpen(browser, { language, width: 390, height: 800 });
    await signIn(narrow, settings.people[who].name, settings.people[who].password);
    for (const [name, path] of pages.filter(([name]) => !anotherKind(name))) {
      await open(narrow, path);
      const over = await narrow.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      check(over <= 0, `${name} fits a telephone in ${language}`, `${over} pixels too wide`);
      if (settings.pictures && ["queue", "incident", "home", "incident-client"].includes(name)) await picture(narrow.page, `${name}-phone-${language}`);
    }
    await narrow.context.close();
  }
}

/* ---- What leads somewhere, and where the keyboard stands. */
{
  const window = await windowOpen(browser, { language: "en" });
  const { page } = window;
  await signIn(window, settings.people.provider.name, settings.people.provider.password);
  await open(window, `/incidents/${client}/${incident}`);
  const note = page.getByRole("button", { name: word("en", "incident.act.note") });
  await note.focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("dialog[open]");
  await page.keyboard.press("Escape");
  await page.waitForSelector("dialog", { state: "detached" });
  check(await note.evaluate((button) => button === document.activeElement), "a dialog that was left gives the focus back");
  await open(window, `/incidents/${client}/${incident}?tab=evidence`);
  await page.getByRole("link", { name: word("en", "incident.evidence.around"), exact: true }).first().click();
  await page.waitForSelector("#query");
  await settled(page);
  const typed = await page.inputValue("#query");
  check(/198\.51\.100\.7/.test(typed), "a search around a line asks for its source", typed);
  check(/[?&]from=.*[&]to=/.test(page.url()), "and for the time about it", page.url());
  await window.context.close();
}

/* ---- A device, and a sender that nobody enrolled. */
for (const [language, width] of [["en", 1280], ["ja", 390]]) {
  const window = await windowOpen(browser, { language, width });
  const { page } = window;
  await signIn(window, settings.people.provider.name, settings.people.provider.password);
  await open(window, `/sources/${client}`);
  const row = page.locator("table tbody tr").first();
  const name = await row.locator("td, th").first().boundingBox();
  check(name.width > 110, `the name of a device has room at ${width} pixels`, String(name.width));
  await row.click();
  await page.waitForSelector("dialog[open] figure, dialog[open] svg");
  const found = await axeLook(page);
  check(found.length === 0, `a device bars nobody (${language}, ${width})`, found);
  const said = await page.locator("dialog[open]").innerText();
  check(said.includes(word(language, "devices.kind.server")) && said.includes(word(language, "devices.installation.agentless")),
    `a device says what it is and how it stands there (${language})`, said);
  if (settings.pictures && width > 1000) await picture(page, `device-${language}`);
  await open(window, "/health");
  const stranger = page.getByRole("heading", { name: "127.0.0.1 (syslog-udp)" });
  const seen = await stranger.waitFor({ timeout: 10000 }).then(() => stranger.count(), () => 0);
  check(seen === 1, `health shows a sender that nobody enrolled (${language})`);
  await page.getByText(word(language, "devices.lines")).first().click();
  const lines = await page.locator("details[open] pre").first().innerText();
  check(/listener: syslog-udp/.test(lines), "with the lines that enrol it", lines);
  await enrol(window, width);
  await window.context.close();
}
await browser.close();

/* One press enrols it; on the wide page it is thought better of. */
async function enrol({ page, language }, width) {
  const begin = page.getByRole("button", { name: word(language, "devices.enrol-begin") });
  await begin.click();
  await page.waitForSelector("dialog[open]");
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  check(over <= 0, `the question fits the screen (${language}, ${width})`, `${over} pixels too wide`);
  const found = await axeLook(page);
  check(found.length === 0, `enrolling bars nobody (${language}, ${width})`, found);
  const dialog = page.locator("dialog[open]");
  if (width > 1000) {
    await page.keyboard.press("Escape");
    check(await begin.count() === 1, "who thinks better of it enrols nobody");
    return;
  }
  await dialog.getByLabel(word(language, "devices.enrol-name")).fill("支社");
  await dialog.getByRole("button", { name: word(language, "devices.enrol"), exact: true }).click();
  const draft = page.getByRole("link", { name: word(language, "devices.enrolled-open") });
  await draft.waitFor();
  check(await begin.count() === 0, "who is enrolled asks no more");
  await draft.click();
  await page.waitForURL(new RegExp(`/documents/${client}/log-sources`));
  await settled(page);
  const said = await page.locator("main").innerText();
  check(said.includes("sender-127-0-0-1") || said.includes("支社"), "and its definition waits as a draft", said.slice(0, 600));
}

async function look(window, name, path) {
  const { page, trouble, language, theme } = window;
  trouble.list.length = 0;
  await open(window, path);
  const found = await axeLook(page);
  check(found.length === 0, `${name} bars nobody (${language}, ${theme})`, found);
  check(trouble.list.length === 0, `${name} is without errors (${language}, ${theme})`, trouble.list);
  const lang = await page.getAttribute("html", "lang");
  const words = await page.evaluate(() => document.body.innerText);
  check(lang === language && !/\b[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*\.(title|name|text)\b|\bundefined\b|\[object /.test(words),
    `${name} speaks ${language} (${theme})`, words.match(/undefined|\[object |\b[a-z.-]+\.(title|name)\b/)?.[0] ?? lang);
  if (settings.pictures && theme === "light" && !anotherKind(name)) await picture(page, `${name}-${language}`);
  if (settings.pictures && theme === "dark" && ["queue", "incident"].includes(name)) await picture(page, `${name}-dark-${language}`);
}
