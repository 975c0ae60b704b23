# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether TLS clients accept a certificate with its chain: handshakes in memory, judged by OpenSSL."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.allthingslinux.xmpp.plugins.module_utils.tls.certificate import (
    Certificate,
    CertificateError,
    check_pair,
    parse_pem,
)

# X509_V_FLAG_PARTIAL_CHAIN: trust a certificate that is not a root; Python names it from 3.10 on
_PARTIAL_CHAIN = 0x80000


@dataclass(frozen=True)
class Trust:
    """Whom a client trusts. authorities: certificates of authorities. system: those of this host's store as well."""

    authorities: tuple[Certificate, ...] = ()
    system: bool = True

    @property
    def has_store(self) -> bool:
        """Whether this host has a store of authorities to judge by (a new one may not have the package yet)."""
        paths = ssl.get_default_verify_paths()
        directory = Path(paths.capath or "/nonexistent")
        return self.system and (bool(paths.cafile) or (directory.is_dir() and any(directory.iterdir())))


def authorities(text: str, where: str) -> tuple[Certificate, ...]:
    """The certificates of a PEM text that may be empty; raises CertificateError naming `where`."""
    return parse_pem(text.encode("utf-8"), where) if text.strip() else ()


def prove(chain: Sequence[Certificate], key_path: str | Path, trust: Trust, where: str) -> bool:
    """That a TLS client which is sent `chain` verifies it, and that the key signs; raises CertificateError.

    Out: whether the client needs to trust nobody but `trust`, or a root that is in the chain itself. If not, the chain
    is right as far as it goes, and who issued its last certificate is not known here.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".pem", encoding="ascii") as file:
        file.write("".join(certificate.pem for certificate in chain))
        file.flush()
        check_pair(file.name, key_path)
        own = [chain[-1]] if chain[-1].self_issued else []
        if not _refusal(file.name, key_path, [*trust.authorities, *own], trust.system):
            return True
        refusal = _refusal(file.name, key_path, [chain[-1]], False)
    if refusal:
        raise CertificateError(f"{where}: {refusal}")
    return False


def _refusal(chain_path: str, key_path: str | Path, anchors: Sequence[Certificate], system: bool) -> str:
    """Why a client that trusts `anchors` (and this host's store) ends a handshake; nothing when it does not."""
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(chain_path, str(key_path), password=lambda: "")
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_side.check_hostname = False
    client_side.verify_flags |= _PARTIAL_CHAIN
    if system:
        client_side.load_default_certs()
    if anchors:
        client_side.load_verify_locations(cadata="".join(anchor.pem for anchor in anchors))
    client = client_side.wrap_bio(to_client, to_server)
    try:
        for _flight in range(8):
            done = 0
            for side in (client, server):
                try:
                    side.do_handshake()
                    done += 1
                except ssl.SSLWantReadError:
                    pass
            if done == 2:
                return ""
    except ssl.SSLCertVerificationError as error:
        return f"the chain does not verify: {error.verify_message}"
    except ssl.SSLError as error:
        return f"a TLS handshake with it fails: {error.reason}"
    return "a TLS handshake with it does not end"
