//! Which unit stands above each site: the clusters by which hands can be ordered. Fetched once, by whoever leads.

import { units } from '../lib/api';
import type { Unit } from '../protocol';

let above = $state.raw<ReadonlyMap<string, string>>(new Map());
let hasBegun = false;

/** The unit above each site, by the site's id; empty until it is known. Reactive. */
export function clusters(): ReadonlyMap<string, string> {
  return above;
}

/** Fetches the tree, once. Without it hands stay in the order in which they came. */
export async function loadClusters(): Promise<void> {
  if (hasBegun) return;
  hasBegun = true;
  try {
    above = clustersOf(await units());
  } catch {
    hasBegun = false;
  }
}

export function clustersOf(tree: readonly Unit[]): ReadonlyMap<string, string> {
  return new Map(tree.flatMap((unit) => unit.sites.map((site) => [site.id, unit.parent ?? unit.id] as const)));
}
