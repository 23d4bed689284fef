/*
 * Devices: what stands at a client and sends logs (R110 to R112).  A device is an element of the
 * client in an apply file, beside its sources, and names those that it sends; a source that no
 * device names has one of its own slug, so that nothing has to be written twice.
 *
 * Always true: print(read(print(x))) equals print(x); a source belongs to one device; what a device
 * says of itself is data about it and never decides whose a record is: that is the source's.
 */

#include <string.h>

#include "base/limits.h"
#include "ledger/ledger.h"
#include "tenant/private.h"
#include "tenant/store.h"

static const char *const kinds[] = {"firewall", "ids",   "waf",     "proxy", "server",
                                    "endpoint", "cloud", "network", "other", NULL};
static const char *const provisions[] = {"rental", "purchase", "client-owned", "cloud", NULL};
static const char *const installations[] = {"inline",    "mirror", "agent",
                                            "agentless", "cloud",  NULL};

static enum err sources_read(const struct yaml_node *node, struct arena *mem,
                             struct device_element *device, struct why *why);

/* ---- Reading. */

/* Nothing is said: no key, null, or the empty text of the canonical form. */
static bool is_unsaid(const struct yaml_node *node)
{
    return node == NULL || yaml_is_null(node) ||
           (node->kind == YAML_SCALAR && node->text.size == 0);
}

/* "firewall, ids, waf": every choice there is. */
static enum err choices_say(const char *const *list, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; list[i] != NULL && err == OK; i++) {
        err = buf_print(out, "%s%s", i > 0 ? ", " : "", list[i]);
    }
    return err;
}

/* One of a list, or empty where nothing is said. */
static enum err choice_read(const struct yaml_node *node, const char *const *list, struct str *ret,
                            struct why *why)
{
    if (is_unsaid(node)) {
        return OK;
    }
    for (size_t i = 0; list[i] != NULL && node->kind == YAML_SCALAR; i++) {
        if (str_equal(node->text, str_from(list[i]))) {
            *ret = str_from(list[i]);
            return OK;
        }
    }
    struct buf choices;
    buf_init(&choices, 256);
    enum err err = choices_say(list, &choices);
    if (err == OK) {
        err = why_say_at(why, ERR_SYNTAX, node->line, node->column,
                         "there is no such choice; write one of: %.*s", STR_ARG(buf_str(&choices)));
    }
    buf_done(&choices);
    return err;
}

static enum err owner_read(const struct yaml_node *node, struct str *ret, struct why *why)
{
    if (is_unsaid(node)) {
        return OK;
    }
    if (node->kind != YAML_SCALAR || !str_is_slug(node->text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "an owner is the slug of one of the client's contacts");
    }
    *ret = node->text;
    return OK;
}

static enum err device_rest_read(const struct yaml_node *node, struct arena *mem,
                                 struct device_element *device, struct why *why)
{
    enum err err = choice_read(yaml_get(node, STR("kind")), kinds, &device->kind, why);
    if (err == OK && device->kind.size == 0) {
        device->kind = STR("other");
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("place")), &device->place, why);
    }
    if (err == OK) {
        err = owner_read(yaml_get(node, STR("owner")), &device->owner, why);
    }
    if (err == OK) {
        err = choice_read(yaml_get(node, STR("provision")), provisions, &device->provision, why);
    }
    if (err == OK) {
        err = choice_read(yaml_get(node, STR("installation")), installations, &device->installation,
                          why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("on_failure")), &device->on_failure, why);
    }
    return err == OK ? sources_read(yaml_get(node, STR("sources")), mem, device, why) : err;
}

enum err device_read(const struct yaml_node *node, struct arena *mem, struct device_element *ret,
                     struct why *why)
{
    static const char *const known[] = {"slug",    "name",      "kind",         "place",
                                        "owner",   "provision", "installation", "on_failure",
                                        "sources", NULL};
    struct device_element device = {.line = node->line, .column = node->column};
    enum err err = element_keys(node, known, "a device", why);
    if (err == OK) {
        err = element_slug(node, "device", &device.slug, why);
    }
    if (err == OK) {
        err = element_name(yaml_get(node, STR("name")), &device.name, why);
    }
    if (err == OK) {
        err = device_rest_read(node, mem, &device, why);
    }
    if (err == OK) {
        *ret = device;
    }
    return err;
}

