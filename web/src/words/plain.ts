/*
 * Text that somebody else wrote, as it is shown: control characters, marks that turn the direction of writing,
 * separators of lines that are none here and some of what nobody sees become signs, those of src/codec/visible.c and a few more.
 * U+200C and U+200D stay, since scripts and emoji need them.
 */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, (c) => String.fromCharCode(0x2400 + (c === "\u007f" ? 0x21 : c.charCodeAt(0))))
    .replace(/[\u0080-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu, "\ufffd");
}
