-- Configuration of Prosody, the XMPP server of example.org.
-- Written by role prosody of the Ansible collection allthingslinux.xmpp: what you change here is lost.
-- Options and what they mean: https://prosody.im/doc/configure

---- Core ------------------------------------------------------------------------------------------
admins = { "admin@example.org" } -- Role prosody:operator, on every host and component
pidfile = "/run/prosody/prosody.pid" -- Where Debian's service looks
plugin_paths = { "/usr/local/lib/prosody/xmpp-own-modules" } -- Searched before Prosody's own modules

---- Network ---------------------------------------------------------------------------------------
c2s_direct_tls_ports = { 5223 } -- Clients, TLS from the first byte (XEP-0368)
s2s_direct_tls_ports = { 5270 } -- Servers, likewise
s2s_secure_auth = true -- Servers prove who they are by certificate

---- Name resolution -------------------------------------------------------------------------------
unbound = { resolvconf = true, hoststxt = "/etc/hosts" } -- The resolver of this host and its hosts file

---- Modules ---------------------------------------------------------------------------------------
-- Prosody loads presence, message, iq, offline, c2s and s2s by itself.
modules_enabled = {
	-- The base
	"disco";                     -- Tells what the server and its services offer (XEP-0030, XEP-0115)
	"roster";                    -- Contact lists (RFC 6121)
	"saslauth";                  -- Signs clients and servers in (RFC 6120, RFC 4422)
	"tls";                       -- Encrypts connections (RFC 6120, RFC 7590)

	-- Other servers
	"dialback";                  -- Verifies other servers by asking back through DNS (XEP-0220, XEP-0185)
	"s2s_bidi";                  -- One connection per pair of servers instead of two (XEP-0288)
	"s2s_idle_timeout";          -- Closes connections to other servers that nobody uses

	-- Sign-in
	"sasl2";                     -- Sign-in with fewer round trips (XEP-0388)
	"sasl2_bind2";               -- Binds a resource together with the sign-in (XEP-0386)
	"sasl2_sm";                  -- Resumes a connection together with the sign-in (XEP-0388, XEP-0198)
	"sasl2_fast";                -- Signs in again with a token instead of the password (XEP-0484)
	"sasl_ssdp";                 -- Notices when an attacker takes strong sign-in methods away (XEP-0474)

	-- Conversations on every device
	"mam";                       -- Keeps conversations on the server for all devices (XEP-0313, XEP-0441)
	"carbons";                   -- Every device sees both sides of a conversation (XEP-0280)
	"smacks";                    -- Resumes interrupted connections without losing messages (XEP-0198)
	"bookmarks";                 -- Joined rooms follow the user to every device (XEP-0402, XEP-0048, XEP-0411)
	"blocklist";                 -- Users can block other addresses (XEP-0191)

	-- Profiles and what users publish
	"pep";                       -- Profiles, avatars and other data that users publish to their contacts (XEP-0163)
	"vcard4";                    -- Contact cards of users (XEP-0292)
	"vcard_legacy";              -- Keeps old contact cards and avatars in step with the new ones (XEP-0398)
	"private";                   -- Private data of old clients (XEP-0049)

	-- Phones
	"csi_simple";                -- Holds unimportant traffic back while nobody is looking (XEP-0352)
	"cloud_notify";              -- Wakes sleeping phones through the push services of their apps (XEP-0357)
	"cloud_notify_extensions";   -- What clients for iOS need of push notifications

	-- Web clients
	"bosh";                      -- Clients over plain HTTP requests (XEP-0124, XEP-0206)
	"websocket";                 -- Clients over WebSocket (RFC 7395)
	"http_altconnect";           -- Tells web clients where BOSH and WebSocket are (XEP-0156)

	-- Calls
	"external_services";         -- Announces STUN and TURN servers with short-lived credentials (XEP-0215)

	-- Accounts
	"user_account_management";   -- Users change their password and delete their account (XEP-0077)
	"account_activity";          -- Remembers when each account was last used
	"tombstones";                -- Names of deleted accounts cannot be taken again
	"password_policy";           -- Refuses weak new passwords

	-- Registration
	"register_ibr";              -- Accounts can be created from a client (XEP-0077)
	"register_limits";           -- Who may create accounts, and how many per time
	"invites";                   -- Invitations to create an account or to add a contact (XEP-0379, XEP-0401)
	"invites_adhoc";             -- Invitations are made from a client (XEP-0401)
	"invites_register";          -- An invitation allows to create an account (XEP-0445)
	"taken_names";               -- Refuses new names that look like those of others, or were others' (UTR 39)
	"invites_page";              -- Web page that leads an invited person to a client
	"invites_register_web";      -- Web page on which an invited person creates the account
	"register_apps";             -- The list of clients that invitation pages recommend
	"http_libjs";                -- Script libraries for the web pages of other modules
	"watchregistrations";        -- Tells admins about new accounts

	-- Words to users
	"announce";                  -- Lets admins write to everybody who is online (XEP-0133)

	-- Limits and abuse
	"limits";                    -- Bandwidth per connection, so that one cannot starve the others
	"spam_reporting";            -- Users report spam and abuse (XEP-0377)
	"watch_spam_reports";        -- Tells admins about reported spam (XEP-0377)
	"log_auth";                  -- Logs the address of failed sign-ins
	"firewall";                  -- Filters stanzas by rules of a file

	-- Information
	"server_info";               -- Publishes facts about this server (XEP-0128)
	"server_contact_info";       -- Publishes whom to write to about this server (XEP-0157)
	"version";                   -- Answers which version runs (XEP-0092)
	"time";                      -- Answers what time it is here (XEP-0202)
	"uptime";                    -- Answers how long the server has been running (XEP-0012)
	"ping";                      -- Answers whether the connection lives (XEP-0199)
	"lastactivity";              -- Tells contacts how long a user has been idle or away (XEP-0012)

	-- Administration
	"admin_shell";               -- The commands behind prosodyctl shell
	"admin_adhoc";               -- Administration by commands from a client (XEP-0050, XEP-0133)
	"http_openmetrics";          -- Metrics in the format of Prometheus

	-- Of the collection itself
	"log_refused_sign_ins";      -- Tells in the log from where a sign-in was refused
	"audit_trail";               -- Keeps a trail of sign-ins and of what was done to accounts
	"handshake_deadline";        -- Ends TLS handshakes that take too long
	"stanza_shape";              -- Refuses stanzas of more levels or elements than any software sends
	"stanza_pace";               -- Serves who asks for more than people do as slowly as he may ask, and in turns
	"guesses";                   -- Looks at few wrong passwords of one address at once (RFC 4616)
	"sql_reconnect";             -- Keeps Prosody alive when PostgreSQL was away
	"measure_traffic";           -- Counts messages, sign-ins, registrations and errors for Prometheus
	"measure_peers";             -- Tells Prometheus which other servers cannot be reached, since when and why
	"turn_per_user";             -- Gives each user credentials for TURN that count for himself (XEP-0215)
}

