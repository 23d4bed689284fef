#pragma once

/*
 * The page behind the link in a notice: plain HTML, without scripts, that can be read and used on a
 * telephone.
 */

#include "base/buf.h"
#include "event/alert.h"
#include "words/words.h"

enum page_kind {
    PAGE_ASK,     /* what the notice was about, and the button */
    PAGE_DONE,    /* it was pressed */
    PAGE_ALREADY, /* another contact has pressed it */
    PAGE_GONE,    /* the code is unknown, expired or used */
};
struct page {
    enum page_kind kind;
    enum language language;
    struct str client, type, who; /* outside bytes, as they are; type: slug of a type of incident */
    struct str slug;              /* of the client: where the incident is followed */
    uint32_t number;
    enum level severity;
};
NODISCARD enum err page_print(const struct page *page, struct buf *out);

/* The style of every page, the inside of its <style>: the portal's policy names its hash. */
struct str page_style(void);
