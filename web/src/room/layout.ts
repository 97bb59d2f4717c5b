//! Who is shown where, how large, and therefore what is wanted from the node. Pure: sizes in, tiles out.

import type { Layer, Participant, RoomSnapshot, Source, Want } from '../protocol';
import { VIDEO_LINES, WALL_LINES } from '../media/lines';

/** A picture of a participant. */
export interface Picture {
  participant: string;
  publisher: string;
  source: Source;
}

/** A picture with the width at which it is shown, CSS pixels. */
export interface Shown {
  picture: Picture;
  width: number;
}

/** Where the pictures of a stage lie, CSS pixels. */
export interface Stage {
  main: { width: number; height: number };
  /** Side pictures stand right of the main picture or below it; `none`: there is no room for them. */
  side: 'right' | 'below' | 'none';
  tile: { width: number; height: number };
  n_tiles: number;
}

/** Where the pictures of the console lie: the main one, and a grid of others below it, CSS pixels. */
export interface Board {
  main: { width: number; height: number };
  tile: { width: number; height: number };
  n_tiles: number;
}

const RATIO = 16 / 9;
const GAP = 12;
/** Between the pictures of the console, and the strip between the main one and the grid. */
const BOARD_GAP = 8;
const BOARD_STRIP = 36;
/** So many pictures of the grid stand beside each other, unless they become narrower than this. */
const BOARD_COLUMNS = 5;
const BOARD_TILE_WIDTH_MIN = 150;
const BOARD_TILE_HEIGHT_MAX = 400;
/** A second row of the grid may cost the main picture so much of its height. */
const BOARD_MAIN_LEAST = 0.85;
/** A side picture below this width is not worth its place, above it takes too much from the main one. */
const TILE_WIDTH_MIN = 148;
const TILE_WIDTH_MAX = 360;
/** So many side pictures are worth making them smaller for. */
const SIDE_TILES_LIKED = 4;
/** The main picture and these many beside it use every receiving line. */
export const SIDE_TILES_MAX = VIDEO_LINES - 1;
/** Pictures on one page of the wall: seven by seven. */
export const WALL_TILES_MAX = WALL_LINES;
const WALL_GAP = 6;

/** Name of a participant at the media node. */
export function publisherOf(who: Participant): string {
  return who.publisher === '' ? who.id : who.publisher;
}

/** The main picture of every screen, or null when there is nobody to show. */
export function mainPicture(room: RoomSnapshot): Picture | null {
  const named = room.participants.find((who) => who.id === room.main.participant);
  if (named !== undefined) {
    // A shared screen that has stopped leaves its owner's camera until the desk chooses another picture.
    const source = named.sources.includes(room.main.source) ? room.main.source : 'camera';
    return { participant: named.id, publisher: publisherOf(named), source };
  }
  const chairs = room.participants.filter((who) => who.role === 'chair');
  const chair = chairs.find((who) => who.connected) ?? chairs[0];
  if (chair === undefined) return null;
  return { participant: chair.id, publisher: publisherOf(chair), source: 'camera' };
}

/** Who may stand beside the main picture, most important first: floor holder, chair, who is heard, raised
 *  hands, then the others in the order of their seats. The order changes only when one of these does. */
export function sidePictures(
  room: RoomSnapshot,
  self: string | null,
  speakers: readonly string[],
): Picture[] {
  const main = mainPicture(room);
  const rank = (who: Participant): number => {
    if (who.id === room.floor?.participant) return 0;
    if (who.role === 'chair') return 1;
    if (speakers.includes(publisherOf(who))) return 2;
    const place = room.queue.indexOf(who.id);
    return place >= 0 ? 3 + place / 10_000 : 4;
  };
  const pictures: Picture[] = [];
  const shown = room.participants
    .filter((who) => who.connected && who.id !== self)
    .map((who, seat) => ({ who, rank: rank(who), seat }))
    .sort((a, b) => a.rank - b.rank || a.seat - b.seat);
  for (const { who } of shown) {
    for (const source of ['screen', 'camera'] as const) {
      const isMain = main?.participant === who.id && main.source === source;
      if (who.sources.includes(source) && !isMain) {
        pictures.push({ participant: who.id, publisher: publisherOf(who), source });
      }
    }
  }
  return pictures;
}

