/* Against a real relay and a real hook, tests/lib/sinks.py, that answer as each test tells them. */

#include "notify/notify.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/fetch.h"
#include "testing/testing.h"

#define NOW ((struct wall){1700000000000000000})

struct sink {
    const char *folder;
    pid_t process;
    int hold; /* the sink ends when this is closed */
    unsigned port;
    struct arena *mem;
    struct delivery delivery;
    struct str said;
};

static char *program(void)
{
    static char path[4096];
    CHECK(snprintf(path, sizeof path, "%s/tests/lib/sinks.py", testing_root()) < 4096);
    return path;
}

/* answers: words of sinks.py, with blanks between. */
static struct sink sink_new(const char *kind, const char *answers)
{
    struct sink sink = {.folder = testing_folder(), .mem = arena_new(1 << 20)};
    char words[512];
    char line[32] = {0};
    char *arguments[16] = {"python3", program(), (char *)(uintptr_t)sink.folder,
                           (char *)(uintptr_t)kind};
    int in[2];
    int out[2];
    size_t count = 4;
    char *rest = NULL;
    CHECK(snprintf(words, sizeof words, "%s", answers) < (int)sizeof words);
    for (char *word = strtok_r(words, " ", &rest); word != NULL && count < 15;
         word = strtok_r(NULL, " ", &rest)) {
        arguments[count++] = word;
    }
    CHECK(fetch_init() == OK && pipe(in) == 0 && pipe(out) == 0);
    sink.process = fork();
    if (sink.process == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)close(in[1]);
        (void)execvp("python3", arguments);
        _exit(127);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    sink.hold = in[1];
    for (size_t size = 0; size < sizeof line - 1 && strchr(line, '\n') == NULL; size++) {
        CHECK(read(out[0], line + size, 1) == 1);
    }
    (void)close(out[0]);
    sink.port = (unsigned)strtoul(line, NULL, 10);
    return sink;
}

static struct sink relay_new(const char *answers)
{
    struct sink sink = sink_new("smtp", answers);
    sink.delivery = (struct delivery){
        .kind = OUTBOX_MAIL,
        .from = STR("watch@soc.example"),
        .to = STR("head@acme.example"),
        .body = STR("Message-ID: <m1@soc.example>\r\nSubject: a\r\n\r\nb\r\n.c\r\n"),
        .identity = STR("<m1@soc.example>"),
        .seconds_max = 5,
    };
    CHECK(arena_print(sink.mem, &sink.delivery.relay, "smtp://localhost:%u", sink.port) == OK);
    return sink;
}

static struct sink hook_new(const char *answers)
{
    struct sink sink = sink_new("http", answers);
    sink.delivery = (struct delivery){
        .kind = OUTBOX_WEBHOOK,
        .body = STR("{\"text\":\"a\"}"),
        .identity = STR("m1"),
        .secret = STR("a secret of the tests alone that is longer than a block of the hash, 64"),
        .seconds_max = 5,
    };
    CHECK(arena_print(sink.mem, &sink.delivery.to, "http://127.0.0.1:%u/hook", sink.port) == OK);
    return sink;
}

static enum outbox_end hand_over(struct sink *sink)
{
    return deliver(&sink->delivery, NOW, sink->mem, &sink->said);
}

static void sink_done(struct sink *sink)
{
    (void)close(sink->hold);
    (void)kill(sink->process, SIGTERM);
    CHECK(waitpid(sink->process, NULL, 0) == sink->process);
    arena_free(sink->mem);
}

/* How often a text stands in what the sink was told; waits for its line to be written. */
static size_t told(const struct sink *sink, const char *text, size_t conversations)
{
    char path[4096];
    size_t count = 0;
    CHECK(snprintf(path, sizeof path, "%s/got", sink->folder) < 4096);
    for (int tries = 0; tries < 200; tries++) {
        size_t lines = 0;
        size_t size = 0;
        char *all = access(path, R_OK) == 0 ? testing_read(path, &size) : NULL;
        for (size_t i = 0; i < size; i++) {
            lines += all[i] == '\n';
        }
        if (lines >= conversations) {
            count = 0;
            for (char *at = strstr(all, text); at != NULL; at = strstr(at + 1, text)) {
                count++;
            }
            free(all);
            return count;
        }
        free(all);
        (void)usleep(20000);
    }
    testing_fail("the sink has written what it was told", __FILE__, __LINE__);
}

static bool says(const struct sink *sink, const char *text)
{
    return str_find(sink->said, str_from(text)) != STR_NONE;
}

