//! Scenes, pure: a reducer over their facts, and where the pictures of one lie.

import type { OnAir, Participant, RoomRole, RoomSnapshot, SceneFact, SceneLayout, SceneView } from '../protocol';
import { fit, mainPicture, publisherOf, sidePictures, type Picture } from '../room/layout';

/** The scenes after a fact. */
export function withScenes(scenes: SceneView, fact: SceneFact): SceneView {
  switch (fact.act) {
    case 'saved': {
      const kept = { scene: fact.scene, version: fact.version, content: fact.content };
      const isKnown = scenes.kept.some((one) => one.scene === fact.scene);
      return {
        ...scenes,
        kept: isKnown ? scenes.kept.map((one) => (one.scene === fact.scene ? kept : one)) : [...scenes.kept, kept],
      };
    }
    case 'dropped':
      return { ...scenes, kept: scenes.kept.filter((one) => one.scene !== fact.scene) };
    case 'shown':
      return fact.audience === 'all' ? { ...scenes, all: fact.on_air } : { ...scenes, chair: fact.on_air };
  }
}

/** What somebody of this role sees. */
export function sceneFor(scenes: SceneView, role: RoomRole): OnAir | null {
  return role === 'chair' ? (scenes.chair ?? scenes.all) : scenes.all;
}

/** Places of a layout that sites can be put on; 0: it has none. */
export const PLACES: Readonly<Record<SceneLayout, number>> = {
  main: 0, sides: 5, grid4: 4, grid9: 9, grid16: 16, grid25: 25, document: 0, recess: 0,
};

/** A picture of a scene and where it lies, CSS pixels; a main one has its name strip. */
export interface Placed {
  picture: Picture | null;
  who: Participant | null;
  isMain: boolean;
  left: number;
  top: number;
  width: number;
  height: number;
}

/** The scene of a group discussion, which nobody designs. */
export const GROUP_SCENE = 'group';

const GAP = 10;
/** Share of a stage's width that the speaker takes beside a document. */
const SPEAKER_SHARE = 0.24;

/** Where everything lies in a box. Places that no site was put on fill themselves: the main picture first. */
export function placed(scene: OnAir, room: RoomSnapshot, speakers: readonly string[], width: number, height: number): Placed[] {
  const main = mainPicture(room);
  const layout = scene.content.layout;
  switch (layout) {
    case 'recess':
      return [];
    case 'main':
      return [at(room, main, true, 0, 0, width, height)];
    case 'document':
      return document(room, main, width, height);
    case 'sides':
      return sides(scene, room, main, speakers, width, height);
    case 'grid4':
    case 'grid9':
    case 'grid16':
    case 'grid25':
      return grid(scene, room, main, speakers, width, height);
  }
}

function at(room: RoomSnapshot, picture: Picture | null, isMain: boolean, left: number, top: number, width: number, height: number): Placed {
  const size = fit(width, height);
  const who = room.participants.find((one) => one.id === picture?.participant) ?? null;
  return { picture, who, isMain, left: left + (width - size.width) / 2, top: top + (height - size.height) / 2, ...size };
}

/** Those who were put on places, then who else there is, without `taken`. */
function chosen(scene: OnAir, room: RoomSnapshot, speakers: readonly string[], main: Picture | null, n: number, withMain: boolean): Picture[] {
  const byHand = scene.content.places
    .map((id) => room.participants.find((one) => one.id === id))
    .filter((who) => who !== undefined)
    .map((who): Picture => ({ participant: who.id, publisher: publisherOf(who), source: 'camera' }));
  const rest = [...(withMain && main !== null ? [main] : []), ...sidePictures(room, null, speakers)];
  const all = [...byHand];
  for (const picture of rest) {
    const isThere = all.some((one) => one.participant === picture.participant && one.source === picture.source);
    if (!isThere) all.push(picture);
  }
  return all.filter((one) => withMain || one.participant !== main?.participant || one.source !== main.source).slice(0, n);
}

function sides(scene: OnAir, room: RoomSnapshot, main: Picture | null, speakers: readonly string[], width: number, height: number): Placed[] {
  const n = PLACES.sides;
  const others = chosen(scene, room, speakers, main, n, false);
  if (width >= height) {
    const tile = fit(width, (height - GAP * (n - 1)) / n);
    const first = at(room, main, true, 0, 0, width - tile.width - GAP, height);
    return [first, ...others.map((picture, i) => at(room, picture, false, width - tile.width, i * (tile.height + GAP), tile.width, tile.height))];
  }
  const wide = (width - GAP * (n - 1)) / n;
  const tile = fit(wide, height);
  const first = at(room, main, true, 0, 0, width, height - tile.height - GAP);
  return [first, ...others.map((picture, i) => at(room, picture, false, i * (wide + GAP), first.top + first.height + GAP, wide, tile.height))];
}

function grid(scene: OnAir, room: RoomSnapshot, main: Picture | null, speakers: readonly string[], width: number, height: number): Placed[] {
  const n = PLACES[scene.content.layout];
  const pictures = chosen(scene, room, speakers, main, n, true);
  // A group is as many as it is: its pictures fill the stage, whereas a designed grid keeps its places.
  const [columns, rows] = scene.scene === GROUP_SCENE ? fullest(pictures.length, width, height) : [Math.sqrt(n), Math.sqrt(n)];
  const tile = fit((width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows);
  const left = (width - columns * tile.width - GAP * (columns - 1)) / 2;
  const top = (height - rows * tile.height - GAP * (rows - 1)) / 2;
  return pictures.map((picture, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return at(room, picture, false, left + column * (tile.width + GAP), top + row * (tile.height + GAP), tile.width, tile.height);
  });
}

/** Columns and rows in which so many pictures are largest. */
function fullest(count: number, width: number, height: number): [number, number] {
  let best: [number, number] = [1, Math.max(1, count)];
  let size = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const tile = fit((width - GAP * (columns - 1)) / columns, (height - GAP * (rows - 1)) / rows);
    if (tile.width > size) [best, size] = [[columns, rows], tile.width];
  }
  return best;
}

/** The shared screen with who speaks in the corner; without a screen, the main picture. */
function document(room: RoomSnapshot, main: Picture | null, width: number, height: number): Placed[] {
  const sharers = room.participants.filter((who) => who.connected && who.sources.includes('screen'));
  const sharer = sharers.find((who) => who.id === main?.participant) ?? sharers[0];
  if (sharer === undefined) return [at(room, main, true, 0, 0, width, height)];
  const large = at(room, { participant: sharer.id, publisher: publisherOf(sharer), source: 'screen' }, false, 0, 0, width, height);
  const speaker = room.participants.find((who) => who.id === (room.floor?.participant ?? main?.participant)) ?? sharer;
  const small = large.width * SPEAKER_SHARE;
  const face: Picture = { participant: speaker.id, publisher: publisherOf(speaker), source: 'camera' };
  const size = fit(small, large.height);
  return [large, at(room, face, false, large.left + large.width - size.width - GAP, large.top + large.height - size.height - GAP, size.width, size.height)];
}