/** Fits a stage into a box: the largest main picture that leaves `n_wanted` side pictures a place. */
export function fitStage(width: number, height: number, n_wanted: number): Stage {
  const alone = fit(width, height);
  const none: Stage = { main: alone, side: 'none', tile: { width: 0, height: 0 }, n_tiles: 0 };
  if (n_wanted === 0 || width <= 0 || height <= 0) return none;
  const right = fitRight(width, height, n_wanted);
  const below = fitBelow(width, height, n_wanted);
  const best = [right, below]
    .filter((stage) => stage !== null)
    .sort((a, b) => b.main.width - a.main.width)[0];
  return best ?? none;
}

function fitRight(width: number, height: number, n_wanted: number): Stage | null {
  // What the main picture leaves, but not so wide that fewer than four (or all that are wanted) fit.
  const rest = width - Math.floor(height * RATIO) - GAP;
  const n_likely = Math.min(n_wanted, SIDE_TILES_LIKED);
  const even = Math.floor(((height + GAP) / n_likely - GAP) * RATIO);
  const tileWidth = clamp(Math.min(rest, even), Math.max(TILE_WIDTH_MIN, width * 0.13), TILE_WIDTH_MAX);
  const tileHeight = Math.floor(tileWidth / RATIO);
  const fits = Math.floor((height + GAP) / (tileHeight + GAP));
  if (fits < 1 || width < 720) return null;
  return {
    main: fit(width - tileWidth - GAP, height),
    side: 'right',
    tile: { width: Math.floor(tileWidth), height: tileHeight },
    n_tiles: Math.min(n_wanted, fits, SIDE_TILES_MAX),
  };
}

function fitBelow(width: number, height: number, n_wanted: number): Stage | null {
  const rest = height - Math.floor(width / RATIO) - GAP;
  const n_likely = Math.min(n_wanted, width < 600 ? 2 : SIDE_TILES_LIKED);
  const even = Math.floor(((width + GAP) / n_likely - GAP) / RATIO);
  const tileHeight = clamp(Math.min(rest, even), TILE_WIDTH_MIN / RATIO, TILE_WIDTH_MAX / RATIO);
  const tileWidth = Math.floor(tileHeight * RATIO);
  const fits = Math.floor((width + GAP) / (tileWidth + GAP));
  if (fits < 1 || height < 260) return null;
  return {
    main: fit(width, height - tileHeight - GAP),
    side: 'below',
    tile: { width: tileWidth, height: Math.floor(tileHeight) },
    n_tiles: Math.min(n_wanted, fits, SIDE_TILES_MAX),
  };
}

/** Fits the console's pictures into a box: one row of small ones below the main picture, two where the box
 *  is high and there are so many (`n_wanted`). A page that `scrolls` has one row, below a main picture that
 *  may take the whole height. */
export function fitBoard(width: number, height: number, n_wanted: number, scrolls: boolean): Board {
  const least = Math.max(BOARD_TILE_WIDTH_MIN, width / BOARD_COLUMNS);
  const columns = Math.max(2, Math.floor((width + BOARD_GAP) / (least + BOARD_GAP)));
  const tile = fit((width - BOARD_GAP * (columns - 1)) / columns, BOARD_TILE_HEIGHT_MAX);
  if (scrolls) return { main: fit(width, height), tile, n_tiles: Math.min(columns, SIDE_TILES_MAX) };
  const left = (rows: number) => height - BOARD_STRIP - BOARD_GAP - rows * (tile.height + BOARD_GAP);
  const isHigh = left(2) + BOARD_GAP > (width / RATIO) * BOARD_MAIN_LEAST;
  const rows = isHigh && n_wanted > columns && columns * 2 <= SIDE_TILES_MAX ? 2 : 1;
  return { main: fit(width, left(rows)), tile, n_tiles: Math.min(columns * rows, SIDE_TILES_MAX) };
}

