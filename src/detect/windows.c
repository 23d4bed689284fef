/*
 * The class of a Windows event that came as JSON, where no parser could tell it.
 *
 * The channel says Sigma's service, channel and event id together its category (Sysmon's ids as
 * Sysmon documents them, and those of Security and PowerShell that Sigma's categories mean).
 * Shippers name the two fields differently; each pair of names below is one of theirs.
 *
 * Sigma's registry_event is any of registry_add, registry_delete, registry_set and registry_rename;
 * ruleset.c lets it fit all of them.
 */

#include "detect/private.h"

#include <stdio.h>
#include <string.h>

#define WINDOWS "Microsoft-Windows-"

static const struct {
    const char *channel;
    const char *service;
} services[] = {
    {"Application", "application"},
    {"OpenSSH/Operational", "openssh"},
    {"PowerShellCore/Operational", "powershell"},
    {"Security", "security"},
    {"System", "system"},
    {"Windows PowerShell", "powershell-classic"},
    {WINDOWS "Bits-Client/Operational", "bits-client"},
    {WINDOWS "CodeIntegrity/Operational", "codeintegrity-operational"},
    {WINDOWS "DNS Client Events/Operational", "dns-client"},
    {WINDOWS "DriverFrameworks-UserMode/Operational", "driver-framework"},
    {WINDOWS "NTLM/Operational", "ntlm"},
    {WINDOWS "PowerShell/Operational", "powershell"},
    {WINDOWS "PrintService/Admin", "printservice-admin"},
    {WINDOWS "PrintService/Operational", "printservice-operational"},
    {WINDOWS "SmbClient/Security", "smbclient-security"},
    {WINDOWS "Sysmon/Operational", "sysmon"},
    {WINDOWS "TaskScheduler/Operational", "taskscheduler"},
    {WINDOWS "TerminalServices-LocalSessionManager/Operational",
     "terminalservices-localsessionmanager"},
    {WINDOWS "WMI-Activity/Operational", "wmi"},
    {WINDOWS "Windows Defender/Operational", "windefend"},
    {WINDOWS "Windows Firewall With Advanced Security/Firewall", "firewall-as"},
};

static const struct {
    const char *service;
    const char *id;
    const char *kind; /* of registry events: the value of EventType, NULL for any */
    const char *category;
} categories[] = {
    {"powershell", "4103", NULL, "ps_module"},
    {"powershell", "4104", NULL, "ps_script"},
    {"powershell-classic", "400", NULL, "ps_classic_start"},
    {"powershell-classic", "600", NULL, "ps_classic_provider_start"},
    {"powershell-classic", "800", NULL, "ps_classic_script"},
    {"security", "4688", NULL, "process_creation"},
    {"sysmon", "1", NULL, "process_creation"},
    {"sysmon", "2", NULL, "file_change"},
    {"sysmon", "3", NULL, "network_connection"},
    {"sysmon", "4", NULL, "sysmon_status"},
    {"sysmon", "5", NULL, "process_termination"},
    {"sysmon", "6", NULL, "driver_load"},
    {"sysmon", "7", NULL, "image_load"},
    {"sysmon", "8", NULL, "create_remote_thread"},
    {"sysmon", "9", NULL, "raw_access_thread"},
    {"sysmon", "10", NULL, "process_access"},
    {"sysmon", "11", NULL, "file_event"},
    {"sysmon", "12", "CreateKey", "registry_add"},
    {"sysmon", "12", "DeleteKey", "registry_delete"},
    {"sysmon", "12", "DeleteValue", "registry_delete"},
    {"sysmon", "12", NULL, "registry_event"},
    {"sysmon", "13", NULL, "registry_set"},
    {"sysmon", "14", NULL, "registry_rename"},
    {"sysmon", "15", NULL, "create_stream_hash"},
    {"sysmon", "16", NULL, "sysmon_status"},
    {"sysmon", "17", NULL, "pipe_created"},
    {"sysmon", "18", NULL, "pipe_created"},
    {"sysmon", "19", NULL, "wmi_event"},
    {"sysmon", "20", NULL, "wmi_event"},
    {"sysmon", "21", NULL, "wmi_event"},
    {"sysmon", "22", NULL, "dns_query"},
    {"sysmon", "23", NULL, "file_delete"},
    {"sysmon", "24", NULL, "clipboard_capture"},
    {"sysmon", "25", NULL, "process_tampering"},
    {"sysmon", "26", NULL, "file_delete_detected"},
    {"sysmon", "27", NULL, "file_block_executable"},
    {"sysmon", "28", NULL, "file_block_shredding"},
    {"sysmon", "29", NULL, "file_executable_detected"},
    {"sysmon", "255", NULL, "sysmon_error"},
};

static bool value_find(const struct event *event, const char *const *names, struct str *ret)
{
    for (; *names != NULL; names++) {
        struct span span;
        if (event_find(event, str_from(*names), &span) == OK && span.how != SPAN_JSON_NULL) {
            *ret = span.bytes;
            return true;
        }
    }
    return false;
}

static const char *category_of(const char *service, struct str id, struct str kind)
{
    for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
        if (strcmp(categories[i].service, service) == 0 &&
            str_equal(id, str_from(categories[i].id)) &&
            (categories[i].kind == NULL || str_equal(kind, str_from(categories[i].kind)))) {
            return categories[i].category;
        }
    }
    return "";
}

bool windows_class(const struct event *event, struct str *ret, char text[CLASS_SIZE])
{
    static const char *const channels[] = {"Channel", "winlog.channel", "Event.System.Channel",
                                           NULL};
    static const char *const ids[] = {"EventID", "winlog.event_id", "Event.System.EventID", NULL};
    static const char *const kinds[] = {"EventType", "winlog.event_data.EventType",
                                        "Event.EventData.EventType", NULL};
    struct str channel;
    struct str id;
    struct str kind = {0};
    if (!value_find(event, channels, &channel) || !value_find(event, ids, &id)) {
        return false;
    }
    const char *service = "";
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) {
        if (str_equal_nocase(channel, str_from(services[i].channel))) {
            service = services[i].service;
        }
    }
    (void)value_find(event, kinds, &kind);
    int size = snprintf(text, CLASS_SIZE, "%s/windows/%s", category_of(service, id, kind), service);
    *ret = str_of(text, size > 0 && size < CLASS_SIZE ? (size_t)size : 0);
    return true;
}
