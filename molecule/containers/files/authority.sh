# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# An ACME server (pebble) with the DNS of the names (knot). AT: its address, OF: that of the service, SECRET: the key with which names are proved in DNS
set -eu
apt-get install -y -q --no-install-recommends pebble knot openssl >/dev/null 2>&1
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=pebble -addext "subjectAltName=IP:$AT" -keyout /root/pebble.key -out /root/pebble.pem 2>/dev/null
cat >/root/pebble.json <<J
{"pebble": {"listenAddress": "0.0.0.0:14000", "managementListenAddress": "127.0.0.1:15000", "certificate": "/root/pebble.pem", "privateKey": "/root/pebble.key",
 "httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": 36000, "ocspResponderURL": "", "externalAccountBindingRequired": false,
 "retryAfter": {"authz": 1, "order": 1}, "keyAlgorithm": "ecdsa"}}
J
cat >/etc/knot/knot.conf <<J
server:
    listen: 0.0.0.0@53
database:
    storage: /var/lib/knot
key:
  - id: acme
    algorithm: hmac-sha256
    secret: $SECRET
acl:
  - id: challenges
    key: acme
    action: update
    update-type: TXT
zone:
  - domain: chat.localhost
    storage: /var/lib/knot
    file: zone
    acl: challenges
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
J
cat >/var/lib/knot/zone <<J
\$ORIGIN chat.localhost.
\$TTL 60
@ SOA ns hostmaster 1 60 60 600 60
@ NS ns
ns A $AT
@ A $OF
* A $OF
J
install -d /run/knot
knotd -d
export PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0
exec pebble -config /root/pebble.json -dnsserver 127.0.0.1:53
