# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make what the scenario takes modules from: trees, archives good and bad, a rocks server. Prints hashes as JSON."""

import hashlib
import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

ROOT = Path("/srv/modules")
GOOD = {
    "test_greeter": 'module:depends("test_base");\nmodule:log("info", "greeter 1");\n',
    "test_base": 'module:require "part";\nmodule:log("info", "base");\n',
    # lets no ban of a protected account through
    "test_guard": 'module:hook("muc-pre-set-affiliation", function (event)\n'
    '\tif event.affiliation == "outcast" and event.jid:match("^protected@") then event.allowed = false end\nend);\n',
}
BAD = {
    "test_raises": 'error("the moon is in the wrong house");\n',
    "test_syntax": "local function (\n",
    "test_sick": 'module:set_status("error", "fever");\n',
    "test_twin": "--% conflicts: mod_flags\n",
    "test_future": "--% requires: time-travel\n",
    "test_needs": 'module:depends("nowhere_to_be_found");\n',
    "flags": "-- Prosody has this one itself\n",
}


def write_tree(place: Path, modules: dict) -> None:
    for name, text in modules.items():
        directory = place / f"mod_{name}"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"mod_{name}.lua").write_text(text)
    if "test_base" in modules:
        (place / "mod_test_base" / "part.lib.lua").write_text("return true;\n")


def archive(name: str, members: dict, link: str = "") -> str:
    path = ROOT / name
    with tarfile.open(path, "w:gz") as tar:
        for member, text in members.items():
            info = tarfile.TarInfo(member)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        if link:
            info = tarfile.TarInfo("modules/mod_test_link/mod_test_link.lua")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rocks() -> None:
    work, server = ROOT / "rock", ROOT / "server"
    (work / "html").mkdir(parents=True, exist_ok=True)
    server.mkdir(exist_ok=True)
    (work / "mod_test_rock.lua").write_text('module:log("info", "rock");\n')
    (work / "html" / "index.html").write_text("a page\n")
    (work / "mod_test_rock-3-1.rockspec").write_text(
        'package = "mod_test_rock"\nversion = "3-1"\nsource = { url = "none" }\ndescription = { license = "MIT" }\n'
        'dependencies = { "lua >= 5.1" }\nbuild = { type = "builtin", copy_directories = { "html" },\n'
        '\tmodules = { ["mod_test_rock.mod_test_rock"] = "mod_test_rock.lua" } }\n'
    )
    lua = subprocess.run(["lua", "-e", "io.write(_VERSION:match('5.%d'))"], check=True, text=True, capture_output=True)
    luarocks = f"--lua-version={lua.stdout}"
    pack = ["luarocks", luarocks, "make", "--pack-binary-rock", "mod_test_rock-3-1.rockspec"]
    subprocess.run(pack, cwd=work, check=True, capture_output=True)
    (work / "mod_test_rock-3-1.all.rock").replace(server / "mod_test_rock-3-1.all.rock")
    subprocess.run(["luarocks-admin", luarocks, "make-manifest", str(server)], check=True, capture_output=True)


def main() -> None:
    write_tree(ROOT / "good", GOOD)
    write_tree(ROOT / "bad", {**GOOD, **BAD})
    write_tree(ROOT / "broken-update", {**GOOD, "test_base": 'error("no base any more");\n'})
    newer = {**GOOD, "test_greeter": GOOD["test_greeter"].replace("greeter 1", "greeter 2")}
    files = {f"modules/mod_{name}/mod_{name}.lua": text for name, text in newer.items()}
    files["modules/mod_test_base/part.lib.lua"] = "return true;\n"
    files["modules/.hg_archival.txt"] = "repo: 1\nnode: 0123456789abcdef0123456789abcdef01234567\nbranch: default\n"
    hashes = {
        "newer": archive("newer.tar.gz", files),
        "traversal": archive("traversal.tar.gz", {**files, "modules/../../../../etc/prosody/planted.lua": "x"}),
        "link": archive("link.tar.gz", files, link="/etc/shadow"),
    }
    with zipfile.ZipFile(ROOT / "zip.zip", "w") as bundle:
        bundle.writestr("mod_test_zip.lua", 'module:log("info", "zip");\n')
        bundle.comment = b"89abcdef0123456789abcdef0123456789abcdef"
    hashes["zip"] = hashlib.sha256((ROOT / "zip.zip").read_bytes()).hexdigest()
    rocks()
    print(json.dumps(hashes))


if __name__ == "__main__":
    main()
