/*
 * Records of the audit system that are one event, joined.
 *
 *     SYSCALL   who did what with which outcome        → all its fields, and what the call does
 *     EXECVE    the command line                       → process.args, process.command_line
 *     CWD       where                                  → process.working_directory
 *     PATH …    which files                            → file.path: the one that the call is about
 *     SOCKADDR  whom it spoke to                       → destination or source, by the call
 *     PROCTITLE how the process calls itself           → process.title
 *
 * Records belong together if serial number, time and node are the same.  auditd writes those of one
 * event close together; a few events of several processors may be mixed, so the last GROUPS_NEAR
 * events are still open.
 *
 * Always true: a view has a SYSCALL record and at least one other; nothing in the batch changes;
 * the work is the number of records times a constant.
 */

#include "parse/joined.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event/builder.h"
#include "parse/audit.h"

#define GROUPS_NEAR 32 /* events that are still open */
#define PARTS_MAX   40 /* records of one event; a call names few paths */

struct group {
    struct str serial, node;
    struct wall happened;
    uint32_t call; /* the index of the SYSCALL record */
    bool called;
    uint32_t count;
    uint32_t parts[PARTS_MAX];
};

struct joining {
    const struct batch *batch;
    struct arena *mem;
    struct builder *builder;
    struct group *groups;
    size_t count;
};

static struct str value_of(const struct joining *joining, const struct event *event,
                           struct str name)
{
    struct span span;
    struct str value;
    return event_find(event, name, &span) == OK && event_value(&span, joining->mem, &value) == OK
               ? value
               : (struct str){0};
}

static struct str type_of(const struct joining *joining, const struct event *event)
{
    return value_of(joining, event, STR("auditd.log.record_type"));
}

/* Whether any event of the batch may be such a record: nearly every batch stops here. */
static bool batch_has(const struct batch *batch, struct str name)
{
    for (uint32_t i = 0; i < batch->names; i++) {
        if (str_equal(batch->name_table[i], name)) {
            return true;
        }
    }
    return false;
}

static struct group *group_find(struct joining *joining, const struct event *event,
                                struct str serial)
{
    struct str node = value_of(joining, event, STR("auditd.log.node"));
    for (size_t i = joining->count; i > 0 && i + GROUPS_NEAR > joining->count; i--) {
        struct group *group = &joining->groups[i - 1];
        if (group->happened.ns == event->happened.ns && str_equal(group->serial, serial) &&
            str_equal(group->node, node)) {
            return group;
        }
    }
    struct group *group = &joining->groups[joining->count++];
    *group = (struct group){.serial = serial, .node = node, .happened = event->happened};
    return group;
}

static void groups_gather(struct joining *joining)
{
    for (uint32_t i = 0; i < joining->batch->events; i++) {
        struct event event;
        batch_event(joining->batch, i, &event);
        struct str serial = value_of(joining, &event, STR("auditd.log.sequence"));
        if (serial.size == 0) {
            continue;
        }
        struct group *group = group_find(joining, &event, serial);
        if (str_equal(type_of(joining, &event), STR("SYSCALL")) && !group->called) {
            group->call = i;
            group->called = true;
        }
        if (group->count < PARTS_MAX) {
            group->parts[group->count++] = i;
        }
    }
}

static bool is_view(const struct group *group)
{
    return group->called && group->count > 1;
}

/* ---- One view. */

static void tell(struct joining *joining, struct str name, struct str value)
{
    if (value.size > 0) {
        builder_derive(joining->builder, name, value);
    }
}

static void words_tell(struct joining *joining, struct str name, const char *words)
{
    for (struct str rest = str_from(words); rest.size > 0;) {
        tell(joining, name, str_cut(&rest, ' '));
    }
}

/* All fields, or those of these names. */
static void fields_copy(struct joining *joining, const struct event *event,
                        const char *const *names)
{
    for (uint32_t i = 0; i < event->spans; i++) {
        struct span span;
        struct str value;
        event_span(event, i, &span);
        bool wanted = names == NULL;
        for (size_t name = 0; !wanted && names[name] != NULL; name++) {
            wanted = str_equal(span.name, str_from(names[name]));
        }
        bool own = str_equal(span.name, STR("event.action")) ||
                   str_equal(span.name, STR("event.category")) ||
                   str_equal(span.name, STR("event.type")) || str_equal(span.name, STR("message"));
        if (wanted && !own && event_value(&span, joining->mem, &value) == OK) {
            tell(joining, span.name, value);
        }
    }
}

