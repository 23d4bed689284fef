/* Windows events as XML: names and values are those of the event log, and whatever is not one whole
 * event tells nothing. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "codec/time.h"
#include "parse/fixture_test.h"
#include "testing/testing.h"

#define XMLNS "xmlns='http://schemas.microsoft.com/win/2004/08/events/event'"
#define SYSTEM                                                                        \
    "<System><Provider Name='P-Q' Guid='{A}'/><EventID Qualifiers='7'>4688</EventID>" \
    "<TimeCreated SystemTime='2026-11-21T08:30:00.1234567Z'/><Correlation/>"          \
    "<Execution ProcessID='4' ThreadID='8'/><Channel>Security</Channel>"              \
    "<Computer>h.example</Computer><Security UserID='S-1-5-18'/></System>"

static struct parsed parsed_of(const char *name, struct str record)
{
    const struct parse_context context = {.received = {1795000000 * NS_PER_SECOND},
                                          .sender = STR("192.0.2.9")};
    return parsed_with(name, record, &context);
}

TEST(an_events_fields_have_the_names_of_the_event_log)
{
    struct parsed parsed =
        parsed_of("auto", STR("<Event " XMLNS ">" SYSTEM "<EventData>\r\n"
                              "  <Data Name='CommandLine'>a &amp; &quot;b&quot; &#x706b;</Data>\n"
                              "  <Data Name=\"Threat Name\">x</Data><Data Name='Empty'/>"
                              "<Data>one</Data><Data><![CDATA[<two>]]></Data><Binary>00FF</Binary>"
                              "</EventData><RenderingInfo Culture='en-US'><Message>said</Message>"
                              "<Level>Information</Level><Keywords><Keyword>k</Keyword></Keywords>"
                              "</RenderingInfo></Event>"));
    has(&parsed, "Provider_Name", "P-Q");
    has(&parsed, "Provider_Guid", "{A}");
    has(&parsed, "EventID", "4688");
    has(&parsed, "EventID_Qualifiers", "7");
    has(&parsed, "@timestamp", "2026-11-21T08:30:00.1234567Z");
    has(&parsed, "Execution_ThreadID", "8");
    has(&parsed, "Channel", "Security");
    has(&parsed, "Security_UserID", "S-1-5-18");
    has(&parsed, "Correlation", "(none)");
    has(&parsed, "CommandLine", "a & \"b\" \xe7\x81\xab");
    has(&parsed, "Threat Name", "x");
    has(&parsed, "ThreatName", "x");
    has(&parsed, "Threat_Name", "x");
    has(&parsed, "Empty", "");
    has(&parsed, "Data", "one");
    has(&parsed, "Binary", "00FF");
    has(&parsed, "Message", "said");
    has(&parsed, "RenderingInfo_Level", "Information");
    has(&parsed, "RenderingInfo_Keyword", "k");
    has(&parsed, "log.source.address", "192.0.2.9");
    CHECK(str_equal(parsed.event.parser, STR("winxml")));
    CHECK(parsed.event.class.size == 0);
    CHECK(parsed.event.error.size == 0);
    char text[TIME_TEXT_SIZE];
    CHECK(strcmp(time_print(parsed.event.happened, text), "2026-11-21T08:30:00.123456Z") == 0);
    parsed_done(&parsed);
}

TEST(user_data_is_flat_whatever_its_depth)
{
    struct parsed parsed =
        parsed_of("winxml", STR("<?xml version='1.0'?>\n<Event " XMLNS ">" SYSTEM
                                "<UserData><E:LogFileCleared xmlns:E='u'><E:Name>n</E:Name>"
                                "<Chain><Item size='3'/><Item>t</Item></Chain></E:LogFileCleared>"
                                "</UserData></Event>"));
    has(&parsed, "Name", "n");
    has(&parsed, "Item_size", "3");
    has(&parsed, "Item", "t");
    has(&parsed, "LogFileCleared", "(none)");
    has(&parsed, "Chain", "(none)");
    CHECK(parsed.event.error.size == 0);
    parsed_done(&parsed);
}

TEST(an_event_in_syslog_is_told_with_the_header)
{
    struct parsed parsed =
        parsed_of("auto", STR("<13>Nov 21 00:00:00 h agent: <Event>" SYSTEM "</Event>"));
    has(&parsed, "host.hostname", "h");
    has(&parsed, "Computer", "h.example");
    CHECK(parsed.event.class.size == 0);
    parsed_done(&parsed);
}

TEST(what_is_not_one_whole_event_tells_nothing_but_its_text)
{
    static const char *const records[] = {
        "<Event>" SYSTEM,
        "<Event>" SYSTEM "</Event><Event></Event>",
        "<Events><Event>" SYSTEM "</Event><Event/></Events>",
        "<!DOCTYPE Event [<!ENTITY a 'b'>]><Event>" SYSTEM "</Event>",
        "<Event>" SYSTEM "<EventData><Data>&a;</Data></EventData></Event>",
        "<Event>" SYSTEM "<EventData><Data>\xff</Data></EventData></Event>",
        "<Other>" SYSTEM "</Other>",
        "<Event>",
        "",
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        struct parsed parsed = parsed_of("winxml", str_from(records[i]));
        has(&parsed, "message", records[i]);
        has(&parsed, "Channel", "(none)");
        CHECK(parsed.event.error.size > 0);
        parsed_done(&parsed);
    }
}

/* Seconds of processor time for one record that repeats a part. */
static double time_of(const char *head, const char *part, const char *tail, size_t count)
{
    struct buf record;
    buf_init(&record, RECORD_SIZE_MAX);
    CHECK(buf_append(&record, str_from(head)) == OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(buf_append(&record, str_from(part)) == OK);
    }
    CHECK(buf_append(&record, str_from(tail)) == OK);
    double begun = testing_cpu();
    for (size_t i = 0; i < 4; i++) {
        struct parsed parsed = parsed_of("winxml", buf_str(&record));
        parsed_done(&parsed);
    }
    begun = testing_cpu() - begun;
    buf_done(&record);
    return begun;
}

TEST(escapes_nesting_attributes_and_fields_cost_linear_time)
{
    static const struct {
        const char *head, *part, *tail;
    } cases[] = {
        {"<Event><EventData><Data Name='a'>", "&amp;\r\n", "</Data></EventData></Event>"},
        {"<Event><EventData>", "<Data>&lt;</Data>", "</EventData></Event>"},
        {"<Event><UserData>", "<a>", ""},
        {"<Event><UserData>", "<a b='&lt;'/>", "</UserData></Event>"},
        {"<Event ", "a='' ", "/>"},
        {"<Event><EventData><Data Name='", "x y ", "'>v</Data></EventData></Event>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double once = time_of(cases[i].head, cases[i].part, cases[i].tail, 20000);
        double twice = time_of(cases[i].head, cases[i].part, cases[i].tail, 40000);
        /* Generous: what is quadratic takes four times, and noise comes on top. */
        if (twice > 3 * once + 0.05) {
            printf("case %zu: %.3f, then %.3f s\n", i, once, twice);
        }
        CHECK(twice <= 3 * once + 0.05);
    }
}
