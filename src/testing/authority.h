#pragma once

#include <stdbool.h>

/* Makes one in the folder: roots.pem, and tsa.cnf for `openssl ts -reply -config tsa.cnf`, which is
 * run there.  False without the command openssl. */
bool testing_authority(const char *folder);
