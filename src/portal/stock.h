#pragma once

/*
 * What lies in one client's archive, and how long it may and can stay, as desk knows it at the
 * moment (serve/desk_keeping.c).  The API tells it.
 */

#include "codec/crypto.h"
#include "service/keeping.h"

/* What proves the archive so far. */
struct proved {
    bool head_known;
    struct wall head_wall;
    uint64_t head_epoch;
    uint64_t leaves;   /* below the last head */
    uint64_t unsealed; /* records that are in journals and no segment yet */
    struct sha256 head_hash;
    bool anchor_known;
    uint8_t anchor[ED25519_SIZE]; /* the key at which checking the heads begins */
    struct wall stamp_kept;       /* WALL_NONE: nothing was stamped yet */
    uint64_t unstamped;           /* heads since then */
};

struct stock {
    bool known;       /* core has told of it since desk began */
    struct wall told; /* when */
    const struct lot *lots;
    size_t lots_count;
    struct proved proved;
    struct keeping keeping; /* promises, holds in force, open incidents */
    bool foretold;          /* of every client */
    struct forecast forecast;
    uint64_t day_rate; /* of this client alone, bytes on disk */
    uint64_t disk_free;
    uint32_t warning_days;
    bool clock_doubted; /* nothing is dropped until the clock has run evenly for a day */
};
