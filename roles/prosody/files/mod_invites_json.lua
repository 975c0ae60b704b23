-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later
--
-- What the pages for invitations ask and tell, as JSON under /invites_json:
--   GET ?TOKEN → 200 and what the invitation is for; 404 unknown, 410 expired or used, as {"state": …}
--   POST {"token", "user", "password"} → 201 and the new address; 400 user or password, 403, 409 taken, else as GET
-- The community's invites_page and invites_register_web answer 200 to invitations that are over, and give HTML to read by eye.
-- XEP-0401 says what invitations are; which there are is known to the core's mod_invites.
local json = require "prosody.util.json";
local jid_node = require "prosody.util.jid".node;
local stringprep = require "prosody.util.encodings".stringprep;
local usermanager = require "prosody.core.usermanager";

local invites = module:depends("invites");
local password_policy = module:depends("password_policy");
local used = module:open_store("invite_used", "map");
local keep_used = 4 * module:get_option_period("invite_expiry", "1 week");

local function answer(code, body)
	return {
		status_code = code;
		headers = { content_type = "application/json", cache_control = "no-store" };
		body = json.encode(body);
	};
end


-- The invitation with the name that its account must have (nil for any), or nil and the answer that says why there is none
local function find(token)
	local info, problem;
	if type(token) == "string" and token:find("^[%w_-]+$") then
		info, problem = invites.get_account_invite_info(token);
	end
	local invite = info and invites.get(token);
	if invite then
		return invite, info.type == "register" and jid_node(info.jid) or nil;
	elseif problem == "token-expired" then
		return nil, answer(410, { state = "expired" });
	elseif problem and used:get(nil, token) then
		return nil, answer(410, { state = "used" });
	end
	return nil, answer(404, { state = "unknown" });
end

local function resets(invite)
	return invite.additional_data and invite.additional_data.allow_reset;
end

-- Whether the account is there of which the password is to be set anew. Who was removed or shut out does not come back by that.
local function outdated(invite)
	local user = resets(invite);
	return user and not (usermanager.user_exists(user, module.host) and usermanager.user_is_enabled(user, module.host));
end

local function show(event)
	local invite, name = find(event.request.url.query);
	if not invite then
		return name;
	elseif outdated(invite) then
		return answer(410, { state = "expired" });
	end
	return answer(200, {
		state = "valid";
		domain = module.host;
		inviter = invite.inviter;
		uri = invite.uri;
		user = resets(invite) or name;
		reset = resets(invite) and true or false;
		password_length = password_policy.get_policy().length;
	});
end

local function register(event)
	local request = event.request;
	-- the page of another site cannot send this type without asking first (CORS), which is not answered
	if not (request.headers.content_type or ""):find("^application/json") then
		return answer(415, { state = "type" });
	end
	local given = json.decode(request.body);
	if type(given) ~= "table" then
		return answer(400, { state = "request" });
	end
	local invite, name = find(given.token);
	if not invite then
		return name;
	elseif outdated(invite) then
		return answer(410, { state = "expired" });
	end
	local user = type(given.user) == "string" and stringprep.nodeprep(given.user) or "";
	if user == "" or #user > 256 or name and user ~= name then
		return answer(400, { state = "user" });
	end
	-- what could not be kept (RFC 4013) is said here, and not by an error of the storage
	local fits, why = type(given.password) == "string" and stringprep.saslprep(given.password), nil;
	-- of one letter alone, or of blanks
	fits = fits and given.password ~= given.password:sub(1, 1):rep(#given.password);
	if fits then
		fits, why = password_policy.check_password(given.password, { username = user });
	end
	if not fits then
		return answer(400, { state = "password", text = why });
	end
	local exists = usermanager.user_exists(user, module.host);
	if exists and resets(invite) ~= user then
		return answer(409, { state = "taken" });
	end
	local registering = {
		username = user, host = module.host, ip = request.ip, validated_invite = invite, allowed = true, source = "mod_" .. module.name;
	};
	-- nobody registers where a password is set anew
	if not exists then
		module:fire_event("user-registering", registering);
	end
	if registering.name_is == "odd" then
		return answer(400, { state = "user" });
	elseif registering.name_is then
		return answer(409, { state = "taken" });
	elseif not registering.allowed then
		return answer(403, { state = "refused", text = registering.reason });
	end
	local done, problem;
	if exists then
		done, problem = usermanager.set_password(user, given.password, module.host);
	else
		done, problem = usermanager.create_user(user, given.password, module.host);
	end
	if not done then
		module:log("error", "Could not make the account of an invitation: %s", problem);
		return answer(500, { state = "error" });
	end
	module:fire_event(exists and "user-password-reset" or "user-registered", registering);
	return answer(201, { state = exists and "reset" or "created", jid = user .. "@" .. module.host });
end

-- mod_invites forgets what was used; an invitation that was opened twice should say so rather than that there is none
local function remember(event)
	local invite = event.validated_invite or event.session and event.session.validated_invite;
	if invite and not invite.reusable then
		used:set(nil, invite.token, os.time());
	end
end
module:hook("user-registered", remember, -1);
module:hook("user-password-reset", remember, -1);

module:daily("Forget which invitations were used", function ()
	local all = module:open_store("invite_used"):get(nil);
	for token, time in pairs(all or {}) do
		if type(time) ~= "number" or time < os.time() - keep_used then
			used:set(nil, token, nil);
		end
	end
end);

module:provides("http", {
	default_path = "/invites_json";
	route = { GET = show, POST = register };
	cors = { enabled = false };
});
