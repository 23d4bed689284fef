/*
 * Mails and posts through libcurl: one handle for each, nothing shared, nothing kept.
 *
 * Always true:
 *
 *   (1) However much a peer says, `talk` keeps as much of it as was asked for and ends the transfer
 * after SAID_SIZE_MAX; however slowly, the time limit ends it. (2) A connection goes to an address
 * that `refuse` was asked about: the question is put when the socket is opened, behind every
 * resolving of names, so a name that answers differently the second time gains nothing. (3) A
 * mail's `status` is the peer's answer to what it was asked last.  Refusals that were overcome (an
 * EHLO it did not know) and the farewell do not count.
 *
 * SMTP, as far as libcurl leaves it to us: a refusal before the message is spoken of (greeting,
 * EHLO, STARTTLS, AUTH) says nothing about the message, and is told apart by `greeting`.
 */

#include "sys/fetch.h"

#include <curl/curl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/socket.h"

#define ANSWER_SIZE_MAX 1000
#define SAID_SIZE_MAX   (64 * 1024)
#define CONNECT_SECONDS 10

struct talk {
    struct str rest; /* of the mail */
    char *text;      /* what is kept of the answer */
    size_t text_max; /* and how much of it may be */
    size_t text_size;
    size_t said; /* bytes from the peer, all together */
    uint32_t status;
    bool envelope; /* the relay has let us in and was told of the message */
    fetch_refuse_call *refuse;
    void *context;
    size_t refused, opened;
};

static enum err talk_end(struct talk *talk, CURLcode code, const char *detail, struct arena *mem,
                         struct fetch_answer *ret);

enum err fetch_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? OK : ERR_MEMORY;
}

/* ---- What libcurl calls. */

static size_t body_read(char *to, size_t size, size_t count, void *context)
{
    struct talk *talk = context;
    size_t room = size * count;
    struct str part = str_slice(talk->rest, 0, room);
    if (part.size > 0) {
        memcpy(to, part.data, part.size);
    }
    talk->rest = str_slice(talk->rest, part.size, SIZE_MAX);
    return part.size;
}

static bool said_too_much(struct talk *talk, size_t size)
{
    talk->said += size;
    return talk->said > SAID_SIZE_MAX;
}

/* A line of SMTP: "250-SIZE", "550 no such user"; the last of an answer has a blank behind it. */
static size_t smtp_line(char *data, size_t size, size_t count, void *context)
{
    struct talk *talk = context;
    struct str line = str_of(data, size * count);
    uint64_t code;
    if (said_too_much(talk, line.size)) {
        return 0;
    }
    line = str_trim(line);
    if (line.size >= 3 && str_to_u64(str_slice(line, 0, 3), 999, &code) == OK && code != 221) {
        struct str kept = str_slice(line, 0, talk->text_max);
        memcpy(talk->text, kept.data, kept.size);
        talk->text_size = kept.size;
        talk->status = (uint32_t)code;
    }
    return size * count;
}

static size_t http_line(char *data, size_t size, size_t count, void *context)
{
    (void)data;
    return said_too_much(context, size * count) ? 0 : size * count;
}

static size_t http_body(char *data, size_t size, size_t count, void *context)
{
    struct talk *talk = context;
    struct str kept = str_slice(str_of(data, size * count), 0, talk->text_max - talk->text_size);
    if (kept.size > 0) {
        memcpy(talk->text + talk->text_size, kept.data, kept.size);
        talk->text_size += kept.size;
    }
    return said_too_much(talk, size * count) ? 0 : size * count;
}

/* What we say to the relay: the message is spoken of from MAIL on. */
static int smtp_said(CURL *curl, curl_infotype type, char *data, size_t size, void *context)
{
    struct talk *talk = context;
    (void)curl;
    if (type == CURLINFO_HEADER_OUT && str_starts(str_of(data, size), STR("MAIL "))) {
        talk->envelope = true;
    }
    return 0;
}

static curl_socket_t socket_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct talk *talk = context;
    struct peer peer;
    (void)purpose;
    peer_from_address(&address->addr, &peer);
    talk->opened++;
    if (talk->refuse != NULL && talk->refuse(talk->context, peer.address)) {
        talk->refused++;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- Requests. */

#define SET(option, value) (good = good && curl_easy_setopt(curl, option, value) == CURLE_OK)

static bool set_common(CURL *curl, const char *protocols, const char *url, const char *roots,
                       uint32_t seconds_max, char *detail, struct talk *talk)
{
    bool good = true;
    long limit = seconds_max > 0 ? (long)seconds_max : 1;
    detail[0] = '\0';
    SET(CURLOPT_ERRORBUFFER, detail);
    SET(CURLOPT_PROTOCOLS_STR, protocols);
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROXY, "");
    SET(CURLOPT_NOPROXY, "*");
    SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_TIMEOUT, limit);
    SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, limit); /* to QUIT, for which the first does not count */
    SET(CURLOPT_CONNECTTIMEOUT, limit < CONNECT_SECONDS ? limit : (long)CONNECT_SECONDS);
    SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    SET(CURLOPT_OPENSOCKETFUNCTION, socket_open);
    SET(CURLOPT_OPENSOCKETDATA, talk);
    if (roots != NULL && roots[0] != '\0') {
        SET(CURLOPT_CAINFO, roots);
        SET(CURLOPT_CAPATH, NULL);
    }
    return good;
}

