//! The real executable on loopback ports with a data folder of its own; killed and started again on the
//! same ports and folder.

import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const BINARY = process.env.DIEMCAU_BINARY;

/** A start that takes longer has failed. */
const START_SECONDS_MAX = 60;

/** Lines of the server's log that are kept for a failure. */
const LOG_LINES_MAX = 400;

export class Server {
  #child = null;
  #nodes = [];
  log = [];
  said = [];

  /** `media` is the address of the media port; 0.0.0.0 for a browser that needs more than loopback. */
  static async create({ media = '127.0.0.1' } = {}) {
    if (BINARY === undefined) throw new Error('DIEMCAU_BINARY names no executable: use make test');
    const server = new Server();
    server.data = mkdtempSync(join(tmpdir(), 'diemcau-'));
    server.port = await freeTcpPort();
    server.media = `${media}:${await freeUdpPort()}`;
    server.url = `http://localhost:${server.port}`;
    return server;
  }

  async start(...more) {
    const args = ['serve', '--data', this.data, '--http', `127.0.0.1:${this.port}`];
    args.push('--media', this.media, ...more);
    // Only a start with --demo prints the accounts; they stay the same.
    const said = [];
    if (more.includes('--demo')) this.said = said;
    const child = spawn(BINARY, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, DIEMCAU_NODE_LOG: process.env.DIEMCAU_NODE_LOG ?? 'info' },
    });
    this.#child = child;
    createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    await new Promise((ready, fail) => {
      const timer = setTimeout(() => fail(new Error('the server did not get ready')), START_SECONDS_MAX * 1000);
      child.once('exit', (code, signal) => {
        clearTimeout(timer);
        fail(new Error(`the server ended (${code ?? signal}): ${this.log.slice(-3).join(' / ')}`));
      });
      createInterface({ input: child.stdout }).on('line', (line) => {
        said.push(line);
        if (line.startsWith('Ready:')) {
          clearTimeout(timer);
          ready();
        }
      });
    });
  }

  /** A media node of its own that joins this server's tree, at a loopback address. Ready when its trunk is up. */
  async addNode(name, parent) {
    const token = spawnSync(BINARY, ['node-token', '--data', this.data], { encoding: 'utf8' });
    if (token.status !== 0) throw new Error(`node-token: ${token.stderr}`);
    const args = ['media', '--control', `http://127.0.0.1:${this.port}`, '--token', token.stdout.trim(), '--name', name];
    args.push('--media', `127.0.0.1:${await freeUdpPort()}`, ...(parent === undefined ? [] : ['--parent', parent]));
    const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface({ input: child.stderr }).on('line', (line) => this.#keep(line));
    await new Promise((ready, fail) => {
      const timer = setTimeout(() => fail(new Error(`the node ${name} has no trunk`)), START_SECONDS_MAX * 1000);
      child.once('exit', () => fail(new Error(`the node ${name} ended: ${this.log.slice(-3).join(' / ')}`)));
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.startsWith('Ready:')) return;
        clearTimeout(timer);
        ready();
      });
    });
    this.#nodes.push(child);
    return child;
  }

  #keep(line) {
    this.log.push(line);
    if (this.log.length > LOG_LINES_MAX) this.log.shift();
  }

  /** SIGKILL: nothing can be finished. */
  async kill() {
    await this.#end('SIGKILL');
  }

  async stop() {
    this.#nodes.forEach((it) => it.kill('SIGKILL'));
    await this.#end('SIGTERM');
    rmSync(this.data, { recursive: true, force: true });
  }

  async #end(signal) {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }

  /** The processes of `addNode`, in their order. */
  get nodes() {
    return this.#nodes;
  }

  get alive() {
    return this.#child !== null && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Name and password of an account, from the box that --demo prints: the row that ends in its role. */
  account(role) {
    for (const line of this.said) {
      const words = line.replace(/[│]/gu, ' ').trim().split(/\s+/u);
      if (words.length >= 3 && words.slice(2).join(' ').startsWith(role)) {
        return { username: words[0], password: words[1] };
      }
    }
    throw new Error(`no account of ${role} in: ${this.said.join('\n')}`);
  }

  /** A client of the API that is signed in. */
  async signIn(role) {
    const answer = await fetch(`${this.url}/api/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: this.url },
      body: JSON.stringify(this.account(role)),
    });
    if (!answer.ok) throw new Error(`sign-in of ${role}: ${answer.status} ${await answer.text()}`);
    const cookie = answer.headers.getSetCookie().map((it) => it.split(';')[0]).join('; ');
    return (path, options = {}) =>
      fetch(`${this.url}${path}`, {
        ...options,
        headers: { cookie, origin: this.url, 'content-type': 'application/json', ...options.headers },
      });
  }
}

function freeTcpPort() {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', fail);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

function freeUdpPort() {
  return new Promise((done, fail) => {
    const probe = createSocket('udp4');
    probe.once('error', fail);
    probe.bind(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}
