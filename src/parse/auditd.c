/*
 * Records of the Linux audit system in the words of ECS.
 *
 * A record stays a record: what belongs to one event (SYSCALL, EXECVE, PATH …) comes in several,
 * and is joined later for the rules.  Keys that ECS has a name for get it; all others are called
 * auditd.log.KEY, as Elastic's module calls them, with the value as it stands.  Where a value is
 * a number or hexadecimal that stands for something, what it stands for is told besides, as
 * auditd.data.KEY: auditd.log.syscall is "59", auditd.data.syscall "execve".
 *
 * The ids are told as the record means them.  For a login, a session, or an account that is made,
 * the one who acts is the one who once logged in (auid); `uid` is what his process runs as.
 *
 * Always true: nothing is told before the text is known to be an audit record.
 */

#include <arpa/inet.h>
#include <string.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "codec/hex.h"
#include "parse/audit.h"
#include "parse/private.h"

struct tale {
    struct found *found;
    struct arena *arena;
    const struct audit_record *record;
    const struct audit_type *type; /* NULL for one we do not know */
};

struct key_name {
    const char *key, *name;
};

/* Keys that are one field of ECS, or of Elastic's module where ECS has none. */
static const struct key_name names[] = {
    {"acct", "user.name"},
    {"gid", "user.group.id"},
    {"auid", "user.audit.id"},
    {"agid", "user.audit.group.id"},
    {"fsuid", "user.filesystem.id"},
    {"fsgid", "user.filesystem.group.id"},
    {"euid", "user.effective.id"},
    {"egid", "user.effective.group.id"},
    {"suid", "user.saved.id"},
    {"sgid", "user.saved.group.id"},
    {"ouid", "user.owner.id"},
    {"ogid", "user.owner.group.id"},
    {"comm", "process.name"},
    {"exe", "process.executable"},
    {"pid", "process.pid"},
    {"ppid", "process.parent.pid"},
    {"ppid", "process.ppid"},
    {"exit", "process.exit_code"},
    {"argc", "process.args_count"},
    {"cwd", "process.working_directory"},
    {"terminal", "user.terminal"},
    {"src", "source.address"},
    {"dst", "destination.address"},
    {"addr", "source.address"},
    {"old-auid", "auditd.log.old_auid"},
    {"old-ses", "auditd.log.old_ses"},
    {"AUID", "user.audit.name"},
    {"EUID", "user.effective.name"},
    {"GID", "user.group.name"},
    {"proctitle", "process.title"},
};

/* Keys that may stand in hexadecimal; in EXECVE the arguments, too. */
static const char *const hexadecimal[] = {
    "exe",         "cmd",         "data",   "path",     "comm",      "file",
    "name",        "watch",       "cwd",    "acct",     "dir",       "vm",
    "device",      "cgroup",      "info",   "profile",  "apparmor",  "operation",
    "ocomm",       "grp",         "sw",     "root_dir", "key",       "proctitle",
    "old-disk",    "new-disk",    "new-fs", "old-fs",   "new_group", "invalid_context",
    "new-chardev", "old-chardev",
};

static bool is_word(struct str value)
{
    return value.size > 0 && !str_equal(value, STR("?")) && !str_equal(value, STR("(null)"));
}

static bool is_argument(struct str key)
{
    return key.size > 1 && key.data[0] == 'a' && key.data[1] >= '0' && key.data[1] <= '9' &&
           str_find(key, STR("_len")) == STR_NONE;
}

static bool is_type(const struct tale *tale, const char *name)
{
    return tale->type != NULL && strcmp(tale->type->name, name) == 0;
}

static void value_tell(const struct tale *tale, struct str name, struct str value)
{
    const char *from = tale->found->record.data;
    if (value.size > 0 && value.data >= from && value.data < from + tale->found->record.size) {
        found_span(tale->found, name, value);
    } else {
        found_derive(tale->found, name, value);
    }
}

/* auditd.log.KEY or auditd.data.KEY. */
static void under_tell(const struct tale *tale, const char *under, struct str key, struct str value)
{
    struct str name;
    if (value.size > 0 &&
        arena_print(tale->arena, &name, "auditd.%s.%.*s", under, (int)key.size, key.data) == OK) {
        value_tell(tale, name, value);
    }
}

