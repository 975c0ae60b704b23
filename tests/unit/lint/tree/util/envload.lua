-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

return { envload = function (code, source, env) return load(code, source, "t", env) end }
