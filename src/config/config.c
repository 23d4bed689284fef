/*
 * The configuration: one table of keys.  A key's row says its name, its type, where its value lies
 * in struct config, its bounds, its default and one line of help; reading, checking, --help and the
 * suggestion for a mistyped key all come from there.  Of several files each is read over what the
 * ones before it said.
 *
 * Always true of a struct config: every field is set, from the text or from the default; listeners
 * have different names and different places; keys do not lie inside data, so that whoever copies
 * the data does not get the keys with it.
 */

#include "config/config.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/network.h"
#include "codec/yaml.h"
#include "sys/disk.h"

#define CONFIG_SIZE_MAX ((size_t)256 << 20) /* what the tree of a YAML_SIZE_MAX text may need */
#define PATH_SIZE_MAX   1000
#define RULE_PATHS_MAX  64

enum key_type {
    KEY_PATH,
    KEY_PATHS,
    KEY_LISTENERS,
    KEY_COUNT32,
    KEY_SIZE,
    KEY_URL,
    KEY_MAIL,
    KEY_CHOICE, /* one of a few words */
    KEY_NETWORKS
};

struct key {
    const char *name;
    enum key_type type;
    size_t offset;
    uint64_t min, max;
    const char *standard; /* the default, as it would be written */
    const char *help;
};

#define AT(field) offsetof(struct config, field)

static const struct key keys[] = {
    {"data", KEY_PATH, AT(data), 0, 0, "var", "the folder of everything that is kept"},
    {"keys", KEY_PATH, AT(keys), 0, 0, "<data>.keys",
     "the folder of the clients' keys; outside data, and not in its backups"},
    {"rules", KEY_PATHS, AT(rules), 0, 0, "[]", "files and folders of Sigma rules"},
    {"listeners", KEY_LISTENERS, AT(listeners), 0, 0, "[]",
     "what listens: name, kind, address, port; see docs/listeners.md"},
    {"user_base", KEY_COUNT32, AT(user_base), 1, 65000, "60700",
     "started as root, each kind of process runs as a user of its own, numbered from here"},
    {"journal_size_max", KEY_SIZE, AT(journal_size_max), 1 << 20, (uint64_t)1 << 40, "256M",
     "a journal of this size is closed and the next one begun"},
    {"space_reserve", KEY_SIZE, AT(space_reserve), 0, (uint64_t)1 << 40, "64M",
     "with less space left nothing more is acknowledged; the rest is for alerts and their reader"},
    {"commit_delay_ms", KEY_COUNT32, AT(commit_delay_ms), 0, 1000, "2",
     "how long events may wait for others before they are written together"},
    {"search_seconds_max", KEY_COUNT32, AT(search_seconds_max), 1, 86400, "600",
     "a search that takes longer is ended"},
    {"head_seconds", KEY_COUNT32, AT(head_seconds), 1, 3600, "60",
     "how often the heads of the evidence are signed"},
    {"zoneinfo", KEY_PATH, AT(zoneinfo), 0, 0, "/usr/share/zoneinfo", "the folder of time zones"},
    {"portal_url", KEY_URL, AT(portal_url), 0, 0, "",
     "what people reach the portal by, such as https://soc.example; stands in mails"},
    {"portal_tls", KEY_CHOICE, AT(portal_tls), 0, 0, "on",
     "off: the portal speaks plain HTTP, to a proxy in front of it that does TLS"},
    {"certificate", KEY_PATH, AT(certificate), 0, 0, "",
     "the portal's certificate and its chain, PEM; without it one is made, in <keys>/portal"},
    {"certificate_key", KEY_PATH, AT(certificate_key), 0, 0, "", "the key to it, PEM"},
    {"ingest_certificate", KEY_PATH, AT(ingest_certificate), 0, 0, "",
     "what listeners for logs show over TLS, PEM; without it one is made, in <keys>/ingest"},
    {"ingest_certificate_key", KEY_PATH, AT(ingest_certificate_key), 0, 0, "",
     "the key to it, PEM"},
    {"portal_rate", KEY_COUNT32, AT(portal_rate), 1, 100000, "50",
     "requests a second that one address may make of the portal, six times as many at once"},
    {"mail_relay", KEY_URL, AT(mail_relay), 0, 0, "",
     "who takes our mail: smtp://host:port or smtps://host:port"},
    {"mail_from", KEY_MAIL, AT(mail_from), 0, 0, "", "the mailbox that mails come from"},
    {"mail_user", KEY_MAIL, AT(mail_user), 0, 0, "", "who we are at the relay"},
    {"mail_password_file", KEY_PATH, AT(mail_password_file), 0, 0, "",
     "the file that holds the password for it"},
    {"mail_tls", KEY_CHOICE, AT(mail_tls), 0, 0, "required",
     "required or optional: whether mail may go to the relay in the clear"},
    {"second_factor", KEY_CHOICE, AT(second_factor), 0, 0, "optional",
     "optional, provider or everybody: of whose people a second factor is wanted"},
    {"authorities", KEY_PATH, AT(authorities), 0, 0, "",
     "whom the relay and webhooks must be certified by, PEM; without it the system's"},
    {"secrets", KEY_PATH, AT(secrets), 0, 0, "",
     "a folder with the secrets that webhooks are signed with, a file CLIENT.NAME each"},
    {"webhook_networks", KEY_NETWORKS, AT(webhook_networks), 0, 0, "[]",
     "loopback, link-local and private networks that webhooks may reach"},
};
#define KEYS (sizeof keys / sizeof *keys)

