/*
 * From a line's leaving to its being seen: each page that is watched notes for itself when it first shows a
 * text in a row that is drawn, by the clock that this process reads too.
 */

/** From now on the page awaits the text among `rows`, and notes the moment of the frame after it was drawn. */
export async function watch(page, rows, text) {
  await page.evaluate(([rows, text]) => {
    window.__seen = new Promise((done) => {
      const look = () => [...document.querySelectorAll(rows)].some((row) => row.innerText.includes(text) && row.checkVisibility());
      const found = () => requestAnimationFrame(() => done(Date.now()));
      if (look()) {
        done(0); /* it was there before */
        return;
      }
      const observer = new MutationObserver(() => {
        if (!look()) return;
        observer.disconnect();
        found();
      });
      observer.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true });
      setTimeout(() => done(null), 10_000);
    });
  }, [rows, text]);
}
/** When it was seen; null: not within ten seconds. */
export function seen(page) {
  return page.evaluate(() => window.__seen);
}

/** How late this machine wakes somebody up at the moment: what is measured cannot be better. */
export function noise() {
  let over = false;
  const late = [0];
  const turn = (async () => {
    while (!over) {
      const begun = performance.now();
      await new Promise((done) => setTimeout(done, 2));
      late.push(performance.now() - begun - 2);
    }
  })();
  return async () => {
    over = true;
    await turn;
    return Math.max(...late);
  };
}
export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
