/* A ledger with two clients, 2 and 3, and rows written as the rooms write them. */

#include "serve/changes.h"

#include <stdio.h>
#include <string.h>

#include "ledger/ledger.h"
#include "testing/testing.h"

static unsigned calls;

static void called(void *context)
{
    (void)context;
    calls++;
}

#define RUN(ledger, sql, ...)                                               \
    do {                                                                    \
        struct statement *statement_;                                       \
        CHECK(LEDGER_QUERY((ledger), sql, &statement_, __VA_ARGS__) == OK); \
        CHECK(statement_run(statement_) == OK);                             \
    } while (0)

static void party_add(struct ledger *ledger, int64_t id, const char *slug)
{
    RUN(ledger, "INSERT INTO party (id, slug, name_ja, name_en) VALUES (?, ?, '', '')",
        BIND_INT(id), BIND_TEXT(str_from(slug)));
}

static void client_add(struct ledger *ledger, int64_t id, const char *slug)
{
    party_add(ledger, id, slug);
    RUN(ledger, "INSERT INTO client (id, party) VALUES (?, ?)", BIND_INT(id), BIND_INT(id));
}

static struct ledger *ledger_new(void)
{
    struct ledger *ledger;
    CHECK(ledger_open(disk_real(), testing_folder(), &ledger, NULL) == OK);
    client_add(ledger, 2, "alpha");
    client_add(ledger, 3, "bravo");
    party_add(ledger, 4, "watch");
    return ledger;
}

static struct changes *changes_of(struct ledger *ledger)
{
    struct changes *changes;
    CHECK(changes_new(ledger, called, NULL, &changes) == OK);
    calls = 0;
    return changes;
}

static void alert_add(struct ledger *ledger, int64_t client, int64_t sequence)
{
    RUN(ledger,
        "INSERT INTO alert (client, sequence, rule_id, source, received, level, rule_title,"
        " rule_author, rule_link, rule_tags, rule_version, stored, type, severity, is_incident,"
        " criterion, chain, action, authorised, asset, owner, zone, outside, inside, other,"
        " documents, kind, events, event_group, event_records, excepted, planned)"
        " VALUES (?, ?, 'r', 1, 1, 1, '', '', '', '', '', 1, '', 1, 0, '', '', '', 0, '', '', '',"
        " '', '', '', '', 0, 0, '', '', '', '')",
        BIND_INT(client), BIND_INT(sequence));
}

static void incident_add(struct ledger *ledger, int64_t client, int64_t number)
{
    char cause[32];
    (void)snprintf(cause, sizeof cause, "%lld", (long long)number);
    RUN(ledger,
        "INSERT INTO incident (client, number, state, severity, cause, type, asset, owner, zone,"
        " other, inside, outside, criterion, chain, action, authorised, documents, rules, detected,"
        " opened, alerts, alert_last, told, told_at, proposal, executes, executed, lines)"
        " VALUES (?, ?, 'detected', 3, ?, '', '', '', '', '', '', '', '', '', '', 0, '', '', 1, 1,"
        " 1, 1, 1, 1, 0, '', 0, 1)",
        BIND_INT(client), BIND_INT(number), BIND_TEXT(str_from(cause)));
}

/* What is taken at a moment, as "alpha's incident 7": "incident 2 7;". */
static const char *taken_at(struct changes *changes, int64_t ms)
{
    static struct changes_taken taken;
    static char text[4096];
    int at = 0;
    changes_take(changes, (struct mono){(1000 + ms) * NS_PER_MS}, &taken);
    text[0] = '\0';
    for (size_t i = 0; i < taken.count && at < (int)sizeof text - 128; i++) {
        at += snprintf(text + at, sizeof text - (size_t)at, "%s %u %llu%s;",
                       change_text(taken.list[i].what), taken.list[i].client.value,
                       (unsigned long long)taken.list[i].number, taken.list[i].kind);
    }
    if (taken.all || taken.sessions || taken.again_ms >= 0) {
        (void)snprintf(text + at, sizeof text - (size_t)at, "%s%s%s", taken.all ? "all " : "",
                       taken.sessions ? "sessions " : "", taken.again_ms >= 0 ? "again" : "");
    }
    return text;
}

TEST(what_is_on_disk_is_told_once_and_what_was_taken_back_never)
{
    struct ledger *ledger = ledger_new();
    struct changes *changes = changes_of(ledger);
    CHECK(ledger_begin(ledger) == OK);
    incident_add(ledger, 2, 7);
    incident_add(ledger, 3, 1);
    RUN(ledger, "UPDATE incident SET lines = lines + 1 WHERE number = ?", BIND_INT(7));
    CHECK(calls == 0 && strcmp(taken_at(changes, 0), "") == 0);
    CHECK(ledger_commit(ledger) == OK && calls == 1);
    CHECK(strcmp(taken_at(changes, 0), "incident 2 7;incident 3 1;") == 0);
    CHECK(strcmp(taken_at(changes, 0), "") == 0);

    CHECK(ledger_begin(ledger) == OK);
    incident_add(ledger, 2, 8);
    ledger_rollback(ledger);
    CHECK(calls == 1 && strcmp(taken_at(changes, 500), "") == 0);
    RUN(ledger, "INSERT INTO meta (key, value) VALUES (?, x'00')", BIND_TEXT(STR("nothing shown")));
    CHECK(calls == 1 && strcmp(taken_at(changes, 500), "") == 0);
    changes_free(changes);
    ledger_close(ledger);
}

