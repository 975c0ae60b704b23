-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What core does not count for Prometheus: messages, sign-ins, registrations, what is archived and what
-- could not be, warnings and errors in the log.
module:set_global();

local logger = require "prosody.util.logger";

local messages = module:metric("counter", "messages", "", "Messages of local users", { "host", "direction" });
local sign_ins = module:metric("counter", "sign_ins", "", "Attempts to sign in", { "host", "result" });
local registrations = module:metric("counter", "registrations", "", "Accounts that were registered", { "host" });
local archived = module:metric("counter", "archived", "", "Messages that were put into archives of users", { "host" });
local not_archived = module:metric("counter", "not_archived", "", "Messages that were delivered and could not be archived", {});
local logged = module:metric("counter", "log_messages", "", "Messages in the log", { "level" });

-- A counter is there from the start, so that its first increase is one.
local function counter(family, ...)
    local metric = family:with_labels(...);
    metric:add(0);
    return function ()
        metric:add(1);
    end;
end

-- While the database is away messages are delivered all the same, and no event tells of it: only these words of mod_mam and
-- mod_muc_mam do. Each archive counts for itself.
local NOT_ARCHIVED = "^Could not archive stanza";
local count_not_archived = counter(not_archived);

local count_level = { warn = counter(logged, "warn"), error = counter(logged, "error") };

local function sink(_, level, message)
    count_level[level]();
    if message:find(NOT_ARCHIVED) then
        count_not_archived();
    end
end

local added;
local function listen()
    if added then
        logger.remove_sink(added);
    end
    added = logger.add_simple_sink(sink, { "warn", "error" });
end

listen();
module:hook_global("logging-reloaded", listen);

function module.unload()
    logger.remove_sink(added);
end

function module.add_host(module)
    local host = module.host;
    local sent, received = counter(messages, host, "sent"), counter(messages, host, "received");
    local success, failure = counter(sign_ins, host, "success"), counter(sign_ins, host, "failure");
    local registered, added_to_archive = counter(registrations, host), counter(archived, host);

    for event, count in pairs({
        ["pre-message/full"] = sent;
        ["pre-message/bare"] = sent;
        ["pre-message/host"] = sent;
        ["message/full"] = received;
        ["message/bare"] = received;
        ["authentication-success"] = success;
        ["authentication-failure"] = failure;
        ["user-registered"] = registered;
        ["archive-message-added"] = added_to_archive;
    }) do
        -- what it returns would end the event for everybody else
        module:hook(event, function ()
            count();
        end, 1000);
    end
end
