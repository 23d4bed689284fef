#pragma once

/*
 * Time-stamps (RFC 3161): what is sent to an authority, and what it answers.
 *
 *     tsp_request → (POST, application/timestamp-query) → tsp_answer
 *
 * The token is kept as it came.  Whether the authority's certificate is one to be trusted is judged
 * by whoever has its roots: `openssl ts -verify`.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "codec/crypto.h"

#define TSP_ANSWER_MAX (60 * 1024) /* a token with its certificates has some 6 KB */

/* Appends the request, DER: SHA-256 of something, a nonce, and that certificates shall be inside.
 */
NODISCARD enum err tsp_request(const struct sha256 *hash, uint64_t nonce, struct buf *out);
/* Takes the token out of an answer: granted, over this hash, with this nonce.  *ret_token points
 * into *out, to which it is appended.  ERR_DENIED: the authority refused; ERR_SYNTAX otherwise. */
NODISCARD enum err tsp_answer(struct str answer, const struct sha256 *hash, uint64_t nonce,
                              struct buf *out, struct wall *ret_time, struct why *why);