static const char *const type_texts[] = {"path", "list of paths", "list", "number",    "size",
                                         "url",  "text",          "word", "on or off", "networks"};
static const char *const kind_texts[LISTENER_KIND_COUNT] = {
    "syslog-udp", "syslog-tcp", "http", "syslog-tls", "relp", "lumberjack", "files", "portal"};
#define KINDS_TEXT "syslog-udp, syslog-tcp, syslog-tls, relp, lumberjack, http, files and portal"

static enum err config_begin(struct config **ret);
static enum err text_add(struct config *config, struct str text, const struct yaml_node **ret_root,
                         struct why *why);
static enum err config_end(struct config *config, const struct yaml_node *root, struct config **ret,
                           struct why *why);
static enum err config_drop(struct config *config, enum err err);
static enum err key_unknown(const struct yaml_node *key, const char *const *known, struct why *why);
static enum err key_set(struct config *config, const struct key *key, const struct yaml_node *node,
                        struct why *why);
static enum err listeners_set(struct config *config, const struct yaml_node *node, struct why *why);
static enum err defaults_set(struct config *config);
static enum err whole_check(const struct config *config, const struct yaml_node *root,
                            struct why *why);

enum err config_load(const char *path, struct config **ret, struct why *why)
{
    return config_load_all(&path, 1, ret, NULL, why);
}

enum err config_load_all(const char *const *paths, size_t count, struct config **ret,
                         size_t *ret_at, struct why *why)
{
    struct config *config = NULL;
    const struct yaml_node *root = NULL;
    size_t at = 0;
    enum err err = config_begin(&config);
    for (; at < count && err == OK; at++) {
        char *text;
        size_t size;
        err = disk_read_whole(disk_real(), paths[at], YAML_SIZE_MAX, &text, &size, why);
        if (err == OK) {
            err = text_add(config, str_of(text, size), &root, why);
            free(text);
        }
    }
    if (ret_at != NULL && count > 0) {
        *ret_at = at > 0 ? at - 1 : 0;
    }
    return err == OK ? config_end(config, root, ret, why) : config_drop(config, err);
}

static enum err root_read(struct config *config, const struct yaml_node *root, struct why *why)
{
    const char *names[KEYS + 1] = {0};
    for (size_t i = 0; i < KEYS; i++) {
        names[i] = keys[i].name;
    }
    if (root != NULL && root->next != NULL) {
        return why_say_at(why, ERR_SYNTAX, root->next->line, root->next->column,
                          "one file holds one document; remove the '---' and what follows");
    }
    if (root != NULL && root->kind != YAML_MAPPING && !yaml_is_null(root)) {
        return why_say_at(why, ERR_SYNTAX, root->line, root->column,
                          "a configuration is written as keys with values, such as 'data: var'");
    }
    enum err err = OK;
    for (const struct yaml_node *value = root != NULL ? root->first : NULL;
         value != NULL && err == OK; value = value->next) {
        size_t i = 0;
        while (i < KEYS && !str_equal(value->key->text, str_from(names[i]))) {
            i++;
        }
        err =
            i < KEYS ? key_set(config, &keys[i], value, why) : key_unknown(value->key, names, why);
    }
    return err;
}

