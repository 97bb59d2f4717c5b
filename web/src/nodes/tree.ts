//! Where the nodes of the tree lie on the map, and how their trunks do. Pure: what the server says in, places out.
import type { NodeView, TrunkReport } from '../protocol';

/** A trunk that loses so many thousandths before repair, or whose round trip is so long, is noticed by those below. */
const LOST_FAIR = 10;
const LOST_WEAK = 50;
const RTT_FAIR_US = 150_000;
const RTT_WEAK_US = 300_000;
/** Bit rates between which a trunk is drawn from thin to thick. */
const THIN_BPS = 100_000;
const THICK_BPS = 100_000_000;

export type Health = 'good' | 'fair' | 'weak' | 'none';

/** A node and its place: its column counts from the top of the tree, its row may lie between two others. */
export interface Placed {
  node: NodeView;
  depth: number;
  row: number;
}

/** A trunk between two places. */
export interface Drawn {
  key: string;
  from: Placed;
  to: Placed;
  health: Health;
  /** 0 for thin to 1 for thick. */
  weight: number;
}

export interface Map {
  placed: readonly Placed[];
  drawn: readonly Drawn[];
  columns: number;
  rows: number;
}

/** How a trunk does. */
export function healthOf(trunk: TrunkReport | null): Health {
  if (trunk === null) return 'none';
  if (trunk.lost_permille >= LOST_WEAK || trunk.rtt_us >= RTT_WEAK_US) return 'weak';
  return trunk.lost_permille >= LOST_FAIR || trunk.rtt_us >= RTT_FAIR_US ? 'fair' : 'good';
}

/** How thick a trunk is drawn: by the logarithm of what it carries. */
export function weightOf(trunk: TrunkReport | null): number {
  if (trunk === null) return 0;
  const bps = Math.max(trunk.sent_bps, trunk.received_bps, 1);
  const share = Math.log(bps / THIN_BPS) / Math.log(THICK_BPS / THIN_BPS);
  return Math.min(1, Math.max(0, share));
}

/** The map, from top to bottom in the order of reading: a node, then all that is below it. */
export function mapOf(nodes: readonly NodeView[]): Map {
  const names = new Set(nodes.map((it) => it.name));
  const childrenOf = (name: string | null): NodeView[] =>
    nodes
      // A parent that the server does not name any more must not hide those below it.
      .filter((it) => (it.parent !== null && names.has(it.parent) ? it.parent : null) === name)
      .sort((a, b) => a.name.localeCompare(b.name, 'vi', { numeric: true }));
  const placed: Placed[] = [];
  const drawn: Drawn[] = [];
  const seen = new Set<string>();
  let rows = 0;

  function place(node: NodeView, depth: number): Placed {
    const mine: Placed = { node, depth, row: 0 };
    seen.add(node.name);
    placed.push(mine);
    const below = childrenOf(node.name)
      .filter((it) => !seen.has(it.name))
      .map((it) => place(it, depth + 1));
    const [first, last] = [below.at(0), below.at(-1)];
    mine.row = first === undefined || last === undefined ? rows++ : (first.row + last.row) / 2;
    for (const to of below) {
      const trunk = to.node.trunk;
      const health = to.node.state === 'gone' ? 'none' : healthOf(trunk);
      drawn.push({ key: to.node.name, from: mine, to, health, weight: weightOf(trunk) });
    }
    return mine;
  }

  for (const top of childrenOf(null)) place(top, 0);
  const columns = placed.reduce((most, it) => Math.max(most, it.depth + 1), 0);
  return { placed, drawn, columns, rows };
}

/** The share of a node's sites, at most 1. */
export function fullness(node: NodeView): number {
  return Math.min(1, node.sessions / Math.max(1, node.capacity));
}
