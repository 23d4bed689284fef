/*
 * POST /ingest/lines: a body of lines, each a record; JSON or any other text.
 *
 * An Idempotency-Key makes a resend harmless: the archive remembers the key, the digest of the body
 * and how many parts it had.
 *
 * Always true: the answer's received = stored + deduplicated + the number of rejected, unless it is
 * an error.
 */

#include <stdio.h>

#include "base/bytes.h"
#include "collect/post.h"
#include "sys/clocks.h"

void lines_refuse(struct http_request *request, enum refusal refusal, const char *detail,
                  unsigned retry_seconds)
{
    char text[512];
    int size = snprintf(text, sizeof text, "{\"error\":\"%s\"}\n",
                        detail != NULL ? detail : refusal_sentence(refusal));
    if (size > 0 && (size_t)size < sizeof text) {
        answer_json(request, refusal_status(refusal), str_of(text, (size_t)size), retry_seconds);
    }
}

void body_key(struct post *post)
{
    if (batch_key_given(&post->key)) {
        struct sha256 digest = sha256_of_bytes(buf_str(&post->bytes));
        post->key.digest = get_u64(digest.bytes);
        post->key.parts = body_parts(&post->body);
    }
}

bool lines_open(struct post *post)
{
    struct cursor cursor = {0};
    struct str line;
    uint64_t lines = 0;
    post->body.next = plain_next;
    while (body_record(post->body.text, &cursor, &line)) {
        lines++;
        if (line.size > RECORD_SIZE_MAX) {
            post_reject(post, REJECT_TOO_LONG, 1);
            UNHEEDED(buf_print(&post->reasons, "%s{\"line\":%llu,\"reason\":\"%s\"}",
                               post->reasons.size > 0 ? "," : "", (unsigned long long)cursor.item,
                               reject_reason_text(REJECT_TOO_LONG)));
        }
    }
    quota_charge(post->collect, post->binding, lines, mono_now());
    body_key(post);
    return true;
}

void lines_answer(struct post *post)
{
    struct buf text;
    buf_init(&text, 131072);
    enum err err =
        buf_print(&text, "{\"received\":%llu,\"stored\":%llu,\"deduplicated\":%llu,\"rejected\":[",
                  (unsigned long long)post->received, (unsigned long long)post->stored,
                  (unsigned long long)post->deduplicated);
    if (err == OK) {
        err = buf_append(&text, buf_str(&post->reasons));
    }
    if (err == OK) {
        err = buf_append(&text, STR("]}\n"));
    }
    if (err == OK) {
        answer_json(post->request, 200, buf_str(&text), 0);
    } else {
        post_refuse(post, REFUSE_MEMORY, "stored, but there was no memory for the answer");
    }
    buf_done(&text);
}

const struct dialect dialect_lines = {
    .refuse = lines_refuse, .open = lines_open, .answer = lines_answer};
