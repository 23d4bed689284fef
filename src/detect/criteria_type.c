/*
 * What type of incident a rule speaks of, where no criterion says otherwise.  Four questions, the
 * first that is answered decides:
 *
 *     1  a tag of the rule's own, "hinomi.TYPE": its author knows best
 *     2  words of its title: "SQL Injection", "Brute Force", "Ransomware"
 *     3  its techniques, "attack.tNNNN", with or without a sub-technique
 *     4  its tactics, "attack.execution"
 *
 * Within a question the table's order decides and not the order of the tags, since a rule's tags
 * are a set: what tells most about the way of handling stands first.  A rule that carries both
 * "initial access by a public application" and "shell" is an attack on the public application; one
 * with "persistence" and "encrypted for impact" is the latter.
 *
 * Words of titles are whole words and compare without case; a needle that ends in '*' takes longer
 * words too.
 *
 * Always true: the answer is one of the types that words/types.yaml explains.
 */

#include "detect/criteria.h"

#define FALLBACK   "suspicious"
#define OWN_PREFIX STR("hinomi.")

struct row {
    const char *sign, *type;
};

static const char *const types[] = {
    "account-misuse",
    "altered-content",
    "command-and-control",
    "command-injection",
    "credential-theft",
    "cross-site-scripting",
    "crypto-mining",
    "data-exfiltration",
    "defense-evasion",
    "denial-of-service",
    "destruction",
    "device-health",
    "lateral-movement",
    "malware",
    "password-guessing",
    "path-traversal",
    "persistence",
    "phishing",
    "policy-violation",
    "privilege-escalation",
    "reconnaissance",
    "sql-injection",
    FALLBACK,
    "suspicious-execution",
    "web-attack",
    "web-scan",
};

static const struct row titles[] = {
    {"sql injection", "sql-injection"},
    {"sqli", "sql-injection"},
    {"sqlmap", "sql-injection"},
    {"xss", "cross-site-scripting"},
    {"cross-site scripting", "cross-site-scripting"},
    {"cross site scripting", "cross-site-scripting"},
    {"path traversal", "path-traversal"},
    {"directory traversal", "path-traversal"},
    {"local file inclusion", "path-traversal"},
    {"lfi", "path-traversal"},
    {"command injection", "command-injection"},
    {"code injection in a web request", "command-injection"},
    {"shellshock", "command-injection"},
    {"webshell*", "persistence"},
    {"web shell*", "persistence"},
    {"altered content", "altered-content"},
    {"defacement", "altered-content"},
    {"ransomware", "destruction"},
    {"wiper", "destruction"},
    {"cryptominer*", "crypto-mining"},
    {"crypto miner*", "crypto-mining"},
    {"crypto mining", "crypto-mining"},
    {"crypto coin mining", "crypto-mining"},
    {"coinminer*", "crypto-mining"},
    {"cryptocurrency", "crypto-mining"},
    {"cryptojack*", "crypto-mining"},
    {"xmrig", "crypto-mining"},
    {"monero", "crypto-mining"},
    {"stratum", "crypto-mining"},
    {"brute forc*", "password-guessing"},
    {"bruteforc*", "password-guessing"},
    {"password spray*", "password-guessing"},
    {"password guess*", "password-guessing"},
    {"failed ssh log-in", "password-guessing"},
    {"denial of service", "denial-of-service"},
    {"ddos", "denial-of-service"},
    {"phishing", "phishing"},
    {"as-rep roasting", "credential-theft"},
    {"kerberoast*", "credential-theft"},
    {"mimikatz", "credential-theft"},
    {"vulnerability scanner*", "web-scan"},
    {"web scan*", "web-scan"},
    {"web enumeration", "web-scan"},
    {"recon tools", "web-scan"},
    {"fuzzing scan", "web-scan"},
    {"scraper*", "web-scan"},
    {"port scan*", "reconnaissance"},
    {"network scan*", "reconnaissance"},
    {"cobaltstrike", "command-and-control"},
    {"cobalt strike", "command-and-control"},
    {"beaconing", "command-and-control"},
    {"reverse shell", "command-and-control"},
    {"c2", "command-and-control"},
};

