#pragma once

/* What the tests of notices share: a client with people, contacts, calendars, and incidents. */

#include "ledger/ledger.h"
#include "notify/private.h"
#include "sys/fake.h"

/* Wednesday, 15 November 2023, 10:13:20 in Japan: office hours. */
#define NOW     ((struct wall){1700010800000000000})
#define ACME    ((struct client_id){3})
#define NOBODYS ((struct client_id){4})
#define NIGHT   ((struct wall){1700060400000000000}) /* 00:00 of the next day */

struct house {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct clocks *clocks;
    struct incidents *incidents;
    struct notify *notify;
    struct scope *serve, *engineer, *responsible, *viewer;
    struct arena *mem;
    struct wall now;
    uint64_t sequence;
};

extern const char house_contacts[]; /* head (office hours, deputy), deputy; chat; two steps */
extern const char house_calendars[];

struct house house_new(void); /* without documents */
void house_done(struct house *house);
void house_stop(struct house *house);
void house_start(struct house *house);
void house_document(struct house *house, const char *kind, const char *text);
/* Opens an incident of its own cause; its number. */
uint32_t house_incident(struct house *house, enum level severity, const char *other);
/* notify_turn at `house->now`; when it wants to come again. */
struct wall house_turn(struct house *house);
/* All messages that wait, oldest first. */
size_t house_due(struct house *house, struct outbox_message **ret);
/* The steps of an incident. */
size_t house_steps(struct house *house, uint32_t number, struct notice_step_view **ret);
/* A mail's text, decoded. */
struct str house_text(struct house *house, struct str mail);
int64_t house_number(struct house *house, const char *sql);