static enum err config_begin(struct config **ret)
{
    struct arena *mem = arena_new(CONFIG_SIZE_MAX);
    struct config *config = mem == NULL ? NULL : ARENA_ONE(mem, struct config);
    if (config == NULL) {
        arena_free(mem);
        return ERR_MEMORY;
    }
    config->mem = mem;
    enum err err = defaults_set(config);
    if (err != OK) {
        return config_drop(config, err);
    }
    *ret = config;
    return OK;
}

static enum err config_drop(struct config *config, enum err err)
{
    config_free(config);
    return err;
}

static enum err text_add(struct config *config, struct str text, const struct yaml_node **ret_root,
                         struct why *why)
{
    struct yaml_node *root = NULL;
    enum err err = yaml_parse(text, config->mem, &root, why);
    if (err == OK) {
        err = root_read(config, root, why);
    }
    if (err == OK) {
        *ret_root = root;
    }
    return err;
}

static enum err config_end(struct config *config, const struct yaml_node *root, struct config **ret,
                           struct why *why)
{
    enum err err = OK;
    if (config->keys.size == 0) {
        err = arena_print(config->mem, &config->keys, "%.*s.keys", STR_ARG(config->data));
    }
    if (err == OK) {
        err = whole_check(config, root, why);
    }
    if (err != OK) {
        return config_drop(config, err);
    }
    *ret = config;
    return OK;
}

enum err config_parse(struct str text, struct config **ret, struct why *why)
{
    struct config *config = NULL;
    const struct yaml_node *root = NULL;
    enum err err = config_begin(&config);
    if (err == OK) {
        err = text_add(config, text, &root, why);
    }
    return err == OK ? config_end(config, root, ret, why) : config_drop(config, err);
}

void config_free(struct config *config)
{
    if (config != NULL) {
        arena_free(config->mem);
    }
}

enum err config_help(struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < KEYS && err == OK; i++) {
        err = buf_print(out, "%-22s %-14s %-19s %s\n", keys[i].name, type_texts[keys[i].type],
                        keys[i].standard, keys[i].help);
    }
    return err;
}

/* ---- Values. */

static enum err key_unknown(const struct yaml_node *key, const char *const *known, struct why *why)
{
    const char *near = yaml_suggest(key->text, known);
    struct str shown = str_slice(key->text, 0, 60);
    if (near != NULL) {
        return why_say_at(why, ERR_SYNTAX, key->line, key->column,
                          "unknown key '%.*s'; did you mean '%s'?", STR_ARG(shown), near);
    }
    return why_say_at(why, ERR_SYNTAX, key->line, key->column,
                      "unknown key '%.*s'; remove it, or see --help for the keys there are",
                      STR_ARG(shown));
}

static bool path_valid(const struct yaml_node *node)
{
    return node->kind == YAML_SCALAR && node->text.size > 0 && node->text.size <= PATH_SIZE_MAX &&
           !yaml_is_null(node);
}

static enum err paths_set(struct config *config, const struct yaml_node *node, struct why *why)
{
    if (node->kind != YAML_SEQUENCE || node->count > RULE_PATHS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "rules is a list of at most %d paths, such as [rules]", RULE_PATHS_MAX);
    }
    config->rules = ARENA_ARRAY(config->mem, struct str, node->count);
    if (config->rules == NULL) {
        return ERR_MEMORY;
    }
    config->rules_count = 0;
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (!path_valid(item)) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column, "a path has 1 to %d bytes",
                              PATH_SIZE_MAX);
        }
        config->rules[config->rules_count++] = item->text;
    }
    return OK;
}

/* A number of bytes: digits, and perhaps K, M or G for powers of 1024. */
static enum err size_parse(struct str text, uint64_t max, uint64_t *ret)
{
    uint64_t unit = 1;
    if (text.size > 1) {
        char last = text.data[text.size - 1];
        unit = last == 'K' ? 1 << 10 : last == 'M' ? 1 << 20 : last == 'G' ? 1 << 30 : 1;
    }
    enum err err =
        str_to_u64(unit == 1 ? text : str_slice(text, 0, text.size - 1), max / unit, ret);
    if (err == OK) {
        *ret *= unit;
    }
    return err;
}

