#pragma once

/*
 * Alerts become work.  So far: alerts are kept, once each, with the bookmark of the detection that
 * raised them; grouping and the abnormal state come with the service.
 *
 *     incident_store … incident_list
 */

#include "base/arena.h"
#include "base/why.h"
#include "event/alert.h"
#include "tenant/tenant.h"

struct ledger;

/* Stores alerts and moves the client's bookmark (the next sequence number to be judged) in one
 * transaction; alerts that are there already are passed over.  A bookmark never moves back.
 * *ret_new: how many alerts were new.  The caller may bracket several calls in one transaction by
 * ledger_begin and ledger_commit itself. */
NODISCARD enum err incident_store(const struct scope *scope, struct ledger *ledger,
                                  struct client_id client, const struct alerts *alerts,
                                  uint64_t bookmark, struct wall now, uint64_t *ret_new);
/* 1 where nothing was judged yet. */
NODISCARD enum err incident_bookmark(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint64_t *ret);

struct alert_filter {
    struct client_id client;
    struct wall from, to; /* of the event's arrival; WALL_NONE: open */
    uint64_t after_id;    /* alerts with a larger id only */
    size_t count_max;
};
struct stored_alert {
    uint64_t id;
    struct wall stored;
    struct alert alert;
};
/* In the order they were stored, made in mem. */
NODISCARD enum err incident_list(const struct scope *scope, struct ledger *ledger,
                                 const struct alert_filter *filter, struct arena *mem,
                                 struct stored_alert **ret, size_t *ret_count);
