/*
 * The inner states of the abnormal state: their names, whose turn it is in each, and what they are
 * waiting for.
 *
 *     detected → cause → countermeasure → coordination → executing → return check → steady
 *     provider  provider    provider         client      who executes,    client
 *                                                        then provider
 *
 * Always true: as long as an incident lasts, exactly one side has the turn.
 */

#include "incident/private.h"

static const struct {
    const char *text;
    const char *waits;
    enum side turn;
} states[INCIDENT_STATE_COUNT] = {
    [INCIDENT_DETECTED] = {"detected", "incident.waits.triage", SIDE_PROVIDER},
    [INCIDENT_CAUSE] = {"cause", "incident.waits.cause", SIDE_PROVIDER},
    [INCIDENT_COUNTERMEASURE] = {"countermeasure", "incident.waits.proposal", SIDE_PROVIDER},
    [INCIDENT_COORDINATION] = {"coordination", "incident.waits.decision", SIDE_CLIENT},
    [INCIDENT_EXECUTING] = {"executing", "incident.waits.execution", SIDE_NONE},
    [INCIDENT_RETURN_CHECK] = {"return-check", "incident.waits.agreement", SIDE_CLIENT},
    [INCIDENT_STEADY] = {"steady", "incident.waits.nothing", SIDE_NONE},
};

const char *incident_state_text(enum incident_state state)
{
    return (unsigned)state < INCIDENT_STATE_COUNT ? states[state].text : "unknown";
}

enum err incident_state_parse(struct str text, enum incident_state *ret)
{
    for (int i = 0; i < INCIDENT_STATE_COUNT; i++) {
        if (str_equal(text, str_from(states[i].text))) {
            *ret = (enum incident_state)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

const char *side_name(enum side side)
{
    return side == SIDE_PROVIDER ? "provider" : side == SIDE_CLIENT ? "client" : "";
}

enum side row_turn(const struct row *row)
{
    if (row->state != INCIDENT_EXECUTING) {
        return states[row->state].turn;
    }
    return row->executed ? SIDE_PROVIDER : row->executes;
}

const char *row_waits(const struct row *row)
{
    return row->state == INCIDENT_EXECUTING && row->executed ? "incident.waits.checks"
                                                             : states[row->state].waits;
}
