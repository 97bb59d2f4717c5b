//! Single pictures of all cameras, as the server bundles them (docs/protocol.md, 'Snapshots'). Pure: bytes in,
//! cameras out; and the book that keeps one address for each picture.

/** A camera in a bundle. */
export interface Camera {
  publisher: string;
  /** When its last picture came, ms; 0: none yet. */
  at: number;
  width: number;
  height: number;
  /** The picture, if it is newer than what was asked for. */
  webp: Uint8Array<ArrayBuffer> | null;
}

/** A picture on the screen. */
export interface Kept {
  at: number;
  url: string;
}

const text = new TextDecoder();

/** Reads a bundle; what is cut off at its end is left out. */
export function camerasOf(bundle: ArrayBuffer): Camera[] {
  const view = new DataView(bundle);
  const cameras: Camera[] = [];
  let at = 0;
  while (at < bundle.byteLength) {
    const n_name = view.getUint8(at);
    const head = at + 1 + n_name;
    if (head + 16 > bundle.byteLength) break;
    const n_bytes = view.getUint32(head + 12);
    const end = head + 16 + n_bytes;
    if (end > bundle.byteLength) break;
    cameras.push({
      publisher: text.decode(new Uint8Array(bundle, at + 1, n_name)),
      at: Number(view.getBigUint64(head)),
      width: view.getUint16(head + 8),
      height: view.getUint16(head + 10),
      webp: n_bytes === 0 ? null : new Uint8Array(bundle.slice(head + 16, end)),
    });
    at = end;
  }
  return cameras;
}

/** The newest pictures, each with an address; `make` and `drop` are the browser's. */
export class SnapshotBook {
  #kept = new Map<string, Kept>();
  #make: (webp: Uint8Array<ArrayBuffer>) => string;
  #drop: (url: string) => void;

  constructor(make: (webp: Uint8Array<ArrayBuffer>) => string, drop: (url: string) => void) {
    this.#make = make;
    this.#drop = drop;
  }

  /** What to ask for next: pictures after the newest but a few seconds, because they do not come in order. */
  get since(): number {
    const newest = Math.max(0, ...[...this.#kept.values()].map((kept) => kept.at));
    return Math.max(-1, newest - 5_000);
  }

  /** Takes a bundle in; cameras that are not in it are gone. Returns what is to be shown. */
  take(cameras: readonly Camera[]): ReadonlyMap<string, Kept> {
    const next = new Map<string, Kept>();
    for (const camera of cameras) {
      const before = this.#kept.get(camera.publisher);
      if (camera.webp !== null && camera.at !== before?.at) {
        next.set(camera.publisher, { at: camera.at, url: this.#make(camera.webp) });
      } else if (before !== undefined) {
        next.set(camera.publisher, before);
      }
    }
    for (const [publisher, { url }] of this.#kept) if (next.get(publisher)?.url !== url) this.#drop(url);
    this.#kept = next;
    return next;
  }

  /** Gives all addresses back. */
  close(): void {
    for (const { url } of this.#kept.values()) this.#drop(url);
    this.#kept = new Map();
  }
}