static enum err number_set(struct config *config, const struct key *key,
                           const struct yaml_node *node, struct why *why)
{
    uint64_t value;
    bool size = key->type == KEY_SIZE;
    enum err err = node->kind != YAML_SCALAR ? ERR_SYNTAX
                   : size                    ? size_parse(node->text, key->max, &value)
                                             : str_to_u64(node->text, key->max, &value);
    if (err != OK || value < key->min) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "%s is a %s from %llu to %llu, such as %s", key->name,
                          size ? "size in bytes (K, M, G)" : "number", (unsigned long long)key->min,
                          (unsigned long long)key->max, key->standard);
    }
    if (size) {
        memcpy((char *)config + key->offset, &value, sizeof value);
    } else {
        uint32_t narrow = (uint32_t)value;
        memcpy((char *)config + key->offset, &narrow, sizeof narrow);
    }
    return OK;
}

/* Whether a text is an address with one of our schemes and nothing that could end a line. */
static bool url_valid(struct str text, bool mail)
{
    static const char *const web[] = {"https://", "http://", NULL};
    static const char *const relay[] = {"smtps://", "smtp://", NULL};
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] <= ' ' || text.data[i] == 0x7f) {
            return false;
        }
    }
    for (const char *const *scheme = mail ? relay : web; *scheme != NULL; scheme++) {
        struct str prefix = str_from(*scheme);
        if (str_starts(text, prefix)) {
            return text.size > prefix.size && !str_ends(text, STR("/"));
        }
    }
    return false;
}

static bool plain_valid(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f) {
            return false;
        }
    }
    return text.size > 0 && text.size <= 254;
}

/* What a choice is between, as a sentence tells it. */
static const char *choices_of(const struct key *key)
{
    static const struct {
        const char *key, *words;
    } choices[] = {
        {"mail_tls", "required, optional"},
        {"portal_tls", "on, off"},
        {"second_factor", "optional, provider, everybody"},
    };
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        if (strcmp(key->name, choices[i].key) == 0) {
            return choices[i].words;
        }
    }
    return "";
}

static bool choice_valid(const struct key *key, struct str text)
{
    struct str rest = str_from(choices_of(key));
    while (rest.size > 0) {
        if (str_equal(str_trim(str_cut(&rest, ',')), text)) {
            return true;
        }
    }
    return false;
}

static enum err text_set(struct config *config, const struct key *key, const struct yaml_node *node,
                         struct why *why)
{
    struct str text = node->kind == YAML_SCALAR ? node->text : STR("");
    bool relay = strcmp(key->name, "mail_relay") == 0;
    if (key->type == KEY_URL && (!url_valid(text, relay) || text.size > PATH_SIZE_MAX)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column, "%s looks like %s", key->name,
                          relay ? "smtp://relay.example:25"
                                : "https://soc.example, without a / behind it");
    }
    if (key->type == KEY_MAIL && !plain_valid(text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "%s is one word of 1 to 254 bytes, such as soc@watch.example", key->name);
    }
    if (key->type == KEY_CHOICE && !choice_valid(key, text)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column, "%s is one of: %s", key->name,
                          choices_of(key));
    }
    memcpy((char *)config + key->offset, &text, sizeof text);
    return OK;
}

static enum err networks_set(struct config *config, const struct yaml_node *node, struct why *why)
{
    struct network network;
    if (node->kind != YAML_SEQUENCE || node->count > RULE_PATHS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "webhook_networks is a list of at most %d networks, such as [10.0.0.0/8]",
                          RULE_PATHS_MAX);
    }
    config->webhook_networks = ARENA_ARRAY(config->mem, struct str, node->count);
    if (config->webhook_networks == NULL) {
        return ERR_MEMORY;
    }
    config->webhook_networks_count = 0;
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (item->kind != YAML_SCALAR || network_parse(item->text, &network) != OK) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "this is no network; write it as 10.0.0.0/8 or \"fd00::/8\"");
        }
        config->webhook_networks[config->webhook_networks_count++] = item->text;
    }
    return OK;
}

