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

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/network.h"
#include "codec/yaml.h"
#include "config/private.h"
#include "sys/disk.h"

#define CONFIG_SIZE_MAX ((size_t)256 << 20) /* what the tree of a YAML_SIZE_MAX text may need */

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
    {"journal_seconds", KEY_COUNT32, AT(journal_seconds), 1, 86400, "3600",
     "a journal with something in it is closed after so long, and then sealed into segments"},
    {"journal_keep_seconds", KEY_COUNT32, AT(journal_keep_seconds), 0, 31536000, "86400",
     "how long a journal stays behind its last event once it is sealed; with less than a day, a "
     "restart forgets idempotency keys early"},
    {"cold_days", KEY_COUNT32, AT(cold_days), 0, 36500, "7",
     "segments older than so many days are packed once more, smaller; 0: never"},
    {"space_reserve", KEY_SIZE, AT(space_reserve), 0, (uint64_t)1 << 40, "64M",
     "with less space left nothing more is acknowledged; the rest is for alerts and their reader"},
    {"commit_delay_ms", KEY_COUNT32, AT(commit_delay_ms), 0, 1000, "2",
     "how long events may wait for others before they are written together"},
    {"search_seconds_max", KEY_COUNT32, AT(search_seconds_max), 1, 86400, "600",
     "a search that takes longer is ended"},
    {"head_seconds", KEY_COUNT32, AT(head_seconds), 1, 3600, "60",
     "how often the heads of the evidence are signed"},
    {"disk_warning_days", KEY_COUNT32, AT(disk_warning_days), 1, 3650, "30",
     "so many days before the disk is full, as things go, the provider's people are told"},
    {"stamp_url", KEY_URL, AT(stamp_url), 0, 0, "",
     "the authority (RFC 3161) that heads of the evidence are time-stamped by"},
    {"stamp_seconds", KEY_COUNT32, AT(stamp_seconds), 1, 86400, "3600",
     "how often it is asked to, for each client; once a day at least"},
    {"heads_copy", KEY_PATH, AT(heads_copy), 0, 0, "",
     "a folder, best on another machine, that signed heads are copied to"},
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
static enum err config_begin(struct config **ret);
static enum err text_add(struct config *config, struct str text, const struct yaml_node **ret_root,
                         struct why *why);
static enum err config_end(struct config *config, const struct yaml_node *root, struct config **ret,
                           struct why *why);
static enum err config_drop(struct config *config, enum err err);
static enum err key_set(struct config *config, const struct key *key, const struct yaml_node *node,
                        struct why *why);
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
enum err key_unknown(const struct yaml_node *key, const char *const *known, struct why *why)
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

bool path_valid(const struct yaml_node *node)
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

/* A folder that means nothing inside data. */
static enum err outside_check(const struct config *config, const struct yaml_node *root,
                              const char *name, struct str inside, const char *reason,
                              struct why *why)
{
    struct str data = without_slashes(config->data);
    const struct yaml_node *node = yaml_get(root, str_from(name));
    bool starts = str_starts(inside, data);
    struct str behind = str_slice(inside, data.size, inside.size);
    if (starts && (behind.size == 0 || behind.data[0] == '/' || str_equal(data, STR("/")))) {
        return why_say_at(
            why, ERR_SYNTAX, node != NULL ? node->line : 1, node != NULL ? node->column : 1,
            "%s must lie outside data, so that %s; choose another folder", name, reason);
    }
    return OK;
}

static enum err whole_check(const struct config *config, const struct yaml_node *root,
                            struct why *why)
{
    enum err err =
        outside_check(config, root, "keys", config->keys, "a copy of data holds no keys", why);
    if (err == OK && config->heads_copy.size > 0) {
        err = outside_check(config, root, "heads_copy", config->heads_copy,
                            "who sets data back does not set back the copy", why);
    }
    if (err != OK) {
        return err;
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