/* A technique without the sub-technique stands for all of them. */
static const struct row techniques[] = {
    {"t1110", "password-guessing"},
    {"t1496", "crypto-mining"},
    {"t1486", "destruction"},
    {"t1490", "destruction"},
    {"t1485", "destruction"},
    {"t1561", "destruction"},
    {"t1489", "destruction"},
    {"t1529", "destruction"},
    {"t1565", "destruction"},
    {"t1491", "altered-content"},
    {"t1498", "denial-of-service"},
    {"t1499", "denial-of-service"},
    {"t1505", "persistence"},
    {"t1190", "web-attack"},
    {"t1566", "phishing"},
    {"t1598", "phishing"},
    {"t1003", "credential-theft"},
    {"t1552", "credential-theft"},
    {"t1555", "credential-theft"},
    {"t1558", "credential-theft"},
    {"t1649", "credential-theft"},
    {"t1528", "credential-theft"},
    {"t1539", "credential-theft"},
    {"t1606", "credential-theft"},
    {"t1557", "credential-theft"},
    {"t1187", "credential-theft"},
    {"t1056", "credential-theft"},
    {"t1040", "credential-theft"},
    {"t1212", "credential-theft"},
    {"t1556", "credential-theft"},
    {"t1621", "account-misuse"},
    {"t1048", "data-exfiltration"},
    {"t1041", "data-exfiltration"},
    {"t1567", "data-exfiltration"},
    {"t1537", "data-exfiltration"},
    {"t1020", "data-exfiltration"},
    {"t1030", "data-exfiltration"},
    {"t1052", "data-exfiltration"},
    {"t1071", "command-and-control"},
    {"t1572", "command-and-control"},
    {"t1573", "command-and-control"},
    {"t1090", "command-and-control"},
    {"t1095", "command-and-control"},
    {"t1102", "command-and-control"},
    {"t1219", "command-and-control"},
    {"t1568", "command-and-control"},
    {"t1571", "command-and-control"},
    {"t1008", "command-and-control"},
    {"t1132", "command-and-control"},
    {"t1021", "lateral-movement"},
    {"t1550", "lateral-movement"},
    {"t1210", "lateral-movement"},
    {"t1570", "lateral-movement"},
    {"t1072", "lateral-movement"},
    {"t1078", "account-misuse"},
    {"t1133", "account-misuse"},
    {"t1531", "account-misuse"},
    {"t1199", "account-misuse"},
    {"t1068", "privilege-escalation"},
    {"t1548", "privilege-escalation"},
    {"t1134", "privilege-escalation"},
    {"t1611", "privilege-escalation"},
    {"t1189", "malware"},
    {"t1055", "malware"},
    {"t1620", "malware"},
    {"t1587", "malware"},
    {"t1588", "malware"},
    {"t1204", "malware"},
    {"t1203", "malware"},
    {"t1195", "malware"},
    {"t1105", "malware"},
    {"t1562", "defense-evasion"},
    {"t1685", "defense-evasion"},
    {"t1686", "defense-evasion"},
    {"t1070", "defense-evasion"},
    {"t1136", "persistence"},
    {"t1098", "persistence"},
    {"t1543", "persistence"},
    {"t1546", "persistence"},
    {"t1547", "persistence"},
    {"t1053", "persistence"},
    {"t1137", "persistence"},
    {"t1197", "persistence"},
    {"t1574", "persistence"},
    {"t1059", "suspicious-execution"},
    {"t1047", "suspicious-execution"},
    {"t1569", "suspicious-execution"},
    {"t1218", "suspicious-execution"},
    {"t1216", "suspicious-execution"},
    {"t1202", "suspicious-execution"},
    {"t1127", "suspicious-execution"},
    {"t1595", "reconnaissance"},
    {"t1046", "reconnaissance"},
};