static enum err key_set(struct config *config, const struct key *key, const struct yaml_node *node,
                        struct why *why)
{
    switch (key->type) {
    case KEY_PATH:
        if (!path_valid(node)) {
            return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                              "%s is a path of 1 to %d bytes", key->name, PATH_SIZE_MAX);
        }
        memcpy((char *)config + key->offset, &node->text, sizeof node->text);
        return OK;
    case KEY_PATHS:
        return paths_set(config, node, why);
    case KEY_URL:
    case KEY_MAIL:
    case KEY_CHOICE:
        return text_set(config, key, node, why);
    case KEY_NETWORKS:
        return networks_set(config, node, why);
    case KEY_LISTENERS:
        return listeners_set(config, node, why);
    default:
        return number_set(config, key, node, why);
    }
}

/* Numbers come from the table; `keys` follows from `data`, lists are empty. */
static enum err defaults_set(struct config *config)
{
    config->data = STR("var");
    config->zoneinfo = STR("/usr/share/zoneinfo");
    config->mail_tls = STR("required");
    config->portal_tls = STR("on");
    config->second_factor = STR("optional");
    for (size_t i = 0; i < KEYS; i++) {
        struct yaml_node node = {.kind = YAML_SCALAR, .text = str_from(keys[i].standard)};
        if (keys[i].type == KEY_COUNT32 || keys[i].type == KEY_SIZE) {
            enum err err = number_set(config, &keys[i], &node, NULL);
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

/* ---- Listeners. */

static bool address_valid(struct str address)
{
    char plain[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    if (address.size >= sizeof plain) {
        return false;
    }
    memcpy(plain, address.data, address.size);
    plain[address.size] = '\0';
    return inet_pton(AF_INET, plain, bytes) == 1 || inet_pton(AF_INET6, plain, bytes) == 1;
}

static enum err kind_parse(struct str text, enum listener_kind *ret)
{
    for (int kind = 0; kind < LISTENER_KIND_COUNT; kind++) {
        if (str_equal(text, str_from(kind_texts[kind]))) {
            *ret = (enum listener_kind)kind;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

/* Absolute, or from where the program is started; '*' only in the last part. */
static bool pattern_valid(const struct yaml_node *node)
{
    struct str text = node->kind == YAML_SCALAR ? node->text : STR("");
    size_t star = str_find_byte(text, '*');
    struct str behind = star == STR_NONE ? STR("") : str_slice(text, star, text.size);
    return path_valid(node) && str_find_byte(behind, '/') == STR_NONE &&
           text.data[text.size - 1] != '/';
}

static enum err listener_paths(struct config *config, struct listener_config *listener,
                               const struct yaml_node *node, struct why *why)
{
    if (node->kind != YAML_SEQUENCE || node->count == 0 || node->count > RULE_PATHS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "paths is a list of 1 to %d paths, such as [/var/log/nginx/*.log]",
                          RULE_PATHS_MAX);
    }
    listener->paths = ARENA_ARRAY(config->mem, struct str, node->count);
    if (listener->paths == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        if (!pattern_valid(item)) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "a path has 1 to %d bytes, names files, and has '*' in its last part "
                              "alone",
                              PATH_SIZE_MAX);
        }
        listener->paths[listener->paths_count++] = item->text;
    }
    return OK;
}

static enum err listener_path(struct str *ret, const char *name, const struct yaml_node *node,
                              struct why *why)
{
    if (!path_valid(node)) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "%s is a path of 1 to %d bytes", name, PATH_SIZE_MAX);
    }
    *ret = node->text;
    return OK;
}

static enum err listener_tls(struct listener_config *listener, const struct yaml_node *node,
                             struct why *why)
{
    struct str text = node->kind == YAML_SCALAR ? node->text : STR("");
    listener->tls = str_equal(text, STR("on"));
    return listener->tls || str_equal(text, STR("off"))
               ? OK
               : why_say_at(why, ERR_SYNTAX, node->line, node->column, "tls is one of: on, off");
}

static enum err listener_value(struct config *config, struct listener_config *listener,
                               const char *name, const struct yaml_node *node, struct why *why)
{
    struct str text = node->kind == YAML_SCALAR ? node->text : STR("");
    uint64_t port;
    if (strcmp(name, "paths") == 0) {
        return listener_paths(config, listener, node, why);
    }
    if (strcmp(name, "authorities") == 0 || strcmp(name, "revoked") == 0) {
        return listener_path(name[0] == 'a' ? &listener->authorities : &listener->revoked, name,
                             node, why);
    }
    if (strcmp(name, "tls") == 0) {
        return listener_tls(listener, node, why);
    }
    switch (name[0]) {
    case 'n':
        listener->name = text;
        return str_is_slug(text)
                   ? OK
                   : why_say_at(why, ERR_SYNTAX, node->line, node->column,
                                "a listener's name has 1 to %d of a-z, 0-9 and '-'", SLUG_SIZE_MAX);
    case 'k':
        return kind_parse(text, &listener->kind) == OK
                   ? OK
                   : why_say_at(why, ERR_SYNTAX, node->line, node->column,
                                "the kinds of listeners are " KINDS_TEXT);
    case 'a':
        listener->address = text;
        return address_valid(text)
                   ? OK
                   : why_say_at(why, ERR_SYNTAX, node->line, node->column,
                                "an address is numeric, such as 127.0.0.1, 0.0.0.0 or \"::1\"");
    default:
        if (str_to_u64(text, 65535, &port) != OK || port == 0) {
            return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                              "a port is a number from 1 to 65535");
        }
        listener->port = (uint16_t)port;
        return OK;
    }
}

/* What a kind needs and what it cannot have. */
static enum err listener_fits(struct listener_config *listener, const struct yaml_node *node,
                              struct why *why)
{
    static const char *const files[] = {"paths", NULL};
    static const char *const sockets[] = {"address", "port", NULL};
    bool of_files = listener->kind == LISTENER_FILES;
    bool can_tls = listener->kind == LISTENER_HTTP || listener->kind == LISTENER_RELP ||
                   listener->kind == LISTENER_LUMBERJACK;
    listener->tls = listener->tls || listener->kind == LISTENER_SYSLOG_TLS;
    const struct yaml_node *wrong = NULL;
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        struct str key = value->key->text;
        bool socket = str_equal(key, STR("address")) || str_equal(key, STR("port"));
        bool trust = str_equal(key, STR("authorities")) || str_equal(key, STR("revoked"));
        if ((of_files && socket) || (!of_files && str_equal(key, STR("paths"))) ||
            (trust && (!listener->tls || listener->kind == LISTENER_HTTP)) ||
            (str_equal(key, STR("tls")) && !can_tls)) {
            wrong = value->key;
        }
    }
    if (wrong != NULL) {
        return why_say_at(why, ERR_SYNTAX, wrong->line, wrong->column,
                          "a listener of kind %s has no '%.*s:'; remove it",
                          kind_texts[listener->kind], STR_ARG(wrong->text));
    }
    for (const char *const *name = of_files ? files : sockets; *name != NULL; name++) {
        if (yaml_get(node, str_from(*name)) == NULL) {
            return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                              "this listener has no '%s:'; add it", *name);
        }
    }
    return OK;
}

