#pragma once

/*
 * The API's operations (docs/api.yaml), run in desk under a scope.  The portal process hands over
 * what it received and knows nothing of rights; the control socket hands over the same for
 * commands.
 *
 *     api_new → api_call … → api_free
 *
 * Always true: an operation that names an object of a client that the scope does not reach answers
 * exactly as for an object that does not exist: 404, the same body (R-H1).
 */

#include "incident/incident.h"
#include "notify/notify.h"

struct api;
struct api_rooms {
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct clocks *clocks;
    struct incidents *incidents;
    struct notify *notify;
};
NODISCARD enum err api_new(const struct api_rooms *rooms, struct api **ret);
void api_free(struct api *api);
/* Where the accounts are, and whom to ask how the service is; kept.  Without it both are
 * unsupported. */
struct books;
struct health;
typedef enum err api_health_call(void *context, struct arena *mem, struct health *ret);
void api_attach(struct api *api, const struct books *books, api_health_call *health, void *context);

struct vigils;
/* Where what ails devices is known; kept. */
void api_attach_vigils(struct api *api, struct vigils *vigils);

struct stock;
typedef enum err api_stock_call(void *context, struct client_id client, struct arena *mem,
                                struct stock *ret);
/* Whom to ask what lies in a client's archive; kept. */
void api_attach_stock(struct api *api, api_stock_call *stock, void *context);

struct api_request {
    struct str method; /* "GET", … */
    struct str path;   /* behind /api/v1, percent-encoding as received: "/clients/acme/incidents" */
    struct str query;  /* behind the ?, as received */
    struct str body;   /* JSON, or YAML or CSV where the operation says so */
    struct str type;   /* Content-Type */
    struct str session;  /* the session's token, from the cookie; or empty */
    struct str bearer;   /* an API token; or empty */
    bool same_origin;    /* Sec-Fetch-Site says so, or the header Hinomi-Request is there (CSRF) */
    struct str language; /* Accept-Language */
    struct str peer;     /* address, for the audit trail and for limits */
    struct str agent;    /* User-Agent */
};

/* What an operation asks of the client's archive: a worker answers it, and only reads what the
 * scope may. */
enum api_job_kind {
    API_JOB_NONE,    /* the answer is there already */
    API_JOB_EXPLAIN, /* why this alert came */
    API_JOB_SEARCH,  /* counts over time and the newest events */
    API_JOB_CSV,
    API_JOB_EVIDENCE, /* alerts that are written already, each with the lines behind it */
    API_JOB_KIND_COUNT
};
struct api_job {
    enum api_job_kind kind;
    struct client_id client;
    uint32_t person;
    enum language language;
    uint64_t alert;       /* to explain */
    uint64_t from_place;  /* no event before this one is wanted; 0: all */
    struct wall from, to; /* of a search: time of arrival */
    uint64_t before;      /* its events before this place; 0: the newest */
    uint64_t limit;       /* and at most so many */
    struct buf scope;     /* of scope_encode */
    /* The query, well formed.  Of evidence, packed (base/packed.h): whether there are more alerts,
     * then for each alert its JSON and the places of its lines, 8 bytes each. */
    struct buf text;
};

/* A file of the folder of packages, handed over whole: desk opens it, portal reads it. */
struct api_file {
    struct str name; /* in the request's memory; empty: there is none */
    uint64_t size;
    int descriptor; /* in portal alone: of the open file */
};

struct api_answer {
    unsigned status;
    struct str type;   /* "application/json" */
    struct buf body;   /* api_answer_done frees it */
    struct str cookie; /* a new session's token: portal sets the cookie; "-" takes it away */
    unsigned retry_seconds;
    /* Not finished: this password is to be checked or hashed by a worker, then api_resume. */
    bool wants_password;
    struct str password, hash; /* hash empty: make one */
    uint64_t ticket;
    /* Not finished unless this is API_JOB_NONE. */
    struct api_job job;
    struct api_file file; /* instead of a body */
    /* Begins a stream: the body is its first bytes, and what changes follows, for this person as
     * long as the request's session lasts. */
    bool wants_changes;
    uint32_t person;
};
void api_answer_done(struct api_answer *answer);

/* Runs one operation; texts in mem.  Mistakes become answers (400, 401, 403, 404, 409, 413, 429),
 * so an error here is one of ours. */
NODISCARD enum err api_call(struct api *api, const struct api_request *request, struct wall now,
                            struct arena *mem, struct api_answer *ret);
/* The same for a command at the control socket, under its own scope. */
NODISCARD enum err api_call_as(struct api *api, const struct scope *scope,
                               const struct api_request *request, struct wall now,
                               struct arena *mem, struct api_answer *ret);
/* A worker has checked or made the hash of a password. */
NODISCARD enum err api_resume(struct api *api, uint64_t ticket, bool matches, struct str hash,
                              struct wall now, struct arena *mem, struct api_answer *ret);

/* The operations, for the test that holds them against docs/api.yaml: by index, false at the end.
 */
bool api_operation_at(size_t index, const char **ret_method, const char **ret_path,
                      const char **ret_name);
