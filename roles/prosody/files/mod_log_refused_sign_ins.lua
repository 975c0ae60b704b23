-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- One line in the log for each sign-in that was refused for good, with the address it came from, for what keeps guessers out (role
-- firewall). mod_log_auth tells of every attempt, and would have honest people banned: some clients begin with variants that fail
-- (slixmpp 1.8 has two), and sign in by the third in the same stream. So the first two of a stream are told only when it was not
-- signed in on soon after.
local HELD, SECONDS = 2, 5;

module:set_global();

-- beside the sessions, which core empties when they end
local refused = setmetatable({}, { __mode = "k" });
local signed_in = setmetatable({}, { __mode = "k" });

function module.add_host(module)
    local host = module.host;

    local function tell(address, condition)
        module:log("info", "Sign-in refused (%s) from address %s", condition, address);
        -- a proxy on another host asks for it (mod_front_refusals)
        prosody.events.fire_event("sign-in-refused", { address = address });
    end

    module:hook("authentication-failure", function (event)
        local session, condition = event.session, event.condition or "not-authorized";
        local address = session.ip;
        -- what a client has misspelt is no guess, nor is anything while what has the accounts does not answer
        if not address or condition ~= "not-authorized" or prosody.events.fire_event("accounts-unreachable", { host = host }) then
            return;
        end
        refused[session] = (refused[session] or 0) + 1;
        if refused[session] > HELD then
            tell(address, condition);
            return;
        end
        module:add_timer(SECONDS, function ()
            if not signed_in[session] then
                tell(address, condition);
            end
        end);
    end, 1000);

    module:hook("authentication-success", function (event)
        signed_in[event.session] = true;
    end, 1000);
end
