/* The tables that are made of mapping/, and what events and rules are told by them. */

#include "detect/mapping.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

struct pair {
    const char *name, *value;
};
#define FIELDS(...) ((const struct pair[]){__VA_ARGS__, {NULL, NULL}})

static void event_make(struct builder *builder, const char *class, const struct pair *pairs)
{
    CHECK(builder_begin(builder, STR("{}"), (struct wall){5}) == OK);
    for (; pairs->name != NULL; pairs++) {
        if (pairs->value == NULL) {
            builder_span(builder, str_from(pairs->name), 0, 0, SPAN_JSON_NULL);
        } else {
            builder_derive(builder, str_from(pairs->name), str_from(pairs->value));
        }
    }
    builder_class(builder, str_from(class));
    CHECK(builder_end(builder) == OK);
}

/* The class of one event whose parser said `class`, which may be nothing. */
static bool is(const char *class, const struct pair *pairs, const char *expected)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct arena *mem = arena_new(1 << 24);
    struct logsources *logsources = NULL;
    struct batch batch;
    struct event event;
    struct str bytes = {0};
    event_make(builder, class, pairs);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(logsources_new(&logsources) == OK);
    CHECK(logsources_batch(logsources, &batch) == OK);
    batch_event(&batch, 0, &event);
    struct str found = logsource_decide(logsources, &event);
    bool same = str_equal(found, str_from(expected));
    if (!same) {
        printf("'%.*s' instead of '%s'\n", STR_ARG(found), expected);
    }
    logsources_free(logsources);
    arena_free(mem);
    builder_free(builder);
    return same;
}

static bool fits(const char *category, const char *product, const char *service, const char *class)
{
    struct logsource wanted = {str_from(category), str_from(product), str_from(service)};
    return class_fits(wanted, str_from(class));
}

/* Whether a field goes by that name in rules for that log source. */
static bool goes_by(const char *category, const char *product, const char *service,
                    const char *field, const char *name)
{
    struct logsource logsource = {str_from(category), str_from(product), str_from(service)};
    struct str names[FIELD_NAMES_MAX];
    struct arena *mem = arena_new(1 << 20);
    size_t count = 0;
    bool found = false;
    CHECK(field_names(logsource, str_from(field), mem, names, &count) == OK);
    CHECK(count > 0 && count < FIELD_NAMES_MAX && str_equal(names[0], str_from(field)));
    for (size_t i = 0; i < count; i++) {
        found = found || str_equal(names[i], str_from(name));
        for (size_t k = 0; k < i; k++) {
            CHECK(!str_equal(names[i], names[k]));
        }
    }
    arena_free(mem);
    return found;
}

static bool class_well_formed(struct str class)
{
    struct str rest = class;
    (void)str_cut(&rest, '/');
    struct str service = rest;
    (void)str_cut(&service, '/');
    return str_find_byte(rest, '/') != STR_NONE && str_find_byte(service, '/') == STR_NONE;
}

TEST(each_row_of_the_tables_is_whole_and_in_its_place)
{
    for (size_t i = 0; i < mapping_names_count; i++) {
        CHECK(mapping_names[i].key < KEY_COUNT && mapping_names[i].name.size <= NAME_SIZE_MAX);
        CHECK(i == 0 || str_compare(mapping_names[i - 1].name, mapping_names[i].name) < 0);
    }
    for (size_t i = 0; i < mapping_channels_count; i++) {
        const struct mapping_channel *row = &mapping_channels[i];
        CHECK(class_well_formed(row->class));
        CHECK(row->first + (size_t)row->count <= mapping_events_count);
        CHECK(i == 0 || str_compare(mapping_channels[i - 1].channel, row->channel) < 0);
        for (size_t k = row->first; k < (size_t)row->first + row->count; k++) {
            CHECK(class_well_formed(mapping_events[k].class));
            CHECK(k == row->first || mapping_events[k - 1].id <= mapping_events[k].id);
        }
    }
    for (size_t i = 0; i < mapping_providers_count; i++) {
        CHECK(mapping_providers[i].channel < mapping_channels_count);
    }
    for (size_t i = 0; i < mapping_sources_count; i++) {
        const struct mapping_source *row = &mapping_sources[i];
        CHECK(row->needs[0] != 0 || row->needs[1] != 0);
        CHECK(row->by <= KEY_COUNT && (row->by == KEY_COUNT) == (row->cases_count == 0));
        CHECK(row->by != KEY_COUNT || class_well_formed(row->class));
        CHECK(row->tests_first + (size_t)row->tests_count <= mapping_tests_count);
        CHECK(row->cases_first + (size_t)row->cases_count <= mapping_cases_count);
        for (size_t k = row->cases_first; k < (size_t)row->cases_first + row->cases_count; k++) {
            CHECK(class_well_formed(mapping_cases[k].class));
            CHECK(k == row->cases_first ||
                  str_compare(mapping_cases[k - 1].text, mapping_cases[k].text) < 0);
        }
    }
    for (size_t i = 1; i < mapping_fields_count; i++) {
        CHECK(str_compare(mapping_fields[i - 1].field, mapping_fields[i].field) <= 0);
    }
}