/** Every picture of the room in an order that stays: screens before cameras, then by name. */
export function wallPictures(room: RoomSnapshot): Picture[] {
  const people = room.participants.filter((who) => who.connected);
  people.sort((a, b) => a.name.localeCompare(b.name, 'vi') || (a.id < b.id ? -1 : 1));
  return (['screen', 'camera'] as const).flatMap((source) =>
    people
      .filter((who) => who.sources.includes(source))
      .map((who) => ({ participant: who.id, publisher: publisherOf(who), source })),
  );
}

/** The largest tiles with which `n` pictures fill a box. */
export function fitWall(width: number, height: number, n: number): { tile: { width: number; height: number }; columns: number } {
  let best = { tile: { width: 0, height: 0 }, columns: 1 };
  for (let columns = 1; columns <= Math.max(1, n); columns += 1) {
    const rows = Math.ceil(n / columns);
    const tile = fit(
      (width - WALL_GAP * (columns - 1)) / columns,
      (height - WALL_GAP * (rows - 1)) / Math.max(1, rows),
    );
    if (tile.width > best.tile.width) best = { tile, columns };
  }
  return best;
}

/** The largest 16:9 box inside another. */
export function fit(width: number, height: number): { width: number; height: number } {
  const wide = Math.max(0, Math.min(width, height * RATIO));
  return { width: Math.floor(wide), height: Math.floor(wide / RATIO) };
}

/** Page `page` (0, 1 …) of a list, and how many pages there are; a page beyond the end is the last. */
export function paged<Item>(
  items: readonly Item[],
  per_page: number,
  page: number,
): { items: Item[]; page: number; n_pages: number } {
  const size = Math.max(1, per_page);
  const n_pages = Math.max(1, Math.ceil(items.length / size));
  const here = clamp(page, 0, n_pages - 1);
  return { items: items.slice(here * size, here * size + size), page: here, n_pages };
}

/** The sharpest layer worth sending to a tile of this width. A little less than the tile has is not
 *  seen; so a layer serves tiles up to a quarter wider than itself. */
export function layerFor(width: number, pixel_ratio: number): Layer {
  const pixels = width * pixel_ratio;
  if (pixels <= 400) return 'low';
  return pixels <= 800 ? 'mid' : 'high';
}

/** What the page asks the node for: the main picture first, every track once at its largest, never its
 *  own, and no more than there are lines. */
export function wantsFor(
  shown: readonly Shown[],
  self: string | null,
  pixel_ratio: number,
  n_lines = VIDEO_LINES,
): Want[] {
  const wants = new Map<string, { want: Want; width: number }>();
  for (const { picture, width } of shown) {
    if (picture.participant === self || width <= 0) continue;
    const name = `${picture.publisher}/${picture.source}`;
    const known = wants.get(name);
    if (known !== undefined && known.width >= width) continue;
    const want: Want = {
      track: { publisher: picture.publisher, source: picture.source },
      layer_max: picture.source === 'screen' ? 'high' : layerFor(width, pixel_ratio),
    };
    wants.set(name, { want, width });
  }
  return [...wants.values()].slice(0, n_lines).map((entry) => entry.want);
}

/** The same and, last and smallest, the camera of whoever is to speak next: it is there before it becomes the main
 *  picture, and the change shows at once. */
export function withNext(wants: readonly Want[], next: string | null, n_lines: number): Want[] {
  const isThere = wants.some((want) => want.track.publisher === next && want.track.source === 'camera');
  if (next === null || isThere) return [...wants];
  return [...wants.slice(0, n_lines - 1), { track: { publisher: next, source: 'camera' }, layer_max: 'low' }];
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}
