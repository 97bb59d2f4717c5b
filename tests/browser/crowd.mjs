//! A crowd of sites without browsers: their WebSockets alone, saying what pages say. And more sites than the
//! demonstration has, written into the database of a server that does not run.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import WebSocket from 'ws';

/** Of the protocol, as the pages have it. */
const VERSION = Number(/PROTOCOL_VERSION = (\d+)/u.exec(readFileSync(new URL('../../web/src/protocol/index.ts', import.meta.url), 'utf8'))[1]);

/** Adds units with a site each, in clusters below the province, until there are `n_sites`. */
export function addSites(data, n_sites) {
  const script = `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
(have,) = db.execute("select count(*) from site").fetchone()
(province,) = db.execute("select unit_id from unit where parent_id is null").fetchone()
ident = lambda kind, n: "01ARZ3NDEKTSV4RR%s%09d" % (kind, n)
for c in range(2):
    db.execute("insert into unit values (?, ?, ?, ?, ?, ?)", (ident("C", c), province, "9%d" % c, "Cụm thử %d" % (c + 1), "cum thu %d" % c, 1000 + 500 * c))
for n in range(int(sys.argv[2]) - have):
    name = "Xã Thử Nghiệm %d" % (n + 1)
    c = n % 2
    db.execute("insert into unit values (?, ?, ?, ?, ?, ?)", (ident("V", n), ident("C", c), "7%04d" % n, name, name.lower(), 1001 + 500 * c + n))
    db.execute("insert into site values (?, ?, ?, ?, ?)", (ident("S", n), ident("V", n), "Điểm cầu x" + name[1:], name.lower(), 1001 + 500 * c + n))
db.commit()
`;
  const done = spawnSync('python3', ['-c', script, join(data, 'diemcau.db'), String(n_sites)], { encoding: 'utf8' });
  if (done.status !== 0) throw new Error(`no further sites: ${done.error ?? done.stderr}`);
}

/** Between two words of one site, ms. */
const SIGNS_MS = 2_000;
const REPORT_MS = 5_000;

/** One site's socket. */
class Site {
  constructor(server, seat, index) {
    this.seat = seat;
    this.bytes = 0;
    this.index = index;
    this.n = 0;
    this.socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { origin: server.url });
    this.ready = new Promise((done, fail) => {
      this.socket.once('error', fail);
      this.socket.on('message', (data) => {
        this.bytes += data.length;
        if (data.length < 4_000_000 && data.toString().startsWith('{"type":"welcome"')) done();
      });
    });
    this.socket.on('open', () => this.say({ type: 'hello', version: VERSION, token: seat.token, resume_after: null }));
  }

  say(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** What a page says as time goes by: one in eight speaks, lines are good and sometimes not. */
  live() {
    const speaks = this.index % 8 === 0;
    const signs = () => {
      this.n += 1;
      const level = speaks ? 1 + ((this.n * 7 + this.index) % 5) : 0;
      this.say({ type: 'signs', camera: this.index % 40 === 7 ? 'black' : 'live', microphone: speaks ? 'live' : 'closed', level });
    };
    const report = () => {
      const lost_permille = this.index % 30 === 3 ? 80 : (this.n * 13 + this.index) % 9;
      this.say({ type: 'report', lost_permille, rtt_ms: 20 + ((this.n * 31 + this.index) % 40), received_bps: 900_000 });
    };
    signs();
    this.timers = [setInterval(signs, SIGNS_MS), setInterval(report, REPORT_MS)];
  }

  close() {
    this.timers?.forEach(clearInterval);
    this.socket.close();
  }
}

/** Takes the seats of links and sits down. */
export async function sitDown(server, links) {
  const sites = [];
  for (const [index, link] of links.entries()) {
    const answer = await fetch(`${server.url}${link.path.replace('/vao/', '/api/join/')}`, { method: 'POST', headers: { origin: server.url } });
    if (!answer.ok) throw new Error(`a seat: ${answer.status} ${await answer.text()}`);
    const site = new Site(server, await answer.json(), index);
    await site.ready;
    sites.push(site);
  }
  return sites;
}