static enum err sources_read(const struct yaml_node *node, struct arena *mem,
                             struct device_element *device, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > DEVICE_SOURCES_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "sources is a list of at most %d slugs of sources", DEVICE_SOURCES_MAX);
    }
    device->sources = ARENA_ARRAY(mem, struct str, node->count);
    if (device->sources == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != YAML_SCALAR || !str_is_slug(item->text)) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "here stands the slug of one of the client's sources");
        }
        device->sources[device->sources_count++] = item->text;
    }
    return OK;
}

enum err devices_read(const struct yaml_node *node, struct arena *mem,
                      struct client_element *client, struct why *why)
{
    if (node == NULL || yaml_is_null(node)) {
        return OK;
    }
    if (node->kind != YAML_SEQUENCE || node->count > DEVICES_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "devices is a list of at most %d devices", DEVICES_MAX);
    }
    client->devices = ARENA_ARRAY(mem, struct device_element, node->count);
    if (client->devices == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (const struct yaml_node *item = node->first; item != NULL && err == OK; item = item->next) {
        err = device_read(item, mem, &client->devices[client->devices_count++], why);
    }
    return err;
}

static bool has_source(const struct client_element *client, struct str slug)
{
    for (size_t i = 0; i < client->sources_count; i++) {
        if (str_equal(client->sources[i].slug, slug)) {
            return true;
        }
    }
    return false;
}

/* The device among the first `count` that sends this source, or NULL. */
static const struct device_element *sender_of(const struct client_element *client, size_t count,
                                              struct str source)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < client->devices[i].sources_count; j++) {
            if (str_equal(client->devices[i].sources[j], source)) {
                return &client->devices[i];
            }
        }
    }
    return NULL;
}

enum err devices_check(const struct client_element *client, struct why *why)
{
    for (size_t i = 0; i < client->devices_count; i++) {
        const struct device_element *device = &client->devices[i];
        for (size_t j = 0; j < device->sources_count; j++) {
            struct str source = device->sources[j];
            if (!has_source(client, source)) {
                return why_say_at(why, ERR_SYNTAX, device->line, device->column,
                                  "device '%.*s' sends '%.*s', which is no source of '%.*s'",
                                  STR_ARG(device->slug), STR_ARG(source), STR_ARG(client->slug));
            }
            const struct device_element *other = sender_of(client, i, source);
            if (other != NULL) {
                return why_say_at(why, ERR_SYNTAX, device->line, device->column,
                                  "source '%.*s' belongs to device '%.*s' already", STR_ARG(source),
                                  STR_ARG(other->slug));
            }
        }
    }
    return OK;
}

/* ---- Printing. */

enum err device_print(const struct device_element *device, struct buf *out)
{
    struct printer printer = {out, OK};
    print_text(&printer, "{\"installation\":");
    print_json(&printer, device->installation);
    print_text(&printer, ",\"kind\":");
    print_json(&printer, device->kind);
    print_text(&printer, ",\"name\":");
    print_name(&printer, &device->name);
    print_text(&printer, ",\"on_failure\":");
    print_name(&printer, &device->on_failure);
    print_text(&printer, ",\"owner\":");
    print_json(&printer, device->owner);
    print_text(&printer, ",\"place\":");
    print_name(&printer, &device->place);
    print_text(&printer, ",\"provision\":");
    print_json(&printer, device->provision);
    print_text(&printer, ",\"slug\":");
    print_json(&printer, device->slug);
    print_text(&printer, ",\"sources\":[");
    for (size_t i = 0; i < device->sources_count; i++) {
        print_text(&printer, i > 0 ? "," : "");
        print_json(&printer, device->sources[i]);
    }
    print_text(&printer, "]}");
    return printer.err;
}

static void choice_line(struct printer *printer, const char *key, struct str text)
{
    if (text.size > 0) {
        print_text(printer, "        ");
        print_text(printer, key);
        print_text(printer, ": ");
        print_json(printer, text);
        print_text(printer, "\n");
    }
}

