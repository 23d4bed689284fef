/* A second factor: set up on the account's page, its secret read there as a person would, and asked for at the door. */
import { createHmac } from "node:crypto";
import { browserStart, check, settings, settled, signIn, WAIT, windowOpen } from "../lib/browser.mjs";
import { sayer, shows } from "../lib/incident.mjs";

const { language } = settings;
const say = sayer(language);
const person = settings.people["watch/analyst"];

/** RFC 6238: what an authenticator shows, `ahead` half minutes from now. */
function code(secret, ahead = 0) {
  const bits = [...secret.replace(/\s/g, "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", key).update(counter).digest();
  return String((digest.readUInt32BE(digest[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const browser = await browserStart();
const window = await windowOpen(browser, { language });
const { page } = window;
await signIn(window, person.name, person.password);
await page.getByRole("link", { name: settings.names.analyst, exact: true }).click();
await settled(page);
await page.getByRole("button", { name: say("account.factor-begin"), exact: true }).click();
const dialog = page.getByRole("dialog");
await dialog.getByRole("img", { name: say("account.factor-qr") }).waitFor(WAIT);
await dialog.getByText(say("account.factor-type"), { exact: true }).click();
const secret = await dialog.getByRole("code").first().innerText();
check(/^([A-Z2-7]{4} ?)+$/.test(secret), `the account's page shows a secret as picture and as text (${language})`, secret);
await dialog.getByLabel(say("account.factor-first")).fill(code(secret));
await dialog.getByRole("button", { name: say("account.factor-confirm"), exact: true }).click();
await page.getByRole("heading", { name: say("account.codes"), exact: true }).waitFor(WAIT);
const codes = await dialog.getByRole("listitem").allInnerTexts();
check(codes.length >= 8 && new Set(codes).size === codes.length, "recovery codes are shown, once", codes.length);
await dialog.getByLabel(say("account.codes-taken")).check();
await dialog.getByRole("button", { name: say("account.codes-done"), exact: true }).click();
await shows(window, say("account.factor-on"));

async function door(second) {
  await page.getByRole("button", { name: say("nav.sign-out"), exact: true }).click();
  await page.getByRole("heading", { name: say("sign-in.title"), exact: true }).waitFor(WAIT);
  await page.getByLabel(say("sign-in.name")).first().fill(person.name);
  await page.getByLabel(say("sign-in.password")).first().fill(person.password);
  await page.getByRole("button", { name: say("sign-in.do"), exact: true }).click();
  await page.getByRole("heading", { name: say("sign-in.second"), exact: true }).waitFor(WAIT);
  check(new URL(page.url()).pathname === "/sign-in" && (await page.context().request.get(`${settings.portal}/api/v1/me`)).status() === 401,
    `the password alone opens nothing any more (${language})`);
  await second();
  await page.getByRole("button", { name: say("sign-in.do"), exact: true }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"), WAIT);
  await settled(page);
}
/* A code is good once; the next one counts already, as a clock may be wrong. */
await door(() => page.getByLabel(say("sign-in.code")).fill(code(secret, 1)));
check(new URL(page.url()).pathname === "/queue", `the authenticator's code opens the queue (${language})`, page.url());
await door(async () => {
  await page.getByRole("button", { name: say("sign-in.use-recovery"), exact: true }).click();
  await page.getByLabel(say("sign-in.recovery")).first().fill(codes[0]);
});
check(new URL(page.url()).pathname === "/queue", `so does a recovery code (${language})`, page.url());
check(window.trouble.list.length === 0, `nothing was amiss on the way (${language})`, window.trouble.list);
await browser.close();
