#pragma once

/* One hexadecimal digit; whole texts of them are read and printed by codec/crypto.h. */

/* What the digit stands for, in either case; -1: it is none. */
static inline int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}