static void path_tell(struct joining *joining, const struct event *event)
{
    static const char *const names[] = {"file.path",
                                        "file.inode",
                                        "user.owner.id",
                                        "user.owner.group.id",
                                        "auditd.log.nametype",
                                        "auditd.log.objtype",
                                        NULL};
    struct str mode = value_of(joining, event, STR("auditd.log.mode"));
    fields_copy(joining, event, names);
    if (mode.size >= 4) {
        tell(joining, STR("file.mode"), str_slice(mode, mode.size - 4, 4));
    }
}

/* The file that the call is about: of those named, the one that its row says, or the last. */
static void paths_tell(struct joining *joining, const struct group *group,
                       const struct audit_act *act)
{
    struct event chosen;
    unsigned seen = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        struct event event;
        batch_event(joining->batch, group->parts[i], &event);
        if (str_equal(type_of(joining, &event), STR("PATH"))) {
            tell(joining, STR("auditd.data.paths.name"),
                 value_of(joining, &event, STR("file.path")));
            if (seen <= act->path_index) {
                chosen = event;
            }
            seen++;
        }
    }
    if (seen > 0) {
        path_tell(joining, &chosen);
    }
}

static void socket_tell(struct joining *joining, const struct event *event, struct str action)
{
    struct str address = value_of(joining, event, STR("auditd.data.addr"));
    struct str port = value_of(joining, event, STR("auditd.data.port"));
    tell(joining, STR("auditd.data.socket_addr"), address);
    tell(joining, STR("auditd.data.socket_port"), port);
    tell(joining, STR("auditd.data.socket_family"),
         value_of(joining, event, STR("auditd.data.family")));
    tell(joining, STR("auditd.data.socket_path"),
         value_of(joining, event, STR("auditd.data.path")));
    if (str_equal(action, STR("connected-to")) || str_equal(action, STR("sent-to"))) {
        tell(joining, STR("destination.ip"), address);
        tell(joining, STR("destination.port"), port);
    } else if (str_equal(action, STR("accepted-connection-from")) ||
               str_equal(action, STR("received-from"))) {
        tell(joining, STR("source.ip"), address);
        tell(joining, STR("source.port"), port);
    }
}

static void part_tell(struct joining *joining, const struct event *event, struct str action)
{
    static const char *const execve[] = {"process.args", "process.args_count",
                                         "process.command_line", NULL};
    static const char *const directory[] = {"process.working_directory", NULL};
    static const char *const title[] = {"process.title", NULL};
    static const char *const verdict[] = {
        "auditd.data.seresult", "auditd.data.seperms", "auditd.log.scontext",
        "auditd.log.tcontext",  "auditd.log.tclass",   "auditd.log.apparmor",
        "auditd.log.operation", "auditd.log.profile",  NULL};
    struct str type = type_of(joining, event);
    if (str_equal(type, STR("EXECVE"))) {
        fields_copy(joining, event, execve);
    } else if (str_equal(type, STR("CWD"))) {
        fields_copy(joining, event, directory);
    } else if (str_equal(type, STR("PROCTITLE"))) {
        fields_copy(joining, event, title);
    } else if (str_equal(type, STR("AVC"))) {
        fields_copy(joining, event, verdict);
    } else if (str_equal(type, STR("SOCKADDR"))) {
        socket_tell(joining, event, action);
    }
}

static struct str class_of(const struct audit_act *act)
{
    struct str action = str_from(act->action);
    struct str types = str_from(act->types);
    bool file = str_equal(str_from(act->categories), STR("file"));
    return str_equal(action, STR("executed"))          ? STR("process_creation/linux/auditd")
           : str_equal(action, STR("connected-to"))    ? STR("network_connection/linux/auditd")
           : file && str_equal(types, STR("creation")) ? STR("file_event/linux/auditd")
           : file && str_equal(types, STR("deletion")) ? STR("file_delete/linux/auditd")
           : file && str_equal(types, STR("change"))   ? STR("file_change/linux/auditd")
                                                       : STR("/linux/auditd");
}

