/*
 * What the browser tests share: Chromium, windows of signed-in people, checks, and a look at each page
 * for what must never be there (errors, violations of the policy, requests to anywhere else).
 */
import fs from "node:fs";
import net from "node:net";
import { chromium } from "playwright-core";
import axe from "axe-core";

export const settings = JSON.parse(fs.readFileSync(0, "utf8"));

/** How long a page may take where a test waits for it: as long as a busy machine needs, since it costs nothing where all is well. */
export const WAIT = { timeout: 30_000 };

export function check(holds, sentence, detail = "") {
  console.log(holds ? `ok      ${sentence}` : `FAILED  ${sentence}  ${typeof detail === "string" ? detail : JSON.stringify(detail)}`);
  return holds;
}
/** The text of a word in a language, its placeholders filled. */
export function word(language, key, values = {}) {
  const pair = settings.words[key];
  if (!pair) throw new Error(`there is no word ${key}`);
  return pair[language === "ja" ? 0 : 1].replace(/\{([a-z0-9_]+)\}/g, (_, name) => String(values[name] ?? `{${name}}`));
}
/** The same as a pattern that lets anything stand for its placeholders. */
export function wordLike(language, key) {
  const text = settings.words[key][language === "ja" ? 0 : 1];
  return new RegExp(text.split(/\{[a-z0-9_]+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".*"));
}

export async function browserStart() {
  return chromium.launch({
    executablePath: settings.chromium,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  });
}

/** What a window saw that it should not: filled while it is used. */
export class Trouble {
  constructor() {
    this.list = [];
  }
  add(what) {
    this.list.push(what);
  }
}

/** A window of its own, with its own cookies. */
export async function windowOpen(browser, { language = "en", theme = "light", width = 1280, height = 900, density = "roomy" } = {}) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, /* the service's own certificate, which no browser knows */
    locale: language === "ja" ? "ja-JP" : "en-GB",
    timezoneId: "Asia/Tokyo",
    colorScheme: theme,
    viewport: { width, height },
    reducedMotion: "reduce",
  });
  const trouble = new Trouble();
  await context.exposeBinding("__trouble", (_, what) => trouble.add(what));
  await context.addInitScript(([l, d]) => {
    localStorage.setItem("hinomi.language", l);
    localStorage.setItem("hinomi.density", d);
    document.addEventListener("securitypolicyviolation", (e) => window.__trouble(`policy: ${e.violatedDirective} ${e.blockedURI}`));
  }, [language, density]);
  const own = new URL(settings.portal).origin;
  const page = await context.newPage();
  page.on("pageerror", (error) => trouble.add(`error: ${error.message}`));
  page.on("console", (message) => {
    /* A refused call is told by the page itself; Chromium says it once more. */
    if (message.type() === "error" && !/Failed to load resource/.test(message.text())) trouble.add(`console: ${message.text()}`);
  });
  page.on("dialog", (dialog) => {
    trouble.add(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== own && url.protocol !== "data:" && url.protocol !== "blob:") trouble.add(`request: ${request.url()}`);
  });
  return { context, page, trouble, language, theme };
}

export async function signIn(window, name, password) {
  const { page, language } = window;
  await page.goto(`${settings.portal}/sign-in`);
  await page.getByLabel(word(language, "sign-in.name")).first().fill(name);
  await page.getByLabel(word(language, "sign-in.password"), { exact: false }).first().fill(password);
  await page.getByRole("button", { name: word(language, "sign-in.do"), exact: true }).click();
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"), WAIT);
  await settled(page);
}

/** Until nothing is being loaded any more. */
export async function settled(page) {
  await page.waitForSelector("#content h1, .door h1", WAIT);
  await page.waitForFunction(() => !document.querySelector(".waiting"), undefined, WAIT);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

export async function open(window, path) {
  await window.page.goto(settings.portal + path);
  await settled(window.page);
}

/** What axe-core finds serious or critical. */
export async function axeLook(page) {
  /* Evaluated over the debugger, which the page's policy does not hold for. */
  await page.evaluate(`(() => { ${axe.source} })()`);
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join("; ")}`);
}

/** One line over syslog's TCP; resolves with the moment at which it had left. */
export function sendLine(port, line, from = "127.0.0.1") {
  return new Promise((done, failed) => {
    const socket = net.createConnection({ host: "127.0.0.1", port, localAddress: from }, () => {
      socket.write(line + "\n", () => {
        const at = performance.now();
        socket.end();
        done(at);
      });
    });
    socket.on("error", failed);
  });
}

export function picture(page, name) {
  return page.screenshot({ path: `${settings.pictures}/${name}.png`, fullPage: true, animations: "disabled" });
}
