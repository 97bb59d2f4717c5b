//! What axe says of a page: nothing serious may be found.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import { check } from './check.mjs';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Looks at a Playwright page as it is now. */
export async function axe(page, what) {
  await page.evaluate(readFileSync(AXE, 'utf8'));
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'] });
    return violations
      .filter((it) => it.impact === 'serious' || it.impact === 'critical')
      .map((it) => `${it.id}: ${it.nodes.length}× ${it.nodes[0].target.join(' ')}`);
  });
  check(`axe finds nothing serious: ${what}`, found.length === 0, found.join(' | '));
}
