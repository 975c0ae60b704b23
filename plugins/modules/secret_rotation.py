# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_rotation
short_description: Replace secrets that were made by new ones, with a way back
version_added: 0.1.0
author: allthingslinux.xmpp contributors (@allthingslinux)
description:
  - Replaces files that P(allthingslinux.xmpp.secret#lookup) made on the controller. The old secret is kept beside the
    new one until the new one is proved.
  - Each step is done in one piece and may be repeated. A secret that was replaced and not proved is not replaced again.
  - Works on the controller alone. Playbook C(rotate) is what brings secrets to the hosts.
extends_documentation_fragment:
  - allthingslinux.xmpp.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - C(state=begun) replaces a secret again once the one before was let go of.
options:
  directory:
    description: Where the secrets are.
    type: path
    required: true
  only:
    description:
      - For O(state=planned), what to replace, with commas in between, of C(database), C(turn), C(metrics), C(probe),
        C(components) and C(authority). All but the last two if empty, since the program of a component must be given
        its secret at the same moment, and clients must trust a new authority first.
      - What the operator gives himself by a variable is left alone, and so is its kind.
    type: str
    default: ""
  state:
    description:
      - What to do. C(planned) only looks which there are, C(begun) makes new ones, C(back) puts old ones back,
        C(finished) lets go of old ones. For the authority C(begun) takes the step that RV(authority) names, and
        C(finished) says that it is proved.
    type: str
    choices: [planned, begun, back, finished]
    required: true
  names:
    description: The names of the secrets for all states but O(state=planned); C(authority) for the own authority.
    type: list
    elements: str
    default: []
  keep:
    description: For O(state=finished), those of O(names) whose old secret is accepted for another day.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Make a new secret of the TURN server, beside the old one
  allthingslinux.xmpp.secret_rotation:
    directory: "{{ inventory_dir }}/.secrets"
    state: begun
    names: [turn_secret]
  run_once: true

- name: Go back to the old one
  allthingslinux.xmpp.secret_rotation:
    directory: "{{ inventory_dir }}/.secrets"
    state: back
    names: [turn_secret]
  run_once: true
"""

RETURN = r"""
names:
  description:
    - The secrets that are to be replaced, those of an earlier run that died among them; or those with which this did
      something.
  returned: success
  type: list
  elements: str
authority:
  description:
    - The step that comes next for the own authority, empty where it is not asked for or there is none. C(announce) has
      a new one trusted beside it, for which C(next.pem) and C(next.key) are made before; C(take) has that one issue;
      C(leave) has it trusted alone.
  returned: O(state=planned)
  type: str
given:
  description: What the operator gives himself, as variable and host.
  returned: O(state=planned)
  type: list
  elements: str
left:
  description: Secrets of components that were left alone because nobody asked for them.
  returned: O(state=planned)
  type: list
  elements: str
"""