TEST(a_relay_takes_a_mail_as_it_is)
{
    struct sink sink = relay_new("ok");
    CHECK(hand_over(&sink) == OUTBOX_SENT && says(&sink, "250 taken"));
    CHECK(told(&sink, "b\\r\\n.c\\r\\n", 1) == 1);
    CHECK(told(&sink, "<head@acme.example>", 1) == 1);
    CHECK(told(&sink, "<watch@soc.example>", 1) == 1);
    sink_done(&sink);
}

TEST(a_mail_refused_for_now_goes_again_under_the_same_identity)
{
    struct sink sink = relay_new("451@dot 452@rcpt 421@greeting ok");
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "451 told to"));
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "452 told to"));
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "421 told to"));
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    CHECK(told(&sink, "<m1@soc.example>", 4) == 2 && told(&sink, "\"taken\": true", 4) == 1);
    sink_done(&sink);
}

TEST(a_mail_refused_for_good_does_not_go_again)
{
    struct sink sink = relay_new("550@rcpt 552@dot 553@mail 554@data");
    CHECK(hand_over(&sink) == OUTBOX_FAILED && says(&sink, "550 told to"));
    CHECK(hand_over(&sink) == OUTBOX_FAILED && says(&sink, "552 told to"));
    CHECK(hand_over(&sink) == OUTBOX_FAILED && says(&sink, "553 told to"));
    CHECK(hand_over(&sink) == OUTBOX_FAILED && says(&sink, "554 told to"));
    sink_done(&sink);
}

TEST(a_relay_that_refuses_us_has_not_refused_the_message)
{
    struct sink sink = relay_new("554@greeting 550@ehlo 502@ehlo");
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "554 told to"));
    CHECK(hand_over(&sink) == OUTBOX_SENT); /* an old one, that knows HELO */
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    sink_done(&sink);
}

TEST(a_relay_that_breaks_off_is_tried_again)
{
    struct sink sink = relay_new("drop@greeting drop@rcpt drop@data drop@dot ok");
    for (int i = 0; i < 4; i++) {
        CHECK(hand_over(&sink) == OUTBOX_LATER && sink.said.size > 0);
    }
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    CHECK(told(&sink, "<m1@soc.example>", 5) == 2);
    sink_done(&sink);
}

TEST(a_relay_that_says_nothing_is_not_waited_for_for_long)
{
    struct sink sink = relay_new("mute@greeting mute@dot");
    sink.delivery.seconds_max = 1;
    CHECK(hand_over(&sink) == OUTBOX_LATER && sink.said.size > 0);
    CHECK(hand_over(&sink) == OUTBOX_LATER && sink.said.size > 0);
    sink.delivery.relay = STR("smtp://127.0.0.1:1"); /* nobody listens there */
    CHECK(hand_over(&sink) == OUTBOX_LATER && sink.said.size > 0);
    sink_done(&sink);
}

TEST(where_tls_is_required_nothing_goes_without_it)
{
    struct sink sink = relay_new("ok tls tls auth auth auth tls");
    struct str roots;
    CHECK(arena_print(sink.mem, &roots, "%s/cert.pem", sink.folder) == OK);
    sink.delivery.tls_required = true;
    CHECK(hand_over(&sink) == OUTBOX_LATER); /* not offered */
    CHECK(hand_over(&sink) == OUTBOX_LATER); /* an authority that nobody trusts */
    sink.delivery.roots = roots;
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    sink.delivery.tls_required = false;
    sink.delivery.user = STR("hinomi");
    sink.delivery.password = STR("word");
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    sink.delivery.password = STR("another");
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "535"));
    sink.delivery.roots = (struct str){0};
    CHECK(hand_over(&sink) == OUTBOX_LATER); /* no password to whom is not proven */
    sink.delivery.user = (struct str){0};
    CHECK(hand_over(&sink) == OUTBOX_SENT); /* as offered */
    CHECK(told(&sink, "\"tls\": true", 7) >= 3 && told(&sink, "\"auth\": true", 7) == 1);
    CHECK(told(&sink, "\"taken\": true", 7) == 3);
    sink_done(&sink);
}

