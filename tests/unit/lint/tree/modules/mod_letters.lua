-- SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
-- SPDX-License-Identifier: GPL-3.0-or-later

-- module:get_option_string("only_in_a_comment")
--[==[ module:get_option_string("only_in_a_long_comment") ]==]
local text = "module:get_option_string('only_in_a_string')";
local size = module:get_option_integer(
	"letters_size", -- over
	10 * 1024,      -- several lines
	100, 1e6
);
local bounded = module:get_option_number("letters_rate", 1.5, 0, 10);
local old = module:get_option_integer("old_letters");
local style = module:get_option_enum("letters_style", "plain", "fancy", false);
local names = module:get_option_set("letters_names", { "a", "b" }) / string.lower;
local list = module:get_option_array("letters_list", {});
local path = module:get_option_path("letters_path", "letters.txt");
local one = module:get_option_scalar("letters_one");
local banner = module:get_option_string('letters_banner', [[Hello]]);
local secret = module:get_option_string("letters_secret");
local everywhere = module:context("*"):get_option_boolean("letters_everywhere");
local options = module:get_option("letters_options", {});
local width, height = options.width, options["height"];
local free = module:get_option("letters_free", {});
for key, value in pairs(free) do print(key, value) end
local called = module:get_option_string "letters_bare_call";
local archive_store = module:get_option_string("letters_store", "letters");
local archive = module:open_store(archive_store, "archive");
local drafts = module:open_store("drafts");
local own = module:open_store();
module:daily("Remove old letters", function () end);
module:hook("message/bare", function (event)
	if size > 3 then return module:context(event.origin.host):get_option_boolean("letters_reply", false) end
end);