static enum err listener_read(struct config *config, const struct yaml_node *node,
                              struct listener_config *ret, struct why *why)
{
    static const char *const names[] = {"name", "kind",        "address", "port", "paths",
                                        "tls",  "authorities", "revoked", NULL};
    if (node->kind != YAML_MAPPING) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "a listener has the keys name, kind, address and port");
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        size_t i = 0;
        while (names[i] != NULL && !str_equal(value->key->text, str_from(names[i]))) {
            i++;
        }
        enum err err = names[i] == NULL ? key_unknown(value->key, names, why)
                                        : listener_value(config, ret, names[i], value, why);
        if (err != OK) {
            return err;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (yaml_get(node, str_from(names[i])) == NULL) {
            return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                              "this listener has no '%s:'; add it", names[i]);
        }
    }
    return listener_fits(ret, node, why);
}

/* One name, and one place: UDP and TCP have ports of their own. */
static enum err listener_alone(const struct config *config, const struct listener_config *listener,
                               const struct yaml_node *node, struct why *why)
{
    for (size_t i = 0; i < config->listeners_count; i++) {
        const struct listener_config *other = &config->listeners[i];
        if (str_equal(other->name, listener->name)) {
            return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                              "a listener '%.*s' stands above already; choose another name",
                              STR_ARG(listener->name));
        }
        if (listener->kind != LISTENER_FILES && other->port == listener->port &&
            str_equal(other->address, listener->address) &&
            (other->kind == LISTENER_SYSLOG_UDP) == (listener->kind == LISTENER_SYSLOG_UDP)) {
            return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                              "port %u of %.*s belongs to listener '%.*s' already; choose another",
                              listener->port, STR_ARG(listener->address), STR_ARG(other->name));
        }
    }
    return OK;
}

