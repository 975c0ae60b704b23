#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Certificates of the peers in /srv/peers: NAME.pem with NAME.key, and all of them in peers.tar. None has the purpose "TLS client",
# as none of a public authority has since 2026.
set -euo pipefail
mkdir -p /srv/peers && cd /srv/peers
now=$(date -u +%Y%m%d%H%M%SZ) soon=$(date -u -d '+2 days' +%Y%m%d%H%M%SZ)
key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)

authority() { # file, name
  openssl req -x509 "${key[@]}" -days 2 -subj "/CN=$2" -addext basicConstraints=critical,CA:TRUE \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$1.key" -out "$1.pem"
}
leaf() { # domain, name in it, authority, from, until
  openssl req "${key[@]}" -subj "/CN=$2" -keyout "$1.key" -out request.pem
  openssl x509 -req -in request.pem -CA "$3.pem" -CAkey "$3.key" -not_before "$4" -not_after "$5" -out "$1.pem" \
    -extfile <(printf 'subjectAltName=DNS:%s,DNS:*.%s\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n' "$2" "$2")
}
authority ca "peers of the scenario"
authority strange "nobody knows it"
for domain in beta beta-next gamma delta epsilon denied wrongdane; do leaf "$domain.example" "${domain%-next}.example" ca "$now" "$soon"; done
leaf expired.example expired.example ca 20240101000000Z 20240201000000Z
leaf wrongname.example other.example ca "$now" "$soon"
leaf unknown.example unknown.example strange "$now" "$soon"
for domain in plain selfsigned dane; do
  openssl req -x509 "${key[@]}" -days 2 -subj "/CN=$domain.example" -addext "subjectAltName=DNS:$domain.example" \
    -keyout "$domain.example.key" -out "$domain.example.pem"
done
# what DNS says of two of them: the truth, and the key of another one
key_record() { # domain, whose key
  printf '_5369._tcp.xmpp TLSA 3 1 1 %s\n' \
    "$(openssl x509 -in "$2.example.pem" -noout -pubkey | openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1)" >"$1.example.tlsa"
}
key_record dane dane
key_record wrongdane gamma
for domain in gamma delta; do cat "$domain.example.pem" "$domain.example.key" >"$domain.example.both"; done
tar -C /srv -cf peers.tar --exclude=peers.tar peers