/* Both the spellings of Sigma before 2.0 (a "_" between words) and of now. */
static const struct row tactics[] = {
    {"exfiltration", "data-exfiltration"},
    {"command-and-control", "command-and-control"},
    {"command_and_control", "command-and-control"},
    {"lateral-movement", "lateral-movement"},
    {"lateral_movement", "lateral-movement"},
    {"credential-access", "credential-theft"},
    {"credential_access", "credential-theft"},
    {"privilege-escalation", "privilege-escalation"},
    {"privilege_escalation", "privilege-escalation"},
    {"persistence", "persistence"},
    {"collection", "data-exfiltration"},
    {"defense-impairment", "defense-evasion"},
    {"defense-evasion", "defense-evasion"},
    {"defense_evasion", "defense-evasion"},
    {"stealth", "defense-evasion"},
    {"execution", "suspicious-execution"},
    {"impact", "destruction"},
    {"reconnaissance", "reconnaissance"},
    {"discovery", "reconnaissance"},
    {"resource-development", "malware"},
    {"resource_development", "malware"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *own_type(struct str tags);
static const char *title_type(struct str title);
static const char *tag_type(struct str tags, const struct row *rows, size_t count, bool below);

struct str criteria_type_of_rule(struct str tags, struct str title)
{
    const char *type = own_type(tags);
    if (type == NULL) {
        type = title_type(title);
    }
    if (type == NULL) {
        type = tag_type(tags, techniques, COUNT(techniques), true);
    }
    if (type == NULL) {
        type = tag_type(tags, tactics, COUNT(tactics), false);
    }
    return str_from(type != NULL ? type : FALLBACK);
}

static const char *own_type(struct str tags)
{
    while (tags.size > 0) {
        struct str tag = str_cut(&tags, ' ');
        for (size_t i = 0; str_starts(tag, OWN_PREFIX) && i < COUNT(types); i++) {
            if (str_equal(str_slice(tag, OWN_PREFIX.size, tag.size), str_from(types[i]))) {
                return types[i];
            }
        }
    }
    return NULL;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool title_has(struct str title, struct str needle)
{
    bool longer = str_ends(needle, STR("*"));
    needle.size -= longer;
    for (size_t at = 0; at + needle.size <= title.size; at++) {
        size_t end = at + needle.size;
        if ((at == 0 || !is_word(title.data[at - 1])) &&
            (longer || end == title.size || !is_word(title.data[end])) &&
            str_equal_nocase(str_slice(title, at, needle.size), needle)) {
            return true;
        }
    }
    return false;
}

static const char *title_type(struct str title)
{
    title = str_slice(title, 0, 512); /* A title has a few words; the rest says nothing more. */
    for (size_t i = 0; i < COUNT(titles); i++) {
        if (title_has(title, str_from(titles[i].sign))) {
            return titles[i].type;
        }
    }
    return NULL;
}

/* below: "t1110" stands for "t1110.001" too. */
static bool tag_is(struct str tag, struct str sign, bool below)
{
    return str_equal_nocase(str_slice(tag, 0, sign.size), sign) &&
           (tag.size == sign.size || (below && tag.data[sign.size] == '.'));
}

static const char *tag_type(struct str tags, const struct row *rows, size_t count, bool below)
{
    const struct str prefix = STR("attack.");
    size_t best = count;
    for (struct str rest = tags; rest.size > 0;) {
        struct str tag = str_cut(&rest, ' ');
        if (!str_starts(tag, prefix)) {
            continue;
        }
        tag = str_slice(tag, prefix.size, tag.size);
        for (size_t i = 0; i < best; i++) {
            if (tag_is(tag, str_from(rows[i].sign), below)) {
                best = i;
            }
        }
    }
    return best < count ? rows[best].type : NULL;
}
