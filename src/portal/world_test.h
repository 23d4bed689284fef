#pragma once

/*
 * For the tests and the fuzz target: two clients, alpha and bravo, each with its own provider,
 * people in every role, documents, incidents, clocks and alerts.  Nobody works for both.  All names
 * of bravo's hold "bravo", so that a leak can be seen.
 */

#include "ledger/ledger.h"
#include "portal/api.h"
#include "sys/fake.h"

#define WORLD_NOW ((struct wall){1790000000000000000}) /* 2026-09-21 */

#define WORLD_CLIENTS 2
struct world {
    struct fake *fake;
    struct arena *mem;
    struct api_rooms rooms;
    struct api *api;
    struct scope *administrator;
    struct client_id clients[WORLD_CLIENTS]; /* alpha, bravo */
    struct str hashes[WORLD_CLIENTS];        /* of the contacts */
    uint64_t clocks[WORLD_CLIENTS];          /* the id of one */
    uint64_t provisions[WORLD_CLIENTS];      /* a request that waits, of an auditor */
    struct wall now;
};
struct world *world_new(void);
void world_free(struct world *world);

/* The name of the person who is in that role for the client: "alpha/head". */
struct str world_person(struct world *world, size_t client, enum role role);
/* A new session of that person. */
struct str world_session(struct world *world, size_t client, enum role role);
/* An API token of that person, with at most these rights. */
struct str world_token(struct world *world, size_t client, enum role role, uint32_t rights);

/* A request like a browser's or a program's; path and query in one. */
struct api_request world_request(const char *method, const char *target);
/* Runs it; whatever is an error of ours ends the test.  The caller frees the answer. */
struct api_answer world_call(struct world *world, const struct api_request *request);
struct api_answer world_call_as(struct world *world, const struct scope *scope,
                                const struct api_request *request);
