//! Which layers of a camera are sent: those that somebody looks at (docs/allocation.md, 'At the source').

import type { Layer } from '../protocol';

/** The names of layers on the wire. */
const RIDS: Record<Layer, string> = { low: 'l', mid: 'm', high: 'h' };

/** While nobody looks, the lowest layer goes at this rate, frames a second: whoever comes next sees a picture at
 *  once, and it costs some 15 kbit/s. Below one the node takes the layer for gone. */
const HEARTBEAT_FRAMES_PER_S = 2;

/** An encoding, as far as it matters here. */
export type Encoding = Pick<RTCRtpEncodingParameters, 'rid' | 'active' | 'maxFramerate'>;

/** Writes into `encodings` what is demanded. Whether something changed. A line without layers is left alone. */
export function setDemand(encodings: Encoding[], layers: readonly Layer[], isWatched: boolean): boolean {
  if (encodings.length < 2) return false;
  const rids = new Set(layers.map((layer) => RIDS[layer]));
  let isChanged = false;
  for (const encoding of encodings) {
    const active = encoding.rid !== undefined && rids.has(encoding.rid);
    const rate = active && !isWatched ? HEARTBEAT_FRAMES_PER_S : undefined;
    if ((encoding.active ?? true) !== active || encoding.maxFramerate !== rate) isChanged = true;
    encoding.active = active;
    if (rate === undefined) delete encoding.maxFramerate;
    else encoding.maxFramerate = rate;
  }
  return isChanged;
}

/** Tells the browser. One that refuses goes on sending everything, which harms nobody. */
export async function applyDemand(
  sender: RTCRtpSender,
  layers: readonly Layer[],
  isWatched: boolean,
): Promise<void> {
  const parameters = sender.getParameters();
  if (!setDemand(parameters.encodings ?? [], layers, isWatched)) return;
  try {
    await sender.setParameters(parameters);
  } catch {
    // The connection closed meanwhile, or the browser knows no layers.
  }
}
