// SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// The words of the pages, in the languages that there are. What a page has in its HTML is English.
const german = {
  invited: 'Du bist zu %s eingeladen', invited_by: '%i lädt dich zu %s ein', reset: 'Neues Passwort für %s',
  about: 'Ein Chat, der dir und deinen Leuten gehört, offen für Menschen auf anderen XMPP-Servern.',
  in_browser: 'Im Browser weiter', in_app: 'Mit einer App auf diesem Gerät', apps: 'Noch keine App?', apps_about: 'Installiere eine, dann komm zu dieser Seite zurück.',
  phone: 'Lieber am Telefon?', phone_about: 'Scanne den Code mit der Kamera.',
  choose: 'Wähle Name und Passwort', name: 'Name', password: 'Passwort', password_about: 'Mindestens %n Zeichen, sonst nirgends benutzt.',
  create: 'Konto anlegen', working: 'Einen Moment …', back: 'Zurück',
  created: 'Willkommen, %j!', created_about: 'Dein Konto ist angelegt. Merke dir das Passwort gut.', go: 'Zum Chat', set: 'Das neue Passwort gilt.',
  used: 'Diese Einladung ist verbraucht', used_about: 'Mit ihr wurde schon ein Konto angelegt. War das deins, melde dich einfach an.',
  expired: 'Diese Einladung ist abgelaufen', expired_about: 'Bitte die Person, die sie geschickt hat, um eine neue.',
  unknown: 'Diese Einladung gibt es nicht', unknown_about: 'Vielleicht fehlt ein Stück des Links. Öffne ihn noch einmal oder bitte um eine neue Einladung.',
  taken: 'Diesen Namen hat schon jemand.', bad_user: 'Dieser Name geht nicht: Buchstaben, Ziffern, Punkt und Strich sind gut.',
  bad_password: 'Dieses Passwort geht nicht: zu kurz, oder der Name steckt darin.', refused: 'Im Moment geht das nicht. Versuche es später noch einmal.',
  error: 'Der Server antwortet nicht. Versuche es noch einmal.', sign_in: 'Anmelden',
};
const english = {
  invited: 'You are invited to %s', invited_by: '%i invites you to %s', reset: 'New password for %s',
  about: 'A chat that belongs to you and your people, open to everybody on other XMPP servers.',
  in_browser: 'Continue in the browser', in_app: 'With an app on this device', apps: 'No app yet?', apps_about: 'Install one, then come back to this page.',
  phone: 'Rather on your phone?', phone_about: 'Scan the code with its camera.',
  choose: 'Choose a name and a password', name: 'Name', password: 'Password', password_about: 'At least %n characters, used nowhere else.',
  create: 'Create the account', working: 'One moment …', back: 'Back',
  created: 'Welcome, %j!', created_about: 'Your account is there. Keep the password well.', go: 'Go to the chat', set: 'The new password is set.',
  used: 'This invitation has been used', used_about: 'An account was made with it. If it is yours, just sign in.',
  expired: 'This invitation has expired', expired_about: 'Ask whoever sent it for a new one.',
  unknown: 'There is no such invitation', unknown_about: 'Part of the link may be missing. Open it once more, or ask for a new invitation.',
  taken: 'Somebody has this name already.', bad_user: 'This name does not work: letters, digits, dots and hyphens are fine.',
  bad_password: 'This password does not work: too short, or the name is in it.', refused: 'Not possible at the moment. Try again later.',
  error: 'The server does not answer. Try again.', sign_in: 'Sign in',
};
export const language = (navigator.languages || [navigator.language]).some((one) => one.startsWith('de')) && !navigator.language.startsWith('en') ? 'de' : 'en';
const texts = language === 'de' ? german : english;
export const text = (key, values = {}) => texts[key].replace(/%([a-z])/g, (all, letter) => values[letter] ?? all);
