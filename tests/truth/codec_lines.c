/* codec_lines < LINES: what our small readers make of texts, one answer a line; the other side of
 * codec_oracle.py, which says what each kind is asked for and what is expected.
 *
 * A line is KIND and its arguments, in hexadecimal but for numbers, with one blank between; the
 * answer is "-" where the text is refused. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "codec/crypto.h"
#include "codec/network.h"
#include "codec/percent.h"
#include "codec/time.h"
#include "codec/utf16.h"
#include "codec/zone.h"

#define BYTES_MAX 4096

static struct arena *mem; /* of one line */

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "codec_lines: %s\n", what);
        exit(2);
    }
}

static struct str bytes_of(struct str hex)
{
    char *bytes = arena_take(mem, hex.size / 2 + 1);
    must(bytes != NULL && hex_parse(hex, bytes, hex.size / 2) == OK, "no hexadecimal");
    return str_of(bytes, hex.size / 2);
}

static int64_t number_of(struct str text)
{
    char plain[32] = "";
    must(text.size < sizeof plain, "no number");
    memcpy(plain, text.data, text.size);
    return strtoll(plain, NULL, 10);
}

static void hex_say(struct str bytes)
{
    char *text = arena_take(mem, 2 * bytes.size + 1);
    must(text != NULL, "memory");
    (void)printf("%s\n", hex_print(bytes.data, bytes.size, text));
}

static void none_say(void)
{
    (void)printf("-\n");
}

/* ---- times */

static void time_say(struct str rest)
{
    struct wall wall;
    if (time_parse(bytes_of(rest), &wall) != OK) {
        none_say();
        return;
    }
    (void)printf("%lld\n", (long long)wall.ns);
}

static void moment_say(struct str rest)
{
    char text[TIME_TEXT_SIZE];
    (void)printf("%s\n", time_print((struct wall){number_of(rest)}, text));
}

/* FILE NUMBER: the offset at the moment, and the first and last moment of the reading, or "-". */
static void zone_say(struct str rest)
{
    static struct zone *zone;
    static char last[256];
    struct str name = bytes_of(str_cut(&rest, ' '));
    struct zone_moments moments;
    if (!str_equal(name, str_from(last))) {
        char bytes[65536];
        (void)snprintf(last, sizeof last, "%.*s", STR_ARG(name));
        FILE *file = fopen(last, "rb");
        must(file != NULL, "no such zone");
        size_t size = fread(bytes, 1, sizeof bytes, file);
        (void)fclose(file);
        zone_free(zone);
        must(zone_decode(str_of(bytes, size), &zone) == OK, "a zone");
    }
    int64_t number = number_of(rest);
    zone_moments(zone, number, &moments);
    (void)printf("%d", zone_offset(zone, number));
    if (moments.shown) {
        (void)printf(" %lld %lld\n", (long long)moments.first, (long long)moments.last);
    } else {
        (void)printf(" -\n");
    }
}

/* ---- addresses */

static void address_say(struct str rest)
{
    uint8_t address[ADDRESS_SIZE];
    if (address_parse(bytes_of(rest), address) != OK) {
        none_say();
        return;
    }
    hex_say(str_of((const char *)address, sizeof address));
}

/* NETWORK ADDRESS: address and prefix, whether it is canonical, whether it holds the address, and
 * how it is printed. */
static void network_say(struct str rest)
{
    struct network network;
    uint8_t address[ADDRESS_SIZE];
    char hex[2 * ADDRESS_SIZE + 1];
    char text[NETWORK_TEXT_SIZE];
    if (network_parse(bytes_of(str_cut(&rest, ' ')), &network) != OK) {
        none_say();
        return;
    }
    must(hex_parse(rest, address, sizeof address) == OK, "an address");
    (void)printf("%s %u %d %d %s\n", hex_print(network.address, sizeof network.address, hex),
                 network.prefix, network_canonical(&network), network_holds(&network, address),
                 network_print(&network, text));
}

/* ---- bytes as text */

static void base64_say(struct str rest)
{
    char to[BYTES_MAX];
    struct str bytes;
    if (base64_decode(bytes_of(rest), to, sizeof to, &bytes) != OK) {
        none_say();
        return;
    }
    hex_say(bytes);
}

static void base64_print_say(struct str rest)
{
    struct buf out;
    buf_init(&out, 2 * BYTES_MAX);
    must(base64_append(&out, bytes_of(rest)) == OK, "memory");
    hex_say(buf_str(&out));
    buf_done(&out);
}

static void hex_parse_say(struct str rest)
{
    char to[BYTES_MAX];
    struct str text = bytes_of(rest);
    if (hex_parse(text, to, text.size / 2) != OK) {
        none_say();
        return;
    }
    hex_say(str_of(to, text.size / 2));
}

static void percent_answer(struct str rest, bool plus_is_blank)
{
    struct str text;
    if (percent_decode(bytes_of(rest), plus_is_blank, mem, &text) != OK) {
        none_say();
        return;
    }
    hex_say(text);
}

static void percent_say(struct str rest)
{
    percent_answer(rest, false);
}

static void form_say(struct str rest)
{
    percent_answer(rest, true);
}

static void utf16_say(struct str rest)
{
    struct str bytes = bytes_of(rest);
    char to[BYTES_MAX * UTF16_JSON_UNIT_MAX + 16];
    char *end = utf16_json(to, bytes.data, bytes.size / 2);
    hex_say(str_of(to, (size_t)(end - to)));
}

int main(void)
{
    static const struct {
        const char *kind;
        void (*say)(struct str rest);
    } kinds[] = {
        {"time", time_say},
        {"moment", moment_say},
        {"zone", zone_say},
        {"address", address_say},
        {"network", network_say},
        {"base64", base64_say},
        {"letters", base64_print_say},
        {"hex", hex_parse_say},
        {"percent", percent_say},
        {"form", form_say},
        {"utf16", utf16_say},
    };
    char *text = NULL;
    size_t capacity = 0;
    mem = arena_new((size_t)1 << 24);
    must(mem != NULL, "memory");
    for (ssize_t size; (size = getline(&text, &capacity, stdin)) > 0;) {
        struct str rest = str_trim(str_of(text, (size_t)size));
        struct str kind = str_cut(&rest, ' ');
        size_t i = 0;
        while (i < sizeof kinds / sizeof kinds[0] && !str_equal(kind, str_from(kinds[i].kind))) {
            i++;
        }
        must(i < sizeof kinds / sizeof kinds[0] && rest.size <= (size_t)2 * BYTES_MAX, "a kind");
        arena_reset(mem);
        kinds[i].say(rest);
    }
    free(text);
    arena_free(mem);
    return 0;
}
