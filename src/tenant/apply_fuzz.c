/* Apply files are written by people: what is accepted can be printed as canonical JSON, and is then
 * read back as the same. */

#include <stdint.h>
#include <stdlib.h>

#include "tenant/private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void source_check(const struct source_element *source, struct arena *mem)
{
    struct buf first, second;
    struct yaml_node *node = NULL;
    struct source_element again;
    buf_init(&first, VERSION_SIZE_MAX);
    buf_init(&second, VERSION_SIZE_MAX);
    if (source_print(source, &first) == OK) {
        require(yaml_parse(buf_str(&first), mem, &node, NULL) == OK);
        require(source_read(node, mem, &again, NULL) == OK);
        require(source_print(&again, &second) == OK);
        require(str_equal(buf_str(&first), buf_str(&second)));
    }
    buf_done(&first);
    buf_done(&second);
}

static void party_check(const struct party_element *party, struct arena *mem)
{
    struct buf first, second;
    struct yaml_node *node = NULL;
    struct party_element again;
    buf_init(&first, VERSION_SIZE_MAX);
    buf_init(&second, VERSION_SIZE_MAX);
    require(party_print(party, &first) == OK);
    require(yaml_parse(buf_str(&first), mem, &node, NULL) == OK);
    require(party_read(node, false, mem, &again, NULL) == OK);
    require(party_print(&again, &second) == OK);
    require(str_equal(buf_str(&first), buf_str(&second)));
    buf_done(&first);
    buf_done(&second);
}

static void people_check(const struct people *people, uint32_t roles, struct arena *mem)
{
    for (size_t i = 0; i < people->count && i < 20; i++) {
        struct buf first, second;
        struct yaml_node *node = NULL;
        struct person_element again;
        buf_init(&first, VERSION_SIZE_MAX);
        buf_init(&second, VERSION_SIZE_MAX);
        require((people->list[i].roles & ~roles) == 0 && people->list[i].roles != 0);
        require(person_print(&people->list[i], &first) == OK);
        require(yaml_parse(buf_str(&first), mem, &node, NULL) == OK);
        require(person_read(node, roles, &again, NULL) == OK);
        require(person_print(&again, &second) == OK);
        require(str_equal(buf_str(&first), buf_str(&second)));
        buf_done(&first);
        buf_done(&second);
    }
}

static void engagements_check(const struct client_element *client, struct arena *mem)
{
    for (size_t i = 0; i < client->engagements_count && i < 20; i++) {
        struct buf first, second;
        struct yaml_node *node = NULL;
        struct engagement_element again;
        buf_init(&first, VERSION_SIZE_MAX);
        buf_init(&second, VERSION_SIZE_MAX);
        require(engagement_print(&client->engagements[i], &first) == OK);
        require(yaml_parse(buf_str(&first), mem, &node, NULL) == OK);
        require(engagement_read(node, mem, &again, NULL) == OK);
        require(engagement_print(&again, &second) == OK);
        require(str_equal(buf_str(&first), buf_str(&second)));
        buf_done(&first);
        buf_done(&second);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new(256 << 20);
    struct why why = {0};
    struct plan plan;
    enum err err = mem == NULL ? ERR_MEMORY : tenant_apply_check(str_of(data, size), mem, &why);
    require(err == OK || err == ERR_MEMORY || why.text[0] != '\0');
    if (err == OK) {
        require(plan_read(str_of(data, size), mem, &plan, NULL) == OK);
        for (size_t i = 0; i < plan.parties_count; i++) {
            party_check(&plan.parties[i], mem);
            people_check(&plan.parties[i].people, party_roles(plan.parties[i].kinds), mem);
        }
        for (size_t i = 0; i < plan.count; i++) {
            people_check(&plan.clients[i].people, CLIENT_ROLES, mem);
            engagements_check(&plan.clients[i], mem);
            struct buf out;
            buf_init(&out, VERSION_SIZE_MAX);
            require(client_print(&plan.clients[i], &out) == OK);
            buf_done(&out);
            for (size_t j = 0; j < plan.clients[i].sources_count && j < 20; j++) {
                source_check(&plan.clients[i].sources[j], mem);
            }
        }
    }
    arena_free(mem);
    return 0;
}
