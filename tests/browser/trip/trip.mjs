/*
 * The trip, in one language: an analyst's queue and a client's home stand open and are never loaded anew; the
 * analyst works in a window of their own, and the client comes by the link of the mail.
 */
import os from "node:os";
import { browserStart, check, sendLine, settings, settled, signIn, windowOpen } from "../lib/browser.mjs";
import { act, mark, pass, propose, same, sayer, shows, stands } from "../lib/incident.mjs";
import { median, noise, seen, watch } from "../lib/latency.mjs";
import { mailAwait } from "../lib/mails.mjs";

const { language, client, names, people } = settings;
const say = sayer(language);
const browser = await browserStart();
const windows = [];
async function window(person) {
  const opened = await windowOpen(browser, { language });
  windows.push(opened);
  if (person) await signIn(opened, people[person].name, people[person].password);
  await opened.page.mouse.move(0, 0); /* nobody points at a list, which would hold its order */
  return opened;
}

/* ---- Two windows, and all is steady. */
const queue = await window("watch/analyst");
check(new URL(queue.page.url()).pathname === "/queue", `an analyst who signs in sees the queue (${language})`, queue.page.url());
await shows(queue, say("queue.steady"));
const home = await window("acme/head");
check(new URL(home.page.url()).pathname === `/clients/${client}`, `a client's person who signs in sees their home (${language})`, home.page.url());
await shows(home, say("home.steady"));
check(true, `both say in ${language} that all is steady`);
for (const one of [queue, home]) await shows(one, say("live.on"));
await mark(queue);
await mark(home);

/* ---- An attack over syslog is on both screens. */
const ROWS = { queue: "main table tr[data-row]", home: ".home-incident" };
const line = (address, other) => `<134>1 - - - - - - ${address}:443 ${other} - - [22/Nov/2026:03:04:05 +0900] ` +
  `"GET /item?id=1%27%20UNION%20SELECT%20name,password%20FROM%20users-- HTTP/1.1" 200 512 "-" "Mozilla/5.0"`;
const took = { queue: [], home: [] };
const late = noise();
async function attack(address, other, name) {
  await watch(queue.page, ROWS.queue, name);
  await watch(home.page, ROWS.home, name);
  const left = performance.timeOrigin + await sendLine(settings.syslog, line(address, other));
  for (const [where, one] of [["queue", queue], ["home", home]]) {
    const at = await seen(one.page);
    took[where].push(at === null || at === 0 ? Infinity : at - left);
  }
}
await attack("10.0.1.10", "198.51.100.7", names.shop);
check(took.queue[0] < Infinity && took.home[0] < Infinity, `the incident is in the open queue and on the open home (${language})`, took);

/* ---- The mail, and its link. */
const LINK = new RegExp(`${settings.portal}/incidents/${client}/(\\d+)`);
const mail = await mailAwait(settings.mails, (one) => one.to.includes("head@acme.example") && LINK.test(one.text));
check(mail !== undefined, `the mail is at the receiver (${language})`);
const [link, number] = LINK.exec(mail?.text ?? "") ?? [`${settings.portal}/incidents/${client}/1`, "1"];
check(link.startsWith("https://") && mail.text.includes(say("mail.block.page")), `it speaks ${language} and names the incident's page`, mail?.text);
const visit = await window();
await visit.page.goto(link);
await settled(visit.page);
check(new URL(visit.page.url()).pathname === "/sign-in", "its link asks who is not signed in to do so", visit.page.url());
await pass(visit, people["acme/head"]);
const title = await visit.page.getByRole("heading", { level: 1 }).innerText();
check(visit.page.url() === link && title.startsWith(`#${number} `), "and then opens the incident", `${visit.page.url()} ${title}`);
await mark(visit);

