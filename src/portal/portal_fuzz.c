/* Headers and paths of any peer, before anybody is known: whatever they hold, a name that is let in
 * is one of ours, and a session is letters that may stand in a cookie. */

#include <stdint.h>
#include <stdlib.h>

#include "codec/network.h"
#include "portal/portal_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void host_check(struct str text)
{
    char names[] = "soc.example\n*.wild.example";
    const struct portal portal = {.names = names};
    uint8_t address[ADDRESS_SIZE];
    if (!portal_host_fits(&portal, text)) {
        return;
    }
    bool bracket = str_starts(text, STR("["));
    struct str rest = bracket ? str_slice(text, 1, SIZE_MAX) : text;
    struct str host = str_cut(&rest, bracket ? ']' : ':');
    struct str plain = str_ends(host, STR(".")) ? str_slice(host, 0, host.size - 1) : host;
    require(address_parse(plain, address) == OK || str_equal_nocase(plain, STR("localhost")) ||
            str_equal_nocase(plain, STR("soc.example")) ||
            (plain.size > 13 &&
             str_equal_nocase(str_slice(plain, plain.size - 13, 13), STR(".wild.example"))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    host_check(text);
    struct str cookie = portal_cookie_of(text);
    require(cookie.size == 0 || portal_token_fits(cookie));
    require(!portal_tag_is_known(text, "W/\"0123\"") || str_find_byte(text, '*') != STR_NONE ||
            str_find(text, STR("\"0123\"")) != STR_NONE);
    require(!portal_takes_gzip(text) || size >= 4);
    const struct site_file *file = site_find(text);
    require(file == NULL || str_equal(str_from(file->path), text));
    return 0;
}
