/* What people do with an incident, by mouse: the button, the dialog behind it, its fields, and its own button. */
import { settled, WAIT, word } from "./browser.mjs";


/** A window that says its words: say("queue.title"). */
export function sayer(language) {
  return (key, values) => word(language, key, values);
}
/** Presses `opens`, lets `fill` answer what the dialog asks, and presses `does` in it, which closes it. */
export async function act(window, opens, does, fill) {
  const { page, language } = window;
  const say = sayer(language);
  await page.getByRole("button", { name: say(opens), exact: true }).first().click(WAIT);
  const dialog = page.getByRole("dialog");
  await dialog.waitFor({ state: "visible", ...WAIT });
  await fill?.(dialog, say);
  await dialog.getByRole("button", { name: say(does), exact: true }).click(WAIT);
  await dialog.waitFor({ state: "detached", ...WAIT });
}
/** Two options, the second of which is recommended. */
export async function propose(window, options) {
  await act(window, "incident.act.propose", "incident.act.propose.do", async (dialog, say) => {
    for (const [at, option] of options.entries()) {
      if (at > 0) await dialog.getByRole("button", { name: say("incident.act.propose.more"), exact: true }).click(WAIT);
      const part = dialog.getByRole("group", { name: say("incident.act.propose.option", { number: at + 1 }) });
      await part.getByLabel(say("incident.act.propose.text")).fill(option.text);
      await part.getByLabel(say("incident.effect")).fill(option.effect);
      await part.getByLabel(say("incident.risk")).fill(option.risk);
      await part.getByLabel(say("incident.executes")).selectOption({ label: say(`side.${option.executes}`) });
      if (option.recommended) await part.getByLabel(say("incident.recommend")).check();
    }
  });
}
/** Until the incident that is open stands at this state, without being loaded anew; how long that took. */
export async function stands(window, state) {
  const begun = performance.now();
  await window.page.locator(`[aria-label="${word(window.language, "incident.steps")}"] [aria-current=step]`)
    .filter({ hasText: word(window.language, `incident.state.${state}`) }).waitFor(WAIT);
  return performance.now() - begun;
}
/** Until a window shows this text, without being loaded anew. */
export async function shows(window, text) {
  await window.page.getByText(text, { exact: true }).first().waitFor(WAIT);
}
/** Marks what is loaded now: a page that was loaded anew lost it. */
export async function mark(window) {
  await window.page.evaluate(() => { window.__same = true; });
}
export async function same(window) {
  return window.page.evaluate(() => window.__same === true);
}
/** A password typed at the door that stands before another page. */
export async function pass(window, person) {
  const { page, language } = window;
  await page.getByLabel(word(language, "sign-in.name")).first().fill(person.name);
  await page.getByLabel(word(language, "sign-in.password")).first().fill(person.password);
  await page.getByRole("button", { name: word(language, "sign-in.do"), exact: true }).click(WAIT);
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"), WAIT);
  await settled(page);
}
