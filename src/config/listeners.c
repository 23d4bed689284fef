/*
 * The configuration's listeners: a list of mappings, each read by the name of its key and then held
 * against what its kind needs and what it cannot have.
 *
 * Always true: listeners have different names and different places.
 */

#include "config/private.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/limits.h"

static const char *const kind_texts[LISTENER_KIND_COUNT] = {
    "syslog-udp", "syslog-tcp", "http", "syslog-tls", "relp", "lumberjack", "files", "portal"};
#define KINDS_TEXT "syslog-udp, syslog-tcp, syslog-tls, relp, lumberjack, http, files and portal"

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

enum err listeners_set(struct config *config, const struct yaml_node *node, struct why *why)
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
