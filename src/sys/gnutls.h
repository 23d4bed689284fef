#pragma once

/* GnuTLS, for the files of this room that speak with it: certificates (tls.c) and connections
 * (tls_stream.c).  Nobody else includes this. */

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
