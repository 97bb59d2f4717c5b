//! The lines of a page's one peer connection (docs/protocol.md, 'Media'): made once, in a fixed order. To make and
//! describe dozens of them takes a tenth of a second and more, so it can be done ahead, while a person looks at the
//! device check.

import type { Source } from '../protocol';

/** Receiving lines, as docs/protocol.md names them. */
export const AUDIO_LINES = 4;
export const VIDEO_LINES = 12;
/** Receiving lines that a page negotiates, so that the largest scene fits. */
export const SCENE_LINES = 25;
/** Receiving video lines of a page that shows the wall. */
export const WALL_LINES = 49;

const CAMERA_LAYERS: RTCRtpEncodingParameters[] = [
  { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'h', maxBitrate: 1_500_000 },
];
const SCREEN_BITRATE_BPS = 2_500_000;
const SCREEN_FRAMES_PER_S = 15;
const MICROPHONE_BITRATE_BPS = 40_000;
const SCREEN_AUDIO_BITRATE_BPS = 96_000;

export interface Lines {
  /** Null: this page sends nothing. */
  senders: Record<Source, RTCRtpTransceiver> | null;
  receivers: RTCRtpTransceiver[];
}

/** A connection that is described and not offered yet. */
export interface Described {
  peer: RTCPeerConnection;
  lines: Lines;
  n_video: number;
}

/** Makes all lines. */
function makeLines(peer: RTCPeerConnection, n_video: number, publishes: boolean): Lines {
  const line = (source: Source, encodings: RTCRtpEncodingParameters[]) => {
    const kind = source === 'camera' || source === 'screen' ? 'video' : 'audio';
    return peer.addTransceiver(kind, {
      direction: 'sendonly',
      sendEncodings: encodings,
    });
  };
  const senders = !publishes ? null : {
    microphone: line('microphone', [{ maxBitrate: MICROPHONE_BITRATE_BPS }]),
    camera: line('camera', CAMERA_LAYERS.map((layer) => ({ ...layer }))),
    screen: line('screen', [
      { maxBitrate: SCREEN_BITRATE_BPS, maxFramerate: SCREEN_FRAMES_PER_S },
    ]),
    screen_audio: line('screen_audio', [{ maxBitrate: SCREEN_AUDIO_BITRATE_BPS }]),
  };
  const receivers: RTCRtpTransceiver[] = [];
  for (let n = 0; n < AUDIO_LINES + n_video; n += 1) {
    const kind = n < AUDIO_LINES ? 'audio' : 'video';
    receivers.push(peer.addTransceiver(kind, { direction: 'recvonly' }));
  }
  for (const sender of senders === null ? [] : [senders.camera, senders.screen]) prefer(sender, SENT);
  for (const receiver of receivers) {
    if (receiver.receiver.track.kind !== 'video') continue;
    prefer(receiver, RECEIVED);
    askForDependencies(receiver);
  }
  return { senders, receivers };
}

/** Makes a connection with all its lines, on which nothing is sent yet, and its offer. Null if the browser does not. */
export async function describe(n_video: number, publishes: boolean): Promise<Described | null> {
  let peer: RTCPeerConnection | null = null;
  try {
    peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle', iceServers: [] });
    const lines = makeLines(peer, n_video, publishes);
    await peer.setLocalDescription(await peer.createOffer());
    return { peer, lines, n_video };
  } catch {
    peer?.close();
    return null;
  }
}

/** What cameras and screens are sent in: what every node and recorder understands. */
const SENT = /^video\/(vp8|rtx)$/i;
/** What is taken besides: encoders that publish by WHIP often have H.264 only. */
const RECEIVED = /^video\/(vp8|rtx|h264|vp9|av1)$/i;

/** Offers these codecs, VP8 first, each in its plainest form only: every form makes each of dozens of lines longer. A
 *  browser without `setCodecPreferences` (Firefox below 128) offers what it has, and the node picks. */
function prefer(transceiver: RTCRtpTransceiver, wanted: RegExp): void {
  if (typeof transceiver.setCodecPreferences !== 'function') return;
  const seen = new Set<string>();
  const codecs = (RTCRtpReceiver.getCapabilities('video')?.codecs ?? []).filter((codec) => {
    const name = codec.mimeType.toLowerCase();
    const isPlain = name !== 'video/h264' || /packetization-mode=1/.test(codec.sdpFmtpLine ?? '');
    const isFirst = isPlain && !seen.has(name);
    if (isFirst) seen.add(name);
    return isFirst && wanted.test(name);
  });
  const isVp8 = (codec: RTCRtpCodec) => /vp8$/i.test(codec.mimeType);
  if (!codecs.some(isVp8)) return;
  try {
    transceiver.setCodecPreferences([...codecs.filter(isVp8), ...codecs.filter((codec) => !isVp8(codec))]);
  } catch {
    // The browser's own order stays; VP8 is in it.
  }
}

/** Header extensions as the draft "WebRTC Extensions" has them, which TypeScript does not know yet. */
interface WithExtensions {
  getHeaderExtensionsToNegotiate?: () => { uri: string; direction: string }[];
  setHeaderExtensionsToNegotiate?: (extensions: { uri: string; direction: string }[]) => void;
}

/** Chromium decodes AV1 with spatial layers only if each packet says what it depends on, and offers that only if
 *  asked to. */
function askForDependencies(transceiver: RTCRtpTransceiver & WithExtensions): void {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  const wanted = extensions.find((it) => it.uri.includes('dependency-descriptor'));
  if (wanted === undefined) return;
  wanted.direction = 'sendrecv';
  try {
    transceiver.setHeaderExtensionsToNegotiate?.(extensions);
  } catch {
    // Without it the node sends the lowest layer.
  }
}
