#pragma once

/* The steps of later capabilities, each in a file of its own. */

#define ID "INTEGER NOT NULL PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295)"

extern const char tables_people[];    /* parties' people, engagements, sessions, tokens */
extern const char tables_documents[]; /* versions, signatures, disclosure */
extern const char tables_clocks[];
extern const char tables_notices[];   /* notices, steps, outbox */
extern const char tables_incidents[]; /* and the outcome of alerts */
extern const char tables_rules[];     /* editions of the rules */
extern const char tables_counts[];    /* correlations, exceptions and storms of alerts */
extern const char tables_books[];     /* when each source was last heard */
extern const char tables_groups[];    /* several alerts of one correlation at one event */
extern const char tables_devices[];   /* and their health, the books by the minute, proposals */
extern const char tables_searches[];  /* saved searches */
extern const char tables_factors[];   /* second factors, recovery codes */
extern const char tables_keeping[];   /* holds, what was dropped */
extern const char tables_trail[];     /* words of the audit trail that can go */
extern const char tables_provision[]; /* requests for logs, clients that leave */
