#pragma once

/* Text of anybody's making on a screen. */

#include "base/buf.h"

/* Whether a character (one valid UTF-8 sequence) does something to what is read around it instead
 * of being read: controls of terminals (C0, DEL, C1), what turns the direction of text, separators
 * of lines that are none here, and what nobody sees. */
bool visible_steers(struct str sequence);

/* Appends text for a terminal: valid UTF-8; of what steers, and of bytes that are no UTF-8, each
 * byte as \xNN. */
NODISCARD enum err visible_append(struct buf *out, struct str text);
