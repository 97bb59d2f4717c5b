//! Sites as the host picks them: in protocol order, grouped by the kind of unit.
import { fold } from '../lib/fold';
import type { Site, Unit } from '../protocol';

export type UnitKind = 'commune' | 'ward' | 'zone' | 'other';

export interface PickableSite {
  site: Site;
  unit: Unit;
  kind: UnitKind;
  /** What the list shows: the unit's name, or the site's where the unit has several. */
  label: string;
  /** What searching looks at. */
  text: string;
}

/** Kinds in the order in which lists show them. */
export const KINDS: readonly UnitKind[] = ['other', 'commune', 'ward', 'zone'];

/** The kind of a unit, by the first word of its official name. */
export function kindOf(unit: Unit): UnitKind {
  const name = fold(unit.name);
  if (name.startsWith('xa ')) return 'commune';
  if (name.startsWith('phuong ')) return 'ward';
  if (name.startsWith('dac khu ')) return 'zone';
  return 'other';
}

/** All sites of the tree, in its order. */
export function pickableSites(units: readonly Unit[]): PickableSite[] {
  return units.flatMap((unit) =>
    unit.sites.map((site) => ({
      site,
      unit,
      kind: kindOf(unit),
      label: unit.sites.length === 1 ? unit.name : site.name,
      text: `${fold(site.name).includes(fold(unit.name)) ? '' : unit.name} ${site.name} ${unit.code}`,
    })),
  );
}
