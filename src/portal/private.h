#pragma once

/* What the files of the API share. */

#include "base/limits.h"
#include "codec/json_out.h"
#include "codec/yaml.h"
#include "portal/api.h"

/* ---- api.c: the table, and one operation's way through it. */

struct call;
typedef enum err operation_run(struct call *call);

enum operation_flag {
    OPERATION_OPEN = 1,      /* nobody has to be signed in */
    OPERATION_PERSON = 2,    /* a named person, who need not reach any client */
    OPERATION_SESSION = 4,   /* not with an API token, and not from the control socket */
    OPERATION_EVERY = 8,     /* the rights are wanted for every client */
    OPERATION_ORIGIN = 16,   /* makes a session, so it must come from our own pages */
    OPERATION_ASKING = 32,   /* the body is a document, a table or nothing: not looked at here */
    OPERATION_UNPROVED = 64, /* also for who lacks the second factor that is wanted of them */
};

/* Keys of a body or of a query are words joined by blanks; one with a '!' must be there. */
struct operation {
    const char *method, *path, *name;
    uint32_t rights; /* one of them is enough; 0: whoever sees the client */
    unsigned flags;
    const char *query, *body; /* body NULL: none */
    operation_run *run;
};

#define PARAMS_MAX 4

struct call {
    struct api *api;
    const struct operation *operation;
    const struct api_request *request;
    const struct scope *scope; /* NULL: nobody is signed in, or reaches any client */
    uint32_t person;           /* 0: none */
    enum language language;
    struct wall now;
    struct arena *mem;
    struct str params[PARAMS_MAX]; /* of the path, decoded */
    struct client_id client;       /* of {client} */
    struct str client_slug;
    const struct yaml_node *body;
    struct json_out out;
    struct api_answer *answer;
    struct why why;
    bool refused; /* the answer is an error that stands already */
};

struct api {
    struct api_rooms rooms;
    const struct books *books; /* NULL: none */
    api_health_call *health;   /* NULL: nobody knows */
    void *health_context;
    struct vigils *vigils; /* NULL: nobody watches */
    api_stock_call *stock; /* NULL: nobody knows */
    void *stock_context;
    struct pending *pending;
    uint64_t ticket_last;
};

extern const struct operation operations[];
extern const size_t operations_count;

/* ---- call.c: what operations ask of their request, and how they refuse. */

/* Writes the refusal and returns OK: the operation is at its end.  `word` is one of api.error.…;
 * its {value} is filled with value. */
NODISCARD enum err call_refuse(struct call *call, unsigned status, enum word word, struct str value,
                               const struct yaml_node *at);
/* The same with a reason: its place, and its sentence beside the word. */
NODISCARD enum err call_refuse_why(struct call *call, unsigned status, enum word word,
                                   struct str value, const struct why *why);
/* The same for an error of a room; ERR_MEMORY, ERR_IO, ERR_CORRUPT, ERR_FULL and ERR_CLOSED are
 * ours, and come back. */
NODISCARD enum err call_refuse_err(struct call *call, enum err err);
/* Whatever is not there, and whatever one may not know of. */
NODISCARD enum err call_refuse_unknown(struct call *call);

/* A parameter of the path by its name in the pattern. */
struct str call_param(const struct call *call, const char *name);
/* ERR_NOT_FOUND if it is no number: there is no such object. */
NODISCARD enum err call_param_number(const struct call *call, const char *name, uint64_t max,
                                     uint64_t *ret);
/* The value of a key of the query, decoded; empty if it is not there. */
NODISCARD enum err call_query(struct call *call, const char *name, struct str *ret);
NODISCARD enum err call_query_number(struct call *call, const char *name, uint64_t otherwise,
                                     uint64_t max, uint64_t *ret);
NODISCARD enum err call_query_time(struct call *call, const char *name, struct wall *ret);
/* `limit`, between 1 and PORTAL_PAGE_MAX. */
NODISCARD enum err call_query_limit(struct call *call, size_t *ret);

/* Checks the query against the operation's keys, then reads the body and does the same. */
NODISCARD enum err call_query_check(struct call *call);
NODISCARD enum err call_body_read(struct call *call);
/* A mapping against keys; ERR_SYNTAX has been said in call->why. */
NODISCARD enum err call_keys_check(struct call *call, const struct yaml_node *node,
                                   const char *keys);
/* Members of the body; what is missing is empty, 0, false or WALL_NONE.  ERR_SYNTAX with the place
 * for another type, ERR_LIMIT for a text over PORTAL_NOTE_SIZE_MAX. */
NODISCARD enum err body_text(struct call *call, const struct yaml_node *node, const char *key,
                             struct str *ret);
NODISCARD enum err body_number(struct call *call, const struct yaml_node *node, const char *key,
                               uint32_t max, uint32_t *ret);
NODISCARD enum err body_yes_no(struct call *call, const struct yaml_node *node, const char *key,
                               bool *ret);
NODISCARD enum err body_time(struct call *call, const struct yaml_node *node, const char *key,
                             struct wall *ret);

/* The answer's JSON begins; closed by call_answered. */
struct json_out *call_answer(struct call *call, unsigned status);
NODISCARD enum err call_answered(struct call *call);
/* 204, without a word. */
NODISCARD enum err call_answer_nothing(struct call *call);
/* The body as it stands in call->answer, of a type. */
void call_answer_as(struct call *call, const char *type);

