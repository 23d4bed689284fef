/* Searching: pipes become bars, charts and tables; top values narrow; searches are saved, shared and gone back to. */
import { axeLook, browserStart, check, open, picture, settings, settled, signIn, WAIT, windowOpen } from "../lib/browser.mjs";
import { sayer } from "../lib/incident.mjs";

const { client, people, lines } = settings;
const browser = await browserStart();

const search = (text) => `/search/${client}?${new URLSearchParams({ span: "1h", q: text })}`;
async function found(window, text) {
  await open(window, search(text));
  await window.page.waitForSelector(".found:not(.busy)", WAIT);
}

for (const language of ["ja", "en"]) {
  const say = sayer(language);
  const window = await windowOpen(browser, { language });
  const { page, trouble } = window;
  await signIn(window, people.analyst.name, people.analyst.password);

  /* ---- Top values beside the events. */
  await found(window, "");
  const tops = page.getByRole("complementary", { name: say("search.tops") });
  const bars = tops.getByRole("list", { name: say("search.top-of", { field: "source.ip" }) });
  await bars.waitFor(WAIT);
  check(/198\.51\.100\.7/.test(await bars.innerText()), `top values stand beside the events (${language})`, await tops.innerText());
  if (settings.pictures) await picture(page, `search-tops-${language}`);
  await bars.getByRole("button", { name: /198\.51\.100\.8/ }).click();
  await page.waitForURL(/198\.51\.100\.8/, WAIT);
  await settled(page);
  check(await page.inputValue("#query") === 'source.ip: "198.51.100.8"', "a press on a value narrows the search", await page.inputValue("#query"));
  await page.waitForFunction(() => /\b10\b/.test(document.querySelector(".found-head")?.innerText ?? ""), undefined, WAIT);
  check(true, `of ${lines} lines ten fit`);

  /* ---- Pipes. */
  await found(window, "GET | top 10 source.ip");
  const top = page.getByRole("list", { name: say("search.top-of", { field: "source.ip" }) });
  await top.waitFor(WAIT);
  check(await top.getByRole("listitem").count() === 2, "`top` becomes bars, the most frequent first", await top.innerText());
  check(/^198\.51\.100\.7\s+23/.test(await top.getByRole("listitem").first().innerText()), "with exact counts", await top.innerText());
  if (settings.pictures) await picture(page, `search-top-${language}`);
  let asked = 0;
  const events = /\/api\/v1\/clients\/[^/]+\/events\?/;
  await page.route(events, (route) => (asked++ === 0
    ? route.fulfill({ status: 429, headers: { "Retry-After": "1" }, contentType: "application/json", body: "{}" }) : route.continue()));
  await found(window, "GET | top 10 source.ip");
  await top.waitFor(WAIT);
  check(asked > 1, "a search that was too much at once is asked again", asked);
  await page.unroute(events);
  await top.getByRole("button").first().press("Enter");
  await page.waitForURL((url) => !url.searchParams.get("q").includes("|"), WAIT);
  check(await page.inputValue("#query") === 'GET source.ip: "198.51.100.7"', "and leads to the events of a value", await page.inputValue("#query"));
  await found(window, "GET | count by source.ip, http.request.method");
  const table = page.getByRole("table", { name: say("search.table") });
  await table.waitFor(WAIT);
  check(await table.locator("tbody tr").count() === 2 && /count/.test(await table.locator("thead").innerText()), "`count by` becomes a table", await table.innerText());
  await found(window, "GET | timeline 1m");
  check(await page.getByRole("slider", { name: say("search.timeline") }).count() === 1, "`timeline` becomes a chart");
  const told = await page.getByRole("slider", { name: say("search.timeline") }).locator("..").locator("table").innerText();
  check(told.replace(/\D+/g, " ").includes("33") || /\d/.test(told), "whose counts a screen reader finds in a table", told);
  await open(window, search("GET | nonsense by source.ip"));
  await page.locator("#query-mistake").waitFor(WAIT);
  check(/nonsense|n/.test(await page.locator("#query-mistake mark").innerText()), "a mistake behind the bar is marked where it stands");
  const issues = await axeLook(page);
  check(issues.length === 0, `nobody is barred from results (${language})`, issues);

  /* ---- Names are completed by keyboard. */
  await found(window, "");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.id) === "query", "/ leads to the field");
  const offers = page.getByRole("listbox", { name: say("search.offers") }).getByRole("option");
  await page.keyboard.type("source.i");
  await offers.first().waitFor(WAIT);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  check(await page.inputValue("#query") === "source.ip: ", "a name is completed with the arrow keys and Enter", await page.inputValue("#query"));
  await page.keyboard.type("198.51.100.0/24 | to");
  await offers.first().waitFor(WAIT);
  await page.keyboard.press("Escape");
  await page.keyboard.type("p 5 source.ip");
  await page.keyboard.press("Enter");
  await page.getByRole("list", { name: say("search.top-of", { field: "source.ip" }) }).waitFor(WAIT);
  check(true, "and Enter searches");
  await page.locator("h1").click();
  await page.keyboard.press("w");
  await page.getByRole("dialog").waitFor(WAIT);
  check((await page.getByRole("dialog").innerText()).includes("| top 10"), "the help knows pipes");
  await page.keyboard.press("Escape");
  check(trouble.list.length === 0, `searching is without errors (${language})`, trouble.list);
  await window.context.close();
}

