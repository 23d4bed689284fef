#pragma once

/* The rule files that the configuration names, read into one bundle for core. */

#include "config/config.h"

/* Reads every *.yml and *.yaml below the configured folders, in the order of their paths, into
 * `ret`, which the caller ends with buf_done.  Nothing is judged here: a mistake in a rule is for
 * ruleset_load to report. */
NODISCARD enum err rules_bundle_read(const struct config *config, struct buf *ret, struct why *why);
