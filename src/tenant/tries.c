/*
 * How often a name, an address, or a name from an address has tried to sign in lately.
 *
 * A key has one count and the moment of its first try; fifteen minutes later it starts anew, so
 * nobody is locked out for ever.  Kept in memory: a restart forgets, and costs an attacker more
 * than it gives.
 *
 * The table has a fixed size: each key has one row of slots where it may stand, chosen by a keyed
 * hash that nobody outside can aim at.  In a full row the slot goes whose time is over, or that has
 * the fewest tries.  So a flood of names forgets other floods, and hardly ever a count that is near
 * its limit.
 */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/crypto.h"
#include "codec/network.h"
#include "sys/random.h"
#include "tenant/private.h"

#define ROWS      2048
#define SLOTS     8
#define WINDOW_NS (15 * 60 * NS_PER_SECOND)
#define KEY_SIZE  16

struct slot {
    uint8_t key[KEY_SIZE];
    struct wall began;
    uint32_t count; /* 0: free */
    bool told;
};

struct tries {
    uint8_t secret[SHA256_SIZE];
    struct slot slots[ROWS][SLOTS];
};

struct tries *tries_new(void)
{
    struct tries *tries = calloc(1, sizeof *tries);
    if (tries != NULL) {
        random_bytes(tries->secret, sizeof tries->secret);
    }
    return tries;
}

void tries_free(struct tries *tries)
{
    free(tries);
}

/* One host of IPv6 has a whole /64 to itself. */
static struct str peer_key(struct str peer, uint8_t address[ADDRESS_SIZE])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (address_parse(peer, address) != OK) {
        return peer;
    }
    if (memcmp(address, mapped, sizeof mapped) != 0) {
        memset(address + ADDRESS_SIZE / 2, 0, ADDRESS_SIZE / 2);
    }
    return str_of(address, ADDRESS_SIZE);
}

struct str tries_pair(struct str name, struct str peer, char text[TRIES_PAIR_SIZE])
{
    uint8_t address[ADDRESS_SIZE];
    struct str from = str_slice(peer_key(peer, address), 0, TRIES_PAIR_SIZE / 4);
    struct str who = str_slice(name, 0, TRIES_PAIR_SIZE / 2);
    if (who.size > 0) {
        memcpy(text, who.data, who.size);
    }
    if (from.size > 0) {
        memcpy(text + who.size, from.data, from.size);
    }
    return str_of(text, who.size + from.size);
}

static bool slot_over(const struct slot *slot, struct wall now)
{
    return slot->count == 0 || now.ns < slot->began.ns || now.ns - slot->began.ns >= WINDOW_NS;
}

/* The key's slot; if it has none, the one that it may take, emptied. */
static struct slot *slot_of(struct tries *tries, enum tries_kind kind, struct str text,
                            struct wall now)
{
    uint8_t address[ADDRESS_SIZE];
    const struct str parts[] = {
        str_of(kind == TRIES_NAME   ? "n"
               : kind == TRIES_PEER ? "p"
                                    : "b",
               1),
        kind == TRIES_PEER ? peer_key(text, address) : text,
    };
    struct sha256 hash = hmac_sha256_of(tries->secret, parts, 2);
    struct slot *row = tries->slots[get_u32((const char *)hash.bytes + KEY_SIZE) % ROWS];
    struct slot *free_slot = &row[0];
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &row[i];
        if (slot_over(slot, now)) {
            slot->count = 0;
        }
        if (slot->count > 0 && memcmp(slot->key, hash.bytes, KEY_SIZE) == 0) {
            return slot;
        }
        free_slot = slot->count < free_slot->count ? slot : free_slot;
    }
    *free_slot = (struct slot){.began = now};
    memcpy(free_slot->key, hash.bytes, KEY_SIZE);
    return free_slot;
}

static uint32_t limit_of(enum tries_kind kind)
{
    static const uint32_t limits[] = {[TRIES_PAIR] = TRIES_PER_PAIR_MAX,
                                      [TRIES_NAME] = TRIES_PER_NAME_MAX,
                                      [TRIES_PEER] = TRIES_PER_PEER_MAX};
    return limits[kind];
}

uint32_t tries_wait(struct tries *tries, enum tries_kind kind, struct str text, struct wall now)
{
    const struct slot *slot = slot_of(tries, kind, text, now);
    if (slot->count < limit_of(kind)) {
        return 0;
    }
    int64_t rest_ns = WINDOW_NS - (now.ns - slot->began.ns);
    return (uint32_t)((rest_ns + NS_PER_SECOND - 1) / NS_PER_SECOND);
}

void tries_add(struct tries *tries, enum tries_kind kind, struct str text, struct wall now)
{
    slot_of(tries, kind, text, now)->count++;
}

void tries_take_back(struct tries *tries, enum tries_kind kind, struct str text, uint32_t count,
                     struct wall now)
{
    struct slot *slot = slot_of(tries, kind, text, now);
    slot->count -= count < slot->count ? count : slot->count;
}

bool tries_burst(struct tries *tries, enum tries_kind kind, struct str text, struct wall now)
{
    struct slot *slot = slot_of(tries, kind, text, now);
    bool burst = slot->count >= limit_of(kind) && !slot->told;
    slot->told = slot->told || burst;
    return burst;
}
