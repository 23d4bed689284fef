/*
 * The beginning of a stream of changes.  What follows is desk's (serve/desk_change.c); here is only
 * said who may ask, and the first word.
 */

#include "codec/time.h"
#include "portal/private.h"

enum err api_change_stream(struct call *call)
{
    char now[TIME_TEXT_SIZE];
    buf_reset(&call->answer->body);
    enum err err = buf_print(&call->answer->body, "event: hello\ndata: {\"now\":\"%s\"}\n\n",
                             time_print(call->now, now));
    if (err == OK) {
        call_answer_as(call, "text/event-stream");
        call->answer->wants_changes = true;
        call->answer->person = call->person;
    }
    return err;
}
