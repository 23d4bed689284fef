/*
 * The papers of listeners.  They are tried here, in the process that can still say what is wrong
 * with which file, before front gets them.
 */

#include "serve/papers.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/crypto.h"
#include "serve/message.h"
#include "sys/disk.h"
#include "sys/tls_stream.h"

#define PAPER_SIZE_MAX (4 * 1024 * 1024) /* authorities, and lists of all that they revoked */

static enum err paper_read(struct str path, struct buf *ret, struct why *why)
{
    char name[4096];
    char *text;
    size_t size;
    buf_init(ret, PAPER_SIZE_MAX);
    if (path.size == 0) {
        return OK;
    }
    (void)snprintf(name, sizeof name, "%.*s", STR_ARG(path));
    enum err err = disk_read_whole(disk_real(), name, PAPER_SIZE_MAX, &text, &size, why);
    if (err == OK) {
        err = buf_append(ret, str_of(text, size));
        free(text);
    }
    return err;
}

static struct tls_papers papers_of(const struct papers *papers, size_t listener)
{
    return (struct tls_papers){.certificate = buf_str(&papers->identity.certificate),
                               .key = buf_str(&papers->identity.key),
                               .authorities = buf_str(&papers->trust[listener].authorities),
                               .revoked = buf_str(&papers->trust[listener].revoked)};
}

static enum err listener_papers(const struct listener_config *listener, struct papers *papers,
                                size_t index, struct why *why)
{
    struct why wrong = {0};
    struct tls_gate *gate = NULL;
    enum err err = paper_read(listener->authorities, &papers->trust[index].authorities, why);
    if (err == OK) {
        err = paper_read(listener->revoked, &papers->trust[index].revoked, why);
    }
    if (err != OK) {
        return err;
    }
    const struct tls_papers tried = papers_of(papers, index);
    err = tls_gate_new(&tried, &gate, &wrong);
    tls_gate_unref(gate);
    return err == OK ? OK
                     : why_say(why, err, 0, "listener '%.*s': %s", STR_ARG(listener->name),
                               why_text(&wrong, err));
}

enum err papers_open(const struct config *config, struct wall now, struct papers *ret,
                     struct why *why)
{
    struct papers papers = {0};
    enum err err = OK;
    for (size_t i = 0; i < config->listeners_count; i++) {
        papers.wanted |= config->listeners[i].tls;
    }
    if (papers.wanted) {
        err = identity_open_ingest(config, now, &papers.identity, why);
    }
    for (size_t i = 0; i < config->listeners_count && err == OK; i++) {
        if (config->listeners[i].tls) {
            err = listener_papers(&config->listeners[i], &papers, i, why);
        }
    }
    if (err != OK) {
        papers_done(&papers);
        return err;
    }
    papers_done(ret);
    *ret = papers;
    return OK;
}

void papers_done(struct papers *papers)
{
    identity_done(&papers->identity);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        buf_done(&papers->trust[i].authorities);
        buf_done(&papers->trust[i].revoked);
    }
}

enum err papers_send(const struct papers *papers, const struct config *config, struct link *link)
{
    enum err err = OK;
    for (size_t i = 0; i < config->listeners_count && err == OK; i++) {
        if (!config->listeners[i].tls) {
            continue;
        }
        const struct tls_papers listeners = papers_of(papers, i);
        const struct message message = {.type = MESSAGE_PAPERS,
                                        .papers = {.listener = config->listeners[i].name,
                                                   .certificate = listeners.certificate,
                                                   .key = listeners.key,
                                                   .authorities_size = listeners.authorities.size}};
        struct buf both;
        struct message full = message;
        buf_init(&both, 2 * PAPER_SIZE_MAX);
        err = buf_append(&both, listeners.authorities);
        if (err == OK) {
            err = buf_append(&both, listeners.revoked);
        }
        full.papers.trust = buf_str(&both);
        if (err == OK) {
            err = link_send(link, &full);
        }
        buf_done(&both);
    }
    return err;
}
