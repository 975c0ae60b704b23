# SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service in a real browser: from an invitation to a first message, pictures, rooms and history.

Each test goes on where the last one was.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from ansible_collections.allthingslinux.xmpp.tests.scenario.browser import Seen, address_of, chromium, page
from ansible_collections.allthingslinux.xmpp.tests.scenario.waiting import wait_until
from playwright.sync_api import TimeoutError

CONTAINER = os.environ["XMPP_WEB_CONTAINER"]
SHOTS = Path(os.environ["XMPP_WEB_SHOTS"])
DOMAIN = "chat.localhost"
# new ones each time, so that the tests can be run again against a service that was left standing
ROOM, NEWCOMER = f"garden-{secrets.token_hex(3)}", f"carol-{secrets.token_hex(3)}"
ALICE = "walks-by-the-sea"
PHONE = {"width": 390, "height": 844}


IMPRINT = 'Imprint & "rules"'


def shell(*command: str) -> str:
    done = subprocess.run(["docker", "exec", CONTAINER, *command], check=True, capture_output=True, text=True)
    return done.stdout


def invitation(what: str = f'create_account("{DOMAIN}")') -> str:
    said = shell("prosodyctl", "shell", f"invite:{what}")
    link = re.search(r"https://\S+", said)
    assert link, said
    return link[0]


