# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight_verdict
short_description: Refuse for all hosts at once what was found on any
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Gathers the findings that M(allthingslinux.xmpp.preflight) and M(allthingslinux.xmpp.preflight_host) returned on the
    hosts of the play, and fails with one list of them where there is any. A line names the hosts that it is about, what
    was seen, and what to do.
  - Findings are results that were registered under a name that begins with two underscores and ends in C(findings).
  - Is meant to be run once for all hosts. Changes nothing.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes.info
"""

EXAMPLES = r"""
- name: Look for what cannot work
  allthingslinux.xmpp.preflight:
    spec: "{{ role_path }}/meta/argument_specs.yml"
  register: __coturn_findings

- name: Refuse it, for all hosts at once
  allthingslinux.xmpp.preflight_verdict:
  run_once: true
"""

RETURN = r"""
msg:
  description: How many findings there are. The findings are the error itself.
  returned: failure
  type: str
  sample: 2 things stand in the way, and nothing was changed. See the list above.
"""
