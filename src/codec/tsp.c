/*
 * RFC 3161, by libcrypto's <openssl/ts.h>.
 *
 * An answer is bytes from outside: it has its limit, libcrypto parses it, and what it must say
 * (that it was granted, over our hash, with our nonce) is asked of the parsed thing and not of the
 * bytes.
 *
 * Always true: a token that tsp_answer lets pass is over the hash that was asked for.
 */

#include "codec/tsp.h"

#include <string.h>

#include "codec/openssl.h"

static bool imprint_set(TS_REQ *request, const struct sha256 *hash)
{
    TS_MSG_IMPRINT *imprint = TS_MSG_IMPRINT_new();
    X509_ALGOR *algorithm = X509_ALGOR_new();
    struct sha256 copy = *hash;
    bool set = imprint != NULL && algorithm != NULL &&
               X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
               TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
               TS_MSG_IMPRINT_set_msg(imprint, copy.bytes, SHA256_SIZE) == 1 &&
               TS_REQ_set_msg_imprint(request, imprint) == 1;
    TS_MSG_IMPRINT_free(imprint);
    X509_ALGOR_free(algorithm);
    return set;
}

enum err tsp_request(const struct sha256 *hash, uint64_t nonce, struct buf *out)
{
    TS_REQ *request = TS_REQ_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    unsigned char *der = NULL;
    int size = -1;
    if (request != NULL && number != NULL && ASN1_INTEGER_set_uint64(number, nonce) == 1 &&
        TS_REQ_set_version(request, 1) == 1 && imprint_set(request, hash) &&
        TS_REQ_set_nonce(request, number) == 1 && TS_REQ_set_cert_req(request, 1) == 1) {
        size = i2d_TS_REQ(request, &der);
    }
    enum err err = size > 0 ? buf_append(out, str_of(der, (size_t)size)) : ERR_MEMORY;
    OPENSSL_free(der);
    ASN1_INTEGER_free(number);
    TS_REQ_free(request);
    return err;
}

static bool info_fits(TS_TST_INFO *info, const struct sha256 *hash, uint64_t nonce)
{
    TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
    const ASN1_OCTET_STRING *text = TS_MSG_IMPRINT_get_msg(imprint);
    const ASN1_INTEGER *number = TS_TST_INFO_get_nonce(info);
    const ASN1_OBJECT *algorithm = NULL;
    uint64_t told = 0;
    X509_ALGOR_get0(&algorithm, NULL, NULL, TS_MSG_IMPRINT_get_algo(imprint));
    return OBJ_obj2nid(algorithm) == NID_sha256 && ASN1_STRING_length(text) == SHA256_SIZE &&
           memcmp(ASN1_STRING_get0_data(text), hash->bytes, SHA256_SIZE) == 0 && number != NULL &&
           ASN1_INTEGER_get_uint64(&told, number) == 1 && told == nonce;
}

static bool time_read(const TS_TST_INFO *info, struct wall *ret)
{
    struct tm tm;
    const ASN1_GENERALIZEDTIME *time = TS_TST_INFO_get_time(info);
    if (time == NULL || ASN1_TIME_to_tm(time, &tm) != 1) {
        return false;
    }
    time_t seconds = timegm(&tm);
    ret->ns = (int64_t)seconds * NS_PER_SECOND;
    return seconds > 0;
}

static enum err token_take(TS_RESP *response, const struct sha256 *hash, uint64_t nonce,
                           struct buf *out, struct wall *ret_time, struct why *why)
{
    TS_TST_INFO *info = TS_RESP_get_tst_info(response);
    PKCS7 *token = TS_RESP_get_token(response);
    const ASN1_INTEGER *status = TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response));
    int64_t number = -1;
    if (ASN1_INTEGER_get_int64(&number, status) != 1 || number < 0 || number > 1) {
        return why_say(why, ERR_DENIED, 0, "the authority refused (status %lld)",
                       (long long)number);
    }
    struct wall time;
    if (info == NULL || token == NULL || !info_fits(info, hash, nonce) || !time_read(info, &time)) {
        return why_say(why, ERR_SYNTAX, 0, "the time-stamp is not over what was sent");
    }
    unsigned char *der = NULL;
    int size = i2d_PKCS7(token, &der);
    enum err err = size > 0 ? buf_append(out, str_of(der, (size_t)size)) : ERR_MEMORY;
    OPENSSL_free(der);
    if (err == OK) {
        *ret_time = time;
    }
    return err;
}

enum err tsp_answer(struct str answer, const struct sha256 *hash, uint64_t nonce, struct buf *out,
                    struct wall *ret_time, struct why *why)
{
    const unsigned char *at = (const unsigned char *)answer.data;
    if (answer.size == 0 || answer.size > TSP_ANSWER_MAX) {
        return why_say(why, ERR_SYNTAX, 0, "an answer of %zu bytes is no time-stamp", answer.size);
    }
    TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)answer.size);
    if (response == NULL) {
        return why_say(why, ERR_SYNTAX, 0, "the answer is no time-stamp");
    }
    enum err err = token_take(response, hash, nonce, out, ret_time, why);
    TS_RESP_free(response);
    return err;
}
