/* What a fuzz target is given next: mostly what libFuzzer makes of bytes, and of text every third
 * time the same text with one of its pieces made worse. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "testing/shapes.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Seven bytes of eight can be printed, in what one sees at first. */
static bool is_text(const uint8_t *data, size_t size)
{
    size_t looked = size < 256 ? size : 256;
    size_t printed = 0;
    for (size_t i = 0; i < looked; i++) {
        printed += data[i] >= ' ' || data[i] == '\n' || data[i] == '\t';
    }
    return looked > 0 && printed * 8 >= looked * 7;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    if (seed % 3 != 0 || !is_text(data, size)) {
        return LLVMFuzzerMutate(data, size, max_size);
    }
    return seed % 2 == 0 ? shapes_change(data, size, max_size, seed)
                         : shapes_retype(data, size, max_size, seed);
}
