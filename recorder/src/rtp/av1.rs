//! AV1 packets (the AV1 RTP payload format, §4) to a temporal unit in the low-overhead form: every OBU with
//! its size, a temporal delimiter first.

const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const TILE_LIST: u8 = 8;

/// In an OBU's header: it has its size; it has a byte of layers.
const HAS_SIZE: u8 = 0x02;
const HAS_LAYERS: u8 = 0x04;

/// Largest OBU that is put together; a frame is not larger.
const OBU_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The temporal unit being put together.
#[derive(Debug, Default)]
pub(super) struct Av1 {
    /// The OBU that goes on in the next packet.
    partial: Option<Vec<u8>>,
    is_key: bool,
}

/// A number in LEB128, and what follows it.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (n, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * n);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[n + 1..]));
        }
    }
    None
}

fn write_leb128(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl Av1 {
    /// Whether a temporal unit begins with this packet, as far as it can be told from the packet alone: only
    /// of those that begin a coded video sequence.
    pub(super) fn begins(payload: &[u8]) -> bool {
        payload.first().is_some_and(|head| head & 0x88 == 0x08)
    }

    /// Appends the packet's OBUs; `None` if they are damaged.
    pub(super) fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (&head, mut rest) = payload.split_first()?;
        let (continues, goes_on, n_counted) = (head & 0x80 != 0, head & 0x40 != 0, head >> 4 & 3);
        if out.is_empty() {
            out.extend_from_slice(&[TEMPORAL_DELIMITER << 3 | HAS_SIZE, 0]);
        }
        if continues != self.partial.is_some() {
            return None;
        }
        let mut n = 0;
        while !rest.is_empty() {
            n += 1;
            let is_last_counted = n_counted != 0 && n == n_counted;
            let (len, after) = if is_last_counted { (rest.len(), rest) } else { leb128(rest)? };
            let (element, tail) = after.split_at_checked(len)?;
            rest = tail;
            let mut obu = self.partial.take().unwrap_or_default();
            obu.extend_from_slice(element);
            if obu.len() > OBU_BYTES_MAX {
                return None;
            }
            if rest.is_empty() && goes_on {
                self.partial = Some(obu);
            } else {
                self.obu(&obu, out)?;
            }
        }
        Some(())
    }

    fn obu(&mut self, obu: &[u8], out: &mut Vec<u8>) -> Option<()> {
        // An element may be empty.
        let Some((&header, mut body)) = obu.split_first() else { return Some(()) };
        let kind = header >> 3 & 15;
        if header & 0x80 != 0 {
            return None;
        }
        if matches!(kind, TEMPORAL_DELIMITER | TILE_LIST) {
            return Some(());
        }
        self.is_key |= kind == SEQUENCE_HEADER;
        out.push(header | HAS_SIZE);
        if header & HAS_LAYERS != 0 {
            let (&layers, after) = body.split_first()?;
            out.push(layers);
            body = after;
        }
        if header & HAS_SIZE != 0 {
            let (size, after) = leb128(body)?;
            body = after.get(..size)?;
        }
        write_leb128(body.len(), out);
        out.extend_from_slice(body);
        Some(())
    }

    /// The temporal unit is over. Whether a decoder can start with it; `None` if something of it is missing.
    pub(super) fn finish(&self) -> Option<bool> {
        self.partial.is_none().then_some(self.is_key)
    }
}