TEST(no_mailbox_smuggles_a_command_or_header)
{
    static const char *const hostile[] = {
        "a@b.example>\r\nRCPT TO:<x@y.example",
        "a@b.example\r\nDATA",
        "a b@c.example",
        "",
        "a@b.example> SIZE=1",
        "<a@b.example>",
        "a",
    };
    struct sink sink = relay_new("ok");
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        sink.delivery.to = str_from(hostile[i]);
        CHECK(hand_over(&sink) == OUTBOX_FAILED);
        sink.delivery.to = STR("head@acme.example");
        sink.delivery.from = str_from(hostile[i]);
        CHECK(hand_over(&sink) == OUTBOX_FAILED);
        sink.delivery.from = STR("watch@soc.example");
    }
    sink.delivery.relay = STR("http://127.0.0.1/");
    CHECK(hand_over(&sink) == OUTBOX_FAILED);
    sink.delivery.relay = STR("file:///etc/passwd");
    CHECK(hand_over(&sink) == OUTBOX_FAILED);
    sink_done(&sink);
}

TEST(a_hook_is_tried_again_with_the_same_identity_and_a_signature_of_its_body)
{
    struct sink sink = hook_new("500 429:30 200");
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "500 so"));
    CHECK(hand_over(&sink) == OUTBOX_LATER && says(&sink, "429 so"));
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    CHECK(told(&sink, "\"Hinomi-Identity\": \"m1\"", 3) == 3);
    /* printf '1700000000.{"text":"a"}' | openssl dgst -sha256 -hmac '…' */
    CHECK(told(&sink,
               "t=1700000000,v1="
               "086097eb4cd992baf45cb4b08d6f6bda84e06f99bf20c6fa5145720225b0ed10",
               3) == 3);
    sink.delivery.secret = (struct str){0};
    CHECK(hand_over(&sink) == OUTBOX_SENT && told(&sink, "Hinomi-Signature", 4) == 3);
    sink_done(&sink);
}

TEST(a_redirect_is_an_end_and_not_a_way)
{
    struct sink sink = hook_new("302:http://127.0.0.1:1/elsewhere 404 410");
    CHECK(hand_over(&sink) == OUTBOX_FAILED && says(&sink, "302"));
    CHECK(hand_over(&sink) == OUTBOX_FAILED && hand_over(&sink) == OUTBOX_FAILED);
    CHECK(told(&sink, "\"path\"", 3) == 3);
    sink_done(&sink);
}

TEST(an_answer_without_end_is_cut_off)
{
    struct sink sink = hook_new("flood drop mute");
    CHECK(hand_over(&sink) == OUTBOX_SENT && sink.said.size < 2000);
    CHECK(hand_over(&sink) == OUTBOX_LATER);
    sink.delivery.seconds_max = 1;
    CHECK(hand_over(&sink) == OUTBOX_LATER);
    sink_done(&sink);
}

TEST(a_denied_network_is_not_connected_to_however_it_is_written)
{
    static const char *const hosts[] = {
        "127.0.0.1", "2130706433",         "0x7f000001",      "017700000001", "127.1",
        "localhost", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1]",        "[64:ff9b::7f00:1]",
    };
    struct network denied[2];
    struct sink sink = hook_new("200");
    CHECK(network_parse(STR("127.0.0.0/8"), &denied[0]) == OK);
    CHECK(network_parse(STR("::1"), &denied[1]) == OK);
    sink.delivery.denied = denied;
    sink.delivery.denied_count = 2;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        CHECK(arena_print(sink.mem, &sink.delivery.to, "http://%s:%u/", hosts[i], sink.port) == OK);
        CHECK(hand_over(&sink) == OUTBOX_FAILED && says(&sink, "denied network"));
    }
    sink.delivery.denied_count = 0;
    CHECK(arena_print(sink.mem, &sink.delivery.to, "http://127.0.0.1:%u/", sink.port) == OK);
    CHECK(hand_over(&sink) == OUTBOX_SENT && told(&sink, "\"path\"", 1) == 1);
    sink_done(&sink);
}

TEST(a_hook_is_http_and_nothing_else)
{
    static const char *const hostile[] = {
        "file:///etc/passwd", "gopher://127.0.0.1:25/x",   "smtp://127.0.0.1",
        "http://a b/",        "http://a.example/\r\nX: y", "",
        "ftp://127.0.0.1/",
    };
    struct sink sink = hook_new("200");
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        sink.delivery.to = str_from(hostile[i]);
        CHECK(hand_over(&sink) == OUTBOX_FAILED);
    }
    CHECK(setenv("http_proxy", "http://127.0.0.1:1", 1) == 0);
    CHECK(arena_print(sink.mem, &sink.delivery.to, "http://127.0.0.1:%u/", sink.port) == OK);
    CHECK(hand_over(&sink) == OUTBOX_SENT);
    CHECK(unsetenv("http_proxy") == 0);
    sink_done(&sink);
}
