/*
 * By what names the portal may be called.
 *
 * A page of another site can have its own name led to our address, and is then of one origin with
 * us as far as a browser can tell ("DNS rebinding").  The header Host still bears the foreign name,
 * so names that are not ours are refused (421, RFC 9110, section 15.5.20).  An address in Host is
 * harmless: nobody can lead it anywhere.
 */

#include <stdlib.h>
#include <string.h>

#include "codec/network.h"
#include "portal/portal_private.h"

enum err portal_names(struct portal *portal, struct str names)
{
    if (names.size > PORTAL_NAMES_SIZE_MAX) {
        return ERR_LIMIT;
    }
    char *copy = malloc(names.size + 1);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (names.size > 0) {
        memcpy(copy, names.data, names.size);
    }
    copy[names.size] = '\0';
    free(portal->names);
    portal->names = copy;
    return OK;
}

static bool name_fits(struct str pattern, struct str host)
{
    if (str_starts(pattern, STR("*."))) {
        struct str rest = host;
        struct str first = str_cut(&rest, '.');
        return first.size > 0 && rest.size > 0 &&
               str_equal_nocase(rest, str_slice(pattern, 2, SIZE_MAX));
    }
    return pattern.size > 0 && str_equal_nocase(pattern, host);
}

static bool digits_only(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* RFC 9110, section 7.2: a host and perhaps a port.  The empty text is no host. */
static bool host_take(struct str text, struct str *ret)
{
    uint8_t address[ADDRESS_SIZE];
    struct str host;
    if (str_starts(text, STR("["))) {
        text = str_slice(text, 1, SIZE_MAX);
        host = str_cut(&text, ']');
        if (address_parse(host, address) != OK || (text.size > 0 && text.data[0] != ':')) {
            return false;
        }
        text = str_slice(text, 1, SIZE_MAX);
    } else {
        host = str_cut(&text, ':');
    }
    if (host.size > 1 && host.data[host.size - 1] == '.') {
        host.size--;
    }
    *ret = host;
    return host.size > 0 && digits_only(text);
}

bool portal_host_fits(const struct portal *portal, struct str text)
{
    uint8_t address[ADDRESS_SIZE];
    struct str host;
    struct str names = str_from(portal->names);
    if (!host_take(text, &host)) {
        return false;
    }
    if (str_equal_nocase(host, STR("localhost")) || address_parse(host, address) == OK) {
        return true;
    }
    while (names.size > 0) {
        if (name_fits(str_cut(&names, '\n'), host)) {
            return true;
        }
    }
    return false;
}
