/* Mails that a receiver has put into a folder (Maildir), as a reader of mail would show them. */
import fs from "node:fs";
import path from "node:path";

function field(head, name) {
  return new RegExp(`^${name}:\\s*(.*(?:\\r?\\n[ \\t].*)*)`, "im").exec(head)?.[1]?.replace(/\r?\n[ \t]+/g, " ") ?? "";
}
function body(text, encoding) {
  if (encoding === "base64") return Buffer.from(text, "base64").toString("utf8");
  if (encoding !== "quoted-printable") return text;
  const bytes = text.replace(/=\r?\n/g, "").replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString("utf8");
}
export function mails(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder).sort().map((name) => {
    const text = fs.readFileSync(path.join(folder, name), "latin1");
    const [head, ...rest] = text.split(/\r?\n\r?\n/);
    return { to: field(head, "To"), text: body(rest.join("\n\n"), field(head, "Content-Transfer-Encoding").trim().toLowerCase()) };
  });
}
/** The first mail that fits, within a time. */
export async function mailAwait(folder, fits, milliseconds = 15_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = mails(folder).find(fits);
    if (found || Date.now() > end) return found;
    await new Promise((done) => setTimeout(done, 100));
  }
}
