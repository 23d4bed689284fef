/* Logs are asked for by the provider, approved by the client, and fetched; each step stands in the history. */
import fs from "node:fs";
import { axeLook, browserStart, check, open, picture, settings, settled, signIn, WAIT, windowOpen } from "../lib/browser.mjs";
import { act, sayer } from "../lib/incident.mjs";

const { client, people } = settings;
const browser = await browserStart();
const LONG = { timeout: 60_000 }; /* a package is made */

for (const language of ["ja", "en"]) {
  const say = sayer(language);
  const desk = await windowOpen(browser, { language });
  await signIn(desk, people.analyst.name, people.analyst.password);
  await open(desk, `/provision/${client}`);
  await desk.page.getByRole("link", { name: say("provision.ask"), exact: true }).first().click();
  await desk.page.waitForURL(/\/new$/, WAIT);
  await settled(desk.page);
  const purpose = language === "ja" ? "年次の監査" : "The yearly audit";
  await desk.page.getByLabel(say("provision.purpose")).fill(purpose);
  await desk.page.getByRole("button", { name: say("provision.preset.30d"), exact: true }).click();
  check((await desk.page.locator("form.ask").innerText()).includes(say("provision.then-waits")), `who asks reads what comes next (${language})`);
  await desk.page.getByRole("button", { name: say("provision.send"), exact: true }).click();
  await desk.page.waitForURL(/\/provision\/[^/]+\/\d+$/, WAIT);
  await settled(desk.page);
  const path = new URL(desk.page.url()).pathname;
  check((await desk.page.locator("#content").innerText()).includes(say("provision.said.waiting-approval")), `a provider's request waits for the client (${language})`);
  check(await desk.page.getByRole("button", { name: say("provision.act.approve"), exact: true }).count() === 0, "and cannot be approved by the provider");

  const head = await windowOpen(browser, { language });
  await signIn(head, people.head.name, people.head.password);
  await open(head, `/provision/${client}`);
  await head.page.getByText(say("provision.your-turn", { count: 1 })).waitFor(WAIT);
  await head.page.getByRole("link", { name: purpose }).first().click();
  await head.page.waitForURL(`**${path}`, WAIT);
  await settled(head.page);
  if (settings.pictures) await picture(head.page, `provision-approve-${language}`);
  await act(head, "provision.act.approve", "provision.act.approve-do");
  await head.page.getByText(say("provision.did.approved"), { exact: true }).first().waitFor(WAIT);
  check(true, `the client approves it (${language})`);
  const issues = await axeLook(head.page);
  check(issues.length === 0, `nobody is barred from a request (${language})`, issues);

  const link = desk.page.getByRole("link", { name: new RegExp(say("provision.download", { size: "SIZE" }).split("SIZE")[0].replace(/[(（]/g, "\\$&")) });
  await desk.page.reload();
  await link.waitFor(LONG);
  const [file] = await Promise.all([desk.page.waitForEvent("download", LONG), link.click()]);
  const bytes = fs.readFileSync(await file.path());
  check(bytes.subarray(0, 2).toString() === "PK" && file.suggestedFilename().endsWith(".zip"), `the package is fetched (${language})`, file.suggestedFilename());
  await desk.page.reload();
  await desk.page.getByText(say("provision.said.delivered")).waitFor(WAIT);
  check(true, "and that it was fetched stands in its history");
  if (settings.pictures) await picture(desk.page, `provision-delivered-${language}`);
  check(desk.trouble.list.length === 0 && head.trouble.list.length === 0, `delivery is without errors (${language})`, [...desk.trouble.list, ...head.trouble.list]);
  await desk.context.close();
  await head.context.close();
}
await browser.close();
