/* stamp_lines < LINES: the moment that each line is, whole, in nanoseconds since 1970, or "-";
 * beside tests/truth/codec_oracle.py. */

#include <stdio.h>
#include <stdlib.h>

#include "parse/private.h"

int main(void)
{
    char *text = NULL;
    size_t capacity = 0;
    for (ssize_t size; (size = getline(&text, &capacity, stdin)) > 0;) {
        struct wall wall;
        struct str rest = str_of(text, (size_t)size - 1);
        if (stamp_any(&rest, &wall) && rest.size == 0 && wall_known(wall)) {
            (void)printf("%lld\n", (long long)wall.ns);
        } else {
            (void)printf("-\n");
        }
    }
    free(text);
    return 0;
}
