/*
 * A leaf: what a client's tree holds of one batch, made at its commit and never again.
 *
 *     form 2   SHA-256( 00 ‖ FF FF FF FF ‖ 2 u32 ‖ client ‖ source ‖ first ‖ events ‖
 *                       oldest ‖ newest ‖ SHA-256( salt ‖ records ) )
 *     form 1   SHA-256( 00 ‖ client ‖ source ‖ first ‖ events ‖ salt ‖ records )
 *
 * A record counts as its size, its time of arrival and its bytes.  Form 2 can be shown without its
 * records: its head and the hash of the rest say which source it is of, which numbers and which
 * times it holds, and nothing about what it says.  That is how a delivery of some sources shows
 * that nothing of them was left out.  No client has the number FFFFFFFF, so no text is both forms.
 */

#include "archive/leaves.h"

#include <string.h>

#include "archive/private.h"
#include "base/bytes.h"

void leaf_run_begin(struct leaf_run *run, struct str start)
{
    run->run = sha256_begin();
    run->size = 0;
    leaf_run_add(run, start);
}

/* Each call of the library costs as much as 100 bytes: short texts are gathered. */
void leaf_run_add(struct leaf_run *run, struct str text)
{
    if (text.size > sizeof run->bytes - run->size) {
        sha256_add(run->run, str_of(run->bytes, run->size));
        run->size = 0;
    }
    if (text.size > sizeof run->bytes) {
        sha256_add(run->run, text);
    } else if (text.size > 0) {
        memcpy(run->bytes + run->size, text.data, text.size);
        run->size += text.size;
    }
}

void leaf_run_record(struct leaf_run *run, struct wall received, struct str record)
{
    char before[12];
    put_u32(before, (uint32_t)record.size);
    put_u64(before + 4, (uint64_t)received.ns);
    leaf_run_add(run, str_of(before, sizeof before));
    leaf_run_add(run, record);
}

struct sha256 leaf_run_end(struct leaf_run *run)
{
    sha256_add(run->run, str_of(run->bytes, run->size));
    return sha256_end(run->run);
}

struct sha256 leaf_hash(const struct leaf_head *head)
{
    char bytes[LEAF_HEAD_SIZE];
    bytes[0] = 0;
    put_u32(bytes + 1, UINT32_MAX);
    put_u32(bytes + 5, 2);
    leaf_head_encode(head, bytes + 9);
    return sha256_of_bytes(str_of(bytes, sizeof bytes));
}

void leaf_head_encode(const struct leaf_head *head, char *bytes)
{
    put_u32(bytes, head->client.value);
    put_u32(bytes + 4, head->source.value);
    put_u64(bytes + 8, head->first);
    put_u32(bytes + 16, head->events);
    put_u64(bytes + 20, (uint64_t)head->oldest.ns);
    put_u64(bytes + 28, (uint64_t)head->newest.ns);
    memcpy(bytes + 36, head->body.bytes, SHA256_SIZE);
}

size_t leaf_start_1(struct client_id client, struct source_id source, uint64_t first,
                    uint32_t events, const uint8_t salt[LEAF_SALT_SIZE], char *bytes)
{
    bytes[0] = 0;
    put_u32(bytes + 1, client.value);
    put_u32(bytes + 5, source.value);
    put_u64(bytes + 9, first);
    put_u32(bytes + 17, events);
    memcpy(bytes + 21, salt, LEAF_SALT_SIZE);
    return 21 + LEAF_SALT_SIZE;
}

/* Records may overlap in a batch's text, which is how 8 MiB could become 4,000 times as much. */
static bool batch_fits(const struct batch *batch)
{
    uint64_t size = 0;
    struct wall received;
    for (uint32_t i = 0; i < batch->events; i++) {
        size += batch_record(batch, i, &received).size;
    }
    return size <= BATCH_SIZE_MAX;
}

enum err leaf_told(const uint8_t salt[LEAF_SALT_SIZE], uint64_t first, const struct batch *batch,
                   struct leaf_head *ret)
{
    struct leaf_run run;
    struct leaf_head head = {.client = batch->client,
                             .source = batch->source,
                             .first = first,
                             .events = batch->events,
                             .oldest = {INT64_MAX},
                             .newest = {INT64_MIN}};
    if (!batch_fits(batch)) {
        return ERR_LIMIT;
    }
    leaf_run_begin(&run, str_of(salt, LEAF_SALT_SIZE));
    for (uint32_t i = 0; i < batch->events; i++) {
        struct wall received;
        const struct str record = batch_record(batch, i, &received);
        leaf_run_record(&run, received, record);
        head.oldest.ns = received.ns < head.oldest.ns ? received.ns : head.oldest.ns;
        head.newest.ns = received.ns > head.newest.ns ? received.ns : head.newest.ns;
    }
    head.body = leaf_run_end(&run);
    *ret = head;
    return OK;
}

enum err leaf_of_form_1(const uint8_t salt[LEAF_SALT_SIZE], uint64_t first,
                        const struct batch *batch, struct sha256 *ret)
{
    struct leaf_run run;
    char start[21 + LEAF_SALT_SIZE];
    if (!batch_fits(batch)) {
        return ERR_LIMIT;
    }
    size_t size = leaf_start_1(batch->client, batch->source, first, batch->events, salt, start);
    leaf_run_begin(&run, str_of(start, size));
    for (uint32_t i = 0; i < batch->events; i++) {
        struct wall received;
        const struct str record = batch_record(batch, i, &received);
        leaf_run_record(&run, received, record);
    }
    *ret = leaf_run_end(&run);
    return OK;
}

enum err leaf_form(const uint8_t salt[LEAF_SALT_SIZE], uint64_t first, const struct batch *batch,
                   const struct sha256 *leaf, unsigned *ret_form)
{
    struct leaf_head head;
    struct sha256 hash;
    enum err err = leaf_told(salt, first, batch, &head);
    if (err != OK) {
        return err;
    }
    hash = leaf_hash(&head);
    *ret_form = 2;
    if (sha256_equal(&hash, leaf)) {
        return OK;
    }
    err = leaf_of_form_1(salt, first, batch, &hash);
    *ret_form = err == OK && sha256_equal(&hash, leaf) ? 1 : 0;
    return err;
}
