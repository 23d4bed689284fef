/*
 * Splunk's HTTP event collector.
 *
 *     POST /services/collector[/event[/1.0]]   JSON objects, one behind the other, with or without
 *                                              blanks between them; each, as it stands, a record
 *     POST /services/collector/raw[/1.0]       lines, each a record
 *     POST /services/collector/ack[/1.0]       which of these numbers are kept?
 *     GET  /services/collector/health[/1.0]
 *
 * A request is all or nothing: what Splunk calls an invalid event is told by its number, and
 * nothing of the request was kept.  A request that names a channel gets an ackId; numbers are
 * Splunk's, from 0 in each channel (acks.c).  Success means on disk, so such a number can be asked
 * for at once.
 *
 * Always true: "code":0 is said of nothing that is not on disk.
 */

#include <stdio.h>

#include "codec/json.h"
#include "codec/json_slice.h"
#include "collect/post.h"
#include "sys/clocks.h"

#define CHANNEL_SIZE_MAX 128
#define ASKED_MAX        10000 /* Numbers in one question. */

static void say(struct http_request *request, unsigned status, const char *text, unsigned code,
                unsigned retry_seconds)
{
    char answer[512];
    int size = snprintf(answer, sizeof answer, "{\"text\":\"%s\",\"code\":%u}\n", text, code);
    if (size > 0 && (size_t)size < sizeof answer) {
        answer_json(request, status, str_of(answer, (size_t)size), retry_seconds);
    }
}

static void refuse(struct http_request *request, enum refusal refusal, const char *detail,
                   unsigned retry_seconds)
{
    switch (refusal) {
    case REFUSE_NO_TOKEN:
        say(request, 401, "Token is required", 2, 0);
        break;
    case REFUSE_SCHEME:
        say(request, 401, "Invalid authorization", 3, 0);
        break;
    case REFUSE_TOKEN:
        say(request, 403, "Invalid token", 4, 0);
        break;
    case REFUSE_MEMORY:
    case REFUSE_BUSY:
    case REFUSE_QUOTA:
        say(request, 503, "Server is busy", 9, retry_seconds);
        break;
    case REFUSE_LOST:
        say(request, 500, "Internal server error", 8, 0);
        break;
    case REFUSE_FORMAT:
        say(request, 400, detail != NULL ? detail : "Invalid data format", 6, 0);
        break;
    default:
        say(request, refusal_status(refusal), detail != NULL ? detail : refusal_sentence(refusal),
            6, 0);
        break;
    }
}

