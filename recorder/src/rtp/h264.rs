//! H.264 packets (RFC 6184, packetization mode 1) to a byte stream: single units, STAP-A, FU-A.

const IDR: u8 = 5;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// What stands before each unit of a byte stream (H.264 Annex B).
const START: [u8; 4] = [0, 0, 0, 1];

/// The picture being put together.
#[derive(Debug, Default)]
pub(super) struct H264 {
    is_in_fragment: bool,
    is_key: bool,
}

/// Whether a unit can only stand at a picture's beginning: parameters, information, the first slice
/// (`first_mb_in_slice` is 0 if its first bit is 1).
fn is_first(kind: u8, slice: Option<&u8>) -> bool {
    matches!(kind, 6..=9) || (matches!(kind, 1 | IDR) && slice.is_some_and(|byte| byte & 0x80 != 0))
}

impl H264 {
    /// Whether a picture begins with this packet, as far as it can be told from the packet alone.
    pub(super) fn begins(payload: &[u8]) -> bool {
        let Some(head) = payload.first() else { return false };
        match head & 0x1f {
            STAP_A => payload.get(3).is_some_and(|unit| is_first(unit & 0x1f, payload.get(4))),
            FU_A => payload
                .get(1)
                .is_some_and(|fu| fu & 0x80 != 0 && is_first(fu & 0x1f, payload.get(2))),
            kind => is_first(kind, payload.get(1)),
        }
    }

    /// Appends the packet's units; `None` if they are damaged.
    pub(super) fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let (&head, rest) = payload.split_first()?;
        match head & 0x1f {
            STAP_A => {
                let mut rest = rest;
                while let Some((len, tail)) = rest.split_first_chunk::<2>() {
                    let (unit, tail) =
                        tail.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
                    self.unit(*unit.first()?, out);
                    out.extend_from_slice(&unit[1..]);
                    rest = tail;
                }
                self.is_in_fragment = false;
            }
            FU_A => {
                let (&fu, data) = rest.split_first()?;
                if fu & 0x80 != 0 {
                    self.unit(head & 0xe0 | fu & 0x1f, out);
                } else if !self.is_in_fragment {
                    return None;
                }
                out.extend_from_slice(data);
                self.is_in_fragment = fu & 0x40 == 0;
            }
            1..=23 => {
                self.unit(head, out);
                out.extend_from_slice(rest);
                self.is_in_fragment = false;
            }
            _ => return None,
        }
        Some(())
    }

    fn unit(&mut self, header: u8, out: &mut Vec<u8>) {
        self.is_key |= header & 0x1f == IDR;
        out.extend_from_slice(&START);
        out.push(header);
    }

    /// The picture is over. Whether it is a key picture; `None` if something of it is missing.
    pub(super) fn finish(&self) -> Option<bool> {
        (!self.is_in_fragment).then_some(self.is_key)
    }
}