/* ---- Work on both sides; each sees the other's, live. */
const work = await window("watch/analyst");
await work.page.getByRole("table", { name: say("queue.title") }).getByRole("link").filter({ hasText: names.shop }).click();
await stands(work, "detected");
await mark(work);
await act(work, "incident.act.acknowledge.provider", "incident.act.acknowledge.do", async (dialog) => {
  await dialog.getByLabel(say("incident.act.acknowledge.provider-text")).fill("10:05 ☎ head");
});
await act(work, "incident.act.cause", "incident.act.cause");
await stands(work, "cause");
await stands(visit, "cause");
await act(work, "incident.act.countermeasure", "incident.act.countermeasure.do", async (dialog) => {
  await dialog.getByLabel(say("incident.act.countermeasure.text")).fill("id → SQL");
});
await stands(visit, "countermeasure");
await propose(work, [
  { text: "Block 198.51.100.7", effect: "none", risk: "others come", executes: "provider" },
  { text: "Patch /item", effect: "5 min", risk: "none", executes: "provider", recommended: true },
]);
await stands(visit, "coordination");
await shows(home, say("incident.todo.decision"));
check(true, `the client's windows show live that a decision is wanted (${language})`);
await act(visit, "incident.act.decide", "incident.act.decide.do", async (dialog) => {
  await dialog.getByRole("radio", { name: "2. Patch /item" }).check();
  await dialog.getByRole("textbox", { name: say("incident.reason") }).fill("5 min is fine");
});
await stands(work, "executing");
await act(work, "incident.act.execute", "incident.act.record", async (dialog) => {
  await dialog.getByRole("radio", { name: say("incident.act.execute.yes") }).check();
  await dialog.getByLabel(say("incident.act.execute.evidence")).fill("r1042 deployed");
});
await act(work, "incident.act.checks", "incident.act.checks.do", async (dialog) => {
  await dialog.getByLabel(say("incident.act.checks.text")).fill("same request: 400");
});
await stands(visit, "return-check");
await act(visit, "incident.act.return", "incident.act.answer", async (dialog) => {
  await dialog.getByRole("radio", { name: say("incident.act.return.yes") }).check();
});
for (const one of [work, visit]) await stands(one, "steady");
await shows(queue, say("queue.steady"));
await shows(home, say("home.steady"));
check(true, `queue and home are steady again, live (${language})`);
check((await Promise.all([queue, home, visit, work].map(same))).every(Boolean), "no window was loaded anew for it");

/* ---- The record: every step, and whose it was. */
const history = async (one) => one.page.getByRole("list", { name: say("incident.tab.history"), exact: true }).getByRole("listitem").allInnerTexts();
const WHO = [["opened", null], ["acknowledged", "analyst"], ["step", "analyst"], ["proposal", "analyst"], ["decision", "head"],
  ["executed", "analyst"], ["return", "head"]];
const SIGN_IN_NAMES = { analyst: "watch/analyst", head: "acme/head" }; /* where one side may not list the other's people */
for (const [one, own] of [[work, "analyst"], [visit, "head"]]) {
  const lines = await history(one);
  const missing = WHO.filter(([what, who]) => {
    const known = who === null ? [say("incident.service")]
      : who === own ? [say("incident.you", { name: names[who] })] : [names[who], SIGN_IN_NAMES[who]];
    return !lines.some((text) => text.includes(say(`incident.what.${what}`)) && known.some((name) => text.includes(name)));
  });
  const said = ["10:05 ☎ head", "id → SQL", "Block 198.51.100.7", "Patch /item", "5 min is fine", "r1042 deployed", "same request: 400"];
  check(missing.length === 0 && said.every((text) => lines.some((one) => one.includes(text))),
    `the ${own}'s history has each step, with whose it was and what was said (${language})`, { missing, lines });
}

/* ---- How long it takes until one sees it. */
for (let i = 1; i <= settings.targets; i++) await attack(`10.0.1.${20 + i}`, `198.51.100.${20 + i}`, names.target.replace("{}", i));
const sleepers = await late();
for (const [where, times] of Object.entries(took)) {
  const worst = Math.max(...times);
  console.log(`        ${where} (${language}): ${times.length} attacks, median ${median(times).toFixed(0)} ms, worst ${worst.toFixed(0)} ms; ` +
    `this machine wakes sleepers up to ${sleepers.toFixed(0)} ms late, load ${os.loadavg()[0].toFixed(1)}`);
  check(median(times) < 500 && worst < 500 + 3 * sleepers,
    `an attack is on the open ${where} within 500 ms of its line's leaving (${language})`, times.map(Math.round));
}
check((await Promise.all([queue, home].map(same))).every(Boolean), "without being loaded anew");
check(windows.every((one) => one.trouble.list.length === 0), `no window met any trouble (${language})`, windows.map((one) => one.trouble.list));
await browser.close();