/* The parts' records below one another. */
static struct str record_of(struct joining *joining, const struct group *group)
{
    size_t size = 0;
    struct event event;
    for (uint32_t i = 0; i < group->count; i++) {
        batch_event(joining->batch, group->parts[i], &event);
        size += event.record.size + 1;
    }
    char *to = arena_take(joining->mem, size);
    size = 0;
    for (uint32_t i = 0; to != NULL && i < group->count; i++) {
        batch_event(joining->batch, group->parts[i], &event);
        memcpy(to + size, event.record.data, event.record.size);
        size += event.record.size;
        to[size++] = '\n';
    }
    return str_of(to, size < RECORD_SIZE_MAX ? size : RECORD_SIZE_MAX);
}

static enum err view_make(struct joining *joining, const struct group *group)
{
    struct event call;
    batch_event(joining->batch, group->call, &call);
    enum err err = builder_begin(joining->builder, record_of(joining, group), call.received);
    if (err != OK) {
        return err;
    }
    const struct audit_act *act =
        audit_act_find(value_of(joining, &call, STR("auditd.data.syscall")));
    builder_class(joining->builder, class_of(act));
    builder_parser(joining->builder, call.parser);
    builder_happened(joining->builder, call.happened);
    fields_copy(joining, &call, NULL);
    tell(joining, STR("event.action"), str_from(act->action));
    words_tell(joining, STR("event.category"), act->categories);
    words_tell(joining, STR("event.type"), act->types);
    for (uint32_t i = 0; i < group->count; i++) {
        struct event event;
        batch_event(joining->batch, group->parts[i], &event);
        part_tell(joining, &event, str_from(act->action));
    }
    paths_tell(joining, group, act);
    return builder_end(joining->builder);
}

/* ---- All of them. */

static int by_call(const void *a, const void *b)
{
    const struct group *left = a;
    const struct group *right = b;
    return left->call < right->call ? -1 : left->call > right->call;
}

/* What does not fit into a batch is left out: its records are judged all the same. */
static enum err views_make(struct joining *joining, struct joined *ret)
{
    struct joined_view *views = ARENA_ARRAY(joining->mem, struct joined_view, joining->count);
    size_t count = 0;
    if (views == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < joining->count; i++) {
        const struct group *group = &joining->groups[i];
        if (!is_view(group)) {
            continue;
        }
        enum err err = view_make(joining, group);
        if (err == ERR_LIMIT) {
            break;
        }
        if (err != OK) {
            return err;
        }
        views[count++] = (struct joined_view){group->call, group->count, group->parts};
    }
    ret->views = views;
    return OK;
}

static enum err views_finish(struct joining *joining, struct joined *ret)
{
    struct str bytes;
    struct why why;
    enum err err = builder_finish(joining->builder, &bytes);
    if (err == ERR_NOT_FOUND) {
        return OK;
    }
    err = err == OK ? arena_copy(joining->mem, bytes, &bytes) : err;
    return err == OK ? batch_check(bytes, joining->mem, &ret->batch, &why) : err;
}

enum err joined_make(const struct batch *batch, struct arena *mem, struct joined *ret)
{
    struct joining joining = {.batch = batch, .mem = mem};
    struct joined joined = {.batch.events = 0};
    if (batch->events < 2 || !batch_has(batch, STR("auditd.log.sequence"))) {
        *ret = joined;
        return OK;
    }
    joining.groups = ARENA_ARRAY(mem, struct group, batch->events);
    joining.builder = builder_new(batch->client, batch->source);
    enum err err = joining.groups != NULL && joining.builder != NULL ? OK : ERR_MEMORY;
    if (err == OK) {
        builder_reset(joining.builder);
        groups_gather(&joining);
        qsort(joining.groups, joining.count, sizeof joining.groups[0], by_call);
        err = views_make(&joining, &joined);
    }
    err = err == OK ? views_finish(&joining, &joined) : err;
    builder_free(joining.builder);
    if (err == OK) {
        *ret = joined;
    }
    return err;
}
