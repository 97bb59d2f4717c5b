//! VP9 packets (RFC 9628) to what a decoder takes: the frames of a picture's spatial layers become one
//! superframe (VP9 bitstream, Annex B).

/// Reference indices of a frame in flexible mode.
const REFERENCES_MAX: usize = 3;

/// Frames of one superframe.
const LAYERS_MAX: usize = 8;

/// The picture being put together.
#[derive(Debug, Default)]
pub(super) struct Vp9 {
    sizes: Vec<usize>,
    is_key: bool,
}

/// What the descriptor says, and the coded bytes after it.
struct Part<'a> {
    begins_layer: bool,
    spatial: u8,
    is_inter: bool,
    data: &'a [u8],
}

fn read(payload: &[u8]) -> Option<Part<'_>> {
    let (&first, mut rest) = payload.split_first()?;
    let bit = |n: u8| first & 1 << n != 0;
    if bit(7) {
        let is_long = rest.first()? & 0x80 != 0;
        rest = rest.get(if is_long { 2 } else { 1 }..)?;
    }
    let mut spatial = 0;
    if bit(5) {
        spatial = rest.first()? >> 1 & 7;
        rest = rest.get(if bit(4) { 1 } else { 2 }..)?;
    }
    if bit(4) && bit(6) {
        let n = rest.iter().take(REFERENCES_MAX).position(|reference| reference & 1 == 0)?;
        rest = rest.get(n + 1..)?;
    }
    if bit(1) {
        rest = after_structure(rest)?;
    }
    Some(Part { begins_layer: bit(3), spatial, is_inter: bit(6), data: rest })
}

fn after_structure(structure: &[u8]) -> Option<&[u8]> {
    let (&head, mut rest) = structure.split_first()?;
    if head & 0x10 != 0 {
        rest = rest.get(4 * (usize::from(head >> 5) + 1)..)?;
    }
    if head & 0x08 != 0 {
        let (&n, mut pictures) = rest.split_first()?;
        for _ in 0..n {
            pictures = pictures.get(1 + usize::from(pictures.first()? >> 2 & 3)..)?;
        }
        rest = pictures;
    }
    Some(rest)
}

/// Whether a frame's own header says key frame (VP9 bitstream §6.2, profiles 0 to 2).
fn is_key_header(header: u8) -> bool {
    header >> 6 == 2 && header & 0x0c == 0
}

impl Vp9 {
    /// Whether a picture begins with this packet.
    pub(super) fn begins(payload: &[u8]) -> bool {
        read(payload).is_some_and(|part| part.begins_layer && part.spatial == 0)
    }

    /// Appends the packet's bytes; `None` if they are damaged.
    pub(super) fn append(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let part = read(payload)?;
        if part.begins_layer {
            let header = *part.data.first()?;
            if self.sizes.is_empty() {
                self.is_key = part.spatial == 0 && !part.is_inter && is_key_header(header);
            }
            self.sizes.push(0);
        }
        if self.sizes.len() > LAYERS_MAX {
            return None;
        }
        *self.sizes.last_mut()? += part.data.len();
        out.extend_from_slice(part.data);
        Some(())
    }

    /// The picture is over: writes the index of its frames if there are several. Whether it is a key
    /// picture; `None` if something of it is missing.
    pub(super) fn finish(&self, out: &mut Vec<u8>) -> Option<bool> {
        let largest = self.sizes.iter().max()?;
        if self.sizes.len() > 1 {
            let n_bytes = (usize::BITS - largest.leading_zeros()).div_ceil(8).clamp(1, 4) as usize;
            let marker = 0xc0 | (n_bytes as u8 - 1) << 3 | (self.sizes.len() as u8 - 1);
            out.push(marker);
            for size in &self.sizes {
                out.extend_from_slice(&size.to_le_bytes()[..n_bytes]);
            }
            out.push(marker);
        }
        Some(self.is_key)
    }
}
