/*
 * Every step, in every state, by everybody: against a table that says in one line each who may do
 * it and from where to where it leads.  Each attempt is made in a transaction that is taken back.
 */

#include <stdio.h>
#include <string.h>

#include "incident/fixture_test.h"
#include "testing/testing.h"

#define WHO_COUNT (ROLE_COUNT + 3) /* roles, the installation's two, a person of another client */

enum act {
    ACT_NOTE,
    ACT_STEP_DETECTED,
    ACT_STEP_CAUSE,
    ACT_STEP_COUNTERMEASURE,
    ACT_STEP_COORDINATION,
    ACT_STEP_EXECUTING,
    ACT_STEP_RETURN_CHECK,
    ACT_STEP_STEADY,
    ACT_PROPOSE,
    ACT_DECIDE,
    ACT_DECIDE_NONE,
    ACT_AUTHORISED,
    ACT_EXECUTE,
    ACT_FAIL,
    ACT_RETURN,
    ACT_RETURN_NOT,
    ACT_COUNT
};

/* Places: the states in order, "E" the client executing, "P" the provider, "X" executed. */
static const char places[] = "dcmoEPXrs";

static const struct {
    const char *who;   /* p: admin, analyst; r: responsible; c: responsible, contact; x: executes */
    const char *leads; /* for each place where it leads, '-' for a conflict */
} table[ACT_COUNT] = {
    /*                             dcmoEPXrs */
    [ACT_NOTE] = {"pc", /*      */ "dcmoEPXrs"},  [ACT_STEP_DETECTED] = {"p", "-ddddddd-"},
    [ACT_STEP_CAUSE] = {"p", /* */ "c-cccccc-"},  [ACT_STEP_COUNTERMEASURE] = {"p", "-m-mmmmm-"},
    [ACT_STEP_COORDINATION] = {"p", "---------"}, [ACT_STEP_EXECUTING] = {"p", "-------E-"},
    [ACT_STEP_RETURN_CHECK] = {"p", "------r--"}, [ACT_STEP_STEADY] = {"p", "---------"},
    [ACT_PROPOSE] = {"p", /*    */ "--oo-----"},  [ACT_DECIDE] = {"r", /*     */ "---E-----"},
    [ACT_DECIDE_NONE] = {"r", "---m-----"},       [ACT_AUTHORISED] = {"p", /* */ "PPPP-----"},
    [ACT_EXECUTE] = {"x", /*    */ "----XX---"},  [ACT_FAIL] = {"x", /*       */ "----mm---"},
    [ACT_RETURN] = {"r", /*     */ "-------s-"},  [ACT_RETURN_NOT] = {"r", "-------c-"},
};

static enum err attempt(struct town *town, const struct scope *scope, enum act act)
{
    struct incidents *incidents = town->incidents;
    const struct incident_at at = town_at(town, 1);
    struct str text = STR("because");
    uint32_t proposal;
    switch (act) {
    case ACT_NOTE:
        return incident_note(scope, incidents, at, text, NULL);
    case ACT_PROPOSE:
        return incident_propose(scope, incidents, at, town_options, 2, WALL_NONE, &proposal, NULL);
    case ACT_DECIDE:
        return incident_decide(scope, incidents, at, 1, 2, text, NULL);
    case ACT_DECIDE_NONE:
        return incident_decide(scope, incidents, at, 1, 0, text, NULL);
    case ACT_AUTHORISED:
        return incident_act_authorised(scope, incidents, at, text, NULL);
    case ACT_EXECUTE:
    case ACT_FAIL:
        return incident_execute(scope, incidents, at, act == ACT_EXECUTE, text, NULL);
    case ACT_RETURN:
    case ACT_RETURN_NOT:
        return incident_return(scope, incidents, at, act == ACT_RETURN, text, NULL);
    default:
        return incident_step(scope, incidents, at, (enum incident_state)(act - ACT_STEP_DETECTED),
                             text, NULL);
    }
}

static void town_bring(struct town *town, char place)
{
    static const struct {
        char place;
        enum incident_state state;
    } states[] = {
        {'d', INCIDENT_DETECTED},     {'c', INCIDENT_CAUSE},        {'m', INCIDENT_COUNTERMEASURE},
        {'o', INCIDENT_COORDINATION}, {'E', INCIDENT_EXECUTING},    {'X', INCIDENT_EXECUTING},
        {'P', INCIDENT_DETECTED},     {'r', INCIDENT_RETURN_CHECK}, {'s', INCIDENT_STEADY},
    };
    town_open_one(town);
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        if (states[i].place == place) {
            town_lead(town, states[i].state);
        }
    }
    if (place == 'P') {
        CHECK(attempt(town, town->roles[ROLE_ANALYST], ACT_AUTHORISED) == OK);
    }
    if (place == 'X') {
        CHECK(attempt(town, town->roles[ROLE_CONTACT], ACT_EXECUTE) == OK);
    }
}

