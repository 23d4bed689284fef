/* Lots: SplitMix64 (Steele, Lea and Flood, 2014), whose whole state is one number.  Fit for
 * stories, not for keys. */

#include "story/private.h"

uint64_t draw_next(struct draw *draw)
{
    draw->state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t mixed = draw->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t draw_below(struct draw *draw, uint64_t below)
{
    return below == 0 ? 0 : draw_next(draw) % below;
}
