-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

local rock = require "rock.that.is.missing";
local built_in = require "string";
local own = require "prosody.util.events";
module:depends("absent");