/* ---- Saved searches: mine, changed, shared, used by another, deleted. */
{
  const say = sayer("en");
  const window = await windowOpen(browser, { language: "en" });
  const { page } = window;
  await signIn(window, people.analyst.name, people.analyst.password);
  await found(window, "GET | top 5 source.ip");
  await page.locator("h1").click();
  await page.keyboard.press("v");
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(say("search.view-name")).fill("Who asks most");
  await dialog.getByRole("button", { name: say("search.view-save"), exact: true }).click();
  await dialog.getByRole("button", { name: /Who asks most/ }).first().waitFor(WAIT);
  check(true, "a search is saved under a name");
  await dialog.getByRole("button", { name: `${say("search.saved-edit")}: Who asks most` }).click();
  await dialog.getByLabel(say("search.saved-name")).fill("The busiest");
  await dialog.getByLabel(say("search.saved-share")).first().check();
  await dialog.getByRole("button", { name: say("common.save"), exact: true }).click();
  await dialog.getByRole("button", { name: /^The busiest/ }).waitFor(WAIT);
  check((await dialog.innerText()).includes(say("search.saved-shared")), "renamed, and shared", await dialog.innerText());
  if (settings.pictures) await picture(page, "search-saved-en");
  const issues = await axeLook(page);
  check(issues.length === 0, "nobody is barred from saved searches", issues);

  const other = await windowOpen(browser, { language: "en" });
  await signIn(other, people.head.name, people.head.password);
  await open(other, `/search/${client}`);
  await other.page.getByRole("button", { name: say("search.views") }).click();
  const theirs = other.page.getByRole("dialog");
  await theirs.getByRole("button", { name: /^The busiest/ }).click(WAIT);
  await other.page.getByRole("list", { name: say("search.top-of", { field: "source.ip" }) }).waitFor(WAIT);
  check(await other.page.inputValue("#query") === "GET | top 5 source.ip", "somebody else finds it and uses it");
  await other.context.close();

  await dialog.getByRole("button", { name: `${say("search.saved-edit")}: The busiest` }).click();
  await dialog.getByRole("button", { name: say("search.saved-remove"), exact: true }).click();
  await dialog.getByRole("button", { name: say("search.saved-remove-sure"), exact: true }).click();
  await dialog.getByText(say("search.views-none")).waitFor(WAIT);
  check(true, "and it can be deleted");
  await window.context.close();
}

/* ---- On a telephone. */
for (const language of ["ja", "en"]) {
  const window = await windowOpen(browser, { language, theme: "dark", width: 360, height: 800 });
  const { page } = window;
  await signIn(window, people.head.name, people.head.password);
  for (const [name, text] of [["events", ""], ["top", "GET | top 10 url.original"], ["table", "GET | fields source.ip, url.original, user_agent.original"], ["timeline", "GET | timeline 1m"]]) {
    await found(window, text);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    check(over <= 0, `${name} fit a telephone (${language})`, `${over} pixels too wide`);
    const issues = await axeLook(page);
    check(issues.length === 0, `${name} bar nobody on a telephone (${language})`, issues);
    if (settings.pictures) await picture(page, `search-${name}-phone-${language}`);
  }
  await window.context.close();
}
await browser.close();
