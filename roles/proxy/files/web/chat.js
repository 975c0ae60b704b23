// SPDX-FileCopyrightText: 2026 allthingslinux.xmpp contributors
// SPDX-License-Identifier: GPL-3.0-or-later
// Starts Converse.js for this site. What the site is stands in the page, so that nothing here is written by a machine.
const site = JSON.parse(document.body.dataset.site);

// Converse registers only elements that are not there yet: its footer has pictures from another host, the bar leads to it.
customElements.define('converse-footer', class extends HTMLElement {
  connectedCallback() {
    this.replaceChildren(...site.footer.map(({ text, url }) => Object.assign(document.createElement('a'), { href: url, textContent: text, rel: 'noopener noreferrer' })));
  }
});
customElements.define('converse-controlbox-navbar', class extends HTMLElement {});
customElements.define('converse-brand-logo', class extends HTMLElement {
  connectedCallback() {
    const picture = document.createElement('img');
    picture.src = '/app/icon.svg';
    picture.alt = '';
    this.className = 'site-brand';
    this.replaceChildren(picture, document.createTextNode(site.title));
  }
});

// All of a session but whether the device is trusted
function forget() {
  Object.keys(sessionStorage).filter((key) => key.startsWith('converse-session/') && !key.includes('client-config')).forEach((key) => sessionStorage.removeItem(key));
}

// Who is asked for a password after a reload gets nothing back of the session before: its messages are not for the next one here
const trusts = Object.keys(sessionStorage).filter((key) => key.includes('converse.client-config')).every((key) => !/"trusted":false/.test(sessionStorage.getItem(key)));
if (site.websocket && !trusts) forget();

// The page for invitations leaves what was typed there, for this one time
const left = sessionStorage.getItem('xmpp-sign-in');
sessionStorage.removeItem('xmpp-sign-in');
const signIn = left ? { ...JSON.parse(left), auto_login: true } : { auto_login: false };

// Converse 14 fills its form in with what was typed there last, for whoever sits down next after somebody signed out. And where the
// device is not trusted it forgets its own first view with everything else when a session ends, so that the page stays empty.
converse.plugins.add('site-first-view', {
  initialize() {
    const { api, exports, state } = this._converse;
    let leaves = false;
    // Who is in comes back by himself. Who is not is told why; Converse would try once more, and then show nothing for ever.
    api.listen.on('connected', () => api.settings.set({ auto_reconnect: true }));
    api.listen.on('beforeLogout', () => { leaves = true; });
    api.listen.on('disconnected', () => {
      const name = leaves ? '' : `${api.settings.get('jid') ?? ''}`.split('@')[0];
      // what is left of a session names who was here
      if (leaves && !state.config.get('trusted')) forget();
      leaves = false;
      api.settings.set({ jid: name, password: '', auto_reconnect: false });
      if (state.chatboxes.get('controlbox')) return;
      state.chatboxes.add(new exports.ControlBox({ id: 'controlbox', closed: false }));
      state.chatboxviews.get('controlbox')?.setModel();
    });
  },
});

converse.initialize({
  whitelisted_plugins: ['site-first-view'],
  view_mode: 'fullscreen',
  theme: 'classic',
  dark_theme: 'dracula',
  assets_path: '/converse/',
  sounds_path: '/converse/sounds/',
  authentication: 'login',
  ...signIn,
  locked_domain: site.address,
  discover_connection_methods: false,
  ...(site.websocket ? { websocket_url: `wss://${location.host}/xmpp-websocket` } : { bosh_service_url: `https://${location.host}/http-bind` }),
  allow_registration: false,
  auto_reconnect: false,
  ...(site.rooms ? { muc_domain: site.rooms, locked_muc_domain: 'hidden' } : { allow_muc: false }),
  muc_search_service: null,
  muc_nickname_from_jid: true,
  auto_register_muc_nickname: false,
  embed_3rd_party_media_players: false,
  fetch_url_headers: false,
  render_media: [location.hostname, location.host, site.upload].filter(Boolean),
  show_client_info: false,
  show_background: false,
  play_sounds: false,
  allow_user_trust_override: 'off',
  loglevel: 'warn',
});