TEST(what_is_on_disk_is_told_while_a_later_transaction_is_open)
{
    struct ledger *ledger = ledger_new();
    struct changes *changes = changes_of(ledger);
    incident_add(ledger, 2, 1);
    CHECK(ledger_begin(ledger) == OK);
    incident_add(ledger, 2, 2); /* its row is the next one */
    CHECK(strcmp(taken_at(changes, 0), "incident 2 1;") == 0);
    CHECK(ledger_commit(ledger) == OK);
    CHECK(strcmp(taken_at(changes, 0), "incident 2 2;") == 0);
    changes_free(changes);
    ledger_close(ledger);
}

TEST(the_same_thing_again_waits_for_its_time_and_others_do_not)
{
    struct ledger *ledger = ledger_new();
    struct changes *changes = changes_of(ledger);
    CHECK(ledger_begin(ledger) == OK);
    for (int i = 1; i <= 3000; i++) {
        alert_add(ledger, 2, i);
    }
    CHECK(ledger_commit(ledger) == OK);
    CHECK(strcmp(taken_at(changes, 0), "alerts 2 0;") == 0);
    alert_add(ledger, 2, 4000);
    alert_add(ledger, 3, 1);
    CHECK(strcmp(taken_at(changes, 50), "alerts 3 0;again") == 0);
    alert_add(ledger, 2, 4001);
    CHECK(strcmp(taken_at(changes, CHANGES_APART_MS), "alerts 2 0;") == 0);
    CHECK(strcmp(taken_at(changes, 10000), "") == 0);
    /* Which incident they belong to is the incident's change. */
    RUN(ledger, "UPDATE alert SET incident = 1 WHERE client = ?", BIND_INT(2));
    CHECK(strcmp(taken_at(changes, 20000), "") == 0);
    changes_free(changes);
    ledger_close(ledger);
}

TEST(more_than_can_be_named_is_everything_and_that_at_most_once_a_second)
{
    struct ledger *ledger = ledger_new();
    struct changes *changes = changes_of(ledger);
    for (int i = 1; i <= CHANGES_MAX + 1; i++) {
        incident_add(ledger, 2, i);
    }
    CHECK(strcmp(taken_at(changes, 0), "all ") == 0);
    CHECK(ledger_begin(ledger) == OK);
    for (int i = 2; i <= 4000; i += 2) { /* a range of its own each */
        RUN(ledger,
            "INSERT INTO source (id, client, slug, active, unknown_listener)"
            " VALUES (?, 2, ?, 1, '')",
            BIND_INT(i), BIND_INT(i));
    }
    CHECK(ledger_commit(ledger) == OK);
    CHECK(strcmp(taken_at(changes, 400), "again") == 0);
    CHECK(strcmp(taken_at(changes, 1000), "all ") == 0);
    incident_add(ledger, 3, 5);
    CHECK(strcmp(taken_at(changes, 1000), "incident 3 5;") == 0);
    changes_free(changes);
    ledger_close(ledger);
}

TEST(each_table_that_a_page_shows_has_its_meaning)
{
    struct ledger *ledger = ledger_new();
    struct changes *changes = changes_of(ledger);
    RUN(ledger, "INSERT INTO document_text (hash, canonical) VALUES (?, '{}')",
        BIND_TEXT(STR("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")));
    RUN(ledger,
        "INSERT INTO document (id, client, kind, number, hash, author, author_side, note, created)"
        " SELECT ?, 2, 'sla', 1, hash, '', 1, '', 1 FROM document_text",
        BIND_INT(1));
    CHECK(strcmp(taken_at(changes, 0), "document 2 0sla;") == 0);
    RUN(ledger,
        "INSERT INTO document_signature (document, roles, role, who, at, key, signature)"
        " VALUES (1, 1, '', ?, 1, '', '')",
        BIND_TEXT(STR("alpha/head")));
    CHECK(strcmp(taken_at(changes, 1000), "document 2 0sla;") == 0);
    RUN(ledger,
        "INSERT INTO disclosure (client, kind, path, disclosure, who, at)"
        " VALUES (3, 'assets', ?, 'shown', '', 1)",
        BIND_TEXT(STR("x")));
    CHECK(strcmp(taken_at(changes, 2000), "document 3 0assets;") == 0);
    RUN(ledger,
        "INSERT INTO document_version (client, kind, path, hash, effective_from)"
        " SELECT 3, 'source', ?, hash, 1 FROM document_text",
        BIND_TEXT(STR("bravo/web")));
    CHECK(strcmp(taken_at(changes, 3000), "client 3 0;") == 0);
    RUN(ledger,
        "INSERT INTO document_version (client, kind, path, hash, effective_from)"
        " SELECT 2, 'person', ?, hash, 1 FROM document_text",
        BIND_TEXT(STR("watch/ann")));
    CHECK(strcmp(taken_at(changes, 4000), "people 0 0watch;") == 0);
    RUN(ledger, "INSERT INTO person (id, party, slug, active, password) VALUES (?, 2, 'h', 1, '')",
        BIND_INT(1));
    CHECK(strcmp(taken_at(changes, 5000), "people 2 0alpha;") == 0);
    RUN(ledger,
        "INSERT INTO session (token, person, created, seen, peer, agent)"
        " VALUES (?, 1, 1, 1, '', '')",
        BIND_BYTES(STR("00112233445566778899aabbccddeeff")));
    CHECK(strcmp(taken_at(changes, 6000), "") == 0);
    RUN(ledger, "DELETE FROM session WHERE person = ?", BIND_INT(1));
    CHECK(strcmp(taken_at(changes, 7000), "sessions ") == 0);
    changes_free(changes);
    ledger_close(ledger);
}
