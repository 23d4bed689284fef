/*
 * OTLP/HTTP: POST /v1/logs, in protobuf and JSON (opentelemetry.io, "OTLP Specification 1.10").
 *
 * A record is one LogRecord with its resource and scope around it, in JSON whichever way it came.
 * The answer is an ExportLogsServiceResponse in the sender's own format; records that cannot be
 * kept are told in its partial success, and are not to be sent again.  400 is not to be repeated,
 * 429 and 503 are, after what Retry-After says.
 *
 * Exporters send a request again as it was.  If each of its records says a time of its own, in
 * nanoseconds, the request gets a key made of its bytes, so that the second one adds nothing; else
 * two that look the same may well be two.
 *
 * Always true: what the body makes is never more than HTTP_INFLATED_SIZE_MAX, however often a large
 * resource stands around small records.
 */

#include "collect/otlp.h"

#include <string.h>

#include "base/bytes.h"
#include "codec/json.h"
#include "collect/post.h"
#include "sys/clocks.h"

#define MEMORY_STEP ((size_t)256 * 1024)
#define WORK_MAX    (2 * (uint64_t)HTTP_INFLATED_SIZE_MAX) /* Records made of one body. */

/* The type without its parameters. */
static struct str type_of(const struct http_request *request)
{
    struct str type = http_header(request, "Content-Type");
    return str_trim(str_cut(&type, ';'));
}

static bool is_json(const struct http_request *request)
{
    return str_equal_nocase(type_of(request), STR("application/json"));
}

static enum err varint_add(struct buf *out, uint64_t value)
{
    enum err err = OK;
    while (value >= 0x80 && err == OK) {
        err = buf_append_byte(out, (char)(value | 0x80));
        value >>= 7;
    }
    return err == OK ? buf_append_byte(out, (char)value) : err;
}

/* A field whose value is a number, and one whose value is a text. */
static enum err number_add(struct buf *out, unsigned field, uint64_t value)
{
    enum err err = buf_append_byte(out, (char)(field << 3 | PROTOBUF_VARINT));
    return err == OK ? varint_add(out, value) : err;
}

static enum err text_add(struct buf *out, unsigned field, struct str text)
{
    enum err err = buf_append_byte(out, (char)(field << 3 | PROTOBUF_SIZED));
    if (err == OK) {
        err = varint_add(out, text.size);
    }
    return err == OK ? buf_append(out, text) : err;
}

static void say(struct http_request *request, unsigned status, bool json, struct str body,
                unsigned retry_seconds)
{
    UNHEEDED(http_answer(request, status,
                         json ? STR("application/json") : STR("application/x-protobuf"), body,
                         retry_seconds));
}

/* google.rpc.Status: code, message.  The codes are gRPC's. */
static void refuse(struct http_request *request, enum refusal refusal, const char *detail,
                   unsigned retry_seconds)
{
    struct buf text;
    unsigned status = refusal_status(refusal);
    unsigned code = status == 401   ? 16
                    : status == 429 ? 8
                    : status == 503 ? 14
                    : status == 500 ? 13
                                    : 3;
    struct str sentence = str_from(detail != NULL ? detail : refusal_sentence(refusal));
    bool json = is_json(request);
    enum err err;
    buf_init(&text, 4096);
    if (json) {
        err = buf_print(&text, "{\"code\":%u,\"message\":\"%.*s\"}\n", code, STR_ARG(sentence));
    } else {
        err = number_add(&text, 1, code);
        err = err == OK ? text_add(&text, 2, sentence) : err;
    }
    if (err == OK) {
        say(request, status, json, buf_str(&text), retry_seconds);
    }
    buf_done(&text);
}

static bool begin(struct post *post)
{
    post->json = is_json(post->request);
    if (!post->json && !str_equal_nocase(type_of(post->request), STR("application/x-protobuf"))) {
        post_refuse(post, REFUSE_CODING,
                    "the Content-Type must be application/x-protobuf or application/json");
        return false;
    }
    return true;
}

/* ---- Records. */

struct taking {
    struct post *post;
    struct str made; /* the record that is looked at */
    bool timed;      /* this record says when it was */
    bool all_timed;
    uint64_t records;
    uint64_t work; /* bytes of records that were made, those that are none too */
};

static void leaf_look(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    struct taking *taking = context;
    if (kind != JSON_NULL && !str_equal(str_slice(taking->made, offset, size), STR("0")) &&
        (str_equal(path, STR("logRecord.timeUnixNano")) ||
         str_equal(path, STR("logRecord.time_unix_nano")) ||
         str_equal(path, STR("logRecord.observedTimeUnixNano")) ||
         str_equal(path, STR("logRecord.observed_time_unix_nano")))) {
        taking->timed = true;
    }
}

