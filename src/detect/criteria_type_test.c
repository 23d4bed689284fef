/* Which type of incident a rule speaks of; over all of SigmaHQ, how its rules spread. */

#include "detect/criteria.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "testing/testing.h"
#include "words/words.h"

static struct buf bundle;

static int file_pack(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (kind == FTW_F && str_ends(str_from(path), STR(".yml"))) {
        size_t size;
        char *text = testing_read(path, &size);
        CHECK(ruleset_pack(&bundle, str_from(path), str_of(text, size)) == OK);
        free(text);
    }
    return 0;
}

static struct ruleset *ruleset_of(const char *const *folders, size_t count, const char *root)
{
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    struct arena *mem = arena_new((size_t)1 << 28);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        char path[4096];
        CHECK(snprintf(path, sizeof path, "%s/%s", root, folders[i]) > 0);
        CHECK(nftw(path, file_pack, 16, FTW_PHYS) == 0);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}

static bool is_type(const char *tags, const char *title, const char *type)
{
    return str_equal(criteria_type_of_rule(str_from(tags), str_from(title)), str_from(type));
}

TEST(a_rule_s_type_comes_from_its_own_tag_its_title_its_techniques_or_its_tactics)
{
    CHECK(is_type("attack.t1190 hinomi.device-health", "SQL Injection", "device-health"));
    CHECK(is_type("attack.initial-access attack.t1190", "SQL Injection in a Request",
                  "sql-injection"));
    CHECK(is_type("attack.execution attack.t1059 attack.t1190", "Exploit", "web-attack"));
    CHECK(is_type("attack.t1059.001 attack.t1110.003", "Something", "password-guessing"));
    CHECK(is_type("attack.command_and_control", "Something", "command-and-control"));
    CHECK(is_type("attack.stealth attack.persistence", "Something", "persistence"));
    CHECK(is_type("", "", "suspicious"));
    CHECK(is_type("hinomi.unheard-of attack.t9999 car.2013", "Something", "suspicious"));
}

TEST(words_of_a_title_are_whole_words)
{
    CHECK(is_type("", "Possible xss in a Query", "cross-site-scripting"));
    CHECK(is_type("", "Exxss", "suspicious"));
    CHECK(is_type("", "Selfish", "suspicious")); /* not LFI */
    CHECK(is_type("", "Webshells", "persistence"));
    CHECK(is_type("", "Brute Forcing", "password-guessing"));
}

TEST(the_order_of_the_tags_does_not_matter)
{
    CHECK(is_type("attack.t1059 attack.t1190", "", "web-attack"));
    CHECK(is_type("attack.t1190 attack.t1059", "", "web-attack"));
}

TEST(hostile_tags_and_titles_end_in_a_type)
{
    size_t size = 1 << 20;
    char *text = malloc(size);
    memset(text, 0xff, size);
    CHECK(str_equal(criteria_type_of_rule(str_of(text, size), str_of(text, size)),
                    STR("suspicious")));
    memset(text, ' ', size);
    CHECK(str_equal(criteria_type_of_rule(str_of(text, size), str_of(text, size)),
                    STR("suspicious")));
    free(text);
}

/* All four blocks of a notice can be written for this type, in both languages. */
static void words_check(struct str type)
{
    static const char *const parts[] = {"name", "overview", "analysis", "advice"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char key[128];
        enum word word;
        CHECK(snprintf(key, sizeof key, "type.%.*s.%s", STR_ARG(type), parts[i]) > 0);
        if (!words_find(str_from(key), &word)) {
            printf("no words for %s\n", key);
            CHECK(false);
        }
        for (int language = 0; language < LANGUAGE_COUNT; language++) {
            CHECK(words_text(word, (enum language)language).size > 0);
        }
    }
}

TEST(every_type_with_words_can_be_named_by_a_rule)
{
    size_t types = 0;
    for (unsigned i = 0; i < WORD_COUNT; i++) {
        char tag[128];
        struct str key = words_key((enum word)i);
        if (str_starts(key, STR("type.")) && str_ends(key, STR(".name"))) {
            struct str type = str_slice(key, 5, key.size - 10);
            enum word analysis;
            CHECK(snprintf(tag, sizeof tag, "type.%.*s.analysis", STR_ARG(type)) > 0);
            if (!words_find(str_from(tag), &analysis)) {
                continue; /* what ails a device is nothing that a rule says */
            }
            CHECK(snprintf(tag, sizeof tag, "hinomi.%.*s", STR_ARG(type)) > 0);
            CHECK(str_equal(criteria_type_of_rule(str_from(tag), STR("SQL Injection")), type));
            words_check(type);
            types++;
        }
    }
    CHECK(types == 26);
}

TEST(rules_of_the_project_have_types_that_a_person_would_give_them)
{
    static const char *const folders[] = {"rules"};
    struct ruleset *ruleset = ruleset_of(folders, 1, testing_root());
    for (size_t i = 0; i < ruleset_rules(ruleset); i++) {
        struct rule_summary rule;
        ruleset_rule(ruleset, i, &rule);
        struct str type = criteria_type_of_rule(rule.tags, rule.title);
        words_check(type);
        CHECK(!rule.raises || !str_equal(type, STR("suspicious")));
        CHECK(str_find(rule.title, STR("SQL Injection")) == STR_NONE ||
              str_equal(type, str_find(rule.title, STR("Altered Content")) == STR_NONE
                                  ? STR("sql-injection")
                                  : STR("altered-content")));
        CHECK(str_find(rule.title, STR("Failed ssh")) == STR_NONE ||
              str_equal(type, STR("password-guessing")));
    }
    CHECK(ruleset_rules(ruleset) >= 5);
    ruleset_free(ruleset);
}

TEST(rules_of_sigmahq_spread_over_the_types)
{
    static const char *const folders[] = {"rules", "rules-compliance", "rules-emerging-threats",
                                          "rules-placeholder", "rules-threat-hunting"};
    char root[4096];
    if (testing_data() == NULL) {
        testing_skip("the SigmaHQ rules are not here");
    }
    CHECK(snprintf(root, sizeof root, "%s/sigma", testing_data()) > 0);
    struct ruleset *ruleset = ruleset_of(folders, 5, root);
    struct map counts;
    map_init(&counts, 100, 1);
    for (size_t i = 0; i < ruleset_rules(ruleset); i++) {
        struct rule_summary rule;
        uint64_t count = 0;
        ruleset_rule(ruleset, i, &rule);
        struct str type = criteria_type_of_rule(rule.tags, rule.title);
        (void)map_get(&counts, type, &count);
        CHECK(map_put(&counts, type, count + 1) == OK);
        if (getenv("HINOMI_SHOW") != NULL) {
            printf("%.*s\t%.*s\t%.*s\t%.*s\n", STR_ARG(type), STR_ARG(rule.category),
                   STR_ARG(rule.title), STR_ARG(rule.tags));
        }
    }
    size_t cursor = 0;
    struct str type;
    uint64_t count;
    while (map_next(&counts, &cursor, &type, &count)) {
        printf("%5llu %.*s\n", (unsigned long long)count, STR_ARG(type));
        words_check(type);
        CHECK(count < ruleset_rules(ruleset) / 4); /* No type swallows the others. */
    }
    CHECK(map_get(&counts, STR("suspicious"), &count) && count < ruleset_rules(ruleset) / 20);
    map_done(&counts);
    ruleset_free(ruleset);
}
