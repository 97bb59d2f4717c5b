//! The check that the desk asks of a site's page: two looks at the line and one at the devices.

import { countersOf, reportOf } from '../media/quality';
import { LOOK_EVERY_MS } from '../media/signs';
import type { SelfCheck } from '../protocol';

/** Looks, waits 2 s, looks again; the meeting goes on meanwhile. `rest` is read at the end. */
export async function selfCheck(
  stats: () => Promise<RTCStatsReport | null>,
  rest: () => Pick<SelfCheck, 'signs' | 'sound_plays' | 'media_connected'>,
): Promise<SelfCheck> {
  const read = async () => countersOf((await stats())?.values() ?? [], performance.now());
  const before = await read();
  await new Promise((done) => setTimeout(done, LOOK_EVERY_MS));
  const { lost_permille, rtt_ms } = reportOf(before, await read());
  return { ...rest(), lost_permille, rtt_ms };
}
