#pragma once

/* What segment.c, segment_writer.c and segment_reader.c share. */

#include "archive/segment.h"
#include "base/limits.h"

#define SEGMENT_SOURCE_SIZE 32u
#define SEGMENT_LEAF_SIZE   56u
#define SEGMENT_ENTRY_SIZE  36u /* of the directory, without the summary */

/* What a sealed piece is; its nonce is this and a number. */
enum segment_sealed {
    SEALED_BLOCK = 1,
    SEALED_GENERATIONS = 2,
    SEALED_SALTS = 3,
    SEALED_DIRECTORY = 4,
};
#define SEGMENT_BESIDE_SIZE 20
/* The nonce of a piece, and what is sealed beside it. */
void segment_sealing(struct client_id client, uint64_t generation, enum segment_sealed kind,
                     uint64_t number, uint8_t ret_nonce[AES_NONCE_SIZE],
                     char ret_beside[SEGMENT_BESIDE_SIZE]);
void segment_filter_key_of(const struct sha256 *key, uint8_t ret[BLOCK_FILTER_KEY_SIZE]);
void segment_head_encode(const struct segment_head *head, char *to); /* SEGMENT_HEAD_SIZE */
bool segment_head_decode(const char *from, struct segment_head *ret);
NODISCARD enum err segment_stretch_read(struct file *file, const struct segment_stretch *stretch,
                                        struct arena *mem, struct str *ret, struct why *why);
