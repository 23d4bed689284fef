/*
 * A body as it arrives: inflated, and kept as far as there is memory.
 *
 *     head ─► promised memory ─► bytes … ─► whole
 *                  └ none left, too large, damaged ─► passed over ─► refused at the end
 *
 * A sender that is refused while it still sends would not hear of it, so what comes after the
 * refusal is passed over, up to a limit.
 *
 * Always true: http_memory is what all posts hold or have been promised by their Content-Length;
 * no client holds more than HTTP_CLIENT_MEMORY_MAX of it.  A compressed body takes memory for each
 * piece before that piece is unpacked.
 */

#include <string.h>

#include "collect/post.h"
#include "sys/clocks.h"

#define PIECE_SIZE ((size_t)64 * 1024)

bool post_memory_take(struct post *post, uint64_t size)
{
    struct collect *collect = post->collect;
    struct str client = str_of(&post->binding->client.value, sizeof post->binding->client.value);
    uint64_t held = 0;
    (void)map_get(&collect->http_by_client, client, &held);
    if (size > HTTP_MEMORY_MAX - collect->http_memory || held > HTTP_CLIENT_MEMORY_MAX ||
        size > HTTP_CLIENT_MEMORY_MAX - held ||
        map_put(&collect->http_by_client, client, held + size) != OK) {
        return false;
    }
    collect->http_memory += (size_t)size;
    post->promised += (size_t)size;
    return true;
}

void post_memory_return(struct post *post, size_t size)
{
    struct collect *collect = post->collect;
    struct str client = str_of(&post->binding->client.value, sizeof post->binding->client.value);
    uint64_t held = 0;
    if (size > 0 && map_get(&collect->http_by_client, client, &held)) {
        /* The key is there, so this cannot fail. */
        UNHEEDED(map_put(&collect->http_by_client, client, held - size));
        collect->http_memory -= size;
        post->promised -= size;
    }
}

void post_memory_give_back(struct post *post)
{
    post_memory_return(post, post->promised);
}

/* ---- The head. */

