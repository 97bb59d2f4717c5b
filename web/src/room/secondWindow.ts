//! Opens a site's controls in a second window of the same page: one seat, one session, two documents.

import '../i18n/words';
import { mount, unmount } from 'svelte';
import '../paper/words';
import { t } from '../i18n/t.svelte';
import ControlsWindow from './ControlsWindow.svelte';
import type { FaceProps } from './face';

/** Set on the programme's document while the controls are elsewhere: it shows neither notices nor questions. */
export const ELSEWHERE = 'controlsElsewhere';

/** How often it is looked whether the window was closed, ms: not every browser says so. */
const LOOK_EVERY_MS = 500;

/** Opens the window; null: the browser does not let it. `closed` is called once, however it is closed. */
export function openControls(props: FaceProps, closed: () => void): (() => void) | null {
  const child = open('', `diemcau-${props.session.seat.participant}`, 'popup,width=620,height=860');
  if (child === null) return null;
  const page = child.document;
  page.head.replaceChildren();
  page.body.replaceChildren();
  page.title = t('second.title', { name: props.session.seat.name });
  for (const { name, value } of document.documentElement.attributes) page.documentElement.setAttribute(name, value);
  const dress = (node: Node): void => {
    if (node instanceof HTMLStyleElement || (node instanceof HTMLLinkElement && node.rel === 'stylesheet')) {
      const copy = page.importNode(node, true);
      if (node instanceof HTMLLinkElement && 'href' in copy) copy.href = node.href;
      page.head.append(copy);
    }
  };
  document.head.childNodes.forEach(dress);
  // Parts that are fetched later bring their styles later.
  const later = new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(dress)));
  later.observe(document.head, { childList: true });
  const face = mount(ControlsWindow, { target: page.body, props });
  document.documentElement.dataset[ELSEWHERE] = '';

  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearInterval(timer);
    later.disconnect();
    removeEventListener('pagehide', end);
    delete document.documentElement.dataset[ELSEWHERE];
    void unmount(face);
    if (!child.closed) child.close();
    closed();
  };
  child.addEventListener('pagehide', end);
  // Without the programme the controls are dead.
  addEventListener('pagehide', end);
  const timer = setInterval(() => {
    if (child.closed) end();
  }, LOOK_EVERY_MS);
  return end;
}
