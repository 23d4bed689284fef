#include "replay/fixture_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "sys/clocks.h"
#include "testing/testing.h"

char lines[1024 * 1024];
char complaints[65536];
size_t lines_count;
static size_t lines_size;

enum err line_keep(void *context, struct str line)
{
    (void)context;
    lines_count++;
    if (lines_size + line.size + 2 < sizeof lines) {
        memcpy(lines + lines_size, line.data, line.size);
        lines_size += line.size;
        lines[lines_size++] = '\n';
        lines[lines_size] = '\0';
    }
    return OK;
}

void complaint_keep(void *context, const char *path, const char *reason)
{
    (void)context;
    size_t used = strlen(complaints);
    const char *name = strrchr(path, '/');
    (void)snprintf(complaints + used, sizeof complaints - used, "%s: %s\n",
                   name != NULL ? name + 1 : path, reason);
}

struct ruleset *rules_at(const char *path)
{
    struct arena *mem = arena_new((size_t)1 << 28);
    struct buf bundle;
    struct ruleset *ruleset;
    struct ruleset_report report;
    size_t wrong = 0;
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(rules_gather(&bundle, path, complaint_keep, NULL, &wrong) == OK && wrong == 0);
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, NULL) == OK);
    CHECK(report.refused.count == 0);
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}

struct replay_stats scan_threads(const struct ruleset *ruleset, const char *path,
                                 enum replay_format format, unsigned threads)
{
    struct replay_options options = {
        .ruleset = ruleset,
        .format = format,
        .threads = threads,
        .width = 100,
        .now = wall_now(),
        .clock = cpu_now,
        .line = line_keep,
        .complain = complaint_keep,
    };
    struct replay *replay;
    struct replay_stats stats;
    lines[0] = complaints[0] = '\0';
    lines_count = lines_size = 0;
    CHECK(replay_new(&options, &replay) == OK);
    CHECK(replay_path(replay, path) == OK);
    CHECK(replay_run(replay) == OK);
    replay_stats(replay, &stats);
    replay_free(replay);
    return stats;
}

struct ruleset *wanted_rules(void)
{
    char rule[4096];
    CHECK(snprintf(rule, sizeof rule, "%s/rules.yml", testing_folder()) > 0);
    static const char text[] = "title: 'A \"title\"'\nid: '1'\nauthor: Somebody\ntags: [a.b, c.d]\n"
                               "logsource: {}\ndetection: {s: [wanted], condition: s}\n";
    testing_write(rule, text, sizeof text - 1);
    return rules_at(rule);
}

struct replay_stats scan_text(const char *name, const void *data, size_t size)
{
    char path[4096];
    const char *folder = testing_folder();
    CHECK(snprintf(path, sizeof path, "%s/%s", folder, name) > 0);
    testing_write(path, data, size);
    struct ruleset *ruleset = wanted_rules();
    struct replay_stats stats = scan_threads(ruleset, folder, REPLAY_NDJSON, 1);
    ruleset_free(ruleset);
    return stats;
}

static void put(struct buf *out, const void *data, size_t size)
{
    CHECK(buf_append(out, str_of(data, size)) == OK);
}

void tar_add(struct buf *out, const char *path, struct str data)
{
    static const char zeros[512];
    char head[512] = {0};
    unsigned sum = 0;
    CHECK(snprintf(head, 100, "%s", path) > 0);
    memcpy(head + 100, "0000644", 8);
    CHECK(snprintf(head + 124, 12, "%011zo", data.size) == 11);
    memcpy(head + 148, "        ", 8);
    head[156] = '0';
    memcpy(head + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof head; i++) {
        sum += (unsigned char)head[i];
    }
    CHECK(snprintf(head + 148, 8, "%06o", sum) == 6);
    put(out, head, sizeof head);
    put(out, data.data, data.size);
    put(out, zeros, (512 - data.size % 512) % 512);
}

static uint32_t crc_of(struct str data)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < data.size; i++) {
        crc ^= (unsigned char)data.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
        }
    }
    return ~crc;
}

void zip_add(struct buf *out, struct buf *directory, const char *path, struct str data,
             bool encrypted)
{
    char local[30] = {0};
    char central[46] = {0};
    uint32_t crc = crc_of(data);
    put_u32(local, 0x04034B50);
    put_u16(local + 4, 20);
    put_u16(local + 6, encrypted ? 1 : 0);
    put_u32(local + 14, crc);
    put_u32(local + 18, (uint32_t)data.size);
    put_u32(local + 22, (uint32_t)data.size);
    put_u16(local + 26, (uint16_t)strlen(path));
    put_u32(central, 0x02014B50);
    memcpy(central + 6, local + 4, 26);
    put_u32(central + 42, (uint32_t)out->size);
    put(out, local, sizeof local);
    put(out, path, strlen(path));
    put(out, data.data, data.size);
    put(directory, central, sizeof central);
    put(directory, path, strlen(path));
}

void zip_end(struct buf *out, const struct buf *directory)
{
    char end[22] = {0};
    uint16_t count = 0;
    for (size_t at = 0; at < directory->size; at += 46u + get_u16(directory->data + at + 28)) {
        count++;
    }
    put_u32(end, 0x06054B50);
    put_u16(end + 8, count);
    put_u16(end + 10, count);
    put_u32(end + 12, (uint32_t)directory->size);
    put_u32(end + 16, (uint32_t)out->size);
    put(out, directory->data, directory->size);
    put(out, end, sizeof end);
}

/* Stored, not compressed: blocks of at most 65,535 bytes (RFC 1951, section 3.2.4). */
void gz_add(struct buf *out, struct str data)
{
    char tail[8];
    put_u32(tail, crc_of(data));
    put_u32(tail + 4, (uint32_t)data.size);
    put(out, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    do {
        struct str part = str_slice(data, 0, 65535);
        char head[5];
        data = str_slice(data, part.size, SIZE_MAX);
        head[0] = data.size == 0;
        put_u16(head + 1, (uint16_t)part.size);
        put_u16(head + 3, (uint16_t)~part.size);
        put(out, head, sizeof head);
        put(out, part.data, part.size);
    } while (data.size > 0);
    put(out, tail, sizeof tail);
}
