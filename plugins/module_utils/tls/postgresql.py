# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificate that PostgreSQL serves, read without signing in (PostgreSQL manual, "SSL Session Encryption").

A server asked for TLS says S or N before it asks who comes, so neither a password nor pg_hba.conf has a part in it.
"""

from __future__ import annotations

import ssl
import struct

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    parse,
)
from ansible_collections.allthingslinux.xmpp.plugins.module_utils.xmpp.stream import Stream

# length and code of the message SSLRequest
_REQUEST = struct.pack("!ii", 8, 80877103)


def read_certificate(host: str, port: int, timeout: float = 5.0) -> Certificate | None:
    """What `host`:`port` serves, whoever signed it; None where the server has no TLS. Raises StreamError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with Stream(host, port, timeout) as stream:
        stream.connect()
        answer = stream.exchange(_REQUEST, 1, "asking for TLS")
        if answer == b"N":
            return None
        if answer != b"S":
            raise stream.error("asking for TLS", f"S or N expected, {answer!r} came")
        encoded = stream.handshake(context, None).getpeercert(binary_form=True)
        if not encoded:
            raise stream.error("TLS handshake", "no certificate was served")
        try:
            return parse(encoded)
        except CertificateError as error:
            raise stream.error("reading the certificate", str(error)) from error
