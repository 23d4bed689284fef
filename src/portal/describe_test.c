/* docs/api.yaml says what the table of operations says, no more and no less. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "portal/private.h"
#include "testing/testing.h"

/* Whether a YAML list of names and the keys of the table are the same; '!' marks what `required`
 * holds. */
static bool keys_equal(const struct yaml_node *properties, const struct yaml_node *required,
                       const char *keys)
{
    struct str rest = str_from(keys);
    size_t count = 0;
    size_t needed = 0;
    while (rest.size > 0) {
        struct str key = str_cut(&rest, ' ');
        bool must = str_ends(key, STR("!"));
        bool marked = false;
        key.size -= must ? 1 : 0;
        count++;
        needed += must;
        for (const struct yaml_node *node = required != NULL ? required->first : NULL; node != NULL;
             node = node->next) {
            marked = marked || str_equal(node->text, key);
        }
        if (yaml_get(properties, key) == NULL || marked != must) {
            return false;
        }
    }
    return count == (properties != NULL ? properties->count : 0) &&
           needed == (required != NULL ? required->count : 0);
}

static bool body_equal(const struct operation *operation, const struct yaml_node *described)
{
    const struct yaml_node *body = yaml_get(described, STR("requestBody"));
    if (operation->body == NULL || (operation->flags & OPERATION_ASKING) != 0) {
        return (operation->body == NULL) == (body == NULL);
    }
    const struct yaml_node *content = yaml_get(body, STR("content"));
    const struct yaml_node *schema =
        yaml_get(yaml_get(content, STR("application/json")), STR("schema"));
    return schema != NULL && keys_equal(yaml_get(schema, STR("properties")),
                                        yaml_get(schema, STR("required")), operation->body);
}

static bool query_equal(const struct operation *operation, const struct yaml_node *described)
{
    const struct yaml_node *list = yaml_get(described, STR("parameters"));
    struct str rest = str_from(operation->query);
    size_t count = 0;
    while (rest.size > 0) {
        struct str key = str_cut(&rest, ' ');
        bool must = str_ends(key, STR("!"));
        bool found = false;
        key.size -= must ? 1 : 0;
        count++;
        for (const struct yaml_node *node = list != NULL ? list->first : NULL; node != NULL;
             node = node->next) {
            const struct yaml_node *required = yaml_get(node, STR("required"));
            bool wanted = required != NULL && str_equal(required->text, STR("true"));
            found = found || (str_equal(yaml_get(node, STR("name"))->text, key) && wanted == must);
        }
        if (!found) {
            return false;
        }
    }
    return count == (list != NULL ? list->count : 0);
}

/* The roles that have one of the operation's rights. */
static bool roles_equal(const struct operation *operation, const struct yaml_node *described)
{
    const struct yaml_node *list = yaml_get(described, STR("x-roles"));
    size_t count = 0;
    if (list == NULL) {
        return false;
    }
    if ((operation->flags & OPERATION_OPEN) != 0) {
        return list->count == 1 && str_equal(list->first->text, STR("anyone"));
    }
    for (int role = 0; role < ROLE_COUNT; role++) {
        bool manages = strncmp(operation->name, "person.", 7) == 0 &&
                       strcmp(operation->method, "GET") != 0; /* of one's party: tenant/ decides */
        uint32_t wanted = manages ? (uint32_t)RIGHT_USERS : operation->rights;
        bool may = (wanted == 0 || (role_rights((enum role)role) & wanted) != 0) &&
                   (operation->flags & OPERATION_EVERY) == 0;
        if (strcmp(operation->name, "proposal.list") == 0) {
            may = role == ROLE_PROVIDER_ADMIN;
        }
        if (strcmp(operation->name, "health.show") == 0 ||
            strcmp(operation->name, "device.health") == 0) { /* of those who work for some client */
            may = role == ROLE_PROVIDER_ADMIN || role == ROLE_ENGINEER || role == ROLE_ANALYST;
        }
        bool listed = false;
        for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
            listed = listed || str_equal(node->text, str_from(role_text((enum role)role)));
        }
        if (may != listed) {
            return false;
        }
        count += listed;
    }
    return count == list->count;
}

static const struct yaml_node *described_at(const struct yaml_node *paths,
                                            const struct operation *operation)
{
    char method[16] = {0};
    for (size_t i = 0; operation->method[i] != '\0' && i + 1 < sizeof method; i++) {
        method[i] = (char)(operation->method[i] | 0x20);
    }
    return yaml_get(yaml_get(paths, str_from(operation->path)), str_from(method));
}

TEST(the_description_and_the_table_hold_the_same_operations)
{
    char path[4096];
    size_t size;
    struct yaml_node *root;
    struct why why = {0};
    struct arena *mem = arena_new(64 << 20);
    (void)snprintf(path, sizeof path, "%s/docs/api.yaml", testing_root());
    char *text = testing_read(path, &size);
    CHECK(yaml_parse(str_of(text, size), mem, &root, &why) == OK);
    const struct yaml_node *paths = yaml_get(root, STR("paths"));
    size_t described = 0;
    for (const struct yaml_node *node = paths->first; node != NULL; node = node->next) {
        described += node->count - (yaml_get(node, STR("parameters")) != NULL ? 1 : 0);
    }
    const char *method;
    const char *at;
    const char *name;
    size_t count = 0;
    for (; api_operation_at(count, &method, &at, &name); count++) {
        const struct operation *operation = &operations[count];
        const struct yaml_node *node = described_at(paths, operation);
        if (node == NULL || !str_equal(yaml_get(node, STR("operationId"))->text, str_from(name)) ||
            !body_equal(operation, node) || !query_equal(operation, node) ||
            !roles_equal(operation, node)) {
            testing_fail(name, __FILE__, __LINE__);
        }
    }
    CHECK(count == described && count == operations_count);
    free(text);
    arena_free(mem);
}
