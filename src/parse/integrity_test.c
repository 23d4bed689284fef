/* What inotify-tools 3.22 and AIDE 0.18 write of files, over syslog. */

#include <stdio.h>
#include <string.h>

#include "event/batch.h"
#include "parse/parse.h"
#include "testing/testing.h"

#define WATCH "<13>Nov 22 08:30:00 web-1 inotifywait: "
#define AIDE  "<37>1 2026-11-22T08:30:00Z web-1 aide 811 - - "

/* Whether a line comes out with that class, path and action; "" for none. */
static bool comes_out(const char *record, const char *class, const char *path, const char *action)
{
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct arena *mem = arena_new(8 << 20);
    const struct parse_context context = {.received = {1795336200 * NS_PER_SECOND}};
    const struct parser *parser;
    const char *const names[] = {"file.path", "event.action"};
    const char *const wanted[] = {path, action};
    struct batch batch;
    struct event event;
    struct str bytes;
    CHECK(parser_find(STR("auto"), &parser) == OK);
    CHECK(builder_begin(builder, str_from(record), context.received) == OK);
    parse_record(parser, &context, builder);
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    batch_event(&batch, 0, &event);
    event.batch = &batch;
    bool same = str_equal(event.class, str_from(class));
    for (size_t i = 0; i < 2; i++) {
        struct span span;
        struct str value = {0};
        if (event_find(&event, str_from(names[i]), &span) == OK) {
            CHECK(event_value(&span, mem, &value) == OK);
        }
        same = same && str_equal(value, str_from(wanted[i]));
        if (!same) {
            printf("%.*s: %s is '%.*s'\n", STR_ARG(event.class), names[i], STR_ARG(value));
        }
    }
    builder_free(builder);
    arena_free(mem);
    return same;
}

TEST(inotifywait_says_folder_events_and_name)
{
    CHECK(comes_out(WATCH "/var/www/html/ CLOSE_WRITE,CLOSE index.html",
                    "file_change/linux/inotifywait", "/var/www/html/index.html", "updated"));
    CHECK(comes_out(WATCH "/var/www/html/ MODIFY a b.html", "file_change/linux/inotifywait",
                    "/var/www/html/a b.html", "updated"));
    CHECK(comes_out(WATCH "/srv/two words/ CREATE,ISDIR x", "file_event/linux/inotifywait",
                    "/srv/two words/x", "created"));
    CHECK(comes_out(WATCH "/var/www/html/ MOVED_TO new.php", "file_event/linux/inotifywait",
                    "/var/www/html/new.php", "created"));
    CHECK(comes_out(WATCH "/var/www/html/ DELETE old.php", "file_delete/linux/inotifywait",
                    "/var/www/html/old.php", "deleted"));
    CHECK(comes_out(WATCH "/etc/hosts ATTRIB", "file_change/linux/inotifywait", "/etc/hosts",
                    "attributes_modified"));
    CHECK(comes_out(WATCH "/var/www/ OPEN,ISDIR", "file_access/linux/inotifywait", "/var/www/",
                    "accessed"));
}

TEST(names_that_look_like_events_do_not_hide_what_happened)
{
    CHECK(comes_out(WATCH "/var/www/up ACCESS x/ CREATE shell.php", "file_event/linux/inotifywait",
                    "/var/www/up ACCESS x/shell.php", "created"));
    CHECK(comes_out(WATCH "/var/www/ ACCESS x/ MODIFY a.php", "file_change/linux/inotifywait",
                    "/var/www/ ACCESS x/a.php", "updated"));
    CHECK(comes_out(WATCH "/var/www/ CREATE ACCESS b.php", "file_event/linux/inotifywait",
                    "/var/www/ACCESS b.php", "created"));
    CHECK(comes_out(WATCH "/srv/a ACCESS b MODIFY", "file_change/linux/inotifywait",
                    "/srv/a ACCESS b", "updated"));
}

TEST(aide_says_what_differs_and_where)
{
    CHECK(comes_out(AIDE "f > ... mc..H.. : /var/www/html/index.html", "file_change/linux/aide",
                    "/var/www/html/index.html", "updated"));
    CHECK(comes_out(AIDE "f++++++++++++++++: /var/www/html/shell.php", "file_event/linux/aide",
                    "/var/www/html/shell.php", "created"));
    CHECK(comes_out(AIDE "d----------------: /srv/old", "file_delete/linux/aide", "/srv/old",
                    "deleted"));
}

TEST(what_is_no_change_and_what_others_write_is_left_alone)
{
    static const char *const lines[] = {
        WATCH "Setting up watches.  Beware: since -r was given, this may take a while!",
        WATCH "/var/www/html/ NOTHING index.html",
        WATCH "/var/www/html/",
        AIDE "AIDE found differences between database and filesystem!!",
        AIDE "Directory: /var/www",
        AIDE "File: /var/www/html/index.html",
        AIDE ": /x",
        "<13>Nov 22 08:30:00 web-1 app: /var/www/html/ MODIFY index.html",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        CHECK(comes_out(lines[i], "/linux/syslog", "", ""));
    }
}
