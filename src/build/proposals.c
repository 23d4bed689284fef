/*
 * Proposals are rows by (listener, address): a flood from made-up addresses fills PROPOSALS_MAX of
 * them and no more, and the one that was heard longest ago makes room.
 *
 * Always true: a sample is kept printable, with every other byte as \xHH, so nothing of a stranger
 * reaches a terminal or a page as it came; an address is one address, never a network, and a parser
 * is a name, so that the lines to be pasted enrol nobody else, whatever core was told; a proposal
 * enrols nobody by itself.
 */

#include "build/proposals.h"

#include <string.h>

#include "base/limits.h"
#include "ledger/ledger.h"

#define SAMPLE_MAX 512
#define LINE_MAX   64

static enum err sample_print(struct str sample, struct buf *out)
{
    enum err err = OK;
    sample = str_slice(sample, 0, SAMPLE_MAX);
    for (size_t i = 0; i < sample.size && err == OK;) {
        unsigned char c = (unsigned char)sample.data[i];
        if (c >= 0x20 && c < 0x7f && c != '\\') {
            err = buf_append_byte(out, (char)c);
        } else {
            err = buf_print(out, "\\x%02x", c);
        }
        i++;
    }
    return err;
}

static enum err room_make(struct ledger *ledger)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(ledger,
                                "DELETE FROM proposal WHERE id IN (SELECT id FROM proposal"
                                " ORDER BY last_seen DESC LIMIT -1 OFFSET ?)",
                                &statement, BIND_INT(PROPOSALS_MAX));
    return err == OK ? statement_run(statement) : err;
}

/* One address as it is written; of a network, or of words around one, whoever pastes the lines
 * would enrol more than who was heard. */
static bool is_address(struct str text)
{
    uint8_t address[ADDRESS_SIZE];
    return text.size <= LINE_MAX && address_parse(text, address) == OK;
}

static bool is_name(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-') {
            return false;
        }
    }
    return text.size > 0 && text.size <= LINE_MAX;
}

enum err proposal_see(const struct scope *scope, struct ledger *ledger,
                      const struct proposal_seen *seen)
{
    struct statement *statement;
    struct buf sample;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    if (!is_address(seen->address)) {
        return OK;
    }
    buf_init(&sample, 4 * SAMPLE_MAX + 1);
    enum err err = sample_print(seen->sample, &sample);
    if (err == OK) {
        err = LEDGER_QUERY(
            ledger,
            "INSERT INTO proposal (source, address, first_seen, last_seen, count, sample, parser)"
            " SELECT id, ?, ?, ?, ?, ?, ? FROM source WHERE id = ? AND unknown_listener <> ''"
            " ON CONFLICT (source, address) DO UPDATE SET last_seen = excluded.last_seen,"
            " count = count + excluded.count",
            &statement, BIND_TEXT(seen->address), BIND_INT(seen->first.ns), BIND_INT(seen->last.ns),
            BIND_INT(seen->count), BIND_TEXT(buf_str(&sample)),
            BIND_TEXT(is_name(seen->parser) ? seen->parser : STR("auto")),
            BIND_INT(seen->source.value));
    }
    err = err == OK ? statement_run(statement) : err;
    buf_done(&sample);
    return err == OK ? room_make(ledger) : err;
}

/* ---- Looking. */

static bool may_see(const struct scope *scope, const struct tenant *tenant)
{
    struct client_info client;
    if (scope_allows_all(scope, RIGHT_MANAGE)) {
        return true;
    }
    for (size_t i = 0; tenant_client_at(tenant, i, &client); i++) {
        if (scope_has_role(scope, client.id, ROLE_PROVIDER_ADMIN)) {
            return true;
        }
    }
    return false;
}

static enum err proposal_take(struct statement *row, struct arena *mem, struct proposal *ret)
{
    *ret = (struct proposal){
        .id = (uint64_t)statement_int(row, 0),
        .first = {statement_int(row, 3)},
        .last = {statement_int(row, 4)},
        .count = (uint64_t)statement_int(row, 5),
    };
    struct str *const texts[] = {&ret->listener, &ret->address, &ret->sample, &ret->parser};
    static const int columns[] = {1, 2, 6, 7};
    enum err err = OK;
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, columns[i]), texts[i]);
    }
    return err;
}

/* What enrolled sources hear, gathered once: a thousand proposals against all that is enrolled. */
struct heard {
    struct str listener;
    struct network network;
};

struct heard_list {
    struct heard *list;
    size_t count, room;
};