static enum err listeners_set(struct config *config, const struct yaml_node *node, struct why *why)
{
    if (node->kind != YAML_SEQUENCE || node->count > LISTENERS_MAX) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column,
                          "listeners is a list of at most %d listeners", LISTENERS_MAX);
    }
    config->listeners = ARENA_ARRAY(config->mem, struct listener_config, node->count);
    if (config->listeners == NULL) {
        return ERR_MEMORY;
    }
    config->listeners_count = 0;
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        struct listener_config *listener = &config->listeners[config->listeners_count];
        enum err err = listener_read(config, item, listener, why);
        if (err == OK) {
            err = listener_alone(config, listener, item, why);
        }
        if (err != OK) {
            return err;
        }
        config->listeners_count++;
    }
    return OK;
}

static struct str without_slashes(struct str path)
{
    while (path.size > 1 && path.data[path.size - 1] == '/') {
        path.size--;
    }
    return path;
}

/* Two keys of which one means nothing without the other. */
static enum err pair_check(const struct yaml_node *root, const char *name, struct str value,
                           const char *other_name, struct str other, struct why *why)
{
    if ((value.size == 0) == (other.size == 0)) {
        return OK;
    }
    const char *there = value.size > 0 ? name : other_name;
    const struct yaml_node *node = yaml_get(root, str_from(there));
    return why_say_at(why, ERR_SYNTAX, node != NULL ? node->line : 1,
                      node != NULL ? node->column : 1, "%s needs %s beside it", there,
                      value.size > 0 ? other_name : name);
}

/* What stands in mails must lead to the portal. */
static enum err portal_check(const struct config *config, const struct yaml_node *root,
                             struct why *why)
{
    bool tls = str_equal(config->portal_tls, STR("on"));
    const struct yaml_node *url = yaml_get(root, STR("portal_url"));
    const struct yaml_node *certificate = yaml_get(root, STR("certificate"));
    if (tls && str_starts(config->portal_url, STR("http://"))) {
        return why_say_at(why, ERR_SYNTAX, url != NULL ? url->line : 1,
                          url != NULL ? url->column : 1,
                          "the portal speaks TLS, so its address begins with https://; a proxy in "
                          "front of it that does TLS wants 'portal_tls: off'");
    }
    if (!tls && config->certificate.size > 0) {
        return why_say_at(why, ERR_SYNTAX, certificate != NULL ? certificate->line : 1,
                          certificate != NULL ? certificate->column : 1,
                          "with 'portal_tls: off' no certificate is used; remove one of the two");
    }
    return OK;
}

static enum err whole_check(const struct config *config, const struct yaml_node *root,
                            struct why *why)
{
    struct str data = without_slashes(config->data);
    struct str inside = config->keys;
    const struct yaml_node *node = yaml_get(root, STR("keys"));
    bool starts = str_starts(inside, data);
    struct str behind = str_slice(inside, data.size, inside.size);
    if (starts && (behind.size == 0 || behind.data[0] == '/' || str_equal(data, STR("/")))) {
        return why_say_at(why, ERR_SYNTAX, node != NULL ? node->line : 1,
                          node != NULL ? node->column : 1,
                          "keys must lie outside data, so that a copy of data holds no keys; "
                          "choose another folder");
    }
    return pair_check(root, "certificate", config->certificate, "certificate_key",
                      config->certificate_key, why) == OK &&
                   pair_check(root, "ingest_certificate", config->ingest_certificate,
                              "ingest_certificate_key", config->ingest_certificate_key,
                              why) == OK &&
                   pair_check(root, "mail_relay", config->mail_relay, "mail_from",
                              config->mail_from, why) == OK &&
                   pair_check(root, "mail_user", config->mail_user, "mail_password_file",
                              config->mail_password_file, why) == OK
               ? portal_check(config, root, why)
               : ERR_SYNTAX;
}
