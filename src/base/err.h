#pragma once

/*
 * What can go wrong, in one list.  Whatever can fail returns `enum err`, and the compiler insists
 * that somebody looks at it.  Two values are worth telling apart everywhere: ERR_SYNTAX, *someone
 * else's* bytes are not what they claim to be; ERR_CORRUPT, *our own* bytes, read back, are not
 * what we wrote.
 */

#define NODISCARD __attribute__((warn_unused_result))
/* Kept out of its callers, so that their common way needs no registers and no stack for it. */
#define APART __attribute__((noinline))
/* For the rare error that may be passed over; the reason stands beside it. */
#define UNHEEDED(call)              ((void)!(call))
#define PRINTF(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

#define ERR_LIST(X)                                                    \
    X(OK, "no error")                                                  \
    X(ERR_MEMORY, "out of memory")                                     \
    X(ERR_LIMIT, "larger than its limit allows")                       \
    X(ERR_SYNTAX, "not what it claims to be")                          \
    X(ERR_CORRUPT, "our own data, read back, is not what was written") \
    X(ERR_NOT_FOUND, "not found")                                      \
    X(ERR_EXISTS, "there already")                                     \
    X(ERR_DENIED, "not allowed")                                       \
    X(ERR_CONFLICT, "contradicts what is already known")               \
    X(ERR_AGAIN, "not now; try again")                                 \
    X(ERR_CLOSED, "the other side is gone")                            \
    X(ERR_FULL, "no space left")                                       \
    X(ERR_IO, "input or output failed")                                \
    X(ERR_UNSUPPORTED, "valid, but not supported")

enum err {
#define ERR_NAME(name, sentence) name,
    ERR_LIST(ERR_NAME)
#undef ERR_NAME
        ERR_COUNT
};

/* The sentence for a person; never NULL, also for values outside the list. */
const char *err_text(enum err err);

/* The error that an errno value stands for: ENOSPC and EDQUOT are ERR_FULL, EAGAIN is ERR_AGAIN,
 * EACCES and EPERM are ERR_DENIED, EPIPE and ECONNRESET are ERR_CLOSED, the rest ERR_IO. */
enum err err_from_errno(int number);
