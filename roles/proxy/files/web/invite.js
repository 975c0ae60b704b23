// SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// From an invitation to an account: what it is for, an app or the browser, name and password, signed in.
import { language, text } from './texts.js';
import { qrcode } from './qrcode.js';

const site = JSON.parse(document.body.dataset.site);
// what programs hang on to a link is no part of it
const [token] = location.search.slice(1).match(/^[\w-]*/);
const show = (id, on = true) => { document.getElementById(id).hidden = !on; };
const say = (id, words) => { document.getElementById(id).textContent = words; };
// what the button of the form says
let create = text('create');

// Apps that take an invitation's address (XEP-0401), with where their makers offer them
const apps = {
  Android: [['Conversations', 'https://conversations.im/'], ['Cheogram', 'https://cheogram.com/']],
  iOS: [['Monal', 'https://monal-im.org/'], ['Siskin', 'https://siskin.im/']],
  macOS: [['Monal', 'https://monal-im.org/'], ['Beagle', 'https://beagle.im/']],
  Windows: [['Gajim', 'https://gajim.org/']],
  Linux: [['Dino', 'https://dino.im/'], ['Gajim', 'https://gajim.org/']],
};

function platform() {
  const agent = navigator.userAgent;
  if (/Android/.test(agent)) return 'Android';
  if (/iPhone|iPad/.test(agent) || (/Mac/.test(agent) && navigator.maxTouchPoints > 1)) return 'iOS';
  if (/Mac/.test(agent)) return 'macOS';
  return /Windows/.test(agent) ? 'Windows' : 'Linux';
}

function over(state) {
  say('title', text(state));
  say('about', text(`${state}_about`));
  ['choice', 'apps', 'form'].forEach((id) => show(id, false));
  show('over', site.web_client);
}

function invited(invitation) {
  const names = { s: site.title, i: invitation.inviter };
  say('title', invitation.reset ? text('reset', { s: `${invitation.user}@${site.address}` }) : text(invitation.inviter ? 'invited_by' : 'invited', names));
  say('about', invitation.reset ? text('reset_about') : text('about'));
  say('password_about', text('password_about', { n: invitation.password_length || 1 }));
  document.getElementById('uri').href = invitation.uri;
  document.getElementById('password').minLength = invitation.password_length || 1;
  const user = document.getElementById('user');
  if (invitation.user) Object.assign(user, { value: invitation.user, readOnly: true });
  const list = document.getElementById('list');
  for (const [name, link] of apps[platform()]) {
    const entry = document.createElement('a');
    Object.assign(entry, { href: link, rel: 'noopener noreferrer', target: '_blank', textContent: name });
    entry.append(Object.assign(document.createElement('span'), { textContent: new URL(link).host }));
    list.append(entry);
  }
  document.getElementById('code').append(qrcode(`${location.origin}/invite/?${token}`, text('phone')));
  if (!invitation.reset) return choose();
  create = text('reset_create');
  say('create', create);
  show('back', false);
  fill();
}

function choose() {
  show('form', false);
  ['choice', 'apps'].forEach((id) => show(id));
}

// a step of its own for the browser, whose button leads back to the choice rather than away
function goOn() {
  history.pushState('form', '');
  fill();
}

function fill() {
  ['choice', 'apps'].forEach((id) => show(id, false));
  show('form');
  document.getElementById(document.getElementById('user').readOnly ? 'password' : 'user').focus();
}

const reasons = { taken: 'taken', user: 'bad_user', password: 'bad_password', refused: 'refused' };

// who writes the whole address means its name
function nameIn(value) {
  const [name, domain] = value.trim().split('@');
  return domain?.toLowerCase() === site.address ? name : value.trim();
}

async function send(event) {
  event.preventDefault();
  const [user, password, button] = ['user', 'password', 'create'].map((id) => document.getElementById(id));
  say('error', '');
  button.disabled = true;
  say('create', text('working'));
  try {
    const answer = await fetch('/invites_json', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ token, user: nameIn(user.value), password: password.value }),
    });
    const result = await answer.json();
    if (answer.status === 201) {
      done(result, password.value);
    } else if (['used', 'expired', 'unknown'].includes(result.state)) {
      over(result.state);
    } else {
      say('error', text(reasons[result.state] || 'error'));
    }
  } catch {
    say('error', text('error'));
  }
  button.disabled = false;
  say('create', create);
}

function done(result, password) {
  say('title', text('created', { j: result.jid }));
  const made = site.web_client ? text('created_about') : text('created_in_app');
  say('about', result.state === 'reset' ? text('set') : made);
  show('form', false);
  show('done', site.web_client);
  show('apps', !site.web_client);
  show('apps_about', false);
  document.getElementById('go').addEventListener('click', () => {
    sessionStorage.setItem('xmpp-sign-in', JSON.stringify({ jid: result.jid, password }));
    location.assign('/');
  });
}

async function start() {
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  if (!site.web_client) say('browser', text('here'));
  document.getElementById('browser').addEventListener('click', goOn);
  document.getElementById('back').addEventListener('click', () => history.back());
  window.addEventListener('popstate', () => { if (!document.getElementById('form').hidden) choose(); });
  document.getElementById('form').addEventListener('submit', send);
  try {
    const answer = await fetch(`/invites_json?${encodeURIComponent(token)}`);
    const invitation = await answer.json();
    if (answer.status === 200) invited(invitation); else over(invitation.state);
  } catch {
    say('title', text('error'));
  }
  document.body.dataset.ready = 'true';
}

start();
