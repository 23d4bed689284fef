/* A list of a backup with any bytes: what is accepted is printed, and read again the same. */

#include <stdint.h>
#include <stdlib.h>

#include "serve/backup_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct list list;
    struct list again;
    struct buf first;
    struct buf second;
    if (list_parse(str_of(data, size), &list, NULL) != OK) {
        return 0;
    }
    buf_init(&first, BACKUP_LIST_SIZE_MAX);
    buf_init(&second, BACKUP_LIST_SIZE_MAX);
    if (list_print(&list, &first) != OK || list_parse(buf_str(&first), &again, NULL) != OK ||
        list_print(&again, &second) != OK || !str_equal(buf_str(&first), buf_str(&second))) {
        abort();
    }
    for (size_t i = 0; i < list.files_count; i++) {
        if (!list_path_valid(list.files[i].path)) {
            abort();
        }
    }
    buf_done(&first);
    buf_done(&second);
    list_done(&list);
    list_done(&again);
    return 0;
}