TEST(a_class_fits_by_each_of_its_alternatives)
{
    CHECK(fits("", "", "", "") && fits("", "", "", "a/b/c"));
    CHECK(fits("registry_set", "windows", "", "registry_set|registry_event/windows/sysmon"));
    CHECK(fits("registry_event", "Windows", "", "registry_set|registry_event/windows/sysmon"));
    CHECK(fits("", "windows", "sysmon", "registry_set|registry_event/windows/sysmon"));
    CHECK(!fits("registry_add", "windows", "", "registry_set|registry_event/windows/sysmon"));
    CHECK(!fits("registry", "windows", "", "registry_set|registry_event/windows/sysmon"));
    CHECK(!fits("", "windows", "", "") && !fits("", "linux", "", "a/windows/c"));
}

TEST(windows_is_told_by_channel_id_and_kind_whatever_the_shipper)
{
    CHECK(is("", FIELDS({"Channel", "Security"}, {"EventID", "4688"}),
             "process_creation/windows/security"));
    CHECK(is("", FIELDS({"winlog.channel", "SECURITY"}, {"winlog.event_id", "4624"}),
             "/windows/security"));
    CHECK(is("",
             FIELDS({"Event.System.Channel", "Microsoft-Windows-Sysmon\\/Operational"},
                    {"Event.System.EventID.#text", "1"}),
             "process_creation/windows/sysmon"));
    CHECK(is("",
             FIELDS({"Channel", "Microsoft-Windows-Sysmon/Operational"}, {"EventID", "12"},
                    {"EventType", "CreateKey"}),
             "registry_add|registry_event/windows/sysmon"));
    CHECK(is("",
             FIELDS({"Channel", "Microsoft-Windows-Sysmon/Operational"}, {"EventID", "12"},
                    {"EventType", "INFO"}),
             "registry_event/windows/sysmon"));
    CHECK(is("", FIELDS({"SourceName", "Microsoft-Windows-Sysmon"}, {"EventID", "22"}),
             "dns_query/windows/sysmon"));
    CHECK(is("", FIELDS({"Channel", "Linux-Sysmon/Operational"}, {"EventID", "11"}),
             "file_event/linux/sysmon"));
    CHECK(is(
        "",
        FIELDS({"Channel", "Microsoft-Windows-Windows Defender/Operational"}, {"EventID", "1116"}),
        "antivirus/windows/windefend"));
    CHECK(is("", FIELDS({"Channel", "Somebody's own"}, {"EventID", "1"}), "/windows/"));
    CHECK(is("", FIELDS({"Channel", "general"}, {"user", "x"}), ""));
    CHECK(is("", FIELDS({"Channel", NULL}, {"EventID", "1"}), ""));
}

TEST(clouds_and_devices_are_told_by_their_fields)
{
    CHECK(is("", FIELDS({"eventName", "ListBuckets"}, {"eventSource", "s3.amazonaws.com"}),
             "/aws/cloudtrail"));
    CHECK(is("", FIELDS({"category", "SignInLogs"}, {"operationName", "Sign-in activity"}),
             "/azure/signinlogs"));
    CHECK(is("",
             FIELDS({"operationName", "Microsoft.KeyVault/vaults/delete"}, {"resourceId", "/s"}),
             "/azure/activitylogs"));
    CHECK(is("", FIELDS({"Workload", "Exchange"}, {"Operation", "New-InboxRule"}),
             "/m365/audit|exchange|threat_management|threat_detection"));
    CHECK(is("", FIELDS({"protoPayload.serviceName", "login.googleapis.com"}),
             "/gcp/google_workspace.login|gcp.audit"));
    CHECK(is("", FIELDS({"verb", "get"}, {"objectRef.resource", "secrets"}),
             "application/kubernetes/audit"));
    CHECK(is("", FIELDS({"_path", "smb_files"}, {"ts", "1"}, {"uid", "C"}), "/zeek/smb_files"));
    CHECK(is("", FIELDS({"ts", "1"}, {"uid", "C"}, {"id.orig_h", "192.0.2.1"}, {"qtype_name", "A"}),
             "dns/zeek/dns"));
    CHECK(is("", FIELDS({"event_type", "dns"}, {"src_ip", "192.0.2.1"}), "dns/suricata/dns"));
    CHECK(is("", FIELDS({"event.dataset", "nginx.access"}), "webserver/nginx/nginx"));
    CHECK(is("",
             FIELDS({"event.category", "process"}, {"event.type", "start"},
                    {"host.os.type", "macos"}, {"process.executable", "/bin/sh"}),
             "process_creation/macos/"));
}

