/* A small time-stamping authority for tests, made by the command openssl. */

#include "testing/authority.h"

#include <stdio.h>
#include <stdlib.h>

bool testing_authority(const char *folder)
{
    static const char script[] =
        "cd '%s' && command -v openssl >/dev/null && "
        "printf '[tsa]\\ndefault_tsa=t\\n[t]\\nserial=serial\\ncrypto_device=builtin\\n"
        "signer_cert=tsa.pem\\ncerts=tsa.pem\\nsigner_key=tsa.key\\nsigner_digest=sha256\\n"
        "default_policy=1.2.3.4\\ndigests=sha256\\naccuracy=secs:1\\ness_cert_id_chain=no\\n"
        "ess_cert_id_alg=sha256\\n[ext]\\nextendedKeyUsage=critical,timeStamping\\n"
        "[req]\\ndistinguished_name=dn\\n[dn]\\n' > tsa.cnf && echo 01 > serial && "
        "openssl req -x509 -newkey ed25519 -nodes -keyout root.key -out roots.pem -days 30 "
        "-subj /CN=authority.example -config tsa.cnf 2>/dev/null && "
        "openssl req -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa.example "
        "-config tsa.cnf 2>/dev/null && "
        "openssl x509 -req -in tsa.csr -CA roots.pem -CAkey root.key -CAcreateserial -out tsa.pem "
        "-days 30 -extfile tsa.cnf -extensions ext 2>/dev/null";
    char command[2048];
    (void)snprintf(command, sizeof command, script, folder);
    return system(command) == 0;
}
