//! The first page: how much compressed script it costs, as the server really sends it.

import { check } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';

/** What the design allows, bytes. */
const LIMIT = 100_000;

export async function size() {
  const server = await Server.create();
  const it = await chromium.open('chair');
  try {
    await server.start('--demo');
    const host = await server.signIn('Văn phòng');
    const { id } = (await (await host('/api/meetings')).json()).find((meeting) => meeting.code === 'demo');
    const [link] = await (await host(`/api/meetings/${id}/links`)).json();
    for (const [name, path] of [['sign-in', '/'], ['joining', link.path]]) {
      const scripts = [];
      const foreign = [];
      const listen = (response) => {
        const url = new URL(response.url());
        if (url.origin !== server.url && url.protocol.startsWith('http')) foreign.push(url.href);
        if (response.request().resourceType() === 'script') scripts.push(response.request().sizes());
      };
      it.page.on('response', listen);
      await it.page.goto(`${server.url}${path}`, { waitUntil: 'networkidle' });
      it.page.off('response', listen);
      const bytes = (await Promise.all(scripts)).reduce((sum, sizes) => sum + sizes.responseBodySize, 0);
      check(`the ${name} page has at most 100 kB of script`, bytes > 0 && bytes <= LIMIT, `${bytes} bytes`);
      check(`the ${name} page asks no other host`, foreign.length === 0, foreign.join(' '));
    }
  } finally {
    await it.browser.close();
    await server.stop();
  }
}
