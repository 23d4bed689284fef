#pragma once

/*
 * What the files of HTTP ingestion share.  Read from the top, it is a post's way:
 *
 *     route     which dialect a request speaks, who sends it
 *     intake    its body, inflated, as far as there is memory
 *     dialect   lines, bulk, hec, otlp, upload: the records in the body, and the answer
 *     post      handed over part by part, answered when all parts have ended
 */

#include "codec/inflate.h"
#include "collect/private.h"

struct post;

/* ---- Saying no. */

enum refusal {
    REFUSE_NO_TOKEN, /* nothing says who it is */
    REFUSE_SCHEME,   /* an Authorization that is none we know */
    REFUSE_TOKEN,    /* nobody's token */
    REFUSE_METHOD,
    REFUSE_LENGTHS, /* two lengths */
    REFUSE_CODING,  /* a Content-Encoding that we do not know, or several */
    REFUSE_KEY,     /* an Idempotency-Key that is too long */
    REFUSE_LARGE,
    REFUSE_BOMB,    /* unfolds into too much */
    REFUSE_DAMAGED, /* is not what its Content-Encoding says */
    REFUSE_FORMAT,  /* is not what its protocol says */
    REFUSE_MEMORY,
    REFUSE_BUSY,  /* the ring is full */
    REFUSE_QUOTA, /* the client has sent more than was agreed */
    REFUSE_CONFLICT,
    REFUSE_LOST, /* the archive cannot keep it */
    REFUSAL_COUNT
};
unsigned refusal_status(enum refusal refusal);
const char *refusal_sentence(enum refusal refusal);
/* Whether a sender should come again. */
bool refusal_passes(enum refusal refusal);

/* What an opened body that comes in steps has next. */
enum more { MORE_RECORDS, MORE_LATER, MORE_NONE };

/* ---- How bodies of one kind become records, and what is answered. */

struct dialect {
    /* Says no in the protocol's own words.  detail: what else there is to say, or NULL. */
    void (*refuse)(struct http_request *request, enum refusal refusal, const char *detail,
                   unsigned retry_seconds);
    /* The head is there; its post is known.  False: it was refused.  NULL: nothing to look at. */
    bool (*begin)(struct post *post);
    /* The body is whole: finds its records, says which are none.  False: it was refused. */
    bool (*open)(struct post *post);
    /* Its records come in steps: makes the next ones.  NULL: they were all there. */
    enum more (*more)(struct post *post);
    /* Fields of the event that was just parsed in the builder.  NULL: none. */
    void (*mark)(struct post *post);
    /* So many records more ended so, in their order.  NULL: the sums are enough. */
    void (*ended)(struct post *post, uint32_t events, enum commit_result result);
    /* What was not handed over will not be: there is no room.  NULL: it is all or nothing. */
    void (*cut_short)(struct post *post);
    /* All that was handed over has ended. */
    void (*answer)(struct post *post);
    bool keeps_body; /* the answer needs it */
    size_t size_max; /* of a body; 0: HTTP_BODY_SIZE_MAX */
};

extern const struct dialect dialect_lines, dialect_upload, dialect_bulk, dialect_hec_event,
    dialect_hec_raw, dialect_hec_ack, dialect_otlp;

/* ---- A post. */

struct post {
    struct body body; /* its records; first, as body_next's are cast to it */
    struct post *next;
    struct collect *collect;
    struct http_request *request; /* NULL: the peer is gone */
    const struct dialect *dialect;
    struct generation *generation;
    const struct binding *binding;
    struct peer peer;
    struct mono began, queued_at;
    struct inflate *inflate; /* NULL: the body comes plain */
    struct buf bytes;        /* the body */
    struct buf text;         /* records that were made of it; else empty */
    struct buf stretches;    /* struct stretch each, of bytes or text; or what a dialect keeps */
    size_t promised;         /* of http_memory, under its client */
    size_t unpacking;        /* of it, what inflating holds */
    size_t refused;          /* bytes passed over since the body was refused */
    enum refusal refusal;    /* why */
    struct batch_key key;
    struct cursor cursor;
    struct builder *builder; /* holds a part that was not taken yet, if it has events, */
    struct cursor part_from; /* which begins here */
    struct wall received_at;
    struct waiter waiter; /* for its parts */
    bool queued, handed;
    uint64_t waiting; /* parts pending */
    uint64_t received, stored, deduplicated, rejected, conflicts, lost;
    struct buf reasons; /* a list of what was rejected, JSON */
    /* Of some dialects: */
    struct str index; /* bulk: in the path; empty without */
    char index_text[256];
    uint64_t allowed, taken; /* bulk: how many more may be taken; how many were */
    uint64_t settled;        /* bulk: the first item whose end is not known, */
    struct cursor settling;  /* and where it stands */
    size_t text_paid;        /* otlp: of http_memory, for the text */
    struct sha256 channel;   /* hec */
    bool has_channel, json;  /* hec; otlp */
    struct upload *upload;
};

