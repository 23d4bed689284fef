/* What is kept; a hold placed from an incident, seen in the list and released; and who read logs. */
import { axeLook, browserStart, check, open, picture, settings, signIn, WAIT, windowOpen } from "../lib/browser.mjs";
import { act, sayer } from "../lib/incident.mjs";

const { client, incident, people } = settings;
const browser = await browserStart();

for (const language of ["ja", "en"]) {
  const say = sayer(language);
  const window = await windowOpen(browser, { language });
  const { page, trouble } = window;
  await signIn(window, people.head.name, people.head.password);

  await open(window, `/archive/${client}`);
  const row = page.getByRole("table", { name: say("archive.sources") }).getByRole("row").filter({ hasText: "web-1" });
  await row.waitFor(WAIT);
  check((await row.innerText()).includes(say("span.day", { count: "365" })), `a source says what was promised (${language})`, await row.innerText());
  if (settings.pictures) await picture(page, `archive-${language}`);
  await row.getByRole("button").first().press("Enter");
  await page.getByRole("dialog").waitFor(WAIT);
  check((await page.getByRole("dialog").innerText()).includes(say("archive.original")), "and more of it in a dialog");
  await page.keyboard.press("Escape");

  await open(window, `/incidents/${client}/${incident}?tab=evidence`);
  await page.getByText(say("hold.incident-open")).waitFor(WAIT);
  check(true, `an open incident keeps its logs by itself (${language})`);
  const reason = language === "ja" ? "原因の調査を続けるため" : "The inquiry goes on";
  await act(window, "hold.place", "hold.place-do", async (dialog) => {
    await dialog.getByLabel(say("hold.why")).fill(reason);
    const issues = await axeLook(page);
    check(issues.length === 0, `nobody is barred from placing a hold (${language})`, issues);
  });
  await page.getByText(say("hold.incident-held")).waitFor(WAIT);
  check(true, "a hold is placed from an incident");
  await open(window, `/archive/${client}?tab=holds`);
  await page.getByText(reason).waitFor(WAIT);
  check(await page.getByRole("link", { name: `#${incident}` }).count() > 0, "and stands in the archive with its incident");
  if (settings.pictures) await picture(page, `archive-holds-${language}`);
  await page.getByRole("button", { name: `${say("hold.release")}: ${reason}` }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(say("hold.release-why")).fill("-");
  await dialog.getByRole("button", { name: say("hold.release-do"), exact: true }).click();
  await dialog.waitFor({ state: "detached", ...WAIT });
  await page.locator("summary").filter({ hasText: /\d/ }).waitFor(WAIT);
  check(true, "released, it goes to those that are over");

  await open(window, `/archive/${client}?tab=accesses`);
  const accesses = page.getByRole("table", { name: say("access.title") });
  await accesses.waitFor(WAIT);
  check((await accesses.innerText()).includes("top 10 source.ip"), `who read logs is told with the query (${language})`, (await accesses.innerText()).slice(0, 400));
  if (settings.pictures) await picture(page, `archive-accesses-${language}`);
  check(trouble.list.length === 0, `the archive is without errors (${language})`, trouble.list);
  await window.context.close();
}
await browser.close();
