/*
 * A sender that was heard is enrolled by one press: it becomes a source of the client at once, and
 * its definition a draft that the client signs (decision 034).
 *
 * Always true: only what stands among the proposals at that moment is enrolled, so a press takes no
 * sender from anybody and enrols no network; format and address are those that were heard, whatever
 * the request says.
 */

#include "build/proposals.h"
#include "portal/private.h"

static enum err name_read(struct call *call, struct source_wish *wish)
{
    const struct yaml_node *name = yaml_get(call->body, STR("name"));
    if (name == NULL) {
        return OK;
    }
    enum err err = call_keys_check(call, name, "ja en");
    if (err == OK && !call->refused) {
        err = body_text(call, name, "ja", &wish->name_ja);
    }
    return err == OK && !call->refused ? body_text(call, name, "en", &wish->name_en) : err;
}

static enum err proposal_wanted(struct call *call, struct source_wish *wish)
{
    struct proposal proposal;
    struct str listener;
    struct str address;
    enum err err = body_text(call, call->body, "listener", &listener);
    if (err == OK) {
        err = body_text(call, call->body, "address", &address);
    }
    if (err == OK) {
        err = body_text(call, call->body, "slug", &wish->slug);
    }
    if (err == OK) {
        err = name_read(call, wish);
    }
    if (err == OK && !call->refused) {
        err = proposal_find(call->scope, call->api->rooms.ledger, call->api->rooms.tenant, listener,
                            address, call->mem, &proposal);
    }
    if (err == OK && !call->refused) {
        wish->listener = proposal.listener;
        wish->address = proposal.address;
        wish->format = str_is_slug(proposal.parser) ? proposal.parser : STR("auto");
    }
    return err;
}

enum err api_proposal_enrol(struct call *call)
{
    struct source_wish wish = {0};
    struct enrolled enrolled;
    struct str note;
    enum err err = body_text(call, call->body, "note", &note);
    if (err == OK) {
        err = proposal_wanted(call, &wish);
    }
    if (err == OK && !call->refused) {
        err = service_enrol(call->scope, call->api->rooms.service, call->client, &wish, note,
                            call->now, call->mem, &enrolled, &call->why);
    }
    if (err != OK || call->refused) {
        return err == OK ? OK : call_refuse_err(call, err);
    }
    struct json_out *out = call_answer(call, 201);
    json_text(out, "source", wish.slug);
    json_yes_no(out, "defined", enrolled.defined);
    json_text(out, "draft", enrolled.draft.hash);
    return call_answered(call);
}
