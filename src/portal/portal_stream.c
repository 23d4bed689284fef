/*
 * Answers that stay open: server-sent events (WHATWG HTML, section 9.2) from desk to a browser.
 *
 *     desk's answer ─► open ─┬─► portal_stream …            ─► ended by desk
 *                            └─► the reader goes, is too slow ─► desk is told
 *
 * A comment now and then keeps proxies from ending what is silent, and shows us readers that are
 * gone without a word.
 *
 * Always true:
 *
 *   (1) at most PORTAL_STREAMS_MAX are open, PORTAL_STREAMS_PEER of one address, and each holds at
 *       most PORTAL_STREAM_SIZE_MAX for its reader;
 *   (2) desk hears of the end of every stream that it did not end, once;
 *   (3) without desk there is no stream.
 */

#include "portal/portal_private.h"

bool portal_answer_streams(const struct api_answer *answer)
{
    struct str type = answer->type;
    return answer->status == 200 &&
           str_equal_nocase(str_trim(str_cut(&type, ';')), STR("text/event-stream"));
}

bool portal_stream_fits(const struct portal *portal, const struct peer *peer)
{
    size_t all = 0;
    size_t same = 0;
    for (const struct exchange *at = portal->first; at != NULL; at = at->next) {
        all += at->streams;
        same += at->streams && portal_same_peer(&at->peer, peer);
    }
    return portal->gone != NULL && all < PORTAL_STREAMS_MAX && same < PORTAL_STREAMS_PEER;
}

void portal_stream_gone(struct portal *portal, uint64_t id)
{
    if (portal->gone != NULL && id != 0) {
        portal->gone(portal->context, id);
    }
}

void portal_stream(struct portal *portal, uint64_t id, struct str text, bool end)
{
    struct exchange *exchange = portal_exchange(portal, id);
    if (exchange == NULL || !exchange->streams) {
        return;
    }
    if (http_stream_write(exchange->request, text) != OK) {
        http_stream_break(exchange->request);
    } else if (end) {
        http_stream_end(exchange->request);
    }
    if (end) {
        exchange->id = 0;
    }
}

void portal_keep_alive(void *context)
{
    struct portal *portal = context;
    for (struct exchange *at = portal->first; at != NULL; at = at->next) {
        if (at->streams && http_stream_write(at->request, STR(":\n\n")) == ERR_LIMIT) {
            http_stream_break(at->request);
        }
    }
}
