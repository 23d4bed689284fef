#pragma once

/* libcrypto, for the two files of this room that speak with it: hashes, seals and signatures
 * (crypto.c), and time-stamps (tsp.c).  Nobody else includes this. */

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/ts.h>