---- Authentication and registration ---------------------------------------------------------------
authentication = "internal_hashed"
password_hash = "SHA-256" -- SCRAM-SHA-256; fixed by the first account
password_policy = { length = 10, exclude_username = true }
registration_invite_only = true -- An account needs an invitation

---- Limits ----------------------------------------------------------------------------------------
-- Rules for stanzas
firewall_scripts = {
	"/etc/prosody/xmpp-firewall/xmpp-contact-floods-584bf0d6d3b7.pfw";
	"/etc/prosody/xmpp-firewall/xmpp-message-waves-07d180540985.pfw";
}
-- Bytes per second of one connection, and for how long it may exceed them
limits = {
	c2s = { rate = "100kb/s", burst = "2s" };
	s2sin = { rate = "300kb/s", burst = "2s" };
	s2sout = { rate = "300kb/s", burst = "2s" };
}

---- Storage ---------------------------------------------------------------------------------------
storage = "sql"
sql = { driver = "PostgreSQL", database = "prosody", username = "prosody", host = "/run/postgresql" }

---- Archive ---------------------------------------------------------------------------------------
archive_expires_after = "4 weeks" -- Messages of users live that long
muc_log_expires_after = "4 weeks" -- Messages of rooms live that long
mam_remove_expired_messages_period = "15 minutes" -- How often they are looked for
muc_mam_remove_expired_messages_period = "15 minutes" -- How often they are looked for
cron_check_delay = 900 -- Seconds, so that it is that often