static bool set_mail(CURL *curl, const struct fetch_mail *mail, struct curl_slist *to,
                     struct talk *talk)
{
    bool good = true;
    bool login = mail->user != NULL && mail->user[0] != '\0';
    bool tls = mail->tls || login || strncmp(mail->relay, "smtps:", 6) == 0;
    SET(CURLOPT_MAIL_FROM, mail->from);
    SET(CURLOPT_MAIL_RCPT, to);
    SET(CURLOPT_UPLOAD, 1L);
    SET(CURLOPT_READFUNCTION, body_read);
    SET(CURLOPT_READDATA, talk);
    SET(CURLOPT_HEADERFUNCTION, smtp_line);
    SET(CURLOPT_HEADERDATA, talk);
    SET(CURLOPT_WRITEFUNCTION, smtp_line);
    SET(CURLOPT_WRITEDATA, talk);
    SET(CURLOPT_VERBOSE, 1L);
    SET(CURLOPT_DEBUGFUNCTION, smtp_said);
    SET(CURLOPT_DEBUGDATA, talk);
    SET(CURLOPT_USE_SSL, (long)(tls ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (!tls) {
        /* As offered: without a demand for TLS an unproven certificate is still better than none.
         */
        SET(CURLOPT_SSL_VERIFYPEER, 0L);
        SET(CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (login) {
        SET(CURLOPT_USERNAME, mail->user);
        SET(CURLOPT_PASSWORD, mail->password);
    }
    return good;
}

enum err fetch_mail(const struct fetch_mail *mail, struct arena *mem, struct fetch_answer *ret)
{
    char said[ANSWER_SIZE_MAX];
    struct talk talk = {.rest = mail->body, .text = said, .text_max = sizeof said};
    char detail[CURL_ERROR_SIZE];
    CURL *curl = curl_easy_init();
    struct curl_slist *to = curl_slist_append(NULL, mail->to);
    enum err err = ERR_MEMORY;
    if (curl != NULL && to != NULL &&
        set_common(curl, "smtp,smtps", mail->relay, mail->roots, mail->seconds_max, detail,
                   &talk) &&
        set_mail(curl, mail, to, &talk)) {
        CURLcode code = curl_easy_perform(curl);
        err = talk_end(&talk, code, detail, mem, ret);
        if (err == OK) {
            ret->greeting = code != CURLE_OK && !talk.envelope;
        }
    }
    curl_slist_free_all(to);
    curl_easy_cleanup(curl);
    return err;
}

static bool set_post(CURL *curl, const struct fetch_post *post, struct curl_slist *headers,
                     struct talk *talk)
{
    bool good = true;
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDS, post->body.size > 0 ? post->body.data : "");
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.size);
    SET(CURLOPT_HTTPHEADER, headers);
    SET(CURLOPT_USERAGENT, "Hinomi");
    SET(CURLOPT_HEADERFUNCTION, http_line);
    SET(CURLOPT_HEADERDATA, talk);
    SET(CURLOPT_WRITEFUNCTION, http_body);
    SET(CURLOPT_WRITEDATA, talk);
    return good;
}

enum err fetch_post(const struct fetch_post *post, struct arena *mem, struct fetch_answer *ret)
{
    struct talk talk = {.refuse = post->refuse, .context = post->context};
    char detail[CURL_ERROR_SIZE];
    talk.text_max = post->answer_max > 0 ? post->answer_max : ANSWER_SIZE_MAX;
    talk.text_max = talk.text_max < SAID_SIZE_MAX ? talk.text_max : SAID_SIZE_MAX;
    talk.text = ARENA_ARRAY(mem, char, talk.text_max);
    if (talk.text == NULL) {
        return ERR_MEMORY;
    }
    CURL *curl = curl_easy_init();
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    enum err err = ERR_MEMORY;
    for (size_t i = 0; i < post->headers_count && headers != NULL; i++) {
        struct curl_slist *longer = curl_slist_append(headers, post->headers[i]);
        if (longer == NULL) {
            curl_slist_free_all(headers);
        }
        headers = longer;
    }
    if (curl != NULL && headers != NULL &&
        set_common(curl, "http,https", post->url, post->roots, post->seconds_max, detail, &talk) &&
        set_post(curl, post, headers, &talk)) {
        CURLcode code = curl_easy_perform(curl);
        long status = 0;
        if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK) {
            talk.status = (uint32_t)status;
        }
        err = talk_end(&talk, code, detail, mem, ret);
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return err;
}

/* ---- The end. */

static enum err talk_end(struct talk *talk, CURLcode code, const char *detail, struct arena *mem,
                         struct fetch_answer *ret)
{
    struct fetch_answer answer = {
        .status = talk->status,
        .refused_address = code != CURLE_OK && talk->refused > 0 && talk->refused == talk->opened,
        .wrong = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT,
    };
    enum err err = arena_copy(mem, str_of(talk->text, talk->text_size), &answer.text);
    if (err == OK && code != CURLE_OK) {
        struct str sentence = str_from(detail[0] != '\0' ? detail : curl_easy_strerror(code));
        err = arena_copy(mem, sentence, &answer.trouble);
    }
    if (err == OK) {
        *ret = answer;
    }
    return err;
}