static void words_tell(const struct tale *tale, struct str name, const char *words)
{
    for (struct str rest = str_from(words); rest.size > 0;) {
        found_derive(tale->found, name, str_cut(&rest, ' '));
    }
}

/* "unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023": whose label, part by part. */
static void label_tell(const struct tale *tale, struct str key, struct str value)
{
    static const char *const parts[] = {"user", "role", "domain", "level", "category"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && value.size > 0; i++) {
        struct str part = i == 4 ? value : str_cut(&value, ':');
        struct str name;
        if (arena_print(tale->arena, &name, "%.*s_%s", (int)key.size, key.data, parts[i]) == OK) {
            under_tell(tale, "data", name, part);
        }
    }
}

static int hex_byte(struct str hex, size_t index)
{
    int value = 0;
    for (size_t i = 2 * index; i < 2 * index + 2; i++) {
        int digit = i < hex.size ? hex_digit(hex.data[i]) : -1;
        if (digit < 0) {
            return -1;
        }
        value = value * 16 + digit;
    }
    return value;
}

static void address_tell(const struct tale *tale, struct str hex, size_t from, size_t size)
{
    unsigned char bytes[16];
    char text[INET6_ADDRSTRLEN];
    struct str copy;
    for (size_t i = 0; i < size && i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)hex_byte(hex, from + i);
    }
    if (inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, text, sizeof text) != NULL &&
        arena_copy(tale->arena, str_from(text), &copy) == OK) {
        under_tell(tale, "data", STR("addr"), copy);
    }
}

/* struct sockaddr in hexadecimal: the family (in the order of a little machine), and what it has.
 */
static void socket_tell(const struct tale *tale, struct str hex)
{
    static const struct {
        int number;
        const char *name;
    } families[] = {{1, "unix"}, {2, "ipv4"}, {10, "ipv6"}, {16, "netlink"}, {17, "packet"}};
    int family = hex_byte(hex, 0);
    struct str name, text;
    if (family < 0 || arena_print(tale->arena, &name, "%d", family) != OK) {
        return;
    }
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (families[i].number == family) {
            name = str_from(families[i].name);
        }
    }
    under_tell(tale, "data", STR("family"), name);
    size_t size = hex.size / 2;
    for (size_t i = 0; i < size; i++) {
        if (hex_byte(hex, i) < 0) {
            return;
        }
    }
    if ((family == 2 && size >= 8) || (family == 10 && size >= 24)) {
        if (arena_print(tale->arena, &text, "%d", hex_byte(hex, 2) * 256 + hex_byte(hex, 3)) ==
            OK) {
            under_tell(tale, "data", STR("port"), text);
        }
        address_tell(tale, hex, family == 2 ? 4 : 8, family == 2 ? 4 : 16);
    }
    if (family == 1 && size > 2) {
        unsigned char *path = arena_take(tale->arena, size);
        size_t length = 0;
        /* An abstract name begins with NUL; another ends with it. */
        size_t begin = hex_byte(hex, 2) == 0 ? 3 : 2;
        for (size_t i = begin; path != NULL && i < size && hex_byte(hex, i) > 0; i++) {
            path[length++] = (unsigned char)hex_byte(hex, i);
        }
        under_tell(tale, "data", STR("path"), str_of(path, length));
    }
}

/* The keys of the rules that asked for the record, with 0x01 between them. */
static void tags_tell(const struct tale *tale, struct str keys)
{
    while (keys.size > 0) {
        value_tell(tale, STR("tags"), str_cut(&keys, '\x01'));
    }
}

/* A command line by its blanks: what the record holds is what was typed, not an argument vector. */
static void command_tell(const struct tale *tale, struct str command)
{
    unsigned count = 0;
    value_tell(tale, STR("process.command_line"), command);
    for (struct str rest = command; rest.size > 0 && count < AUDIT_PAIRS_MAX;) {
        struct str argument = str_cut(&rest, ' ');
        if (argument.size > 0) {
            value_tell(tale, STR("process.args"), argument);
            count++;
        }
    }
    found_number(tale->found, STR("process.args_count"), count);
}

