//! What a page brings to its stay in a room.

import type { DeviceChoice, Opened } from '../media/devices';
import type { Described } from '../media/lines';
import type { Seat } from '../protocol';
import type { SocketLike } from './roomSocket';

/** What a stay begins with. */
export interface Entry {
  seat: Seat;
  choice: DeviceChoice;
  opened: Promise<Opened>;
  /** `performance.now()` of pressing "Vào họp". */
  pressed_at: number;
  /** The link that this seat came by. */
  link: string | null;
  ahead?: Ahead | undefined;
  /** A monitor window: pictures of the wall, no sound. */
  monitor?: boolean;
}

/** What was begun before there was a seat, so that nobody waits for it afterwards. */
export interface Ahead {
  /** A connection that is described. */
  described: Promise<Described | null>;
  socket: SocketLike;
}
