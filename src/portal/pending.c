/*
 * Operations that wait for a password: hashing one takes 50 ms and 64 MiB on purpose, so a worker
 * does it while desk goes on with other things.
 *
 *     pending_ask ─► answer.wants_password ─► (a worker) ─► api_resume ─► pending_forget
 *
 * Always true: at most PORTAL_PENDING_MAX wait at a time, so that passwords from outside cannot
 * take the machine's memory, and at most PORTAL_PENDING_PEER from one address, so that others get
 * in too; of one person's changes and of one token's uses, one at a time.  One whose worker never
 * came back is given up after PORTAL_PENDING_SECONDS, and its ticket never comes back.  A password
 * that is kept for its second step is overwritten when it is forgotten.
 */

#include <stdlib.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "portal/private.h"

#define MEMORY_MAX (64 * 1024) /* Of one; a password, tokens and names. */

enum err pending_all_new(struct pending **ret)
{
    *ret = calloc(PORTAL_PENDING_MAX, sizeof **ret);
    return *ret != NULL ? OK : ERR_MEMORY;
}

void pending_all_free(struct pending *all)
{
    for (size_t i = 0; all != NULL && i < PORTAL_PENDING_MAX; i++) {
        pending_forget(&all[i]);
    }
    free(all);
}

void pending_forget(struct pending *pending)
{
    if (pending->ticket != 0 && pending->password.size > 0) {
        /* The arena's own copy, which nobody else points at. */
        secret_forget((void *)(uintptr_t)pending->password.data, pending->password.size);
    }
    arena_free(pending->mem);
    *pending = (struct pending){0};
}

struct pending *pending_find(struct api *api, uint64_t ticket)
{
    for (size_t i = 0; ticket != 0 && i < PORTAL_PENDING_MAX; i++) {
        if (api->pending[i].ticket == ticket) {
            return &api->pending[i];
        }
    }
    return NULL;
}

static struct pending *pending_free_one(struct api *api, struct wall now)
{
    for (size_t i = 0; i < PORTAL_PENDING_MAX; i++) {
        struct pending *pending = &api->pending[i];
        if (pending->ticket != 0 &&
            now.ns - pending->since.ns > PORTAL_PENDING_SECONDS * NS_PER_SECOND) {
            pending_forget(pending);
        }
        if (pending->ticket == 0) {
            return pending;
        }
    }
    return NULL;
}

/* Whether one address, person or one-time token has its share already: those are the ways to a hash
 * that no count of failures guards. */
static bool has_its_share(const struct api *api, const struct pending *wanted, struct wall now)
{
    size_t peer = 0;
    for (size_t i = 0; i < PORTAL_PENDING_MAX; i++) {
        const struct pending *one = &api->pending[i];
        bool same_person = wanted->person != 0 && one->person == wanted->person &&
                           one->kind != PENDING_SIGN_IN && wanted->kind != PENDING_SIGN_IN;
        bool same_token = wanted->token.size > 0 && str_equal(one->token, wanted->token);
        if (one->ticket == 0 || one == wanted->before ||
            now.ns - one->since.ns > PORTAL_PENDING_SECONDS * NS_PER_SECOND) {
            continue;
        }
        if (same_person || same_token) {
            return true;
        }
        peer += str_equal(one->peer, wanted->peer);
    }
    return peer >= PORTAL_PENDING_PEER;
}

static enum err pending_copy(struct pending *to, const struct pending *from)
{
    enum err err = arena_copy(to->mem, from->name, &to->name);
    if (err == OK) {
        err = arena_copy(to->mem, from->peer, &to->peer);
    }
    if (err == OK) {
        err = arena_copy(to->mem, str_slice(from->agent, 0, 512), &to->agent);
    }
    if (err == OK) {
        err = arena_copy(to->mem, from->token, &to->token);
    }
    if (err == OK) {
        err = arena_copy(to->mem, from->party, &to->party);
    }
    if (err == OK) {
        err = arena_copy(to->mem, from->code, &to->code);
    }
    if (err == OK) {
        err = arena_copy(to->mem, from->password, &to->password);
    }
    return err;
}

bool pending_has_room(struct call *call, const struct pending *wanted)
{
    return pending_free_one(call->api, call->now) != NULL &&
           !has_its_share(call->api, wanted, call->now);
}

enum err pending_ask(struct call *call, const struct pending *wanted, struct str password,
                     struct str hash)
{
    struct pending *pending = pending_free_one(call->api, call->now);
    if (pending == NULL || !pending_has_room(call, wanted)) {
        return ERR_AGAIN;
    }
    *pending = (struct pending){
        .ticket = ++call->api->ticket_last,
        .kind = wanted->kind,
        .since = call->now,
        .person = wanted->person,
        .language = call->language,
        .operation = call->operation,
        .mem = arena_new(MEMORY_MAX),
    };
    enum err err = pending->mem != NULL ? pending_copy(pending, wanted) : ERR_MEMORY;
    if (err != OK) {
        pending_forget(pending);
        return err;
    }
    call->answer->wants_password = true;
    call->answer->password = password;
    call->answer->hash = hash;
    call->answer->ticket = pending->ticket;
    return OK;
}