static void outcome_tell(const struct tale *tale, struct str value)
{
    bool good = str_equal(value, STR("success")) || str_equal(value, STR("yes")) ||
                str_equal(value, STR("1"));
    bool bad = str_equal(value, STR("failed")) || str_equal(value, STR("no")) ||
               str_equal(value, STR("0")) || str_equal(value, STR("fail"));
    if (good || bad) {
        found_derive(tale->found, STR("event.outcome"), good ? STR("success") : STR("failure"));
        found_derive(tale->found, STR("auditd.data.result"), good ? STR("success") : STR("fail"));
    }
}

/* What a number or a code stands for. */
static void meaning_tell(const struct tale *tale, struct str key, struct str value)
{
    struct str arch = audit_value(tale->record, STR("arch"));
    struct str meaning = {0};
    if (str_equal(key, STR("syscall"))) {
        meaning = audit_syscall(arch, value);
    } else if (str_equal(key, STR("exit"))) {
        meaning = audit_errno(value);
    } else if (str_equal(key, STR("sig"))) {
        meaning = audit_signal(value);
    } else if (str_equal(key, STR("subj")) || str_equal(key, STR("obj"))) {
        label_tell(tale, key, value);
    } else if (str_equal(key, STR("saddr"))) {
        socket_tell(tale, value);
    } else if (str_equal(value, STR("4294967295")) &&
               (str_equal(key, STR("auid")) || str_equal(key, STR("ses")) ||
                str_equal(key, STR("old-auid")))) {
        meaning = STR("unset");
    } else if (str_equal(key, STR("success")) || str_equal(key, STR("res"))) {
        outcome_tell(tale, value);
    }
    under_tell(tale, "data", key, meaning);
}

static bool is_hexadecimal(const struct tale *tale, struct str key)
{
    for (size_t i = 0; i < sizeof hexadecimal / sizeof hexadecimal[0]; i++) {
        if (str_equal(key, str_from(hexadecimal[i]))) {
            return true;
        }
    }
    return is_argument(key) && is_type(tale, "EXECVE");
}

static void address_field(const struct tale *tale, const char *side, struct str value)
{
    struct str name;
    if (text_is_address(value) && arena_print(tale->arena, &name, "%s.ip", side) == OK) {
        value_tell(tale, name, value);
    }
}

/* Keys whose value is more than one field; true if nothing else is to be told of them. */
static bool special_tell(const struct tale *tale, struct str key, struct str value)
{
    if (str_equal(key, STR("res"))) {
        return true; /* told as its meaning */
    }
    if (str_equal(key, STR("arch"))) {
        struct str arch = audit_arch(value);
        value_tell(tale, STR("host.architecture"), arch.size > 0 ? arch : value);
        return true;
    }
    if (str_equal(key, STR("cmd"))) {
        command_tell(tale, value);
        return true;
    }
    if (str_equal(key, STR("key"))) {
        tags_tell(tale, value);
    } else if (is_argument(key) && is_type(tale, "EXECVE")) {
        value_tell(tale, STR("process.args"), value);
    } else if (str_equal(key, STR("name")) && is_type(tale, "PATH")) {
        value_tell(tale, STR("file.path"), value);
    } else if (str_equal(key, STR("inode")) && is_type(tale, "PATH")) {
        value_tell(tale, STR("file.inode"), value);
    } else if (str_equal(key, STR("src")) || str_equal(key, STR("addr"))) {
        address_field(tale, "source", value);
    } else if (str_equal(key, STR("dst"))) {
        address_field(tale, "destination", value);
    }
    return false;
}

static void pair_tell(const struct tale *tale, const struct audit_pair *pair, bool plain_uid)
{
    struct str value = pair->value;
    if (!is_word(value)) {
        return;
    }
    meaning_tell(tale, pair->key, value);
    if (is_hexadecimal(tale, pair->key)) {
        value = audit_decode(tale->arena, pair);
    }
    if (special_tell(tale, pair->key, value)) {
        return;
    }
    if (str_equal(pair->key, STR("uid"))) {
        if (plain_uid) {
            value_tell(tale, STR("user.id"), value);
        } else {
            under_tell(tale, "log", pair->key, value);
        }
        return;
    }
    bool named = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (str_equal(pair->key, str_from(names[i].key))) {
            value_tell(tale, str_from(names[i].name), value);
            named = true;
        }
    }
    if (!named) {
        under_tell(tale, "log", pair->key, value);
    }
}

