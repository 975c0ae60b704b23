# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What bin/test does: rungs of tests, side by side in lanes.

rung       what there is to run, and what it costs
choice     which of it runs next (pure)
changed    which of it a difference can reach (pure, but for git)
child      a rung that runs: its process, its log
containers the hosts of scenarios: what they use, and that none is left behind
report     what is printed (pure)
packages   the Debian packages that the images of the scenarios have
"""
