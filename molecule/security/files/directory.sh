#!/bin/sh
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes an authority, three certificates (the right one, one of another name, one of nobody), and the directory.
set -e
mkdir -p /srv/directory/data && cd /srv/directory
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Authority of the directory' -keyout ca.key -out ca.pem
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=nobody -addext subjectAltName=DNS:xmpp-security-neighbour \
  -keyout nobody.key -out nobody.pem
for name in xmpp-security-neighbour other.invalid; do
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -addext "subjectAltName=DNS:$name" -keyout "$name.key" -out request
  openssl x509 -req -in request -CA ca.pem -CAkey ca.key -days 30 -copy_extensions copy -out "$name.pem"
done
cp xmpp-security-neighbour.pem server.pem
cp xmpp-security-neighbour.key server.key
slapadd -f /srv/slapd.conf -l /srv/people.ldif
systemd-run --unit=directory --property=Restart=no slapd -f /srv/slapd.conf -h 'ldap:/// ldaps:///' -d 0