/* False: a coding that is not known.  *ret_plain: there is none. */
static bool coding_find(struct str coding, bool *ret_plain, enum inflate_kind *ret)
{
    static const struct {
        struct str name;
        enum inflate_kind kind;
    } known[] = {{{"gzip", 4}, INFLATE_GZIP},
                 {{"x-gzip", 6}, INFLATE_GZIP},
                 {{"deflate", 7}, INFLATE_DEFLATE},
                 {{"zstd", 4}, INFLATE_ZSTD}};
    *ret_plain = coding.size == 0 || str_equal_nocase(coding, STR("identity"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (str_equal_nocase(coding, known[i].name)) {
            *ret = known[i].kind;
            return true;
        }
    }
    return *ret_plain;
}

static size_t size_max(const struct post *post)
{
    return post->dialect->size_max > 0 ? post->dialect->size_max : HTTP_BODY_SIZE_MAX;
}

static bool head_refuse(struct post *post, enum refusal refusal)
{
    post_refuse(post, refusal, NULL);
    return false;
}

bool intake_begin(struct post *post)
{
    struct http_request *request = post->request;
    struct str key = http_header(request, "Idempotency-Key");
    uint64_t size = http_body_size(request);
    enum inflate_kind kind = INFLATE_GZIP;
    bool plain;
    if (http_header(request, "Transfer-Encoding").size > 0 &&
        http_header(request, "Content-Length").size > 0) {
        /* RFC 9112, 6.3: somebody between us may have read the other one.  OUR implementation
         * refuses rather than choose. */
        return head_refuse(post, REFUSE_LENGTHS);
    }
    if (!coding_find(str_trim(http_header(request, "Content-Encoding")), &plain, &kind)) {
        return head_refuse(post, REFUSE_CODING);
    }
    if (key.size > IDEMPOTENCY_KEY_SIZE_MAX) {
        return head_refuse(post, REFUSE_KEY);
    }
    if (size > size_max(post)) {
        return head_refuse(post, REFUSE_LARGE);
    }
    if (!post_memory_take(post, plain ? size : 0) ||
        (!plain && inflate_new(kind, &post->inflate) != OK)) {
        return head_refuse(post, REFUSE_MEMORY);
    }
    buf_init(&post->bytes, plain ? size_max(post) : HTTP_INFLATED_SIZE_MAX);
    buf_init(&post->text, HTTP_INFLATED_SIZE_MAX);
    buf_init(&post->stretches, HTTP_INFLATED_SIZE_MAX);
    buf_init(&post->reasons, 65536);
    if (key.size > 0) {
        struct sha256 hash = sha256_of_bytes(key);
        memcpy(post->key.hash, hash.bytes, sizeof post->key.hash);
    }
    return true;
}

/* ---- The body. */

/* From here on the body is passed over. */
static void refuse_later(struct post *post, enum refusal refusal, size_t passed)
{
    post->refusal = refusal;
    post->refused = passed > 0 ? passed : 1;
    inflate_free(post->inflate);
    post->inflate = NULL;
    buf_done(&post->bytes);
}

static void plain_add(struct post *post, struct str bytes)
{
    size_t whole = post->bytes.size + bytes.size;
    if (whole > size_max(post)) {
        refuse_later(post, REFUSE_LARGE, bytes.size);
    } else if (whole > post->promised && !post_memory_take(post, whole - post->promised)) {
        refuse_later(post, REFUSE_MEMORY, bytes.size); /* Chunked: nothing was promised. */
    } else if (buf_append(&post->bytes, bytes) != OK) {
        refuse_later(post, REFUSE_MEMORY, bytes.size);
    }
}

/* What unpacking itself holds. */
static bool unpacking_count(struct post *post)
{
    size_t size = inflate_size(post->inflate);
    bool room = size <= post->unpacking || post_memory_take(post, size - post->unpacking);
    post->unpacking = room && size > post->unpacking ? size : post->unpacking;
    return room;
}

static void packed_add(struct post *post, struct str packed)
{
    size_t size = packed.size;
    size_t before;
    do {
        size_t left = HTTP_INFLATED_SIZE_MAX - post->bytes.size;
        size_t room = left < PIECE_SIZE ? left : PIECE_SIZE;
        before = post->bytes.size;
        if (room == 0) {
            refuse_later(post, REFUSE_BOMB, size);
            return;
        }
        if (!post_memory_take(post, room)) {
            refuse_later(post, REFUSE_MEMORY, size);
            return;
        }
        enum err err = inflate_add(post->inflate, &packed, &post->bytes, room);
        if (err != OK) {
            refuse_later(post,
                         err == ERR_LIMIT    ? REFUSE_BOMB
                         : err == ERR_SYNTAX ? REFUSE_DAMAGED
                                             : REFUSE_MEMORY,
                         size);
            return;
        }
        /* What was not used is the next piece's. */
        post_memory_return(post, before + room - post->bytes.size);
        if (!unpacking_count(post)) {
            refuse_later(post, REFUSE_MEMORY, size);
            return;
        }
    } while (packed.size > 0 || post->bytes.size == before + PIECE_SIZE);
}

bool intake_body(struct post *post, struct str bytes)
{
    if (mono_ms_since(post->began, mono_now()) > HTTP_REQUEST_SECONDS * 1000) {
        return false; /* Closed: whoever trickles for so long would not hear an answer either. */
    }
    if (post->refused > 0) {
        post->refused += bytes.size; /* To be answered at the end, which must come soon. */
        return post->refused <= HTTP_BODY_SIZE_MAX;
    }
    if (post->inflate != NULL) {
        packed_add(post, bytes);
    } else {
        plain_add(post, bytes);
    }
    return true;
}

bool intake_end(struct post *post)
{
    if (post->refused == 0 && post->inflate != NULL && inflate_end(post->inflate) != OK) {
        refuse_later(post, REFUSE_DAMAGED, 0);
    }
    inflate_free(post->inflate);
    post->inflate = NULL;
    post_memory_return(post, post->unpacking);
    post->unpacking = 0;
    if (post->refused > 0) {
        post_refuse(post, post->refusal, NULL);
        return false;
    }
    return true;
}
