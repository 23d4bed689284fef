/*
 * From Sigma's names to those that our parsers and others' shippers give.
 *
 * Sigma's taxonomy (specification, appendix "taxonomy") names the fields of web servers after the
 * W3C extended log format; our parsers name them after ECS.  A rule's field is looked for under its
 * own name and under each name in its row.
 *
 * Windows: process creation is told by Sysmon (Image) and by Security 4688 (NewProcessName); NXLog
 * calls the provider SourceName and the computer Hostname.
 *
 * OUR reading: many rules put the path into cs-uri-query, so it is judged against the whole request
 * target as well as against the query.
 */

#include "detect/private.h"

#define ECS_NAMES_MAX (FIELD_NAMES_MAX - 1)

static const struct {
    const char *sigma;
    const char *ecs[ECS_NAMES_MAX];
} fields[] = {
    {"Computer", {"Hostname", "winlog.computer_name"}},
    {"Image", {"NewProcessName"}},
    {"ParentImage", {"ParentProcessName"}},
    {"Provider_Name", {"SourceName", "winlog.provider_name"}},
    {"c-ip", {"source.ip", "client.ip"}},
    {"c-port", {"source.port", "client.port"}},
    {"c-uri", {"url.original", "url.full"}},
    {"c-uri-extension", {"url.extension"}},
    {"c-uri-path", {"url.path"}},
    {"c-uri-query", {"url.query", "url.original"}},
    {"c-uri-stem", {"url.path"}},
    {"c-useragent", {"user_agent.original"}},
    {"cs-bytes", {"http.request.bytes"}},
    {"cs-host", {"url.domain"}},
    {"cs-method", {"http.request.method"}},
    {"cs-referer", {"http.request.referrer"}},
    {"cs-referrer", {"http.request.referrer"}},
    {"cs-uri", {"url.original", "url.full"}},
    {"cs-uri-query", {"url.query", "url.original"}},
    {"cs-uri-stem", {"url.path"}},
    {"cs-user-agent", {"user_agent.original"}},
    {"cs-username", {"user.name"}},
    {"cs-version", {"http.version"}},
    {"r-dns", {"url.domain", "destination.domain"}},
    {"s-ip", {"destination.ip", "server.ip"}},
    {"s-port", {"destination.port", "server.port"}},
    {"sc-bytes", {"http.response.bytes", "http.response.body.bytes"}},
    {"sc-status", {"http.response.status_code"}},
};

size_t field_names(struct str field, struct str ret[FIELD_NAMES_MAX])
{
    size_t count = 0;
    ret[count++] = field;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (str_equal(field, str_from(fields[i].sigma))) {
            for (size_t k = 0; k < ECS_NAMES_MAX && fields[i].ecs[k] != NULL; k++) {
                ret[count++] = str_from(fields[i].ecs[k]);
            }
            break;
        }
    }
    return count;
}
