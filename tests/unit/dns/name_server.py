# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server for tests: answers from a zone over UDP and TCP, takes signed updates, and can be made to misbehave."""

from __future__ import annotations

import socketserver
import struct
import threading
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsigkeyring
import dns.update
import dns.zone

SECRET = "bGFiLWIgbGFiLWIgbGFiLWIgbGFiLWIgbGFiLWIgMTI="
KEYS = dns.tsigkeyring.from_text({"xmpp": SECRET})


class NameServer:
    """One zone on a port of loopback. rcode: what it answers to everything; deaf: it answers nothing."""

    def __init__(self, origin: str, text: str) -> None:
        self.origin = dns.name.from_text(origin)
        head = f"$ORIGIN {origin}.\n$TTL 60\n@ SOA ns root 1 60 60 60 60\n@ NS ns\nns A 127.0.0.1\n"
        self.zone = dns.zone.from_text(head + text, origin=self.origin, relativize=False)
        self.rcode: Any = None
        self.deaf = self.forgetful = False
        self.authoritative = True
        self._servers: list[Any] = []

    def __enter__(self) -> NameServer:
        owner = self

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if (reply := owner.answer(self.request[0])) is not None:
                    self.request[1].sendto(reply, self.client_address)

        class Stream(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                (length,) = struct.unpack("!H", self.request.recv(2))
                if (reply := owner.answer(self.request.recv(length))) is not None:
                    self.request.sendall(struct.pack("!H", len(reply)) + reply)

        stream = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Stream)
        self.port = stream.server_address[1]
        self._servers = [stream, socketserver.ThreadingUDPServer(("127.0.0.1", self.port), Datagram)]
        for one in self._servers:
            threading.Thread(target=one.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._servers:
            one.shutdown()
            one.server_close()

    @property
    def place(self) -> str:
        return f"127.0.0.1#{self.port}"

    def answer(self, data: bytes) -> bytes | None:
        """What is answered to a message, as it is sent."""
        if self.deaf:
            return None
        try:
            query: Any = dns.message.from_wire(data, keyring=KEYS)
        except dns.message.UnknownTSIGKey:
            query = dns.message.from_wire(data, continue_on_error=True, keyring=False)
            reply = dns.message.make_response(query)
            reply.set_rcode(dns.rcode.NOTAUTH)
            return bytes(reply.to_wire())
        reply = dns.message.make_response(query, recursion_available=True)
        if self.authoritative:
            reply.flags |= dns.flags.AA
        if self.rcode is not None:
            reply.set_rcode(self.rcode)
        elif isinstance(query, dns.update.UpdateMessage):
            self._update(query)
        else:
            self._look(query.question[0], reply)
        return bytes(reply.to_wire())

    def _update(self, query: Any) -> None:
        if self.forgetful:
            return
        for one in query.update:
            for item in one:
                there = self.zone.find_rdataset(one.name, one.rdtype, create=True)
                if one.deleting is None:
                    there.add(item, one.ttl)
                else:
                    there.remove(next(each for each in there if each.to_text() == item.to_text()))

    def _look(self, question: Any, reply: Any) -> None:
        name = question.name
        for _step in range(3):
            alias = self.zone.get_rdataset(name, dns.rdatatype.CNAME) if name.is_subdomain(self.origin) else None
            if not alias:
                break
            reply.answer.append(dns.rrset.from_rdata(name, 60, *alias))
            name = alias[0].target
        found = self.zone.get_rdataset(name, question.rdtype) if name.is_subdomain(self.origin) else None
        if not found and name != self.origin and not any(one.is_subdomain(name) for one in self.zone):
            # RFC 4592: there is nothing of that name, nor below it
            found = self.zone.get_rdataset(dns.name.Name((b"*", *name.labels[1:])), question.rdtype)
        if found:
            reply.answer.append(dns.rrset.from_rdata(name, found.ttl, *found))
            return
        if question.name.is_subdomain(self.origin):
            soa = self.zone.find_rdataset(self.origin, dns.rdatatype.SOA)
            reply.authority.append(dns.rrset.from_rdata(self.origin, 60, *soa))
        if name.is_subdomain(self.origin) and self.zone.get_node(name) is None:
            reply.set_rcode(dns.rcode.NXDOMAIN)
