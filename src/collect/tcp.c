/*
 * Syslog over TCP and over TLS: records framed by lines or counts (framing.c), nothing is answered.
 *
 * RFC 5425 knows counts alone.  OUR implementation takes lines over TLS too, as rsyslog and some
 * devices send them unless told otherwise.
 */

#include "collect/connection.h"
#include "sys/clocks.h"

/* The same results as a protocol's take. */
static enum err lines_take(struct connection *connection, struct str input, size_t *ret_used)
{
    struct collect *collect = connection->listener->collect;
    const struct binding *binding = connection_binding(connection);
    struct str sender = str_from(connection->peer.text);
    struct wall received = collect_now(collect);
    size_t done = 0;
    uint64_t records = 0;
    enum err err = binding == NULL ? ERR_DENIED : OK;
    for (bool more = true; more && err == OK;) {
        struct str record = {0};
        size_t used = 0;
        struct str rest = str_slice(input, done, input.size);
        const struct framing before = connection->framing;
        enum frame frame = framing_next(&connection->framing, rest, &used, &record);
        if (frame == FRAME_MORE && connection->ended) {
            rest = str_slice(rest, used, rest.size);
            frame = framing_end(&connection->framing, rest, &record);
            used += rest.size;
            more = false;
        }
        if (frame == FRAME_RECORD) {
            err = stream_add(collect, binding, sender, record, received);
            records += err == OK;
            if (err != OK) {
                connection->framing = before;
            }
        } else if (frame == FRAME_TOO_LONG) {
            reject_add(collect, binding, REJECT_TOO_LONG, 1);
            collect_say(collect, "listener %s: a record of %s is over %d bytes",
                        connection->listener->name, connection->peer.text, RECORD_SIZE_MAX);
        } else if (frame == FRAME_LIE) {
            reject_add(collect, binding, REJECT_FRAMING, 1);
            collect_say(collect, "listener %s: %s sent an octet count that does not fit, closed",
                        connection->listener->name, connection->peer.text);
            err = ERR_SYNTAX;
        }
        more = more && frame != FRAME_MORE;
        done += err == OK ? used : 0;
    }
    if (records > 0) {
        quota_charge(collect, binding, records, mono_now());
    }
    *ret_used = done;
    connection->waiting = connection->framing.kind == FRAMING_UNKNOWN;
    return err;
}

static void lines_kept(struct connection *connection, const uint64_t *marks, size_t count,
                       bool stored)
{
    (void)connection, (void)marks, (void)count, (void)stored; /* there is no window */
}

const struct protocol lines_protocol = {.take = lines_take, .kept = lines_kept};
