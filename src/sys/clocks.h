#pragma once

/* What time it is.  Only serve/ and cmd/ ask; everyone else is told. */

#include "base/clock.h"

struct wall wall_now(void);
struct mono mono_now(void);
struct mono cpu_now(void); /* processor time of the calling thread; subtracted, never compared */