/* NAME.id or NAME.name, of the first of these keys that has a value. */
static void who_tell(const struct tale *tale, const char *under, const char *keys)
{
    for (struct str rest = str_from(keys); rest.size > 0;) {
        struct str key = str_cut(&rest, ' ');
        const struct audit_pair *pair = NULL;
        unsigned times = 0;
        for (size_t i = 0; i < tale->record->count; i++) {
            if (str_equal(tale->record->pairs[i].key, key) &&
                is_word(tale->record->pairs[i].value)) {
                pair = &tale->record->pairs[i];
                times++;
            }
        }
        if (times != 1) {
            continue; /* Of two it is not said which. */
        }
        struct str value =
            str_equal(key, STR("acct")) ? audit_decode(tale->arena, pair) : pair->value;
        struct str name;
        bool number = text_is_number(value) || str_equal(value, STR("4294967295"));
        if (arena_print(tale->arena, &name, "%s.%s", under, number ? "id" : "name") == OK) {
            value_tell(tale, name, value);
        }
        return;
    }
}

static void persons_tell(const struct tale *tale)
{
    switch (tale->type != NULL ? tale->type->who : WHO_PLAIN) {
    case WHO_SESSION:
        who_tell(tale, "user", "auid");
        who_tell(tale, "user.effective", "acct id uid");
        break;
    case WHO_USER_MADE:
        who_tell(tale, "user", "auid");
        who_tell(tale, "user.effective", "uid");
        who_tell(tale, "user.target", "id acct");
        break;
    case WHO_USER_CHANGED:
        who_tell(tale, "user", "auid");
        who_tell(tale, "user.effective", "uid");
        who_tell(tale, "user.target", "acct id uid");
        break;
    case WHO_GROUP_MADE:
        who_tell(tale, "user", "auid");
        who_tell(tale, "user.effective", "uid");
        who_tell(tale, "group", "id acct");
        break;
    case WHO_GROUP_CHANGED:
        who_tell(tale, "user", "auid");
        who_tell(tale, "user.effective", "uid");
        who_tell(tale, "group", "acct id");
        break;
    case WHO_LOGIN:
        who_tell(tale, "user", "old_auid old-auid");
        who_tell(tale, "user.effective", "new_auid new-auid auid");
        break;
    case WHO_PLAIN:
        break;
    }
}

/* A call is told as a call, and as what it does. */
static void act_tell(const struct tale *tale)
{
    struct str call = audit_syscall(audit_value(tale->record, STR("arch")),
                                    audit_value(tale->record, STR("syscall")));
    const struct audit_act *act = audit_act_find(call);
    found_derive(tale->found, STR("event.action"), str_from(act->action));
    if (act->action[0] != '\0') {
        words_tell(tale, STR("event.category"), act->categories);
        words_tell(tale, STR("event.type"), act->types);
    }
    struct str action = str_from(act->action);
    if (str_equal(action, STR("accepted-connection-from")) ||
        str_equal(action, STR("received-from"))) {
        found_derive(tale->found, STR("network.direction"), STR("ingress"));
    } else if (str_equal(action, STR("connected-to")) || str_equal(action, STR("sent-to"))) {
        found_derive(tale->found, STR("network.direction"), STR("egress"));
    }
}

static void lower_tell(const struct tale *tale, struct str name, struct str text)
{
    char *to = arena_take(tale->arena, text.size);
    for (size_t i = 0; to != NULL && i < text.size; i++) {
        to[i] =
            (char)(text.data[i] >= 'A' && text.data[i] <= 'Z' ? text.data[i] | 0x20 : text.data[i]);
    }
    if (to != NULL) {
        found_derive(tale->found, name, str_of(to, text.size));
    }
}

