//! RTP headers as views (RFC 3550 §5.1, RFC 8285): parsed once, never copied.

/// Length of a header without contributing sources and extensions.
pub(crate) const FIXED_HEADER_BYTES: usize = 12;

/// What a packet's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) marker: bool,
    pub(crate) payload_type: u8,
    pub(crate) seq: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// Where the payload begins.
    pub(crate) len: usize,
    /// The payload ends with padding; its last byte says how much.
    pub(crate) is_padded: bool,
    /// Profile of the extension block and where its elements lie.
    pub(crate) extension: Option<(u16, usize, usize)>,
}

/// Whether the second byte of an RTP or RTCP packet says RTCP (RFC 5761 §4).
pub(crate) fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|byte| (192..=223).contains(byte))
}

/// Reads a header; `None` if the bytes are not RTP version 2 or end too early.
pub(crate) fn parse(packet: &[u8]) -> Option<Header> {
    let fixed: &[u8; FIXED_HEADER_BYTES] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut len = FIXED_HEADER_BYTES + 4 * usize::from(fixed[0] & 0x0f);
    let mut extension = None;
    if fixed[0] & 0x10 != 0 {
        let block: &[u8; 4] = packet.get(len..)?.first_chunk()?;
        let profile = u16::from_be_bytes([block[0], block[1]]);
        let start = len + 4;
        len = start + 4 * usize::from(u16::from_be_bytes([block[2], block[3]]));
        extension = Some((profile, start, len));
    }
    if packet.len() < len {
        return None;
    }
    Some(Header {
        marker: fixed[1] & 0x80 != 0,
        payload_type: fixed[1] & 0x7f,
        seq: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        len,
        is_padded: fixed[0] & 0x20 != 0,
        extension,
    })
}

impl Header {
    /// The value of header extension `id` in `packet`, of which this is the header.
    pub(crate) fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        let (profile, start, end) = self.extension?;
        let mut rest = packet.get(start..end)?;
        let is_one_byte = profile == 0xbede;
        if !is_one_byte && profile & 0xfff0 != 0x1000 {
            return None;
        }
        while let Some((&first, tail)) = rest.split_first() {
            if first == 0 {
                rest = tail;
                continue;
            }
            let (found, len, value) = if is_one_byte {
                if first >> 4 == 15 {
                    return None;
                }
                (first >> 4, usize::from(first & 0x0f) + 1, tail)
            } else {
                let (&len, value) = tail.split_first()?;
                (first, usize::from(len), value)
            };
            if found == id {
                return value.get(..len);
            }
            rest = value.get(len..)?;
        }
        None
    }
}

/// Writes a header without contributing sources, with these header extensions (number and value; a
/// number of 0 is left out), and returns its length. The short form is used if everything fits in it.
pub(crate) fn write(out: &mut Vec<u8>, header: &Header, extensions: &[(u8, &[u8])]) -> usize {
    let start = out.len();
    let used = || extensions.iter().filter(|(id, _)| *id != 0);
    let has_extensions = used().next().is_some();
    out.push(0x80 | u8::from(header.is_padded) << 5 | u8::from(has_extensions) << 4);
    out.push(u8::from(header.marker) << 7 | header.payload_type);
    out.extend_from_slice(&header.seq.to_be_bytes());
    out.extend_from_slice(&header.timestamp.to_be_bytes());
    out.extend_from_slice(&header.ssrc.to_be_bytes());
    if !has_extensions {
        return FIXED_HEADER_BYTES;
    }
    let is_short = used().all(|(id, value)| *id < 15 && (1..=16).contains(&value.len()));
    out.extend_from_slice(if is_short { &[0xbe, 0xde, 0, 0] } else { &[0x10, 0, 0, 0] });
    let values_start = out.len();
    for (id, value) in used() {
        let value = value.get(..value.len().min(255)).unwrap_or_default();
        if is_short {
            out.push(id << 4 | (value.len() - 1) as u8);
        } else {
            out.extend_from_slice(&[*id, value.len() as u8]);
        }
        out.extend_from_slice(value);
    }
    let len = (out.len() - values_start).next_multiple_of(4);
    out.resize(values_start + len, 0);
    out[values_start - 2..values_start].copy_from_slice(&((len / 4) as u16).to_be_bytes());
    out.len() - start
}

/// Where the payload ends once padding is taken off; `None` if the padding is longer than the payload.
pub(crate) fn unpadded_len(header: &Header, packet: &[u8]) -> Option<usize> {
    if !header.is_padded {
        return Some(packet.len());
    }
    let padding = usize::from(*packet.last()?);
    let end = packet.len().checked_sub(padding)?;
    (padding > 0 && end >= header.len).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn extensions_of_both_forms_are_found() {
        let mut packet = vec![0x90, 0x60, 0, 7, 0, 0, 0, 1, 0, 0, 0, 9];
        packet.extend_from_slice(&[0xbe, 0xde, 0, 2, 0x10, 0xaa, 0, 0x31, 1, 2, 0, 0, 0xff]);
        let header = parse(&packet).unwrap();
        assert_eq!((header.seq, header.ssrc, header.len), (7, 9, 24));
        assert_eq!(header.extension(&packet, 1), Some(&[0xaa][..]));
        assert_eq!(header.extension(&packet, 3), Some(&[1, 2][..]));
        assert_eq!(header.extension(&packet, 2), None);
        packet[12..16].copy_from_slice(&[0x10, 0, 0, 2]);
        packet[16..24].copy_from_slice(&[1, 0, 20, 3, 7, 8, 9, 0]);
        let header = parse(&packet).unwrap();
        assert_eq!(header.extension(&packet, 1), Some(&[][..]));
        assert_eq!(header.extension(&packet, 20), Some(&[7, 8, 9][..]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            marker: bool, is_padded: bool, seq: u16,
            values in proptest::collection::vec((0u8..20, proptest::collection::vec(any::<u8>(), 0..20)), 0..4),
        ) {
            let fixed = parse(&[0x80, 96, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
            let header = Header { marker, is_padded, seq, ..fixed };
            let extensions: Vec<(u8, &[u8])> = values.iter().map(|it| (it.0, &it.1[..])).collect();
            let mut out = vec![9];
            let len = write(&mut out, &header, &extensions);
            let read = parse(&out[1..]).unwrap();
            prop_assert_eq!(Header { len: 12, extension: None, ..read }, header);
            prop_assert_eq!((read.len, out.len()), (len, len + 1));
            for (n, (id, value)) in extensions.iter().enumerate().filter(|(_, it)| it.0 != 0) {
                if extensions[..n].iter().all(|it| it.0 != *id) {
                    prop_assert_eq!(read.extension(&out[1..], *id), Some(*value));
                }
            }
        }

        #[test]
        fn no_bytes_make_the_parser_fail(bytes: Vec<u8>, id: u8) {
            if let Some(header) = parse(&bytes) {
                prop_assert!(header.len <= bytes.len());
                let _ = header.extension(&bytes, id);
                if let Some(end) = unpadded_len(&header, &bytes) {
                    prop_assert!((header.len..=bytes.len()).contains(&end));
                }
            }
        }
    }
}