static void name_line(struct printer *printer, const char *key, const struct name_text *name)
{
    if (name->ja.size > 0 || name->en.size > 0) {
        print_text(printer, "        ");
        print_text(printer, key);
        print_text(printer, ": ");
        print_name(printer, name);
        print_text(printer, "\n");
    }
}

void device_lines(struct printer *printer, const struct device_element *device)
{
    print_text(printer, "      - slug: ");
    print_json(printer, device->slug);
    print_text(printer, "\n");
    print_name_lines(printer, "        ", &device->name);
    choice_line(printer, "kind", device->kind);
    name_line(printer, "place", &device->place);
    choice_line(printer, "owner", device->owner);
    choice_line(printer, "provision", device->provision);
    choice_line(printer, "installation", device->installation);
    name_line(printer, "on_failure", &device->on_failure);
    print_text(printer, "        sources: [");
    for (size_t i = 0; i < device->sources_count; i++) {
        print_text(printer, i > 0 ? ", " : "");
        print_json(printer, device->sources[i]);
    }
    print_text(printer, "]\n");
}

/* ---- The ledger. */

static const struct device_state *state_device(const struct state *state, struct client_id client,
                                               struct str slug)
{
    for (size_t i = 0; i < state->devices_count; i++) {
        if (client_equal(state->devices[i].info.client, client) &&
            str_equal(state->devices[i].info.slug, slug)) {
            return &state->devices[i];
        }
    }
    return NULL;
}

static void info_fill(struct device_state *device)
{
    const struct device_element *element = &device->element;
    struct device_info *info = &device->info;
    info->name_ja = element->name.ja;
    info->name_en = element->name.en;
    info->place_ja = element->place.ja;
    info->place_en = element->place.en;
    info->on_failure_ja = element->on_failure.ja;
    info->on_failure_en = element->on_failure.en;
    info->kind = element->kind;
    info->owner = element->owner;
    info->provision = element->provision;
    info->installation = element->installation;
    info->sources = element->sources;
    info->sources_count = element->sources_count;
}

static enum err device_load(struct statement *row, struct state *state, struct why *why)
{
    struct device_state *device = &state->devices[state->devices_count];
    struct yaml_node *node;
    if (state->devices_count++ == DEVICES_MAX) {
        return why_say(why, ERR_LIMIT, 0, "the ledger holds more than %d devices", DEVICES_MAX);
    }
    device->info.id = (uint32_t)statement_int(row, 0);
    device->info.client.value = (uint32_t)statement_int(row, 1);
    device->info.active = statement_int(row, 4) != 0;
    enum err err = arena_copy(state->mem, statement_text(row, 2), &device->client_slug);
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 3), &device->info.slug);
    }
    if (err == OK) {
        err = arena_copy(state->mem, statement_text(row, 5), &device->version);
    }
    if (err == OK && device->info.active) {
        err = element_parse(statement_text(row, 6), state->mem, &node);
        if (err == OK && device_read(node, state->mem, &device->element, NULL) != OK) {
            err = ERR_CORRUPT;
        }
    }
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "the ledger's document of device %.*s/%.*s is damaged",
                       STR_ARG(device->client_slug), STR_ARG(device->info.slug));
    }
    device->element.line = 0;
    info_fill(device);
    return err;
}

enum err state_load_devices(struct ledger *ledger, struct state *state, struct why *why)
{
    struct statement *statement;
    size_t count;
    enum err err = count_load(ledger, "SELECT count(*) FROM device", DEVICES_MAX, &count, why);
    if (err != OK) {
        return err;
    }
    state->devices = ARENA_ARRAY(state->mem, struct device_state, count + 1);
    if (state->devices == NULL) {
        return ERR_MEMORY;
    }
    err = ledger_prepare(
        ledger,
        "SELECT d.id, d.client, p.slug, d.slug, d.active, coalesce(v.hash, ''),"
        " coalesce(t.canonical, '')"
        " FROM device d JOIN client c ON c.id = d.client JOIN party p ON p.id = c.party"
        " LEFT JOIN document_version v ON v.id = (SELECT max(w.id) FROM document_version w"
        " WHERE w.client = d.client AND w.kind = 'device' AND w.path = p.slug || '/' || d.slug)"
        " LEFT JOIN document_text t ON t.hash = v.hash ORDER BY d.id",
        &statement);
    return err == OK ? rows_load(statement, device_load, state, why) : err;
}

