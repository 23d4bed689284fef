/* From the token on the console to documents in force: an administrator in English, the client in Japanese. */
import { execFileSync } from "node:child_process";
import { browserStart, check, open, picture, settings, settled, WAIT, windowOpen } from "../lib/browser.mjs";
import { sayer } from "../lib/incident.mjs";

const { client, kinds } = settings;
const BOTH = ["criteria", "detection", "sla"]; /* bind both sides */
const hinomi = (...words) => execFileSync(settings.hinomi, [...words, "--data", settings.data], { encoding: "utf8" });
const browser = await browserStart();

async function passwordChoose({ page }, say, password, button) {
  await page.getByLabel(say("password.new"), { exact: false }).first().fill(password);
  await page.getByLabel(say("password.again"), { exact: false }).last().fill(password);
  await page.getByRole("button", { name: say(button), exact: true }).click(WAIT);
  await page.waitForURL((url) => !/^\/(setup|invitation)/.test(url.pathname), WAIT);
  await settled(page);
}
/** Whoever has the link is asked for a password, and is in. */
async function linkUse(link, language, password) {
  const window = await windowOpen(browser, { language });
  await window.page.goto(link);
  await settled(window.page);
  await window.page.getByRole("heading", { name: sayer(language)("invitation.title"), exact: true }).waitFor(WAIT);
  await passwordChoose(window, sayer(language), password, "invitation.do");
  return window;
}
async function sign({ page, language }, kind) {
  const say = sayer(language);
  await open({ page }, `/documents/${client}/${kind}`);
  await page.getByRole("button", { name: say("documents.sign"), exact: true }).click(WAIT);
  const dialog = page.getByRole("dialog");
  await dialog.getByText(say("documents.sign-means")).waitFor(WAIT);
  await dialog.locator("button[type=submit]:not([disabled])").click(WAIT);
  await dialog.waitFor({ state: "detached", ...WAIT });
}

/* ---- The first administrator. */
const en = sayer("en");
const admin = await windowOpen(browser, { language: "en" });
await admin.page.goto(settings.portal);
await settled(admin.page);
await admin.page.getByRole("link", { name: en("sign-in.first") }).click();
await admin.page.getByLabel(en("setup.token")).fill(settings.token);
await admin.page.getByLabel(en("setup.party")).fill("watch");
await admin.page.getByLabel(en("setup.person")).fill("admin");
await passwordChoose(admin, en, "correct horse battery 1", "setup.do");
check((await (await admin.page.context().request.get(`${settings.portal}/api/v1/me`)).json()).person === "watch/admin",
  "the token on the console makes the first administrator");

/* ---- Client, people, invitations. */
hinomi("tenant", "apply", settings.apply);
await open(admin, "/people");
await admin.page.getByRole("button", { name: /watch\/analyst/ }).click(WAIT);
await admin.page.getByRole("dialog").getByRole("button", { name: en("people.invite"), exact: true }).click(WAIT);
await admin.page.getByText(en("people.invite-help")).waitFor(WAIT);
await admin.page.getByRole("dialog").getByRole("button", { name: en("people.invite"), exact: true }).click(WAIT);
const link = await admin.page.getByRole("dialog").getByRole("code").innerText(WAIT);
check(link.startsWith(`${settings.portal}/invitation#token=`), "an invitation by page is a link", link);
await admin.page.getByRole("dialog").getByRole("button", { name: en("account.codes-done"), exact: true }).click(WAIT);
const analyst = await linkUse(link, "ja", "correct horse battery 2");
check(new URL(analyst.page.url()).pathname === "/queue", "whoever has it chooses a password, and is in");
const { token } = JSON.parse(hinomi("user", "invite", `${client}/head`, "--json"));
const head = await linkUse(`${settings.portal}/invitation#token=${token}`, "ja", "correct horse battery 3");
check(new URL(head.page.url()).pathname === `/clients/${client}`, "so does the client's first person, by the machine's invitation");
const again = await windowOpen(browser, { language: "ja" });
await again.page.goto(link);
await again.page.getByText(sayer("ja")("invitation.gone"), { exact: true }).waitFor(WAIT);
check(true, "a link works once");

/* ---- Where not even the words of the pages come. */
const lost = await windowOpen(browser);
await lost.page.route(/\/assets\/(ja|en)-/, (route) => route.abort());
await lost.page.goto(`${settings.portal}/sign-in`);
const told = lost.page.getByRole("main");
await told.waitFor(WAIT);
check(/読み込めませんでした/.test(await told.innerText()) && /could not be loaded/.test(await told.innerText()), "a page without words says so in both languages",
  await told.innerText());
if (settings.pictures) await picture(lost.page, "begin-lost");
await lost.page.unrouteAll({ behavior: "wait" });
await lost.page.getByRole("button", { name: /Reload/ }).click(WAIT);
await lost.page.getByLabel(sayer("en")("sign-in.name")).first().waitFor(WAIT);
check(true, "and comes with the next try");
await lost.context.close();

/* ---- Documents. */
for (const kind of kinds) await sign(head, kind);
for (const kind of BOTH) await sign(admin, kind);
check(true, "every document is signed by page");
for (const window of [admin, analyst, head]) check(window.trouble.list.length === 0, `nothing was amiss for ${window === admin ? "admin" : window === head ? "head" : "analyst"}`, window.trouble.list);
await browser.close();
