//! The address bar. `route()` is the page that the address means; `navigate` goes elsewhere. Ordinary
//! links (`<a href="/…">`) are followed without a reload.

export type Route =
  | { page: 'home' }
  | { page: 'sign-in' }
  | { page: 'meetings' }
  | { page: 'new-meeting' }
  | { page: 'meeting'; id: string }
  | { page: 'room'; id: string }
  | { page: 'monitor'; id: string; window: number }
  | { page: 'join'; token: string }
  | { page: 'recordings' }
  | { page: 'player'; id: string }
  | { page: 'minutes'; meeting: string }
  | { page: 'nodes' }
  | { page: 'unknown' };

let path = $state('/');
let search = $state('');
let leaveGuard: (() => Promise<boolean>) | null = null;
/** The history entry that is on the screen, so that a refused "back" can be undone. */
let shown = '/';

/** The page that a path means. */
export function parse(path: string): Route {
  const [head, ...rest] = path.split('/').filter((part) => part !== '').map(decoded);
  const [first, second] = rest;
  switch (head) {
    case undefined:
      return { page: 'home' };
    case 'dang-nhap':
      return { page: 'sign-in' };
    case 'hoi-nghi':
      if (first === undefined) return { page: 'meetings' };
      if (first === 'moi' && second === undefined) return { page: 'new-meeting' };
      if (second === undefined) return { page: 'meeting', id: first };
      if (second === 'giam-sat') {
        const window = Number(rest[2] ?? '1');
        return Number.isInteger(window) && window >= 1 && window <= 8 ? { page: 'monitor', id: first, window } : { page: 'unknown' };
      }
      return second === 'phong' ? { page: 'room', id: first } : { page: 'unknown' };
    case 'vao':
      return first === undefined ? { page: 'unknown' } : { page: 'join', token: first };
    case 'ban-ghi':
      return first === undefined ? { page: 'recordings' } : { page: 'player', id: first };
    case 'mang-luoi':
      return first === undefined ? { page: 'nodes' } : { page: 'unknown' };
    case 'bien-ban':
      return first === undefined ? { page: 'unknown' } : { page: 'minutes', meeting: first };
    default:
      return { page: 'unknown' };
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The page on the screen; reactive. */
export function route(): Route {
  return parse(path);
}

/** The query of the address; reactive. */
export function query(): URLSearchParams {
  return new URLSearchParams(search);
}

/**
 * Asked before the page is left: resolves to false to stay. One page at a time has one; call the returned
 * function to take it off.
 */
export function guardLeaving(ask: () => Promise<boolean>): () => void {
  leaveGuard = ask;
  return () => {
    if (leaveGuard === ask) leaveGuard = null;
  };
}

/** Asks the page whether it may be left; takes its guard off when it may. */
export async function mayLeave(): Promise<boolean> {
  if (leaveGuard !== null && !(await leaveGuard())) return false;
  leaveGuard = null;
  return true;
}

/** Goes to a page of this application, `/…`. */
export async function navigate(to: string, options: { replace?: boolean } = {}): Promise<void> {
  if (leaveGuard !== null && !(await mayLeave())) return;
  if (options.replace === true) history.replaceState(null, '', to);
  else history.pushState(null, '', to);
  show();
  scrollTo(0, 0);
}

/** Listens to the address bar and to clicks on links, once. */
export function startRouter(): void {
  show();
  addEventListener('popstate', () => void cameBack());
  document.addEventListener('click', followLink);
}

function show(): void {
  path = location.pathname;
  search = location.search;
  shown = location.pathname + location.search;
}

async function cameBack(): Promise<void> {
  if (leaveGuard !== null) {
    const to = location.pathname + location.search;
    history.pushState(null, '', shown);
    if (!(await mayLeave())) return;
    history.replaceState(null, '', to);
  }
  show();
}

function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.target !== '' || link.hasAttribute('download')) return;
  const to = link.getAttribute('href');
  if (to === null || !to.startsWith('/') || to.startsWith('//') || to.startsWith('/api/')) return;
  event.preventDefault();
  void navigate(to);
}
