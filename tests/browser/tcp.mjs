//! A network that lets no UDP through: Chromium publishes and watches over TCP alone, at the same port.

import { check, step, until } from './check.mjs';
import * as chromium from './chromium.mjs';
import { Server } from './server.mjs';

/** Pictures that must be decoded one after the other. */
const FRAMES = 60;

export async function tcp() {
  const server = await Server.create();
  const it = await chromium.open('chair');
  try {
    await server.start('--open-rooms');
    await it.page.goto(server.url);
    await step('the camera is published and watched without UDP', async () => {
      await it.page.evaluate(connect, ['/whip/tcp/camera', true]);
      await it.page.evaluate(connect, ['/whep/tcp/eyes', false]);
      await until(`${FRAMES} frames`, 30, async () => (await it.page.evaluate(received)).frames >= FRAMES);
    });
    const { freezes, ways } = await it.page.evaluate(received);
    const all = ways.length === 2 && ways.every((way) => way === 'tcp passive');
    check('both ways are TCP', all, ways.join(', '));
    check('the picture did not freeze', freezes === 0, `${freezes} freezes`);
  } finally {
    await it.browser.close();
    await server.stop();
  }
}

/** Makes a connection whose answer names TCP only. */
async function connect([url, publishes]) {
  const peer = new RTCPeerConnection();
  if (publishes) {
    const media = await navigator.mediaDevices.getUserMedia({ video: true });
    peer.addTransceiver(media.getVideoTracks()[0], { direction: 'sendonly' });
  } else {
    peer.addTransceiver('video', { direction: 'recvonly' });
  }
  await peer.setLocalDescription(await peer.createOffer());
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: peer.localDescription.sdp,
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  const sdp = (await answer.text()).replace(/^a=candidate:\S+ 1 udp .*\r\n/gmu, '');
  await peer.setRemoteDescription({ type: 'answer', sdp });
}

/** What the connections of the page have received, and how. */
async function received() {
  const found = { frames: 0, freezes: 0, ways: [] };
  for (const peer of window.__spy.peers) {
    const report = await peer.getStats();
    for (const it of report.values()) {
      if (it.type === 'inbound-rtp') {
        found.frames += it.framesDecoded ?? 0;
        found.freezes += it.freezeCount ?? 0;
      }
      if (it.type === 'transport') {
        const remote = report.get(report.get(it.selectedCandidatePairId)?.remoteCandidateId);
        const local = report.get(report.get(it.selectedCandidatePairId)?.localCandidateId);
        found.ways.push(`${remote?.protocol} ${local?.tcpType === 'active' ? 'passive' : local?.tcpType}`);
      }
    }
  }
  return found;
}
