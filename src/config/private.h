#pragma once

/* What the two files of the configuration share: its table (config.c) and its listeners. */

#include "codec/yaml.h"
#include "config/config.h"

#define PATH_SIZE_MAX  1000
#define RULE_PATHS_MAX 64

/* ERR_SYNTAX, with what it may have been meant to be. */
NODISCARD enum err key_unknown(const struct yaml_node *key, const char *const *known,
                               struct why *why);
bool path_valid(const struct yaml_node *node);

/* ---- listeners.c */

NODISCARD enum err listeners_set(struct config *config, const struct yaml_node *node,
                                 struct why *why);
