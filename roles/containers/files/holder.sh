#!/bin/sh
# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Holds the network and the process numbers of the services. All of them end with it, at once and without a word, so it goes when they
# have gone: an engine that stops them all at a time, as when the machine is shut down, waits for each as long as that may take.
leave() {
  kill "$waiting"
  wait "$waiting"
  # the first process and this one
  while set -- /proc/[0-9]* && [ $# -gt 2 ]; do sleep 0.2; done
  exit 0
}
trap leave TERM
sleep infinity &
waiting=$!
wait "$waiting"
