/*
 * Clients whose archive was destroyed, told by the certificates of it:
 *
 *     archive/destroyed/CLIENT.json   what was signed
 *     archive/destroyed/CLIENT.sig    128 hexadecimal digits: Ed25519 over those bytes
 *
 * So whoever looks at what is left learns why keys and heads of a client are missing.  The key
 * stands in the certificate itself: whoever judges compares it with the service's key that they
 * noted.
 *
 * Always true: a certificate counts only if its signature fits, and it is of that client.
 */

#include "archive/forget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/private.h"
#include "base/bytes.h"
#include "codec/json.h"
#include "codec/yaml.h"

#define CERTIFICATE_SIZE_MAX ((size_t)1 << 20)

static enum err destroyed_path(const char *folder, struct client_id client, const char *suffix,
                               char path[PATH_SIZE])
{
    int printed = snprintf(path, PATH_SIZE, "%s/destroyed/%u.%s", folder, client.value, suffix);
    return printed < 0 || printed >= PATH_SIZE ? ERR_LIMIT : OK;
}

enum err archive_destroyed_put(struct disk *disk, const char *folder, struct client_id client,
                               struct str certificate, struct str signature)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/destroyed", folder);
    enum err err = disk_make_folder(disk, path);
    err = err == OK ? disk_sync_folder(disk, folder) : err;
    err = err == OK ? destroyed_path(folder, client, "json", path) : err;
    err = err == OK ? disk_replace(disk, path, certificate) : err;
    err = err == OK ? destroyed_path(folder, client, "sig", path) : err;
    return err == OK ? disk_replace(disk, path, signature) : err;
}

static struct str member(const struct yaml_node *node, const char *name)
{
    const struct yaml_node *found = node == NULL ? NULL : yaml_get(node, str_from(name));
    return found == NULL ? (struct str){0} : found->text;
}

static bool text_take(struct str text, char *to, size_t size)
{
    bool plain = text.size > 0 && text.size < size;
    for (size_t i = 0; i < text.size && plain; i++) {
        plain = text.data[i] > ' ' && text.data[i] < 127;
    }
    if (plain) {
        memcpy(to, text.data, text.size);
        to[text.size] = '\0';
    }
    return plain;
}

static bool certificate_read(struct str json, struct str signature, struct client_id client,
                             struct arena *mem, struct destroyed *ret)
{
    struct yaml_node *root;
    uint8_t key[ED25519_SIZE];
    uint8_t signed_by[ED25519_SIGNATURE_SIZE];
    uint64_t id = 0;
    if (json_parse(json, mem, &root, NULL) != OK) {
        return false;
    }
    const struct yaml_node *whose = yaml_get(root, STR("client"));
    const struct yaml_node *what = yaml_get(root, STR("destroyed"));
    return str_equal(member(root, "certificate"), STR("destruction of a client's data")) &&
           str_to_u64(member(whose, "id"), UINT32_MAX, &id) == OK && id == client.value &&
           text_take(member(whose, "slug"), ret->slug, sizeof ret->slug) &&
           text_take(member(what, "at"), ret->at, sizeof ret->at) &&
           str_to_u64(member(root, "number"), UINT64_MAX, &ret->number) == OK &&
           text_take(member(root, "public_key"), ret->key, sizeof ret->key) &&
           hex_parse(member(root, "public_key"), key, sizeof key) == OK &&
           hex_parse(str_trim(signature), signed_by, sizeof signed_by) == OK &&
           ed25519_verify(key, json, signed_by);
}

enum err archive_destroyed(struct disk *disk, const char *folder, struct client_id client,
                           struct destroyed *ret)
{
    char path[PATH_SIZE];
    char *json = NULL;
    char *signature = NULL;
    size_t json_size = 0;
    size_t signature_size = 0;
    struct destroyed destroyed = {.client = client};
    struct arena *mem = arena_new(16 * CERTIFICATE_SIZE_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : destroyed_path(folder, client, "json", path);
    err = err == OK ? disk_read_whole(disk, path, CERTIFICATE_SIZE_MAX, &json, &json_size, NULL)
                    : err;
    err = err == OK ? destroyed_path(folder, client, "sig", path) : err;
    err = err == OK ? disk_read_whole(disk, path, 4096, &signature, &signature_size, NULL) : err;
    if (err == OK && !certificate_read(str_of(json, json_size), str_of(signature, signature_size),
                                       client, mem, &destroyed)) {
        err = ERR_CORRUPT;
    }
    free(json);
    free(signature);
    arena_free(mem);
    if (err == OK) {
        *ret = destroyed;
    }
    return err;
}

struct destroyed_visit {
    struct disk *disk;
    const char *folder;
    destroyed_call *call;
    void *context;
};

static enum err certificate_visit(void *context, const char *name)
{
    const struct destroyed_visit *visit = context;
    struct destroyed destroyed = {0};
    struct str text = str_from(name);
    uint64_t number;
    if (!str_ends(text, STR(".json")) ||
        str_to_u64(str_slice(text, 0, text.size - 5), UINT32_MAX, &number) != OK) {
        return OK;
    }
    enum err err = archive_destroyed(visit->disk, visit->folder,
                                     (struct client_id){(uint32_t)number}, &destroyed);
    destroyed.client.value = (uint32_t)number;
    return err == ERR_MEMORY ? err : visit->call(visit->context, &destroyed, err == OK);
}

enum err archive_destroyed_each(struct disk *disk, const char *folder, destroyed_call *call,
                                void *context)
{
    struct destroyed_visit visit = {disk, folder, call, context};
    char path[PATH_SIZE];
    bool there = false;
    (void)snprintf(path, sizeof path, "%s/destroyed", folder);
    enum err err = disk_exists(disk, path, &there);
    return err == OK && there ? disk_list(disk, path, certificate_visit, &visit) : err;
}