def picture(path: Path) -> Path:
    """A PNG of 64 by 64 pixels in one colour."""
    rows = b"".join(b"\0" + b"\x24\x57\xd6" * 64 for _row in range(64))
    parts = [(b"IHDR", struct.pack("!IIBBBBB", 64, 64, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    chunks = (
        struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data)) for kind, data in parts
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


@pytest.fixture(scope="module")
def seen():
    return Seen()


@pytest.fixture(scope="module")
def browser():
    SHOTS.mkdir(parents=True, exist_ok=True)
    with chromium(CONTAINER, DOMAIN) as started:
        yield started


def sign_in(browser, seen, name, password, trusted=False):
    made = page(browser, seen)
    made.goto(f"https://{DOMAIN}/")
    made.fill("input[name=jid]", name)
    made.fill("input[name=password]", password)
    if trusted:
        made.check("input[name=trusted]")
    made.click("input[type=submit], button[type=submit]")
    made.wait_for_selector("converse-user-profile")
    return made


@pytest.fixture(scope="module")
def alice(browser, seen):
    return sign_in(browser, seen, "alice", ALICE)


@pytest.fixture(scope="module")
def bob(browser, seen):
    return sign_in(browser, seen, "bob", "reads-in-the-tree")


def chat(made, kind, jid):
    """Open a chat or a room: one that is in the list by a click, as people do it, else by its address."""
    text = made.locator(f"[jid='{jid}'] textarea.chat-textarea")
    listed = made.locator(f".open-chat:has-text('{jid}')")
    for _attempt in range(10):
        if listed.count():
            listed.first.click()
        else:
            made.evaluate("hash => { location.hash = hash; }", f"#converse/{kind}?jid={jid}")
        with contextlib.suppress(TimeoutError):
            text.wait_for(timeout=3000)
            return
    made.screenshot(path=SHOTS / "failed.png")
    text.wait_for(timeout=1000)


def say(made, text):
    made.locator("textarea.chat-textarea:visible").fill(text)
    made.locator("textarea.chat-textarea:visible").press("Enter")


def hears(made, text):
    made.wait_for_selector(f".chat-msg__text:has-text({text!r}) >> visible=true")


def test_the_page_to_sign_in(browser, seen):
    made = page(browser, seen)
    made.goto(f"https://{DOMAIN}/")
    made.wait_for_selector("input[name=jid]")
    assert made.text_content("converse-brand-logo").strip() == DOMAIN
    assert made.title() == DOMAIN
    assert made.locator("converse-footer a:visible").all_text_contents() == [IMPRINT]
    made.screenshot(path=SHOTS / "sign-in.png")
    dark = page(browser, seen, color_scheme="dark", locale="de-DE", viewport=PHONE)
    dark.goto(f"https://{DOMAIN}/")
    dark.wait_for_selector("text=Passwort")
    assert dark.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    # the card has the width of the phone, and nothing in it is broken over two lines
    card, name, button = (
        dark.locator(one).bounding_box() for one in ("converse-login-form", ".input-group", "[type=submit]")
    )
    assert 340 <= card["width"] <= PHONE["width"]
    assert name["height"] < 48
    assert button["width"] == name["width"]
    dark.screenshot(path=SHOTS / "sign-in-phone-dark-german.png")


def test_how_much_the_first_view_is(browser, seen):
    """One look at the page to sign in: what comes over the wire, and when something is seen."""
    made = page(browser, seen)
    made.goto(f"https://{DOMAIN}/")
    made.wait_for_selector("input[name=jid]")
    measure = "performance.getEntriesByType('resource').reduce((sum, one) => sum + one.transferSize, 0)"
    size = made.evaluate(measure) / 1000
    painted = made.evaluate("performance.getEntriesByType('paint')[0].startTime")
    print(f"first view: {size:.0f} kB, first paint after {painted:.0f} ms")
    assert size < 700


def test_a_wrong_password_is_said_and_who_signs_out_may_sign_in_again(browser):
    # Converse complains of what comes after it has closed a WebSocket
    made = page(browser, Seen())
    made.goto(f"https://{DOMAIN}/")
    for password, then in (("not-the-password", "text=password is incorrect"), (ALICE, "converse-user-profile")):
        made.fill("input[name=jid]", "alice")
        made.fill("input[name=password]", password)
        made.click("input[type=submit], button[type=submit]")
        made.wait_for_selector(then)
        if then != "converse-user-profile":
            assert (made.input_value("input[name=jid]"), made.input_value("input[name=password]")) == ("alice", "")
    made.click("a.show-profile")
    made.on("dialog", lambda dialog: dialog.accept())
    made.click("converse-profile-modal .modal-footer .btn-danger")
    confirm = made.locator("converse-confirm-modal button[type=submit]")
    form = made.locator("input[name=jid]")
    confirm.or_(form).first.wait_for(state="visible")
    if confirm.count() and confirm.is_visible():
        confirm.click()
    form.wait_for(state="visible")
    # nothing is left for whoever sits down next
    left = "Object.keys(sessionStorage).filter(key => key.includes('alice'))"
    made.wait_for_function(f"{left}.length === 0")
    assert (made.input_value("input[name=jid]"), made.input_value("input[name=password]")) == ("", "")
    assert ALICE not in made.content()
    made.context.close()


def test_nothing_is_left_after_a_reload_on_a_device_that_is_not_trusted(browser, seen):
    """Who is asked for a password again takes it that nobody is signed in."""
    made = sign_in(browser, seen, "alice", ALICE)
    kept = "Object.values(sessionStorage).filter(one => one.includes('alice')).length"
    made.wait_for_function(f"{kept} > 0")
    made.reload()
    made.wait_for_selector("input[name=jid]")
    assert made.evaluate(kept) == 0
    made.context.close()


def connected() -> str | None:
    """Who is connected, as Prosody's shell has it; None where it does not answer yet."""
    asked = ["docker", "exec", CONTAINER, "prosodyctl", "shell", "c2s:show()"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def test_a_server_that_is_away_is_said_and_who_tries_again_is_let_in(browser):
    made = page(browser, Seen())
    made.goto(f"https://{DOMAIN}/")
    made.wait_for_selector("input[name=jid]")
    shell("systemctl", "stop", "prosody")
    try:
        made.fill("input[name=jid]", "alice")
        made.fill("input[name=password]", ALICE)
        made.click("input[type=submit], button[type=submit]")
        made.wait_for_selector("text=connection could not be established")
        made.wait_for_selector("input[name=jid]", state="visible")
        made.screenshot(path=SHOTS / "server-away.png")
    finally:
        shell("systemctl", "start", "prosody")
    wait_until(lambda: connected() is not None, 60)
    made.fill("input[name=password]", ALICE)
    made.click("input[type=submit], button[type=submit]")
    made.wait_for_selector("converse-user-profile")
    # who is in comes back by himself
    shell("systemctl", "restart", "prosody")
    wait_until(lambda: f"alice@{DOMAIN}/" in (connected() or ""), 60)
    chat(made, "chat", f"bob@{DOMAIN}")
    said = f"Back again {secrets.token_hex(4)}"
    say(made, said)
    wait_until(lambda: archived(said) > 0, 60)
    made.context.close()


def test_a_message_each_way(alice, bob):
    chat(alice, "chat", f"bob@{DOMAIN}")
    say(alice, "Good morning, Bob")
    chat(bob, "chat", f"alice@{DOMAIN}")
    hears(bob, "Good morning, Bob")
    say(bob, "And to you, Alice")
    hears(alice, "And to you, Alice")


def test_what_is_said_on_one_screen_is_seen_on_the_other(browser, seen, alice):
    """Carbons (XEP-0280): the chat is open there already, so nothing comes out of the archive."""
    second = sign_in(browser, seen, "alice", ALICE)
    chat(second, "chat", f"bob@{DOMAIN}")
    chat(alice, "chat", f"bob@{DOMAIN}")
    say(alice, "On both of my screens")
    hears(second, "On both of my screens")


def test_a_picture_is_uploaded_and_seen(alice, bob, tmp_path):
    alice.locator("input[type=file].fileupload").first.set_input_files(picture(tmp_path / "blue.png"))
    for made in (alice, bob):
        made.wait_for_selector("img.chat-image >> visible=true")
        source = made.locator("img.chat-image").first
        assert source.get_attribute("src").startswith(f"https://{DOMAIN}/file_share/")
        made.wait_for_selector("img.chat-image")
        assert source.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 64
    alice.screenshot(path=SHOTS / "chat.png")


def test_the_history_is_there_after_the_page_is_loaded_again(browser, seen, bob):
    again = sign_in(browser, seen, "bob", "reads-in-the-tree")
    chat(again, "chat", f"alice@{DOMAIN}")
    hears(again, "Good morning, Bob")
    hears(again, "And to you, Alice")


def test_a_room(alice, bob):
    for made in (alice, bob):
        chat(made, "room", f"{ROOM}@muc.{DOMAIN}")
    say(alice, "Who waters the roses?")
    hears(bob, "Who waters the roses?")
    say(bob, "I do")
    hears(alice, "I do")
    alice.screenshot(path=SHOTS / "room.png")


def close_the_lock(made):
    """Have the client encrypt. Before the keys of both have come it does not, and a click may come late and undo it."""
    encrypts, opened = (
        made.locator(f".toggle-omemo[title*='{title}'] >> visible=true") for title in ("sent encrypted", "plaintext")
    )
    for _attempt in range(15):
        if opened.count():
            opened.click()
        with contextlib.suppress(TimeoutError):
            encrypts.wait_for(timeout=4000)
            try:
                opened.wait_for(timeout=1500)
            except TimeoutError:
                return
        made.keyboard.press("Escape")
    raise AssertionError(f"the client does not encrypt: {made.locator('.toggle-omemo').first.get_attribute('title')}")


def archived(text: str) -> int:
    """Out: how many rows of the archive hold this text."""
    ask = ["runuser", "--user=postgres", "--", "psql", "-Atd", "prosody", "-c"]
    return int(shell(*ask, f"SELECT count(*) FROM prosodyarchive WHERE value LIKE '%{text}%'"))


def devices(name: str) -> int:
    """Out: how many devices with keys this account has announced."""
    node = "pep_eu.siacs.conversations.axolotl.devicelist"
    ask = ["runuser", "--user=postgres", "--", "psql", "-Atd", "prosody", "-c"]
    chosen = f"""store = '{node}' AND "user" = '{name}' ORDER BY sort_id DESC LIMIT 1"""
    return shell(*ask, f"SELECT value FROM prosodyarchive WHERE {chosen}").count("device")


def sign_in_with_keys(browser, seen, name, password):
    """Sign in where the device is trusted, until all can see its keys: the client asks for them once for each chat."""
    before = devices(name)
    made = sign_in(browser, seen, name, password, trusted=True)
    wait_until(lambda: devices(name) > before, 60)
    return made


def test_omemo_between_two_browsers(browser, seen):
    """Only what is encrypted reaches the server: WebAssembly is allowed by the policy, and keys are found by PEP."""
    alice = sign_in_with_keys(browser, seen, "alice", ALICE)
    bob = sign_in_with_keys(browser, seen, "bob", "reads-in-the-tree")
    chat(bob, "chat", f"alice@{DOMAIN}")
    chat(alice, "chat", f"bob@{DOMAIN}")
    outcomes = []
    # What is sent while the client still fetches keys may be for fewer devices than there are, or, where its lock opens
    # again by itself on a busy machine, for everybody: people look at the lock and say it again.
    for _attempt in range(4):
        close_the_lock(alice)
        secret = f"The key lies under pot {secrets.token_hex(4)}"
        say(alice, secret)
        with contextlib.suppress(TimeoutError):
            bob.wait_for_selector(f".chat-msg__text:has-text({secret!r}) >> visible=true", timeout=8000)
            outcomes.append(archived(secret))
            if outcomes[-1] == 0:
                break
    alice.screenshot(path=SHOTS / "omemo-sent.png")
    bob.screenshot(path=SHOTS / "omemo.png")
    hears(bob, secret)
    assert outcomes[-1:] == [0], f"copies in the archive that anybody could read, for each that was heard: {outcomes}"
    assert archived("eu.siacs.conversations.axolotl") > 0


def test_from_an_invitation_to_the_first_message(browser, seen, alice):
    link = invitation()
    assert link.startswith(f"https://{DOMAIN}/invite/?")
    made = page(browser, seen, (400, 409))
    made.goto(link)
    made.wait_for_selector("#choice", state="visible")
    assert made.get_attribute("#uri", "href").startswith(f"xmpp:{DOMAIN}?register;preauth=")
    assert made.locator("#code svg path").count() == 1
    made.screenshot(path=SHOTS / "invitation.png")
    made.click("#browser")
    # the browser's own button leads back to the choice
    made.go_back()
    made.wait_for_selector("#choice", state="visible")
    made.click("#browser")
    for user, password, words in (
        ("alice", "blue-boat-7-left", "Somebody has this name already"),
        # of an operator's accounts too: the first letter is Cyrillic
        ("\N{CYRILLIC SMALL LETTER A}lice", "blue-boat-7-left", "or one that looks like it"),
        ("-x", "blue-boat-7-left", "This name does not work"),
        (NEWCOMER, f"{NEWCOMER}-is-in-here", "This password does not work"),
    ):
        made.fill("#user", user)
        made.fill("#password", password)
        made.click("#create")
        made.wait_for_selector(f"#error:has-text({words!r})")
    # who is asked for a name may well give the address
    made.fill("#user", f"{NEWCOMER}@{DOMAIN}")
    made.fill("#password", "blue-boat-7-left")
    made.click("#create")
    made.wait_for_selector("#go", state="visible")
    made.click("#go")
    made.wait_for_selector("converse-user-profile")
    chat(made, "chat", f"alice@{DOMAIN}")
    say(made, "Carol is here")
    chat(alice, "chat", f"{NEWCOMER}@{DOMAIN}")
    hears(alice, "Carol is here")
    made.screenshot(path=SHOTS / "first-message.png")
    made.context.close()  # before the account is removed

    over = page(browser, seen, (410, 404))
    over.goto(link)
    over.wait_for_selector("h1:has-text('This invitation has been used')")
    over.screenshot(path=SHOTS / "invitation-used.png")
    over.goto(f"https://{DOMAIN}/invite/?nonsense")
    over.wait_for_selector("h1:has-text('There is no such invitation')")
    made_to_expire = f"> return prosody.hosts['{DOMAIN}'].modules.invites.create_account(nil, {{}}, -1).token"
    token = re.findall(r"[A-Za-z0-9_-]{16,}", shell("prosodyctl", "shell", made_to_expire))[0]
    over.goto(f"https://{DOMAIN}/invite/?{token}")
    over.wait_for_selector("h1:has-text('This invitation has expired')")
    assert over.text_content("#about") == "Ask whoever sent it for a new one."
    assert over.locator("footer a").get_attribute("href") == f"https://{DOMAIN}/imprint"


def test_a_link_for_a_new_password(browser, seen):
    """For an account that was made by an invitation."""
    link = invitation(f'create_reset("{NEWCOMER}@{DOMAIN}")')
    made = page(browser, seen)
    made.goto(link)
    made.wait_for_selector("#form", state="visible")
    assert made.input_value("#user") == NEWCOMER
    assert made.inner_text("#create") == "Set the password"
    assert not made.is_visible("#back")
    made.screenshot(path=SHOTS / "new-password.png")
    made.fill("#password", "green-boat-8-right")
    made.click("#create")
    made.wait_for_selector("#about:has-text('The new password is set.')")
    made.context.close()
    sign_in(browser, seen, NEWCOMER, "green-boat-8-right").context.close()


def test_who_was_removed_does_not_come_back(browser, seen):
    left = invitation(f'create_reset("{NEWCOMER}@{DOMAIN}")')
    shell("prosodyctl", "shell", f'user:delete("{NEWCOMER}@{DOMAIN}")')
    made = page(browser, seen, (409, 410))
    made.goto(left)
    made.wait_for_selector("#title:has-text('This invitation has expired')")
    made.goto(invitation())
    made.click("#browser")
    made.fill("#user", NEWCOMER)
    made.fill("#password", "blue-boat-7-left")
    made.click("#create")
    made.wait_for_selector("#error:has-text('Somebody has this name already')")
    made.context.close()


def test_a_language_of_the_operators_own(browser, seen):
    """What it lacks is said in English."""
    made = page(browser, seen, (404,), locale="fr-CA")
    made.goto(f"https://{DOMAIN}/invite/?nonsense")
    made.wait_for_selector('h1:has-text("Cette invitation n\'existe pas")')
    assert made.text_content("#about").startswith("Part of the link may be missing")
    assert made.evaluate("document.documentElement.lang") == "fr"


def test_an_invitation_on_a_phone_in_german_and_in_the_dark(browser, seen):
    made = page(browser, seen, color_scheme="dark", locale="de-DE", viewport=PHONE)
    made.goto(invitation())
    made.wait_for_selector("h1:has-text('Du bist zu')")
    assert made.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    made.screenshot(path=SHOTS / "invitation-phone-dark-german.png")


def test_prosody_knows_where_browsers_are(alice):
    """The address of the browser, which is the container's own, not that of the proxy on loopback."""
    collect = 'for jid, session in pairs(prosody.full_sessions) do found[#found + 1] = jid .. "=" .. session.ip end'
    code = f'> (function () local found = {{}} {collect} return table.concat(found, " ") end)()'
    sessions = shell("prosodyctl", "shell", code)
    assert set(re.findall(r"alice@[^= ]+=(\S+)", sessions)) == {address_of(CONTAINER)}


def test_nothing_was_asked_of_any_other_host_and_nobody_complained(seen):
    """Last, for all pages above: a newer web client that needs another hash in the policy is seen here."""
    assert seen.hosts == {DOMAIN}
    assert seen.complaints == []
