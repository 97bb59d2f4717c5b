//! A conference over three media nodes: a commune below a cluster below the province, in real browsers. The desk sees
//! the map, moves a site, drains a node; a node is killed and its site goes on elsewhere with its seat.

import * as act from './acts.mjs';
import { axe } from './axe.mjs';
import { check, note, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';
import { vi } from './words.mjs';

const LEAF = { file: 'lethuy', name: 'Điểm cầu xã Lệ Thủy', node: 'xa-le-thuy' };
const OTHER = { file: 'donghoi', name: 'Điểm cầu phường Đồng Hới', node: 'cum-1' };
const SIZES = [['large', 1920, 1080], ['phone', 390, 844], ['', 1366, 768]];

/** New pictures of others that must come before a page counts as watching. */
const FRAMES = 20;

/** From the kill of a node to new pictures at its site, s: silence is found within one, the page then offers again. */
const BACK_SECONDS_MAX = 10;

export async function tree() {
  const server = await Server.create();
  const open = [];
  try {
    await step('the server starts with demonstration data', () => server.start('--demo'));
    await whole(server, open);
    const errors = open.flatMap((it) => it.errors).filter((text) => !/Failed to load resource/u.test(text));
    check('no page reported an error', errors.length === 0, errors.slice(0, 5).join(' | '));
  } catch (error) {
    for (const { page, site } of open) await chromium.shot(page, `tree-failed-${site}`).catch(() => {});
    note(`the server's last words: ${server.log.slice(-12).join('\n')}`);
    throw error;
  } finally {
    for (const { browser } of open) await browser.close().catch(() => {});
    await server.stop();
  }
}

async function shots(page, name) {
  for (const [suffix, width, height] of SIZES) {
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(700);
    await chromium.shot(page, suffix === '' ? name : `${name}-${suffix}`);
  }
}

/** Pictures of others that a page has decoded so far. */
async function decoded(page) {
  return page.evaluate(async () => {
    let frames = 0;
    for (const peer of window.__spy.peers.filter((it) => it.connectionState === 'connected')) {
      for (const it of (await peer.getStats()).values()) {
        if (it.type === 'inbound-rtp' && it.kind === 'video') frames += it.framesDecoded ?? 0;
      }
    }
    return frames;
  });
}

async function watches(page, who, seconds = 30) {
  const before = await decoded(page);
  // A connection that was made anew counts from zero.
  await until(`${who} sees ${FRAMES} new pictures`, seconds, async () => {
    const now = await decoded(page);
    return now >= before + FRAMES || (now < before && now >= FRAMES);
  });
}

async function whole(server, open) {
  const launch = async (file) => {
    const browser = await chromium.open(file);
    open.push(browser);
    return browser.page;
  };
  const desk = await launch('gioilinh');
  await act.signIn(desk, server, 'Kỹ thuật viên');
  await step('without other nodes the map says how one is added', async () => {
    await desk.getByRole('link', { name: vi('nav.nodes'), exact: true }).click();
    await desk.getByText(vi('nodes.how'), { exact: true }).waitFor();
    await shots(desk, 'tree-alone');
    await axe(desk, 'the map of one node');
  });

  await step('a cluster and a commune join with one command each', async () => {
    await server.addNode(OTHER.node);
    await server.addNode(LEAF.node, OTHER.node);
    await desk.getByRole('button', { name: new RegExp(LEAF.node, 'u') }).waitFor();
  });
  const api = await server.signIn('Kỹ thuật viên');
  const host = await server.signIn('Văn phòng');
  const units = await (await host('/api/units')).json();
  const idOf = (site) => units.flatMap((unit) => unit.sites).find((it) => it.name === site.name).id;
  for (const site of [LEAF, OTHER]) {
    const answer = await api(`/api/sites/${idOf(site)}/node`, { method: 'PUT', body: JSON.stringify({ node: site.node }) });
    check(`${site.name} is sent to ${site.node}`, answer.status === 204, String(answer.status));
  }
  const body = JSON.stringify({
    title: 'Họp chỉ đạo ứng phó bão số 10', venue: 'Hội trường UBND tỉnh', scheduled_at: Date.now(), sites: [LEAF, OTHER].map(idOf),
  });
  const { id } = await (await host('/api/meetings', { method: 'POST', body })).json();
  await host(`/api/meetings/${id}/open`, { method: 'POST' });
  const links = await (await host(`/api/meetings/${id}/links`)).json();

  const chair = await launch('chair');
  await act.signIn(chair, server, 'Chủ trì');
  await act.enterFromOffice(chair, server, id);
  const pages = [];
  for (const site of [LEAF, OTHER]) {
    const page = await launch(site.file);
    await act.enterByLink(page, server, links.find((it) => it.site_name === site.name).path);
    pages.push(page);
  }
  const [leaf, other] = pages;
  await step('all three levels see each other', async () => {
    await watches(leaf, 'the commune');
    await watches(other, 'the cluster');
    await watches(chair, 'the chair');
  });
  await step('the map shows each site at its node, and what the trunks carry', async () => {
    await desk.getByRole('button', { name: new RegExp(LEAF.node, 'u') }).click();
    await desk.getByRole('cell', { name: LEAF.name, exact: true }).waitFor();
    await until('a trunk carries pictures', 10, async () => {
      const nodes = await (await api('/api/nodes')).json();
      return nodes.filter((it) => it.trunk !== null && it.trunk.received_bps + it.trunk.sent_bps > 100_000).length === 2;
    });
    await shots(desk, 'tree-map');
    await axe(desk, 'the map of three nodes');
  });
  await step('the desk moves a site to another node, and it goes on', async () => {
    await desk.getByRole('button', { name: new RegExp(OTHER.node, 'u') }).click();
    await desk.getByLabel(vi('nodes.move_site', { name: OTHER.name })).selectOption('root');
    await until('the site is at the root', 20, async () => {
      const nodes = await (await api('/api/nodes?sites=root')).json();
      return nodes.find((it) => it.name === 'root').sites.some((it) => it.name === OTHER.name);
    });
    await watches(other, 'the moved site');
  });
  await step('a killed node: its site goes on elsewhere and keeps its seat', async () => {
    const [, commune] = server.nodes;
    commune.kill('SIGKILL');
    const killed = Date.now();
    await watches(leaf, 'the commune', BACK_SECONDS_MAX);
    note(`the commune's picture was back after ${((Date.now() - killed) / 1000).toFixed(1)} s`);
    await watches(chair, 'the chair');
    await desk.getByText(vi('nodes.state.gone'), { exact: true }).waitFor();
    const born = await leaf.evaluate(() => window.__spy.born);
    check('the page was not loaded anew', typeof born === 'number' && born > 0);
    await shots(desk, 'tree-gone');
  });
  await step('a drained node gives its sites away', async () => {
    await desk.getByRole('button', { name: new RegExp(OTHER.node, 'u') }).click();
    await desk.getByRole('button', { name: vi('nodes.drain'), exact: true }).click();
    await desk.getByRole('dialog').getByRole('button', { name: vi('nodes.drain'), exact: true }).click();
    await desk.getByText(vi('nodes.state.draining'), { exact: true }).waitFor();
    await until('the node is empty', 20, async () => {
      const nodes = await (await api('/api/nodes')).json();
      return nodes.find((it) => it.name === OTHER.node).sessions === 0;
    });
    await watches(leaf, 'the commune');
  });
}