static enum err parts_add(struct buf *text, struct str resource, struct str scope,
                          struct str record)
{
    const struct str parts[] = {STR("{\"resource\":"),
                                resource,
                                STR(",\"scope\":"),
                                scope,
                                STR(",\"logRecord\":"),
                                record,
                                STR("}")};
    enum err err = OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && err == OK; i++) {
        err = buf_append(text, parts[i]);
    }
    return err;
}

/* The text and what grows beside it are paid for in steps. */
static enum err memory_follow(struct post *post, size_t more)
{
    size_t wanted = post->text.size + more;
    while (post->text_paid < wanted) {
        if (!post_memory_take(post, MEMORY_STEP)) {
            return ERR_AGAIN;
        }
        post->text_paid += MEMORY_STEP;
    }
    return OK;
}

static enum err record_take(void *context, struct str resource, struct str scope, struct str record)
{
    struct taking *taking = context;
    struct post *post = taking->post;
    size_t from = post->text.size;
    size_t size = resource.size + scope.size + record.size + 64;
    taking->records++;
    if (record.size == 0 || size > RECORD_SIZE_MAX) {
        post_reject(post, record.size == 0 ? REJECT_MALFORMED : REJECT_TOO_LONG, 1);
        return OK;
    }
    /* A large resource, copied and read once for each of many broken records, costs no memory. */
    taking->work += size;
    enum err err = taking->work > WORK_MAX ? ERR_LIMIT : memory_follow(post, size);
    if (err == OK) {
        err = parts_add(&post->text, resource, scope, record);
    }
    if (err != OK) {
        return err;
    }
    taking->made = str_slice(buf_str(&post->text), from, post->text.size);
    taking->timed = false;
    if (record.data[0] != '{' || json_walk(taking->made, leaf_look, taking, NULL) != OK) {
        post->text.size = from;
        post_reject(post, REJECT_MALFORMED, 1);
        return OK;
    }
    taking->all_timed = taking->all_timed && taking->timed;
    return post_stretch(post, from, taking->made.size);
}

static bool otlp_open(struct post *post)
{
    struct taking taking = {.post = post, .all_timed = true};
    struct str body = post->body.text;
    enum err err = OK;
    post->body.next = stretch_next;
    if (body.size > 0) {
        err = post->json ? otlp_walk_json(body, record_take, &taking)
                         : otlp_walk_protobuf(body, RECORD_SIZE_MAX, record_take, &taking);
    }
    if (err != OK) {
        post_refuse(post,
                    err == ERR_LIMIT    ? REFUSE_LARGE
                    : err == ERR_SYNTAX ? REFUSE_FORMAT
                                        : REFUSE_MEMORY,
                    err == ERR_SYNTAX ? "the body is no ExportLogsServiceRequest" : NULL);
        return false;
    }
    post->body.text = buf_str(&post->text);
    quota_charge(post->collect, post->binding, taking.records, mono_now());
    if (!batch_key_given(&post->key) && taking.all_timed && taking.records > 0) {
        const struct str parts[] = {STR("otlp"), body};
        struct sha256 hash = sha256_of(parts, 2);
        memcpy(post->key.hash, hash.bytes, sizeof post->key.hash);
    }
    body_key(post);
    return true;
}

static void otlp_answer(struct post *post)
{
    static const char why[] = "some records were too long, nested too deep or no LogRecord";
    struct buf text;
    struct buf partial;
    enum err err = OK;
    buf_init(&text, 4096);
    buf_init(&partial, 4096);
    if (post->json) {
        err = post->rejected == 0
                  ? buf_append(&text, STR("{}"))
                  : buf_print(&text,
                              "{\"partialSuccess\":{\"rejectedLogRecords\":\"%llu\","
                              "\"errorMessage\":\"%s\"}}",
                              (unsigned long long)post->rejected, why);
    } else if (post->rejected > 0) {
        err = number_add(&partial, 1, post->rejected);
        err = err == OK ? text_add(&partial, 2, STR(why)) : err;
        err = err == OK ? text_add(&text, 1, buf_str(&partial)) : err;
    }
    if (err == OK) {
        say(post->request, 200, post->json, buf_str(&text), 0);
    } else {
        post_refuse(post, REFUSE_MEMORY, NULL);
    }
    buf_done(&text);
    buf_done(&partial);
}

const struct dialect dialect_otlp = {
    .refuse = refuse, .begin = begin, .open = otlp_open, .answer = otlp_answer};
