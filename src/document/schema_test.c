/* The kinds as their files have them. */

#include <string.h>

#include "document/document.h"
#include "testing/testing.h"

TEST(every_kind_of_the_first_service_is_there)
{
    static const char *const kinds[] = {"assets",    "calendars",   "contacts", "criteria",
                                        "detection", "log-sources", "sla",      "table-1"};
    CHECK(schema_count() == sizeof kinds / sizeof *kinds);
    for (size_t i = 0; i < schema_count(); i++) {
        CHECK(strcmp(schema_kind(schema_at(i)), kinds[i]) == 0);
        CHECK(schema_find(str_from(kinds[i])) == schema_at(i));
        CHECK(schema_name(schema_at(i), LANGUAGE_JA)[0] != '\0');
        CHECK(schema_name(schema_at(i), LANGUAGE_EN)[0] != '\0');
    }
    CHECK(schema_at(schema_count()) == NULL);
    CHECK(schema_find(STR("asset")) == NULL);
}

TEST(each_kind_names_who_signs_it)
{
    const struct schema *assets = schema_find(STR("assets"));
    CHECK(schema_signature(assets, 0) == 1U << ROLE_RESPONSIBLE);
    CHECK(schema_signature(assets, 1) == 0);
    CHECK(schema_signature(assets, 7) == 0);
    const struct schema *sla = schema_find(STR("sla"));
    CHECK(schema_signature(sla, 0) == 1U << ROLE_RESPONSIBLE);
    CHECK(schema_signature(sla, 1) == (1U << ROLE_PROVIDER_ADMIN | 1U << ROLE_ENGINEER));
    CHECK(schema_signature(sla, 2) == 0);
}

TEST(an_element_is_found_by_its_path)
{
    const struct schema *assets = schema_find(STR("assets"));
    const struct schema_element *owner = schema_element_find(assets, STR("assets/owner"));
    CHECK(owner != NULL && owner->type == ELEMENT_REFERENCE);
    CHECK(strcmp(owner->path, "assets/owner") == 0);
    CHECK(strcmp(owner->reference, "contacts:people") == 0);
    CHECK(schema_element_find(assets, STR("")) == schema_root(assets));
    CHECK(schema_element_find(assets, STR("assets/nobody")) == NULL);
    CHECK(schema_element_find(assets, STR("assets/owner/name")) == NULL);
    CHECK(schema_element_find(assets, STR("information"))->hidden);
}