static enum err heard_add(struct heard_list *heard, struct str line, struct arena *mem)
{
    struct network network;
    struct str rest = line;
    struct str listener = str_cut(&rest, ' ');
    if (network_parse(rest, &network) != OK) {
        return OK;
    }
    if (heard->count == heard->room) {
        size_t room = heard->room == 0 ? 1024 : 2 * heard->room;
        struct heard *larger = ARENA_ARRAY(mem, struct heard, room);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        if (heard->count > 0) {
            memcpy(larger, heard->list, heard->count * sizeof *larger);
        }
        heard->list = larger;
        heard->room = room;
    }
    heard->list[heard->count++] = (struct heard){listener, network};
    return OK;
}

static enum err heard_gather(const struct tenant *tenant, struct arena *mem, struct heard_list *ret)
{
    struct source_info source;
    enum err err = OK;
    *ret = (struct heard_list){0};
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &source); i++) {
        struct str *lines;
        size_t count = 0;
        if (!source.active || source.unknown_senders || source.own) {
            continue;
        }
        err = tenant_senders(tenant, source.id, mem, &lines, &count);
        for (size_t j = 0; j < count && err == OK; j++) {
            err = heard_add(ret, lines[j], mem);
        }
    }
    return err;
}

/* Whether a source that is enrolled by now hears this address at this listener. */
static bool is_enrolled(const struct heard_list *heard, const struct proposal *proposal)
{
    uint8_t address[ADDRESS_SIZE];
    if (address_parse(proposal->address, address) != OK) {
        return true; /* kept by a version that took anything; nobody can be enrolled by it */
    }
    for (size_t i = 0; i < heard->count; i++) {
        if (network_holds(&heard->list[i].network, address) &&
            str_equal(heard->list[i].listener, proposal->listener)) {
            return true;
        }
    }
    return false;
}

enum err proposal_list(const struct scope *scope, struct ledger *ledger,
                       const struct tenant *tenant, size_t limit, struct arena *mem,
                       struct proposal **ret, size_t *ret_count)
{
    struct statement *statement;
    struct heard_list heard;
    size_t count = 0;
    bool row = true;
    struct proposal *list = ARENA_ARRAY(mem, struct proposal, limit + 1);
    if (!may_see(scope, tenant)) {
        return ERR_DENIED;
    }
    enum err err = list == NULL ? ERR_MEMORY : heard_gather(tenant, mem, &heard);
    if (err == OK) {
        err = ledger_prepare(ledger,
                             "SELECT p.id, s.unknown_listener, p.address, p.first_seen,"
                             " p.last_seen, p.count, p.sample, p.parser FROM proposal p"
                             " JOIN source s ON s.id = p.source"
                             " ORDER BY p.last_seen DESC, p.id",
                             &statement);
    }
    while (err == OK && count < limit) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = proposal_take(statement, mem, &list[count]);
        count += err == OK && !is_enrolled(&heard, &list[count]);
    }
    if (err == OK && row) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err proposal_find(const struct scope *scope, struct ledger *ledger,
                       const struct tenant *tenant, struct str listener, struct str address,
                       struct arena *mem, struct proposal *ret)
{
    struct proposal *list;
    size_t count;
    enum err err = proposal_list(scope, ledger, tenant, PROPOSALS_MAX, mem, &list, &count);
    for (size_t i = 0; err == OK && i < count; i++) {
        if (str_equal(list[i].listener, listener) && str_equal(list[i].address, address)) {
            *ret = list[i];
            return OK;
        }
    }
    return err == OK ? ERR_NOT_FOUND : err;
}

struct str proposal_slug(const struct proposal *proposal, char text[PROPOSAL_SLUG_SIZE])
{
    static const struct str begin = STR("sender-");
    size_t size = begin.size;
    memcpy(text, begin.data, begin.size);
    for (size_t i = 0; i < proposal->address.size && size < SLUG_SIZE_MAX; i++) {
        char c = proposal->address.data[i];
        bool fits = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        text[size++] = fits ? c : '-';
    }
    return str_of(text, size);
}

enum err proposal_lines(const struct proposal *proposal, struct arena *mem, struct str *ret)
{
    char text[PROPOSAL_SLUG_SIZE];
    struct str slug = proposal_slug(proposal, text);
    return arena_print(mem, ret,
                       "    sources:\n"
                       "      - slug: %.*s\n"
                       "        name: {ja: ~, en: ~}\n"
                       "        parser: %.*s\n"
                       "        senders:\n"
                       "          - listener: %.*s\n"
                       "            addresses: [\"%.*s\"]\n",
                       STR_ARG(slug), STR_ARG(proposal->parser), STR_ARG(proposal->listener),
                       STR_ARG(proposal->address));
}
