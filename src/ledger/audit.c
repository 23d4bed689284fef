/*
 * The audit trail: lines numbered from 1 without gaps, each with a hash over the hash before it and
 * its own content.
 *
 *     hash(0)   = 32 zero bytes
 *     hash(n)   = SHA-256(hash(n-1), n, wall_ns, and of each text: size (8 bytes), bytes)
 *     form 1    the texts are principal, action, object, detail
 *     form 2    principal, action, object, words, client (8 bytes)
 *     words     = SHA-256(salt, detail); the salt is 16 random bytes
 *     form 0    a line of form 1 whose detail went with its client: its hash stands, and the next
 *               line goes on from it, but it cannot be made again
 *
 * A detail may be what people of a client wrote or searched for.  When the client's data are
 * destroyed (forget.c), detail and salt go; what is left of them is `words`, from which nobody can
 * tell, or guess, what they were, and with which the chain holds as before (decision 031).
 *
 * Numbers are 8 bytes, little-endian.  The number and hash of the last line also stand in `meta`,
 * so that lines cut off at the end are missed.  Whoever can rewrite the whole file can rewrite
 * both; against that helps only a copy elsewhere.
 *
 * Always true: a detail is missing only of a client that was destroyed, and ledger_audit_verify
 * says so otherwise.
 */

#include <string.h>

#include "base/bytes.h"
#include "codec/crypto.h"
#include "ledger/private.h"
#include "sys/random.h"

#define TEXTS     5
#define HEAD_SIZE (8 + SHA256_SIZE)
#define SALT_SIZE 16

struct head {
    int64_t id;
    struct sha256 hash;
};

/* Positions in the SELECT of ledger_audit_verify. */
enum {
    AT_ID,
    AT_WALL,
    AT_PRINCIPAL,
    AT_ACTION,
    AT_OBJECT,
    AT_DETAIL,
    AT_HASH,
    AT_FORM,
    AT_CLIENT,
    AT_SALT,
    AT_WORDS,
    AT_DESTROYED
};

static struct sha256 line_hash(const struct head *before, int64_t wall_ns, const struct str *texts,
                               size_t count);
static enum err head_read(struct ledger *ledger, struct head *ret);
static enum err head_write(struct ledger *ledger, const struct head *head);
static enum err line_check(struct statement *line, struct head *head, struct why *why);

static struct sha256 words_hash(struct str salt, struct str detail)
{
    const struct str parts[] = {salt, detail};
    return sha256_of(parts, 2);
}

enum err ledger_audit(struct ledger *ledger, int64_t wall_ns, uint32_t client, struct str principal,
                      struct str action, struct str object, struct str detail)
{
    char salt[SALT_SIZE];
    char number[8];
    struct head head;
    struct statement *statement;
    enum err err = head_read(ledger, &head);
    if (err != OK) {
        return err;
    }
    random_bytes(salt, sizeof salt);
    put_u64(number, client);
    struct sha256 words = words_hash(str_of(salt, sizeof salt), detail);
    const struct str texts[TEXTS] = {principal, action, object, str_of(words.bytes, SHA256_SIZE),
                                     str_of(number, sizeof number)};
    head.hash = line_hash(&head, wall_ns, texts, TEXTS);
    head.id++;
    err = LEDGER_QUERY(ledger,
                       "INSERT INTO audit (id, wall_ns, principal, action, object, detail, hash,"
                       " form, client, salt, words) VALUES (?, ?, ?, ?, ?, ?, ?, 2, ?, ?, ?)",
                       &statement, BIND_INT(head.id), BIND_INT(wall_ns), BIND_TEXT(principal),
                       BIND_TEXT(action), BIND_TEXT(object), BIND_TEXT(detail),
                       BIND_BYTES(str_of(head.hash.bytes, SHA256_SIZE)), BIND_INT(client),
                       BIND_BYTES(str_of(salt, sizeof salt)),
                       BIND_BYTES(str_of(words.bytes, SHA256_SIZE)));
    err = err == OK ? statement_run(statement) : err;
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
                             "SELECT id, wall_ns, principal, action, object, detail, hash, form,"
                             " client, salt, words, EXISTS (SELECT 1 FROM offboarding o WHERE"
                             " o.client = audit.client AND o.state = 'destroyed')"
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

/* What the hash of the line has to be; false: it is of no form, or a detail is missing or is not
 * what was written. */
static bool hash_make(struct statement *line, const struct head *before, struct sha256 *ret)
{
    char number[8];
    struct str stored = statement_bytes(line, AT_HASH);
    struct str texts[TEXTS] = {statement_text(line, AT_PRINCIPAL), statement_text(line, AT_ACTION),
                               statement_text(line, AT_OBJECT), statement_text(line, AT_DETAIL)};
    struct str detail = texts[3];
    int64_t wall_ns = statement_int(line, AT_WALL);
    bool gone = detail.size == 0 && statement_is_null(line, AT_SALT) &&
                statement_int(line, AT_DESTROYED) != 0;
    switch (statement_int(line, AT_FORM)) {
    case 0:
        if (!gone || stored.size != SHA256_SIZE) {
            return false;
        }
        memcpy(ret->bytes, stored.data, SHA256_SIZE);
        return true;
    case 1:
        *ret = line_hash(before, wall_ns, texts, TEXTS - 1);
        return true;
    case 2:
        texts[3] = statement_bytes(line, AT_WORDS);
        put_u64(number, (uint64_t)statement_int(line, AT_CLIENT));
        texts[4] = str_of(number, sizeof number);
        *ret = line_hash(before, wall_ns, texts, TEXTS);
        break;
    default:
        return false;
    }
    if (gone) {
        return true;
    }
    struct sha256 words = words_hash(statement_bytes(line, AT_SALT), detail);
    return str_equal(str_of(words.bytes, SHA256_SIZE), texts[3]);
}

static enum err line_check(struct statement *line, struct head *head, struct why *why)
{
    struct sha256 hash = {0};
    bool sound = hash_make(line, head, &hash);
    struct str stored = statement_bytes(line, AT_HASH);
    head->id++;
    if (statement_int(line, AT_ID) != head->id) {
        return why_say(why, ERR_CORRUPT, 0, "line %lld of the audit trail is missing",
                       (long long)head->id);
    }
    if (!sound || stored.size != SHA256_SIZE || memcmp(stored.data, hash.bytes, SHA256_SIZE) != 0) {
        return why_say(why, ERR_CORRUPT, 0, "line %lld of the audit trail does not match its hash",
                       (long long)head->id);
    }
    head->hash = hash;
    return OK;
}

static struct sha256 line_hash(const struct head *before, int64_t wall_ns, const struct str *texts,
                               size_t count)
{
    char numbers[16];
    char sizes[TEXTS][8];
    struct str parts[2 + 2 * TEXTS] = {str_of(before->hash.bytes, SHA256_SIZE),
                                       {numbers, sizeof numbers}};
    put_u64(numbers, (uint64_t)before->id + 1);
    put_u64(numbers + 8, (uint64_t)wall_ns);
    for (size_t i = 0; i < count; i++) {
        put_u64(sizes[i], texts[i].size);
        parts[2 + 2 * i] = str_of(sizes[i], sizeof sizes[i]);
        parts[3 + 2 * i] = texts[i];
    }
    return sha256_of(parts, 2 + 2 * count);
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