/* "acme"; empty for a client that has gone. */
struct str call_client_slug(const struct call *call, struct client_id client);
/* The incident that the path names. */
NODISCARD enum err call_incident(struct call *call, struct incident_view *ret);
/* "PARTY/PERSON" made in mem. */
NODISCARD enum err call_person_name(struct call *call, const struct person_info *person,
                                    struct str *ret);
/* Ends the transaction that the operation began: nothing of it has happened unless err is OK. */
NODISCARD enum err call_commit(struct call *call, enum err err);
/* A line of the audit trail that these data were read, and for what. */
NODISCARD enum err call_audit_read(struct call *call, const char *what);
/* The same for what a worker reads: from now on the answer is a job of this kind, under the scope
 * of the call. */
NODISCARD enum err call_ask_archive(struct call *call, enum api_job_kind kind, const char *what);
void json_names(struct json_out *out, const char *key, struct str ja, struct str en);
void json_rights(struct json_out *out, const char *key, uint32_t rights);
NODISCARD enum err right_parse(struct str text, uint32_t *ret);
const char *side_text(enum side side);

/* ---- pending.c: operations that wait for a password's hash. */

enum pending_kind {
    PENDING_SIGN_IN,
    PENDING_CHANGE_CHECK,
    PENDING_CHANGE,
    PENDING_SETUP,
    PENDING_INVITATION,
};
struct pending {
    uint64_t ticket; /* 0: free */
    enum pending_kind kind;
    struct wall since;
    uint32_t person;
    enum language language;
    const struct operation *operation;
    struct arena *mem;
    struct str name, peer, agent; /* who tries, and from where */
    struct str token;             /* the session to keep, or the one-time token */
    struct str party;
    struct str code;              /* of the second factor */
    struct str password;          /* the new one, while the old one is checked */
    const struct pending *before; /* whose second step this is, when it is asked for */
};
NODISCARD enum err pending_all_new(struct pending **ret);
void pending_all_free(struct pending *all);
/* Whether pending_ask will take it; asked before a try is counted, so that who is turned away here
 * is not taken for one who fails. */
bool pending_has_room(struct call *call, const struct pending *wanted);
/* Keeps copies; asks the answer for this password.  Too many: the call is refused (429). */
NODISCARD enum err pending_ask(struct call *call, const struct pending *wanted, struct str password,
                               struct str hash);
struct pending *pending_find(struct api *api, uint64_t ticket);
void pending_forget(struct pending *pending);

/* ---- The operations, by noun. */

operation_run api_session_begin, api_session_finish, api_me_show, api_sessions_list,
    api_session_remove, api_tokens_list, api_token_make, api_token_remove, api_password_change,
    api_setup_use, api_invitation_show, api_invitation_use;
/* What comes after the worker's answer; in api_session.c. */
NODISCARD enum err session_resume(struct call *call, struct pending *pending, bool matches,
                                  struct str hash);
operation_run api_schemas_list, api_schema_show, api_schema_form, api_documents_list,
    api_document_show, api_versions_list, api_version_draft, api_version_show, api_version_sign,
    api_version_withdraw, api_version_difference, api_version_completeness, api_version_csv,
    api_version_csv_draft, api_acknowledgements_list, api_version_acknowledge,
    api_version_csv_difference, api_disclosures_list, api_document_disclosure, api_client_export,
    api_service_apply_file;
operation_run api_change_stream, api_books_show, api_books_minutes, api_health_show;
operation_run api_metrics_show;
operation_run api_archive_show, api_hold_list, api_hold_make, api_hold_end, api_access_list;
operation_run api_device_list, api_ailment_list, api_device_health, api_proposal_list,
    api_proposal_enrol;
operation_run api_provisions_list, api_provision_new, api_provision_show, api_provision_approve,
    api_provision_refuse, api_provision_cancel, api_provision_package;
operation_run api_leaving_show, api_leaving_new, api_leaving_agree, api_leaving_take_back,
    api_leaving_certificate;
operation_run api_rules_show, api_alert_explain;
operation_run api_events_search, api_events_csv, api_incident_evidence;
operation_run api_searches_list, api_search_save, api_search_change, api_search_remove;
operation_run api_alerts_list, api_incidents_list, api_client_incidents_list, api_incident_show,
    api_incident_new, api_incident_lines, api_incident_add_note, api_incident_go,
    api_incident_offer, api_incident_options, api_incident_decision, api_incident_authorised,
    api_incident_execution, api_incident_agree_return;
operation_run api_alert_counts, api_exceptions_list, api_planned_list;
operation_run api_clocks_list, api_clock_steps, api_clock_stop, api_clock_go;
operation_run api_notices_list, api_notice_acknowledge, api_code_show, api_code_use;
operation_run api_clients_list, api_client_show, api_sources_list, api_audit_list;
operation_run api_client_people, api_own_people, api_person_make, api_person_change,
    api_person_invite, api_person_factor_end, api_engagements_list, api_engagement_assign;
operation_run api_language_change, api_factor_begin, api_factor_confirm, api_factor_codes,
    api_factor_end;
