/* The door between the clocks and what is effective: a moment is judged by the client's running SLA
 * and calendars.  In a file of its own, since all the rest needs no service. */

#include "service/clocks.h"

enum err clock_moment(const struct scope *scope, struct clocks *clocks, struct client_id client,
                      struct subject subject, enum moment moment, enum level severity,
                      struct wall at)
{
    struct clock_terms terms = {0};
    terms.sla = service_running(scope, clocks->service, client, STR("sla"), &terms.sla_hash);
    if (service_running(scope, clocks->service, client, STR("calendars"), &terms.calendars_hash) ==
        NULL) {
        terms.calendars_hash = STR("");
    }
    return clock_moment_under(scope, clocks, &terms, client, subject, moment, severity, at);
}