/* The channel of a request, by header or query.  False after an answer: it has none of use. */
static bool channel_find(struct post *post, bool needed)
{
    struct str channel = http_header(post->request, "X-Splunk-Request-Channel");
    if (channel.size == 0) {
        channel = query_get(post->request, "channel");
    }
    bool good = channel.size <= CHANNEL_SIZE_MAX;
    for (size_t i = 0; i < channel.size && good; i++) {
        char c = channel.data[i];
        good =
            (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
    }
    if (!good) {
        say(post->request, 400, "Invalid data channel", 11, 0);
    } else if (channel.size == 0 && needed) {
        say(post->request, 400, "Data channel is missing", 10, 0);
    }
    post->has_channel = good && channel.size > 0;
    if (post->has_channel) {
        post->channel = sha256_of_bytes(channel);
    }
    return good && (post->has_channel || !needed);
}

static bool begin(struct post *post)
{
    return channel_find(post, false);
}

/* ---- Events. */

struct event_look {
    struct str text;
    bool found, blank;
};

static void event_leaf(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct event_look *look = context;
    struct str rest = path;
    if (!str_equal(str_cut(&rest, '.'), STR("event"))) {
        return;
    }
    look->found = true;
    look->blank = path.size == 5 && ((kind == JSON_STRING && size == 0) ||
                                     (kind == JSON_NULL && look->text.data[offset] == 'n'));
}

static bool event_refuse(struct post *post, const char *text, unsigned code, uint64_t number)
{
    char answer[160];
    int size = snprintf(answer, sizeof answer,
                        "{\"text\":\"%s\",\"code\":%u,\"invalid-event-number\":%llu}\n", text, code,
                        (unsigned long long)number);
    reject_add(post->collect, post->binding, REJECT_MALFORMED, 1);
    answer_json(post->request, 400, str_of(answer, size > 0 ? (size_t)size : 0), 0);
    return false;
}

/* Looks at one event and notes where it stands.  False after an answer. */
static bool event_take(struct post *post, size_t offset, size_t size, uint64_t number)
{
    struct event_look look = {.text = str_slice(post->body.text, offset, size)};
    if (size > RECORD_SIZE_MAX) {
        post_refuse(post, REFUSE_LARGE, "an event is over 1 MiB");
        return false;
    }
    if (json_walk(look.text, event_leaf, &look, NULL) != OK) {
        return event_refuse(post, "Invalid data format", 6, number);
    }
    if (!look.found) {
        return event_refuse(post, "Event field is required", 12, number);
    }
    if (look.blank) {
        return event_refuse(post, "Event field cannot be blank", 13, number);
    }
    if (post_stretch(post, offset, size) != OK) {
        post_refuse(post, REFUSE_MEMORY, NULL);
        return false;
    }
    return true;
}

static bool event_open(struct post *post)
{
    struct str text = post->body.text;
    uint64_t number = 0;
    post->body.next = stretch_next;
    /* Blanks at the end are cut off once, and not again behind each event. */
    text.size = text.size > 0 ? (size_t)(str_trim(text).data - text.data) + str_trim(text).size : 0;
    for (size_t at = 0;;) {
        struct str rest = str_slice(text, at, text.size);
        struct str trimmed = str_trim(rest);
        if (trimmed.size == 0) {
            break;
        }
        size_t blanks = (size_t)(trimmed.data - rest.data);
        size_t size = trimmed.data[0] == '{' ? json_value_size(trimmed) : STR_NONE;
        if (size == STR_NONE) {
            return event_refuse(post, "Invalid data format", 6, number);
        }
        if (!event_take(post, at + blanks, size, number)) {
            return false;
        }
        at += blanks + size;
        number++;
    }
    if (number == 0) {
        say(post->request, 400, "No data", 5, 0);
        return false;
    }
    quota_charge(post->collect, post->binding, number, mono_now());
    body_key(post);
    return true;
}

static bool raw_open(struct post *post)
{
    if (str_trim(post->body.text).size == 0) {
        say(post->request, 400, "No data", 5, 0);
        return false;
    }
    return lines_open(post);
}

static void hec_success(struct post *post)
{
    struct acks *acks = post->collect->acks;
    char text[96];
    uint64_t id;
    if (!post->has_channel) {
        say(post->request, 200, "Success", 0, 0);
        return;
    }
    if (acks == NULL ||
        acks_add(acks, post->binding->client, &post->channel, mono_now(), &id) != OK) {
        say(post->request, 503, "Server is busy", 9, 1);
        return;
    }
    int size = snprintf(text, sizeof text, "{\"text\":\"Success\",\"code\":0,\"ackId\":%llu}\n",
                        (unsigned long long)id);
    answer_json(post->request, 200, str_of(text, size > 0 ? (size_t)size : 0), 0);
}

const struct dialect dialect_hec_event = {
    .refuse = refuse, .begin = begin, .open = event_open, .answer = hec_success};
const struct dialect dialect_hec_raw = {
    .refuse = refuse, .begin = begin, .open = raw_open, .answer = hec_success};

/* ---- Acknowledgements. */

static bool ack_begin(struct post *post)
{
    return channel_find(post, true);
}

/* Answers each number of the list. */
static enum err ack_print(struct post *post, struct str list, struct buf *out)
{
    struct json_slices slices;
    struct str name;
    struct str value;
    unsigned count = 0;
    enum err err = json_slices(list, &slices);
    if (err == OK) {
        err = buf_append(out, STR("{\"acks\":{"));
    }
    while (err == OK && (err = json_slice_next(&slices, &name, &value)) == OK) {
        uint64_t id;
        err = count == ASKED_MAX ? ERR_LIMIT : str_to_u64(value, UINT64_MAX, &id);
        if (err == OK) {
            bool kept =
                post->collect->acks != NULL && acks_take(post->collect->acks, post->binding->client,
                                                         &post->channel, id, mono_now());
            err = buf_print(out, "%s\"%llu\":%s", count > 0 ? "," : "", (unsigned long long)id,
                            kept ? "true" : "false");
        }
        count++;
    }
    return err == ERR_CLOSED ? buf_append(out, STR("}}\n")) : err;
}

static bool ack_open(struct post *post)
{
    struct json_slices slices;
    struct str name;
    struct str value;
    struct str list = {0};
    struct buf text;
    buf_init(&text, 512 * 1024);
    enum err err = json_slices(post->body.text, &slices);
    while (err == OK && (err = json_slice_next(&slices, &name, &value)) == OK) {
        list = str_equal(name, STR("acks")) ? value : list;
    }
    err = err == ERR_CLOSED ? ack_print(post, list, &text) : err;
    if (err == OK) {
        answer_json(post->request, 200, buf_str(&text), 0);
    } else {
        post_refuse(post, REFUSE_FORMAT, NULL);
    }
    buf_done(&text);
    return false;
}

const struct dialect dialect_hec_ack = {.refuse = refuse, .begin = ack_begin, .open = ack_open};

/* ---- Health. */

bool hec_answer(struct listener *listener, struct http_request *request)
{
    struct str path = http_path(request);
    enum refusal refusal;
    unsigned seconds;
    if (!str_equal(path, STR("/services/collector/health")) &&
        !str_equal(path, STR("/services/collector/health/1.0"))) {
        return false;
    }
    if (post_welcome(listener->collect, NULL, &refusal, &seconds)) {
        say(request, 200, "HEC is healthy", 17, 0);
    } else {
        say(request, 503, "HEC is unhealthy, queues are full", 18, seconds);
    }
    return true;
}
