#include <stdio.h>
#include <string.h>

#include "tenant/private.h"
#include "testing/testing.h"

#define TWO (RIGHT_READ | RIGHT_ALERTS)

static const struct scope_grant three[] = {{2, TWO, 0}, {5, TWO, 1 << ROLE_VIEWER}, {9, TWO, 0}};

static struct scope *scope_of_three(void)
{
    struct scope *scope = NULL;
    CHECK(scope_new(
              &(struct scope_parts){
                  .grants = three,
                  .count = 3,
                  .person = 7,
                  .principal = STR("uid:0"),
                  .purpose = STR("hinomi search 検索"),
              },
              &scope) == OK);
    return scope;
}

TEST(a_scope_allows_its_clients_and_rights_and_no_others)
{
    struct scope *scope = scope_of_three();
    for (uint32_t client = 0; client < 12; client++) {
        bool listed = client == 2 || client == 5 || client == 9;
        CHECK(scope_allows(scope, (struct client_id){client}, RIGHT_READ) == listed);
        CHECK(!scope_allows(scope, (struct client_id){client}, RIGHT_APPEND));
    }
    CHECK(scope_allows(scope, (struct client_id){5}, RIGHT_READ | RIGHT_ALERTS));
    CHECK(!scope_allows(scope, (struct client_id){5}, RIGHT_READ | RIGHT_MANAGE));
    CHECK(!scope_allows(scope, (struct client_id){5}, (enum right)0));
    CHECK(!scope_allows_all(scope, RIGHT_READ));
    scope_free(scope);
    CHECK(scope_for_test((struct client_id){0}, RIGHT_BOOKS, &scope) == OK);
    CHECK(scope_allows(scope, (struct client_id){77}, RIGHT_BOOKS));
    CHECK(!scope_allows(scope, (struct client_id){0}, RIGHT_BOOKS));
    CHECK(scope_allows_all(scope, RIGHT_BOOKS) && !scope_allows_all(scope, RIGHT_READ));
    scope_free(scope);
    scope_free(NULL);
}

TEST(only_the_responsible_person_decides_and_only_the_provider_works)
{
    const struct client_id client = {5};
    for (int i = 0; i < ROLE_COUNT; i++) {
        struct scope *scope = NULL;
        enum role found;
        CHECK(role_parse(str_from(role_text((enum role)i)), &found) == OK && found == (enum role)i);
        CHECK(scope_for_test_role(client, (enum role)i, &scope) == OK);
        CHECK(scope_allows(scope, client, RIGHT_DECIDE) == (i == ROLE_RESPONSIBLE));
        CHECK(scope_allows(scope, client, RIGHT_WORK) ==
              (i == ROLE_PROVIDER_ADMIN || i == ROLE_ANALYST));
        CHECK(!scope_allows(scope, client, RIGHT_SERVE) &&
              !scope_allows(scope, client, RIGHT_ALERT));
        CHECK(!scope_allows(scope, (struct client_id){6}, RIGHT_DOCUMENTS));
        CHECK(scope_has_role(scope, client, (enum role)i));
        CHECK(!scope_has_role(scope, (struct client_id){6}, (enum role)i));
        CHECK(scope_side(scope, (struct client_id){6}) == SIDE_NONE);
        CHECK((scope_side(scope, client) == SIDE_CLIENT) ==
              (i >= ROLE_RESPONSIBLE && i <= ROLE_VIEWER));
        CHECK((scope_side(scope, client) == SIDE_PROVIDER) == (i <= ROLE_CONSULTANT));
        scope_free(scope);
    }
}

TEST(a_scope_crosses_between_processes_unchanged)
{
    struct scope *scope = scope_of_three();
    struct buf bytes, again;
    buf_init(&bytes, 1000);
    buf_init(&again, 1000);
    CHECK(scope_encode(scope, &bytes) == OK);
    scope_free(scope);
    CHECK(scope_decode(buf_str(&bytes), &scope) == OK);
    CHECK(str_equal(scope_principal(scope), STR("uid:0")));
    CHECK(str_equal(scope_purpose(scope), STR("hinomi search 検索")));
    CHECK(scope_allows(scope, (struct client_id){9}, RIGHT_ALERTS));
    CHECK(scope_encode(scope, &again) == OK && str_equal(buf_str(&bytes), buf_str(&again)));
    buf_done(&again);
    buf_init(&again, bytes.size - 1);
    CHECK(scope_encode(scope, &again) == ERR_LIMIT && again.size == 0);
    scope_free(scope);
    buf_done(&bytes);
    buf_done(&again);
}

TEST(a_scope_is_not_decoded_from_anything_else)
{
    struct scope *scope = scope_of_three();
    struct buf bytes;
    buf_init(&bytes, 1000);
    CHECK(scope_encode(scope, &bytes) == OK);
    scope_free(scope);
    scope = NULL;
    for (size_t size = 0; size < bytes.size; size++) {
        CHECK(scope_decode(str_of(bytes.data, size), &scope) == ERR_CORRUPT && scope == NULL);
    }
    static const struct {
        size_t at;
        char byte;
    } changes[] = {
        {0, 'S'},     {4, 1},         {5, 1},           {7, 1},       {8, 2},
        {8, 4},       {11, '\x7f'},   {12, 0},          {14, '\xff'}, {20, 0},
        {20, 5},      {32, 2},        {24, 0},          {25, '\x80'}, {29, 2},
        {56, '\x1b'}, {56 + 5, '\n'}, {56 + 5, '\x7f'}, {56, '\xff'},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        char kept = bytes.data[changes[i].at];
        bytes.data[changes[i].at] = changes[i].byte;
        CHECK(scope_decode(buf_str(&bytes), &scope) == ERR_CORRUPT && scope == NULL);
        bytes.data[changes[i].at] = kept;
    }
    CHECK(buf_append_byte(&bytes, 'x') == OK);
    CHECK(scope_decode(buf_str(&bytes), &scope) == ERR_CORRUPT);
    buf_done(&bytes);
}
