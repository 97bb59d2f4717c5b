//! Which sites a monitor window shows now. Pure: windows of one wall agree without talking to each other, because all of
//! them count turns by the server's clock.

/** What is asked. */
export interface Turn {
  /** Sites in an order that stays. */
  ids: readonly string[];
  /** Shown always, in this window. */
  pinned: readonly string[];
  /** Sites with a fault: they stay a turn longer. */
  alarmed: ReadonlySet<string>;
  tiles: number;
  /** This window, 1 first, of how many. */
  window: number;
  of: number;
  /** How many times the wall has turned. */
  turn: number;
}

/** What a window shows. */
export interface Shown {
  ids: string[];
  page: number;
  n_pages: number;
}

/** Sites with a fault keep this share of the tiles, and no more, when their page goes. */
const HELD_SHARE = 0.2;

/** The sites of a window: those pinned, the faulty ones of the page before, then its page. A wall that has room for
 *  all sites does not turn. */
export function shownAt(turn: Turn): Shown {
  const { ids, tiles, of } = turn;
  const pinned = turn.pinned.filter((id) => ids.includes(id)).slice(0, tiles - 1);
  const rest = ids.filter((id) => !pinned.includes(id));
  const turns = rest.length > (tiles - pinned.length) * of;
  const n_held = turns ? Math.floor(tiles * HELD_SHARE) : 0;
  const per_page = Math.max(1, tiles - pinned.length - n_held);
  const n_pages = Math.max(1, Math.ceil(rest.length / per_page));
  const pageAt = (n: number): number => (((turn.window - 1 + n * (turns ? of : 0)) % n_pages) + n_pages) % n_pages;
  const on = (page: number): string[] => rest.slice(page * per_page, (page + 1) * per_page);
  const hasPage = turns || turn.window <= n_pages;
  const page = pageAt(turn.turn);
  const now = hasPage ? on(page) : [];
  const held = turns
    ? on(pageAt(turn.turn - 1)).filter((id) => turn.alarmed.has(id) && !now.includes(id)).slice(0, n_held)
    : [];
  return { ids: [...pinned, ...held, ...now].slice(0, tiles), page, n_pages };
}