static char place_of(const struct incident_view *view)
{
    if (view->state == INCIDENT_EXECUTING) {
        return view->executed ? 'X' : view->executes == SIDE_CLIENT ? 'E' : 'P';
    }
    return "dcmo?rs"[view->state];
}

static bool may(int who, enum act act, char place)
{
    bool provider = who == ROLE_PROVIDER_ADMIN || who == ROLE_ANALYST;
    bool client = who == ROLE_RESPONSIBLE || who == ROLE_CONTACT;
    const char *whose = table[act].who;
    if (whose[0] == 'x') {
        return place == 'E' || place == 'X' ? client : place == 'P' ? provider : provider || client;
    }
    return (strchr(whose, 'p') != NULL && provider) || (strchr(whose, 'c') != NULL && client) ||
           (strchr(whose, 'r') != NULL && who == ROLE_RESPONSIBLE);
}

static enum err expected(int who, enum act act, size_t place)
{
    if (who == ROLE_BIDDER || who == WHO_COUNT - 1) {
        return ERR_NOT_FOUND;
    }
    if (!may(who, act, places[place])) {
        return ERR_DENIED;
    }
    return table[act].leads[place] == '-' ? ERR_CONFLICT : OK;
}

static const struct scope *scope_of(const struct town *town, int who)
{
    return who < ROLE_COUNT        ? town->roles[who]
           : who == ROLE_COUNT     ? town->administrator
           : who == ROLE_COUNT + 1 ? town->serve
                                   : town->stranger;
}

static void check_one(struct town *town, int who, enum act act, size_t place)
{
    enum err wanted = expected(who, act, place);
    char leads = wanted == OK ? table[act].leads[place] : places[place];
    CHECK(ledger_begin(town->ledger) == OK);
    enum err err = attempt(town, scope_of(town, who), act);
    struct incident_view view = town_view(town, 1);
    ledger_rollback(town->ledger);
    if (err != wanted || place_of(&view) != leads) {
        char text[160];
        (void)snprintf(text, sizeof text, "who %d, act %d, place %c: %s and %c, not %s and %c", who,
                       (int)act, places[place], err_text(err), place_of(&view), err_text(wanted),
                       leads);
        testing_fail(text, __FILE__, __LINE__);
    }
}

TEST(every_step_in_every_state_by_everybody_is_as_the_table_says)
{
    size_t checks = 0;
    for (size_t place = 0; place < sizeof places - 1; place++) {
        struct town *town = town_new();
        town_criteria(town, true, "");
        town_bring(town, places[place]);
        for (int act = 0; act < ACT_COUNT; act++) {
            for (int who = 0; who < WHO_COUNT; who++, checks++) {
                check_one(town, who, (enum act)act, place);
            }
        }
        town_free(town);
    }
    CHECK(checks == 9 * ACT_COUNT * WHO_COUNT);
}

TEST(the_turn_is_always_that_of_one_side)
{
    static const struct {
        enum incident_state state;
        enum side turn;
        const char *waits;
    } turns[] = {
        {INCIDENT_DETECTED, SIDE_PROVIDER, "incident.waits.triage"},
        {INCIDENT_CAUSE, SIDE_PROVIDER, "incident.waits.cause"},
        {INCIDENT_COUNTERMEASURE, SIDE_PROVIDER, "incident.waits.proposal"},
        {INCIDENT_COORDINATION, SIDE_CLIENT, "incident.waits.decision"},
        {INCIDENT_EXECUTING, SIDE_CLIENT, "incident.waits.execution"},
        {INCIDENT_RETURN_CHECK, SIDE_CLIENT, "incident.waits.agreement"},
        {INCIDENT_STEADY, SIDE_NONE, "incident.waits.nothing"},
    };
    for (size_t i = 0; i < INCIDENT_STATE_COUNT; i++) {
        struct town *town = town_new();
        enum word word;
        char key[64];
        town_open_one(town);
        town_lead(town, turns[i].state);
        struct incident_view view = town_view(town, 1);
        CHECK(view.turn == turns[i].turn);
        CHECK(str_equal(view.waits_for, str_from(turns[i].waits)));
        CHECK(words_find(view.waits_for, &word));
        (void)snprintf(key, sizeof key, "incident.state.%s", incident_state_text(view.state));
        CHECK(words_find(str_from(key), &word));
        if (view.state == INCIDENT_EXECUTING) {
            CHECK(attempt(town, town->roles[ROLE_CONTACT], ACT_EXECUTE) == OK);
            view = town_view(town, 1);
            CHECK(view.turn == SIDE_PROVIDER && words_find(view.waits_for, &word));
        }
        town_free(town);
    }
}
