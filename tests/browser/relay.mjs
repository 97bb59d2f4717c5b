//! A line between a browser and the node's UDP port that can be made worse: loss, delay, jitter, a rate with a
//! queue; and that can be cut off and laid anew at another port, as when a site's network changes.

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';

/** What a queue holds before packets are dropped, ms. */
const QUEUE_MS = 400;

/** A line that nothing is wrong with. `loss` is a share, `delayMs` one way, `downBps` towards the browser, 0 for any. */
export const GOOD = { loss: 0, delayMs: 0, jitterMs: 0, downBps: 0 };

export class Relay {
  line = { ...GOOD };
  #node;
  #front = null;
  /** By the browser's address: the socket that speaks to the node for it. */
  #backs = new Map();
  #freeAt = 0;

  constructor(node) {
    const [address, port] = node.split(':');
    this.#node = { address, port: Number(port) };
  }

  /** Opens the line at a port of its own; a former one is cut off, without a word to either end. */
  async open() {
    this.close();
    const front = createSocket('udp4');
    this.#front = front;
    front.on('message', (packet, from) => this.#up(front, packet, from));
    await new Promise((done, fail) => {
      front.once('error', fail);
      front.bind(0, '127.0.0.1', done);
    });
    return front.address().port;
  }

  close() {
    this.#front?.close();
    this.#front = null;
    for (const back of this.#backs.values()) back.close();
    this.#backs.clear();
  }

  #up(front, packet, from) {
    const key = `${from.address}:${from.port}`;
    let back = this.#backs.get(key);
    if (back === undefined) {
      back = createSocket('udp4');
      back.on('message', (answer) => this.#later(answer.length, this.line.downBps, () => {
        if (front === this.#front) front.send(answer, from.port, from.address);
      }));
      this.#backs.set(key, back);
    }
    this.#later(packet.length, 0, () => {
      if (this.#backs.get(key) === back) back.send(packet, this.#node.port, this.#node.address);
    });
  }

  /** Lets a packet through after the line's time, if the line does not lose it. */
  #later(bytes, bps, send) {
    const { loss, delayMs, jitterMs } = this.line;
    if (Math.random() < loss) return;
    let wait = delayMs + Math.random() * jitterMs;
    if (bps > 0) {
      const now = performance.now();
      const begins = Math.max(now, this.#freeAt);
      if (begins - now > QUEUE_MS) return;
      this.#freeAt = begins + (bytes * 8_000) / bps;
      wait += this.#freeAt - now;
    }
    if (wait < 1) send();
    else setTimeout(send, wait);
  }
}

/** Runs in a page before its own script: the node's answers name the relay's port and no TCP. */
export function throughRelay() {
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = async function through(description) {
    const port = await window.__relayPort();
    const sdp = description.sdp
      .replace(/^a=candidate:\S+ \d tcp .*\r\n/gimu, '')
      .replace(/^(a=candidate:\S+ \d udp \d+ \S+) \d+/gimu, `$1 ${port}`);
    return set.call(this, { type: description.type, sdp });
  };
}

/** The way of the pages and their WebSocket to the server, so much longer each way. A connection begins with a round
 * trip of its own, as TCP's does. */
export class WebRelay {
  delayMs = 0;
  #port;
  #front = null;

  constructor(port) {
    this.#port = port;
  }

  /** Opens the way; the port where it begins. */
  async open() {
    this.#front = createServer((page) => {
      const server = connect(this.#port, '127.0.0.1');
      const opens = performance.now() + 2 * this.delayMs;
      this.#carry(page, server, opens);
      this.#carry(server, page, opens);
    });
    await new Promise((done, fail) => {
      this.#front.once('error', fail);
      this.#front.listen(0, '127.0.0.1', done);
    });
    return this.#front.address().port;
  }

  close() {
    this.#front?.close();
  }

  #carry(from, to, opens) {
    const wait = () => Math.max(opens - performance.now(), 0) + this.delayMs;
    from.setNoDelay(true);
    from.on('data', (bytes) => setTimeout(() => to.write(bytes), wait()));
    from.on('close', () => setTimeout(() => to.destroy(), wait()));
    from.on('error', () => {});
  }
}
