-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

--% conflicts: mod_letters
local nothing = module:get_option_string("letters_of_the_community");