---- TLS -------------------------------------------------------------------------------------------
-- Certificates are found in the directory by the names they are for.
certificates = "/etc/prosody/certs"
-- Where the search finds none, since it takes none that has expired
certificate = "/etc/prosody/certs/example.org.crt"
c2s_direct_tls_certificate = "/etc/prosody/certs/example.org.crt"
s2s_direct_tls_certificate = "/etc/prosody/certs/example.org.crt"
https_certificate = "/etc/prosody/certs/example.org.crt"
-- Key exchange, the first that both know
ssl = { curveslist = { "X25519MLKEM768", "X25519", "prime256v1", "secp384r1" } }

---- HTTP ------------------------------------------------------------------------------------------
http_default_host = "example.org" -- Answers requests for names that are no host of ours

---- Calls -----------------------------------------------------------------------------------------
-- STUN and TURN for calls between clients behind NAT (XEP-0215).
external_service_host = "turn.example.org"
external_service_secret = FileLine("/etc/prosody/secrets/turn") -- Shared with the TURN server
external_services = {
	{ type = "stun", transport = "udp", port = 3478 };
	{ type = "turn", transport = "udp", port = 3478, secret = true };
	{ type = "turn", transport = "tcp", port = 3478, secret = true };
	{ type = "turns", transport = "tcp", port = 5349, secret = true };
}

---- Logging ---------------------------------------------------------------------------------------
log = { { levels = { min = "info" }, to = "syslog" } } -- The journal, with priorities

---- Audit trail -----------------------------------------------------------------------------------
-- Read by bin/xmpp audit.
audit_trail_keep = "30 days" -- So long a line is kept
audit_trail_addresses = "network" -- What of an address is written
-- They sign in all the time, by order of the operator
audit_trail_quiet = { "xmpp-probe-1@example.org", "xmpp-probe-2@example.org" }

---- Statistics ------------------------------------------------------------------------------------
statistics = "internal"
statistics_interval = "manual" -- Collected when somebody asks

---- example.org -----------------------------------------------------------------------------------
VirtualHost "example.org" {}

-- Group chat in rooms (XEP-0045, XEP-0317, XEP-0421)
Component "muc.example.org" "muc" {
	name = "Group chat";
	modules_enabled = {
		"muc_mam";                   -- Keeps the history of rooms (XEP-0313)
		"muc_moderation";            -- Moderators withdraw messages of others (XEP-0425)
		"muc_search";                -- Search for public rooms (XEP-0433)
		"muc_unconfigured";          -- Removes a room that nobody configured with the one who made it (XEP-0045)
		"muc_floods";                -- Refuses floods of one person in a room, and removes who goes on (XEP-0045)
	};
	restrict_room_creation = "local"; -- Users of this host create rooms
	muc_room_default_persistent = true; -- A room outlives its last visitor
}

-- Upload and download of files over HTTP (XEP-0363, XEP-0446)
Component "upload.example.org" "http_file_share" {
	name = "File sharing";
	http_file_share_size_limit = 104857600; -- One file: 100 MiB
	http_file_share_daily_quota = 1073741824; -- One user, a day: 1 GiB
	http_file_share_global_quota = 21474836480; -- All users: 20 GiB
	http_file_share_expires_after = "4 weeks"; -- Then a file is deleted
}

-- Relays file transfers between clients behind NAT (XEP-0065)
Component "proxy.example.org" "proxy65" {
	name = "File transfer relay";
}

-- Publish and subscribe for applications (XEP-0060)
Component "pubsub.example.org" "pubsub" {
	name = "Publish-subscribe";
}

---- The operator's own settings -------------------------------------------------------------------
-- Read last, never written by the collection, missing without harm: /etc/prosody/conf.d/operator.cfg.lua.
-- An option there replaces the one above, a VirtualHost or Component there adds to those above.
Include "/etc/prosody/conf.d/operator*.cfg.lua"
