/*
 * The audit trail: lines numbered from 1 without gaps, each with a hash over the hash before it and
 * its own content.
 *
 *     hash(0) = 32 zero bytes
 *     hash(n) = SHA-256(hash(n-1), n, wall_ns, and of principal, action, object and detail:
 *                       size (8 bytes), bytes)
 *
 * Numbers are 8 bytes, little-endian.  The number and hash of the last line also stand in `meta`,
 * so that lines cut off at the end are missed.  Whoever can rewrite the whole file can rewrite
 * both; against that helps only a copy elsewhere.
 */

#include <string.h>

#include "base/bytes.h"
#include "codec/crypto.h"
#include "ledger/private.h"

#define TEXTS     4
#define HEAD_SIZE (8 + SHA256_SIZE)

struct head {
    int64_t id;
    struct sha256 hash;
};

static struct sha256 line_hash(const struct head *before, int64_t wall_ns, const struct str *texts);
static enum err head_read(struct ledger *ledger, struct head *ret);
static enum err head_write(struct ledger *ledger, const struct head *head);
static enum err line_check(struct statement *line, struct head *head, struct why *why);

enum err ledger_audit(struct ledger *ledger, int64_t wall_ns, struct str principal,
                      struct str action, struct str object, struct str detail)
{
    const struct str texts[TEXTS] = {principal, action, object, detail};
    struct head head;
    struct statement *statement;
    enum err err = head_read(ledger, &head);
    if (err != OK) {
        return err;
    }
    head.hash = line_hash(&head, wall_ns, texts);
    head.id++;
    err = ledger_prepare(ledger,
                         "INSERT INTO audit (id, wall_ns, principal, action, object, detail, hash)"
                         " VALUES (?, ?, ?, ?, ?, ?, ?)",
                         &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, head.id);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, wall_ns);
    }
    for (int i = 0; i < TEXTS && err == OK; i++) {
        err = statement_bind_text(statement, 3 + i, texts[i]);
    }
    if (err == OK) {
        err = statement_bind_bytes(statement, 7, str_of(head.hash.bytes, SHA256_SIZE));
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    return err == OK ? head_write(ledger, &head) : err;
}

enum err ledger_audit_verify(struct ledger *ledger, struct why *why)
{
    struct head head = {0};
    struct head last;
    struct statement *line;
    bool row = true;
    enum err err = head_read(ledger, &last);
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "the audit trail's head is damaged");
    }
    if (err == OK) {
        err = ledger_prepare(ledger,
                             "SELECT id, wall_ns, principal, action, object, detail, hash"
                             " FROM audit ORDER BY id",
                             &line);
    }
    while (err == OK) {
        err = statement_step(line, &row);
        if (err != OK || !row) {
            break;
        }
        err = line_check(line, &head, why);
        if (err != OK) {
            statement_reset(line);
        }
    }
    if (err == OK && (head.id != last.id || !sha256_equal(&head.hash, &last.hash))) {
        err = why_say(why, ERR_CORRUPT, 0, "the audit trail ends at line %lld; its head says %lld",
                      (long long)head.id, (long long)last.id);
    }
    return err;
}

static enum err line_check(struct statement *line, struct head *head, struct why *why)
{
    struct str texts[TEXTS];
    for (int i = 0; i < TEXTS; i++) {
        texts[i] = statement_text(line, 2 + i);
    }
    struct sha256 hash = line_hash(head, statement_int(line, 1), texts);
    struct str stored = statement_bytes(line, 6);
    head->id++;
    if (statement_int(line, 0) != head->id) {
        return why_say(why, ERR_CORRUPT, 0, "line %lld of the audit trail is missing",
                       (long long)head->id);
    }
    if (stored.size != SHA256_SIZE || memcmp(stored.data, hash.bytes, SHA256_SIZE) != 0) {
        return why_say(why, ERR_CORRUPT, 0, "line %lld of the audit trail does not match its hash",
                       (long long)head->id);
    }
    head->hash = hash;
    return OK;
}

static struct sha256 line_hash(const struct head *before, int64_t wall_ns, const struct str *texts)
{
    char numbers[16];
    char sizes[TEXTS][8];
    struct str parts[2 + 2 * TEXTS] = {str_of(before->hash.bytes, SHA256_SIZE),
                                       {numbers, sizeof numbers}};
    put_u64(numbers, (uint64_t)before->id + 1);
    put_u64(numbers + 8, (uint64_t)wall_ns);
    for (size_t i = 0; i < TEXTS; i++) {
        put_u64(sizes[i], texts[i].size);
        parts[2 + 2 * i] = str_of(sizes[i], sizeof sizes[i]);
        parts[3 + 2 * i] = texts[i];
    }
    return sha256_of(parts, 2 + 2 * TEXTS);
}

static enum err head_read(struct ledger *ledger, struct head *ret)
{
    struct statement *statement;
    bool row;
    enum err err =
        ledger_prepare(ledger, "SELECT value FROM meta WHERE key = 'audit_head'", &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        *ret = (struct head){0};
        return err;
    }
    struct str value = statement_bytes(statement, 0);
    if (value.size == HEAD_SIZE) {
        ret->id = (int64_t)get_u64(value.data);
        memcpy(ret->hash.bytes, value.data + 8, SHA256_SIZE);
    } else {
        err = ERR_CORRUPT;
    }
    statement_reset(statement);
    return err;
}

static enum err head_write(struct ledger *ledger, const struct head *head)
{
    char value[HEAD_SIZE];
    struct statement *statement;
    put_u64(value, (uint64_t)head->id);
    memcpy(value + 8, head->hash.bytes, SHA256_SIZE);
    enum err err = ledger_prepare(ledger,
                                  "INSERT INTO meta (key, value) VALUES ('audit_head', ?)"
                                  " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                                  &statement);
    if (err == OK) {
        err = statement_bind_bytes(statement, 1, str_of(value, sizeof value));
    }
    return err == OK ? statement_run(statement) : err;
}
