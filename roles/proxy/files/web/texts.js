// SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// The words of the pages, in the languages that stand in the page. What a language has no word for is said in English.
const languages = JSON.parse(document.body.dataset.texts);
const wanted = (navigator.languages || [navigator.language]).map((one) => one.toLowerCase());
export const language = wanted.flatMap((one) => [one, one.split('-')[0]]).find((one) => languages[one]) || 'en';
const texts = { ...languages.en, ...languages[language] };
export const text = (key, values = {}) => texts[key].replace(/%([a-z])/g, (all, letter) => values[letter] ?? all);