static enum err device_store(struct apply *apply, struct client_id client, struct str client_slug,
                             const struct device_element *device)
{
    char path[PATH_SIZE_MAX];
    const struct device_state *known = state_device(apply->state, client, device->slug);
    bool active = known != NULL && known->info.active;
    buf_reset(&apply->canonical);
    enum err err = device_print(device, &apply->canonical);
    if (err == ERR_LIMIT) {
        return why_say_at(apply->why, err, device->line, device->column,
                          "the device is longer than %d bytes", VERSION_SIZE_MAX);
    }
    bool same = err == OK && active && canonical_is(apply, known->version);
    if (err == OK && known == NULL) {
        err = store_device_new(&apply->store, client, device->slug);
    } else if (err == OK && !active) {
        err = store_device_active(&apply->store, known->info.id, true);
    }
    return err == OK
               ? change_store(apply, client, "device", path_of(client_slug, device->slug, path),
                              !active ? "new"
                              : same  ? "unchanged"
                                      : "changed")
               : err;
}

static enum err device_remove(struct apply *apply, const struct client_element *client,
                              const struct device_state *device)
{
    char path[PATH_SIZE_MAX];
    buf_reset(&apply->canonical);
    enum err err = buf_append(&apply->canonical, STR("null"));
    if (err == OK) {
        err = store_device_active(&apply->store, device->info.id, false);
    }
    return err == OK ? change_store(apply, device->info.client, "device",
                                    path_of(client->slug, device->info.slug, path), "removed")
                     : err;
}

enum err devices_store(struct apply *apply, struct client_id id,
                       const struct client_element *client)
{
    enum err err = OK;
    for (size_t i = 0; i < client->devices_count && err == OK; i++) {
        err = device_store(apply, id, client->slug, &client->devices[i]);
    }
    for (size_t i = 0; i < apply->state->devices_count && err == OK; i++) {
        const struct device_state *device = &apply->state->devices[i];
        bool named = !client_equal(device->info.client, id) || !device->info.active;
        for (size_t j = 0; j < client->devices_count && !named; j++) {
            named = str_equal(client->devices[j].slug, device->info.slug);
        }
        if (!named) {
            err = device_remove(apply, client, device);
        }
    }
    return err;
}

/* ---- Looking. */

bool tenant_device_at(const struct tenant *tenant, size_t index, struct device_info *ret)
{
    if (index >= tenant->state->devices_count) {
        return false;
    }
    *ret = tenant->state->devices[index].info;
    return true;
}

bool tenant_device_of(const struct tenant *tenant, struct client_id client, struct str source,
                      struct device_info *ret)
{
    for (size_t i = 0; i < tenant->state->devices_count; i++) {
        const struct device_info *info = &tenant->state->devices[i].info;
        for (size_t j = 0;
             info->active && client_equal(info->client, client) && j < info->sources_count; j++) {
            if (str_equal(info->sources[j], source)) {
                *ret = *info;
                return true;
            }
        }
    }
    return false;
}

/* ---- The service's own sources. */

enum err tenant_own_sources(struct tenant *tenant, struct wall now)
{
    struct bracket bracket;
    bool missing = false;
    struct store store = {tenant->ledger, STR("hinomi"), now};
    for (size_t i = 0; i < tenant->state->clients_count; i++) {
        struct client_id client = tenant->state->clients[i].info.id;
        missing |= state_source(tenant->state, client, STR(OWN_SOURCE_SLUG)) == NULL;
    }
    if (!missing) {
        return OK;
    }
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < tenant->state->clients_count && err == OK; i++) {
        struct client_id client = tenant->state->clients[i].info.id;
        if (state_source(tenant->state, client, STR(OWN_SOURCE_SLUG)) == NULL) {
            err = store_source_own(&store, client, STR(OWN_SOURCE_SLUG));
        }
    }
    return bracket_close_state(&bracket, err, NULL);
}
