/* The portal's certificate: made once, kept while it serves, and made anew when it does not. */

#include "serve/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "testing/testing.h"

#define DAY_NS (86400LL * NS_PER_SECOND)

static const struct wall now = {1700000000LL * NS_PER_SECOND};

/* A configuration whose keys lie in a folder of the test's own. */
static struct config *configured(const char *folder, const char *more)
{
    char text[4096];
    struct config *config = NULL;
    struct why why = {0};
    (void)snprintf(text, sizeof text,
                   "data: %s/var\n"
                   "listeners:\n"
                   "  - {name: a, kind: portal, address: 192.0.2.7, port: 1}\n"
                   "  - {name: b, kind: portal, address: \"2001:DB8:0::1\", port: 1}\n"
                   "  - {name: c, kind: portal, address: 0.0.0.0, port: 2}\n"
                   "  - {name: d, kind: http, address: 192.0.2.8, port: 1}\n%s",
                   folder, more);
    if (config_parse(str_from(text), &config, &why) != OK) {
        printf("%s\n", why.text);
        CHECK(false);
    }
    return config;
}

static char *folder_new(char folder[64])
{
    char keys[128];
    (void)snprintf(folder, 64, "/tmp/hinomi-identity-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(keys, sizeof keys, "%s/var.keys", folder);
    CHECK(mkdir(keys, 0700) == 0);
    return folder;
}

static void file_remove(const char *folder, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    (void)remove(path);
}

static void folder_remove(const char *folder)
{
    file_remove(folder, "var.keys/portal/certificate.pem");
    file_remove(folder, "var.keys/portal/key.pem");
    file_remove(folder, "var.keys/portal");
    file_remove(folder, "var.keys");
    file_remove(folder, "");
}

TEST(a_certificate_is_made_for_every_name_that_the_configuration_says)
{
    char folder[64];
    struct identity identity = {0};
    struct why why = {0};
    struct config *config =
        configured(folder_new(folder), "portal_url: https://SOC.example:8443\n");
    CHECK(identity_open(config, now, &identity, &why) == OK);
    CHECK(identity.local && identity.made);
    CHECK(str_equal(buf_str(&identity.names),
                    STR("localhost\n127.0.0.1\n::1\n192.0.2.7\n2001:db8::1\nsoc.example")));
    CHECK(str_equal(str_from(identity.says.names), buf_str(&identity.names)));
    identity_done(&identity);
    config_free(config);
    folder_remove(folder);
}

TEST(it_is_kept_while_it_serves_and_made_anew_a_month_before_its_end)
{
    char folder[64];
    struct identity first = {0};
    struct identity again = {0};
    struct why why = {0};
    struct config *config = configured(folder_new(folder), "");
    CHECK(identity_open(config, now, &first, &why) == OK && first.made);
    CHECK(identity_open(config, (struct wall){now.ns + 700 * DAY_NS}, &again, &why) == OK);
    CHECK(!again.made && identity_equal(&first, &again));
    CHECK(identity_open(config, (struct wall){now.ns + 800 * DAY_NS}, &again, &why) == OK);
    CHECK(again.made && !identity_equal(&first, &again));
    CHECK(identity_open(config, (struct wall){now.ns + 801 * DAY_NS}, &first, &why) == OK);
    CHECK(!first.made && identity_equal(&first, &again));
    identity_done(&first);
    identity_done(&again);
    config_free(config);
    folder_remove(folder);
}

TEST(a_key_without_its_certificate_leads_to_another_pair)
{
    static const char *const lost[] = {"var.keys/portal/certificate.pem",
                                       "var.keys/portal/key.pem"};
    char folder[64];
    struct identity first = {0};
    struct identity again = {0};
    struct why why = {0};
    struct config *config = configured(folder_new(folder), "");
    CHECK(identity_open(config, now, &first, &why) == OK);
    for (size_t i = 0; i < 2; i++) {
        file_remove(folder, lost[i]);
        CHECK(identity_open(config, now, &again, &why) == OK && again.made);
        CHECK(!identity_equal(&first, &again));
    }
    identity_done(&first);
    identity_done(&again);
    config_free(config);
    folder_remove(folder);
}

TEST(behind_a_proxy_there_is_no_certificate_but_a_name)
{
    char folder[64];
    struct identity identity = {0};
    struct why why = {0};
    struct config *config =
        configured(folder_new(folder), "portal_tls: off\nportal_url: https://[2001:db8::9]:1\n");
    CHECK(identity_open(config, now, &identity, &why) == OK);
    CHECK(identity.certificate.size == 0 && identity.key.size == 0 && !identity.local);
    CHECK(str_equal(buf_str(&identity.names), STR("2001:db8::9")));
    identity_done(&identity);
    config_free(config);
    folder_remove(folder);
}

TEST(a_fingerprint_is_printed_as_browsers_show_it)
{
    char text[IDENTITY_PRINT_SIZE];
    const struct identity identity = {.says = {.sha256 = "0a1bff"}};
    CHECK(strcmp(identity_print(&identity, text), "0A:1B:FF") == 0);
}