static void event_tell(const struct tale *tale)
{
    struct found *found = tale->found;
    const struct audit_record *record = tale->record;
    found_derive(found, STR("event.kind"), STR("event"));
    value_tell(tale, STR("auditd.log.record_type"),
               tale->type != NULL ? str_from(tale->type->name) : record->type);
    found_span(found, STR("auditd.log.sequence"), record->serial);
    lower_tell(tale, STR("auditd.data.record_type"),
               tale->type != NULL ? str_from(tale->type->name) : record->type);
    if (record->node.size > 0) {
        found_span(found, STR("auditd.log.node"), record->node);
        found_span(found, STR("host.hostname"), record->node);
    }
    if (tale->type == NULL) {
        return;
    }
    bool apparmor = is_type(tale, "AVC") && audit_value(record, STR("apparmor")).size > 0;
    found_derive(found, STR("event.action"),
                 apparmor ? STR("violated-apparmor-policy") : str_from(tale->type->action));
    words_tell(tale, STR("event.category"), tale->type->categories);
    words_tell(tale, STR("event.type"), tale->type->types);
}

static void happened_tell(const struct tale *tale)
{
    struct str fraction = tale->record->epoch;
    struct str whole = str_cut(&fraction, '.');
    uint64_t seconds, part = 0;
    if (str_to_u64(whole, 253402300799, &seconds) != OK) {
        return;
    }
    uint64_t unit = 1000000000;
    for (size_t i = 0; i < fraction.size && i < 9; i++) {
        if (fraction.data[i] < '0' || fraction.data[i] > '9') {
            return;
        }
        unit /= 10;
        part += (uint64_t)(fraction.data[i] - '0') * unit;
    }
    if (seconds < 9223372036) {
        builder_happened(tale->found->builder,
                         (struct wall){(int64_t)(seconds * 1000000000 + part)});
    }
}

/* An EXECVE record is one command line in pieces. */
static void arguments_tell(const struct tale *tale)
{
    size_t size = 0;
    for (size_t i = 0; i < tale->record->count; i++) {
        size += tale->record->pairs[i].value.size + 1;
    }
    char *line = arena_take(tale->arena, size);
    size_t length = 0;
    for (size_t i = 0; line != NULL && i < tale->record->count; i++) {
        const struct audit_pair *pair = &tale->record->pairs[i];
        if (is_argument(pair->key)) {
            struct str argument = audit_decode(tale->arena, pair);
            if (length > 0) {
                line[length++] = ' ';
            }
            memcpy(line + length, argument.data, argument.size);
            length += argument.size;
        }
    }
    if (line != NULL) {
        found_derive(tale->found, STR("process.command_line"), str_of(line, length));
    }
}

static void verdict_tell(const struct tale *tale)
{
    struct str perms = tale->record->seperms;
    if (tale->record->seresult.size == 0) {
        return;
    }
    found_span(tale->found, STR("auditd.data.seresult"), tale->record->seresult);
    found_span(tale->found, STR("auditd.data.seperms"), perms);
    found_derive(tale->found, STR("event.outcome"),
                 str_equal(tale->record->seresult, STR("denied")) ? STR("failure")
                                                                  : STR("success"));
}

bool auditd_parse(struct found *found, struct str text)
{
    struct audit_record *record;
    struct arena *arena = found_mem(found);
    if (arena == NULL || (record = ARENA_ONE(arena, struct audit_record)) == NULL ||
        !audit_record_read(text, record)) {
        return false;
    }
    struct tale tale = {found, arena, record, audit_type_find(record->type)};
    builder_class(found->builder, STR("/linux/auditd"));
    happened_tell(&tale);
    event_tell(&tale);
    verdict_tell(&tale);
    bool plain_uid = tale.type == NULL || tale.type->who == WHO_PLAIN ||
                     audit_value(record, STR("auid")).size == 0;
    plain_uid = plain_uid && (tale.type == NULL || tale.type->who != WHO_LOGIN);
    for (size_t i = 0; i < record->count; i++) {
        pair_tell(&tale, &record->pairs[i], plain_uid);
    }
    if (is_type(&tale, "SYSCALL")) {
        act_tell(&tale);
    } else if (is_type(&tale, "EXECVE")) {
        arguments_tell(&tale);
    }
    persons_tell(&tale);
    return true;
}