struct stretch {
    uint32_t offset, size;
};

/* post.c: hands posts over; their own held state. */
void post_queue(struct post *post);
void post_release(struct post *post); /* frees it, unless somebody still needs it */
/* So many records of it are none; JSON for the answer, or NULL. */
void post_reject(struct post *post, enum reject_reason reason, uint64_t count);
void post_refuse(struct post *post, enum refusal refusal, const char *detail);
/* Whether a post of this binding can be taken now; if not, why, and when to come again. */
bool post_welcome(struct collect *collect, const struct binding *binding, enum refusal *ret,
                  unsigned *ret_seconds);

/* intake.c: the body as it arrives. */
bool post_memory_take(struct post *post, uint64_t size);
void post_memory_return(struct post *post, size_t size); /* part of it */
void post_memory_give_back(struct post *post);
/* False after a refusal: the head promises what cannot be. */
bool intake_begin(struct post *post);
bool intake_body(struct post *post, struct str bytes);
/* False after a refusal. */
bool intake_end(struct post *post);

/* Appends a stretch, its memory accounted for. */
NODISCARD enum err post_stretch(struct post *post, size_t offset, size_t size);
/* body_next of stretches. */
bool stretch_next(const struct body *body, struct cursor *cursor, struct str *ret);

/* lines.c: as lines, and what other dialects take of it. */
void body_key(struct post *post); /* the rest of the key, if there is one */
void lines_refuse(struct http_request *request, enum refusal refusal, const char *detail,
                  unsigned retry_seconds);
bool lines_open(struct post *post);
void lines_answer(struct post *post);

/* upload.c: a file that is being decoded. */
struct upload;
void upload_free(struct upload *upload); /* NULL is fine. */

/* ---- Small things that several dialects need. */

/* The value of a name in the query of the target, as it stands; empty if it is not there. */
struct str query_get(const struct http_request *request, const char *name);
void answer_json(struct http_request *request, unsigned status, struct str text,
                 unsigned retry_seconds);

/* elastic.c: what Elasticsearch's clients ask before and beside _bulk.  False: no such path. */
bool elastic_answer(struct http_request *request);
/* Every answer to such a client. */
void elastic_say(struct http_request *request, unsigned status, struct str text,
                 unsigned retry_seconds);
/* The index in a path /INDEX/_bulk or /_bulk.  False: another path. */
bool elastic_bulk_path(struct str path, struct str *ret_index);

/* ids.c: documents that were kept under an _id. */
struct ids;
struct ids *ids_new(struct mono now); /* NULL when out of memory */
void ids_free(struct ids *ids);
bool ids_know(struct ids *ids, const struct sha256 *hash, struct mono now);
void ids_add(struct ids *ids, const struct sha256 *hash, struct mono now);

/* acks.c: what was acknowledged to Splunk's senders, until they ask. */
struct acks;
struct acks *acks_new(void); /* NULL when out of memory */
void acks_free(struct acks *acks);
/* Something of this channel is kept: the number under which it can be asked for. */
NODISCARD enum err acks_add(struct acks *acks, struct client_id client,
                            const struct sha256 *channel, struct mono now, uint64_t *ret);
/* Whether it is kept; true once. */
bool acks_take(struct acks *acks, struct client_id client, const struct sha256 *channel,
               uint64_t id, struct mono now);

/* hec.c: /ack and /health.  False: no such path. */
bool hec_answer(struct listener *listener, struct http_request *request);
