#pragma once

/*
 * What the Linux audit system calls things, and what each of its records means: the words that
 * auditd.c reads records with, and auditd_join.c the records of one event.
 */

#include "base/str.h"

/* Who the ids of a record are, besides `uid` and `auid`. */
enum audit_who {
    WHO_PLAIN,         /* uid is the user */
    WHO_SESSION,       /* auid acts as acct (id, uid) */
    WHO_USER_MADE,     /* auid as uid makes or removes the user id (acct) */
    WHO_USER_CHANGED,  /* auid as uid changes the user acct (id, uid) */
    WHO_GROUP_MADE,    /* auid as uid makes or removes the group id (acct) */
    WHO_GROUP_CHANGED, /* auid as uid changes the group acct (id) */
    WHO_LOGIN          /* the old auid becomes the new one */
};

struct audit_type {
    const char *name; /* "USER_LOGIN"; NULL for none of those known */
    unsigned number;
    const char *action;
    const char *categories, *types; /* of ECS; words with a blank between */
    enum audit_who who;
};

/* The record type of this name, or of this number as in "1400" and "UNKNOWN[1334]"; NULL. */
const struct audit_type *audit_type_find(struct str name);

/* What a call of the kernel does, by its name; the row of "*" for all others. */
struct audit_act {
    const char *syscall;
    const char *action; /* "" where nothing is known of it */
    const char *categories, *types;
    const char *object;  /* file, filesystem, socket, process … */
    unsigned path_index; /* which PATH record names the object */
};
const struct audit_act *audit_act_find(struct str syscall);

/* "c000003e" → "x86_64"; an empty text if it is none of those known. */
struct str audit_arch(struct str arch);
/* "59" of x86_64 → "execve"; empty likewise. */
struct str audit_syscall(struct str arch, struct str number);
/* "-13" → "EACCES"; empty if it is no error known. */
struct str audit_errno(struct str exit);
/* "11" → "SIGSEGV". */
struct str audit_signal(struct str number);

/* ---- A record as it is written. */

struct arena;

#define AUDIT_PAIRS_MAX 512 /* An EXECVE record is cut by the kernel long before. */

struct audit_pair {
    struct str key;
    struct str value; /* as it stands in the record, without quotes */
    bool bare;        /* it stood without quotes: it may be hexadecimal */
};

struct audit_record {
    struct str node, type;
    struct str epoch, serial; /* "1594053514.588", "4686" */
    struct str words;         /* what stands before the first KEY= */
    struct str seresult, seperms;
    size_t count;
    struct audit_pair pairs[AUDIT_PAIRS_MAX];
};

/* Reads "[node=N ]type=T msg=audit(EPOCH:SERIAL): …", also as the kernel and audispd put it into
 * syslog; false if text is no audit record. */
bool audit_record_read(struct str text, struct audit_record *ret);
/* The first value of a key that is one ("?", "(null)" and "" are none); empty otherwise. */
struct str audit_value(const struct audit_record *record, struct str key);
/* A value that was written in hexadecimal as what it stands for; NUL becomes a blank.  The value
 * itself where it was not, or out of memory. */
struct str audit_decode(struct arena *arena, const struct audit_pair *pair);
