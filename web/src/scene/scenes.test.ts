import { expect, it } from 'vitest';

import type { OnAir, SceneLayout, SceneView } from '../protocol';
import { roomWith, seat } from '../room/fixtures';
import { PLACES, placed, sceneFor, withScenes } from './scenes';

const on = (layout: SceneLayout, places: string[] = []): OnAir => ({
  scene: 's', version: 1, until: null, content: { name: 'A', layout, places, text: '', paper: null, countdown_s: 0 },
});
const people = [seat('chair', { role: 'chair' }), ...Array.from({ length: 30 }, (_, i) => seat(`x${i}`))];

it('what is shown is for its audience, and the chair may see another', () => {
  let view: SceneView = { kept: [], all: null, chair: null };
  view = withScenes(view, { act: 'saved', scene: 's', version: 1, content: on('main').content });
  view = withScenes(view, { act: 'saved', scene: 's', version: 2, content: on('grid4').content });
  expect(view.kept.map((one) => one.version)).toEqual([2]);
  view = withScenes(view, { act: 'shown', audience: 'all', on_air: on('grid4') });
  expect(sceneFor(view, 'chair')?.content.layout).toBe('grid4');
  view = withScenes(view, { act: 'shown', audience: 'chair', on_air: on('grid9') });
  expect([sceneFor(view, 'chair'), sceneFor(view, 'site')].map((one) => one?.content.layout)).toEqual(['grid9', 'grid4']);
  view = withScenes(view, { act: 'dropped', scene: 's' });
  expect([view.kept.length, view.all?.content.layout]).toEqual([0, 'grid4']);
});

it('every picture lies inside the stage, none over another, and those put on places come first', () => {
  for (const layout of ['main', 'sides', 'grid4', 'grid9', 'grid16', 'grid25'] as const) {
    for (const [width, height] of [[1366, 768], [390, 700]] as const) {
      const all = placed(on(layout, PLACES[layout] > 0 ? ['x7', 'x3'] : []), roomWith(people), [], width, height);
      expect(all.length).toBe(layout === 'main' ? 1 : layout === 'sides' ? 6 : PLACES[layout]);
      if (layout.startsWith('grid')) expect(all.slice(0, 2).map((one) => one.who?.id)).toEqual(['x7', 'x3']);
      expect(new Set(all.map((one) => one.who?.id)).size).toBe(all.length);
      for (const one of all) {
        expect(one.left >= -0.5 && one.top >= -0.5 && one.left + one.width <= width + 0.5 && one.top + one.height <= height + 0.5).toBe(true);
        for (const other of all) {
          const apart = one.left + one.width <= other.left + 0.5 || other.left + other.width <= one.left + 0.5
            || one.top + one.height <= other.top + 0.5 || other.top + other.height <= one.top + 0.5;
          expect(one === other || apart).toBe(true);
        }
      }
    }
  }
});

it('a document stands large with who speaks in its corner; without one the main picture stands alone', () => {
  expect(placed(on('document'), roomWith(people), [], 1600, 900)).toHaveLength(1);
  const sharing = people.map((who) => (who.id === 'x2' ? { ...who, sources: [...who.sources, 'screen' as const] } : who));
  const room = roomWith(sharing, { floor: { participant: 'x5', since: 0, speaker: null } });
  const [large, small] = placed(on('document'), room, [], 1600, 900);
  expect([large?.picture?.source, large?.who?.id, small?.who?.id]).toEqual(['screen', 'x2', 'x5']);
  expect((small?.width ?? 0) * 3 < (large?.width ?? 0)).toBe(true);
});

it('a recess has no pictures', () => {
  expect(placed(on('recess'), roomWith(people), [], 1600, 900)).toEqual([]);
});
