/* Opening the rooms on the ledger, in the order of the floors; closing them in reverse. */

#include "serve/rooms.h"

#include "detect/criteria.h"
#include "ledger/ledger.h"

enum err rooms_open(const struct rooms_settings *settings, struct wall now, struct rooms *rooms,
                    struct why *why)
{
    const struct notify_settings notify = {
        .portal = settings->portal_url,
        .sender = settings->mail_from.size > 0 ? settings->mail_from : STR("hinomi@localhost"),
        .zoneinfo = settings->zoneinfo,
    };
    *rooms = (struct rooms){0};
    enum err err = ledger_open(settings->disk, settings->folder, &rooms->ledger, why);
    if (err == OK) {
        err = tenant_open(rooms->ledger, now, &rooms->tenant, why);
    }
    if (err == OK) {
        err = service_open(rooms->ledger, rooms->tenant, now, &rooms->service, why);
    }
    if (err == OK) {
        service_check(rooms->service, "criteria", criteria_check);
        service_check(rooms->service, "detection", detection_check);
        err = clocks_new(rooms->ledger, rooms->service, settings->zoneinfo, &rooms->clocks);
    }
    if (err == OK) {
        err = incidents_new(rooms->ledger, rooms->service, rooms->clocks, &rooms->incidents);
    }
    if (err == OK) {
        err = notify_new(rooms->ledger, rooms->tenant, rooms->service, rooms->incidents, &notify,
                         &rooms->notify);
    }
    if (err == OK) {
        const struct api_rooms api = {rooms->ledger, rooms->tenant,    rooms->service,
                                      rooms->clocks, rooms->incidents, rooms->notify};
        err = api_new(&api, &rooms->api);
    }
    return err == OK ? scope_for_job(rooms->tenant, STR("service"), &rooms->job) : err;
}

void rooms_close(struct rooms *rooms)
{
    scope_free(rooms->job);
    api_free(rooms->api);
    notify_free(rooms->notify);
    incidents_free(rooms->incidents);
    clocks_free(rooms->clocks);
    service_close(rooms->service);
    tenant_close(rooms->tenant);
    ledger_close(rooms->ledger);
    *rooms = (struct rooms){0};
}
