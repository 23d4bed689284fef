/* The sentences of the errors, and the one translation from errno. */

#include "base/err.h"

#include <errno.h>

const char *err_text(enum err err)
{
    static const char *const texts[ERR_COUNT] = {
#define ERR_SENTENCE(name, sentence) [name] = (sentence),
        ERR_LIST(ERR_SENTENCE)
#undef ERR_SENTENCE
    };
    return (unsigned)err < ERR_COUNT ? texts[err] : "unknown error";
}

enum err err_from_errno(int number)
{
    switch (number) {
    case 0:
        return OK;
    case ENOMEM:
        return ERR_MEMORY;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
        return ERR_DENIED;
    case EAGAIN:
    case EINTR:
        return ERR_AGAIN;
    case EPIPE:
    case ECONNRESET:
        return ERR_CLOSED;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EMSGSIZE:
        return ERR_LIMIT;
    default:
        return ERR_IO;
    }
}
