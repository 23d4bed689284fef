#pragma once

/*
 * A portal over real sockets on loopback; desk is a function.
 *
 *     front_new → front_ask … → front_free
 */

#include <pthread.h>
#include <stdatomic.h>

#include "portal/portal.h"
#include "sys/loop.h"

#define ASKED_SIZE (64 * 1024)
#define GOT_SIZE   (8 * 1024 * 1024) /* more than the largest file of the front end */

struct front {
    struct loop *loop;
    struct portal *portal;
    struct timer *timer, *watch;
    atomic_bool done; /* the peer's thread */
    uint16_t port;
    /* What desk was asked last, and what it says. */
    char asked[ASKED_SIZE];
    struct api_answer answer;
    bool silent, later;
    unsigned later_ms; /* 0: 20 */
    uint64_t id;       /* of what it was asked last */
    unsigned calls;
    unsigned gone; /* how often it heard that nobody listens any more */
    uint64_t gone_id;
    void (*each_ms)(struct front *front); /* called while a peer is there */
    unsigned beats;                       /* for each_ms: of the test's own */
    /* What the peer sends, and gets. */
    const char *sends;
    char *got;
    size_t got_size;
};

/* settings NULL: those of a portal without TLS. */
struct front *front_new(const struct portal_settings *settings);
void front_free(struct front *front);
/* Sends a text from a thread of its own and returns what came back until the end. */
const char *front_ask(struct front *front, const char *sends);
/* The same with another peer: `run` gets the front, and sets `done` at its end. */
void front_let(struct front *front, void *(*run)(void *));
/* A connection to the front from 127.0.0.LAST, where reads end after 5 s; for peers. */
int front_connect(const struct front *front, uint32_t last);

bool has(const char *text, const char *part);
/* Whether an answer bears what every one has, whatever its kind, and a policy that begins so. */
bool guarded(const char *got, const char *policy);
#define POLICY_NONE "default-src 'none'; frame-ancestors 'none'\r\n"
#define POLICY_SITE                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "  \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n"
#define HEAD "Host: soc.example\r\nConnection: close\r\n"
