/*
 * What a service would answer in states that a test cannot wait for: a disk that is too small for what was
 * promised, years of logs, tombstones, stamps that are late, requests in every status.  Times are told from
 * the moment `now`, so that the pages' words about them stay the same.
 */
const DAY = 86400_000;

const NAMES = {
  "web-access": ["通販サイトのアクセスログ", "Web shop access log"], firewall: ["ファイアウォール", "Firewall"],
  "linux-auth": ["Linuxの認証ログ", "Linux authentication"], "mail-gateway": ["メールゲートウェイ", "Mail gateway"],
  "badge-reader": ["入退室", "Badge reader"],
};

export function told(now = Date.now()) {
  const at = (days, seconds = 0) => new Date(now + days * DAY + seconds * 1000).toISOString().replace(/\.\d+Z/, "Z");
  const source = (name, days, oldest, events, original, stored) => ({
    source: name, name: { ja: NAMES[name][0], en: NAMES[name][1] }, promised_days: days, oldest: oldest ? at(oldest) : null, newest: oldest ? at(0, -20) : null, events, original_bytes: original, stored_bytes: stored,
  });
  const tombstone = (segment, oldest, newest, events, stored, dropped) => ({
    segment, first: segment * 1000, last: segment * 1000 + 999, events, original_bytes: stored * 14, stored_bytes: stored, oldest, newest,
    promised_days: 90, due: dropped, dropped,
  });
  const archive = (state, left) => ({
    told: at(0, -30), classes: [{ days: 90, segments: 91, events: 12233100, original_bytes: 2.1e9, stored_bytes: 0.16e9 }], next_drop: at(0.4),
    clock_doubted: false,
    sources: [
      source("web-access", 365, -341, 1843220114, 412e9, 31e9),
      source("firewall", 365, -341, 922101440, 388e9, 27e9),
      source("linux-auth", 90, -89, 12233100, 2.1e9, 0.16e9),
      source("mail-gateway", 0, -12, 48211, 21e6, 2.2e6),
      source("badge-reader", 365, 0, 0, 0, 0),
    ],
    forecast: {
      warning: state, rate_bytes_day: 190e6, disk_free: left === null ? 9e12 : left * 190e6, days_promised: 365, days_left: left, warning_days: 30,
    },
    tombstones: [
      tombstone(2, at(-92), at(-91), 144002, 2.1e6, at(-1)),
      tombstone(1, at(-93), at(-92), 139870, 2.0e6, at(-2)),
    ],
    last_head: { at: at(0, -35), leaves: 2777602865, hash: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" },
    anchor: "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29",
    unsealed_events: 1204,
    stamps: { last: at(0, -5400), pending: 42 },
  });
  const hold = (id, more) => ({
    id, sources: [], from: null, to: null, until: null, incident: 0, reason: "", who: "acme/head", side: "client", made: at(-3),
    in_force: true, released: null, released_by: "", released_reason: "", ...more,
  });
  const holds = {
    open_incidents: [{ incident: 1, from: at(-3), to: null, sources: ["web-access"] }],
    holds: [
      hold(3, { incident: 1, from: at(-30), reason: "The cause of the attack is still being looked for." }),
      hold(2, { sources: ["web-access", "firewall"], from: at(-120), to: at(-60), until: at(40), reason: "Asked for by the auditor of the year.", who: "watch/analyst", side: "provider" }),
      hold(1, { reason: "A question of the insurer.", made: at(-40), in_force: false, released: at(-20), released_by: "acme/head", released_reason: "It was answered." }),
    ],
  };
  const access = (id, who, kind, query, ago) => ({
    id, at: at(0, -ago), who, kind, from: kind === "other" ? null : at(-1, -ago), to: kind === "other" ? null : at(0, -ago), query,
    detail: kind === "other" ? "package of request 4" : `events: ${query}`,
  });
  const accesses = {
    accesses: [
      access(9, "watch/analyst", "search", 'source.ip: "198.51.100.7"', 90), access(8, "acme/head", "other", "", 4000),
      access(7, "watch/analyst", "table", 'user.name: root "Failed password" | top 10 source.ip', 86000),
      access(6, "acme/contact", "search", "", 190000),
    ],
  };
  const provision = (id, status, more) => ({
    id, status, from: at(-61), to: at(-31), sources: ["web-access"], query: "", format: "ndjson", proof: true, language: "ja",
    purpose: "The yearly audit of the shop.", asked: at(-2), asked_by: "watch/analyst", asked_side: "provider", approved: null, approved_by: "",
    made: null, expires: null, size: 0, sha256: "", events: 0, downloads: 0, failure: "", ...more,
  });
  const made = {
    approved: at(-1.5), approved_by: "acme/head", made: at(-1.4), expires: at(12.6), size: 48_211_440, events: 133022,
    sha256: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
  };
  const provisions = [
    provision(5, "waiting-approval", { query: 'user.name: root "Failed password"', sources: [] }),
    provision(4, "ready", made),
    provision(3, "preparing", { approved: at(-0.01), approved_by: "acme/head" }),
    provision(2, "delivered", { ...made, downloads: 2, asked_by: "acme/head", asked_side: "client" }),
    provision(1, "failed", { approved: at(-9), approved_by: "acme/head", failure: "The disk had no room for the package." }),
  ];
  const history = {
    5: [["asked", "watch/analyst", ""]],
    4: [["asked", "watch/analyst", ""], ["approved", "acme/head", "For the audit alone."], ["ready", "hinomi/worker", made.sha256]],
  };
  const shown = (id) => ({
    ...provisions.find((one) => one.id === id),
    history: (history[id] ?? history[5]).map(([what, who, note], index) => ({ at: at(-2 + index / 2), who, what, note })),
  });
  const ending = (status, more = {}) => ({
    status, provision: 6, asked: at(-1), asked_by: "acme/head", reason: "The contract ends with the year.", language: "ja", exported: null,
    client_confirmed: null, client_confirmed_by: "", provider_confirmed: null, provider_confirmed_by: "", ended: null, failure: "", ...more,
  });
  const exported = { exported: at(-0.5) };
  const both = {
    ...exported, client_confirmed: at(-0.3), client_confirmed_by: "acme/head", provider_confirmed: at(-0.1), provider_confirmed_by: "watch/admin",
  };
  const endings = {
    asked: ending("asked"), exported: ending("exported", { ...exported, client_confirmed: at(-0.3), client_confirmed_by: "acme/head" }),
    confirmed: ending("confirmed", both), destroyed: ending("destroyed", { ...both, ended: at(-0.02) }), cancelled: ending("cancelled"),
  };
  return { at, archive, holds, accesses, provisions: { provisions }, provision: shown, endings };
}