TEST(what_a_parser_said_is_made_more_precise_and_never_contradicted)
{
    CHECK(is("/linux/syslog", FIELDS({"process.name", "sudo"}), "/linux/sudo|auth|syslog"));
    CHECK(is("/linux/syslog", FIELDS({"process.name", "thing"}), "/linux/syslog"));
    CHECK(is("/linux/sshd", FIELDS({"x", "x"}), "/linux/sshd|auth"));
    CHECK(is("/linux/sshd", FIELDS({"process.name", "sshd"}), "/linux/sshd|auth"));
    CHECK(is("firewall/linux/netfilter", FIELDS({"process.name", "kernel"}),
             "firewall/linux/netfilter|iptables|syslog"));
    CHECK(fits("firewall", "", "", "firewall/linux/netfilter|iptables|syslog"));
    CHECK(is("file_change/linux/inotifywait", FIELDS({"process.name", "inotifywait"}),
             "file_change/linux/inotifywait"));
    CHECK(is("/linux/syslog", FIELDS({"message", "44: %SYS-5-CONFIG_I: by console"}),
             "/cisco/syslog|aaa|bgp|ldp"));
    CHECK(is("webserver//", FIELDS({"Channel", "Security"}, {"EventID", "4688"}), "webserver//"));
}

TEST(fields_go_by_other_names_where_the_log_source_has_them)
{
    CHECK(goes_by("process_creation", "windows", "", "Image", "NewProcessName"));
    CHECK(goes_by("process_creation", "windows", "", "Image", "winlog.event_data.NewProcessName"));
    CHECK(goes_by("process_creation", "windows", "", "CommandLine", "Event.EventData.CommandLine"));
    CHECK(!goes_by("image_load", "windows", "", "Image", "NewProcessName"));
    CHECK(goes_by("image_load", "windows", "", "Image", "process.executable"));
    CHECK(goes_by("", "windows", "windefend", "ThreatName", "Event.EventData.Threat Name"));
    CHECK(goes_by("", "gcp", "gcp.audit", "data.protoPayload.logName", "protoPayload.logName"));
    CHECK(goes_by("", "gcp", "gcp.audit", "gcp.audit.method_name", "protoPayload.methodName"));
    CHECK(goes_by("webserver", "", "", "cs-uri-query", "url.original"));
    CHECK(goes_by("", "zeek", "dns", "id.orig_h", "id_orig_h"));
    CHECK(goes_by("", "custom", "", "sc-status", "http.response.status_code"));
    CHECK(!goes_by("", "linux", "", "EventID", "winlog.event_id"));
}

/* Seconds for an event of so many fields that all look as if they decided something. */
static double cost(unsigned fields, unsigned times)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct arena *mem = arena_new(1 << 24);
    struct logsources *logsources = NULL;
    struct batch batch;
    struct event event;
    struct str bytes = {0};
    CHECK(builder_begin(builder, STR("{}"), (struct wall){5}) == OK);
    for (unsigned i = 0; i < fields; i++) {
        builder_derive(builder, mapping_names[i % mapping_names_count].name, STR("x"));
    }
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(logsources_new(&logsources) == OK);
    CHECK(logsources_batch(logsources, &batch) == OK);
    batch_event(&batch, 0, &event);
    double begun = testing_cpu();
    size_t sizes = 0;
    for (unsigned i = 0; i < times; i++) {
        sizes += logsource_decide(logsources, &event).size;
    }
    double took = testing_cpu() - begun;
    CHECK(sizes < SIZE_MAX);
    logsources_free(logsources);
    arena_free(mem);
    builder_free(builder);
    return took / times;
}

TEST(a_thousand_fields_of_deciding_names_cost_no_more_than_a_look_each)
{
    double some = cost(250, 20000);
    double many = cost(1000, 20000);
    printf("250 fields %.0f ns, 1000 fields %.0f ns\n", some * 1e9, many * 1e9);
    CHECK(many < some * 8); /* four times the fields; the rest is the clock's */
}
