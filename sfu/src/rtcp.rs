//! RTCP that a forwarder needs: reads a compound packet report by report, writes its own (RFC 3550,
//! RFC 4585, RFC 5104).

/// Longest list of report blocks in one report (five bits).
const REPORT_BLOCKS_MAX: usize = 31;

/// A sender's clock: the same instant on its wall clock and in RTP units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SenderReport {
    pub(crate) ssrc: u32,
    /// NTP time, 32.32 fixed point.
    pub(crate) ntp: u64,
    pub(crate) rtp: u32,
}

/// What one RTCP packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report<'a> {
    /// A sender report, with its bytes for the recorder.
    Sender(SenderReport, &'a [u8]),
    /// Pairs of packet identifier and bitmask: packets that `ssrc` should send again.
    Nack { ssrc: u32, lost: &'a [u8] },
    /// How one of our streams arrives.
    Received(ReportBlock),
    /// `ssrc` is sent no longer.
    Bye { ssrc: u32 },
    /// When packets with transport-wide numbers arrived.
    Arrivals(&'a [u8]),
    /// What the receiver's line carries, bit/s (draft-alvestrand-rmcat-remb).
    Remb { bps: u64 },
    /// The decoder of `ssrc` needs a key frame (PLI or FIR).
    KeyFrameWanted { ssrc: u32 },
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word))
}

/// Calls `each` for every report of a compound packet that we act on. Stops at the first malformed one.
pub(crate) fn read<'a>(mut compound: &'a [u8], mut each: impl FnMut(Report<'a>)) {
    while let Some(head) = compound.first_chunk::<4>() {
        let len = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        let Some((packet, rest)) = compound.split_at_checked(len) else { return };
        if head[0] >> 6 != 2 {
            return;
        }
        match (head[1], head[0] & 0x1f) {
            (200, count) => {
                if let Some(report) = sender_report(packet) {
                    each(Report::Sender(report, packet));
                }
                report_blocks(packet, 28, count).for_each(|it| each(Report::Received(it)));
            }
            (201, count) => {
                report_blocks(packet, 8, count).for_each(|it| each(Report::Received(it)));
            }
            (203, count) => {
                let sources = packet[4..].chunks_exact(4).take(usize::from(count));
                sources.filter_map(|it| word(it, 0)).for_each(|ssrc| each(Report::Bye { ssrc }));
            }
            (205, 1) => {
                if let (Some(ssrc), Some(lost)) = (word(packet, 8), packet.get(12..)) {
                    each(Report::Nack { ssrc, lost });
                }
            }
            (205, 15) => {
                if let Some(body) = packet.get(12..) {
                    each(Report::Arrivals(body));
                }
            }
            (206, 15) => {
                if let Some(bps) = remb(packet) {
                    each(Report::Remb { bps });
                }
            }
            (206, 1) => {
                if let Some(ssrc) = word(packet, 8) {
                    each(Report::KeyFrameWanted { ssrc });
                }
            }
            (206, 4) => {
                for entry in packet.get(12..).unwrap_or_default().chunks_exact(8) {
                    if let Some(ssrc) = word(entry, 0) {
                        each(Report::KeyFrameWanted { ssrc });
                    }
                }
            }
            _ => {}
        }
        compound = rest;
    }
}

/// The report blocks of a sender's or a receiver's report, which begin at `at`.
fn report_blocks(packet: &[u8], at: usize, count: u8) -> impl Iterator<Item = ReportBlock> {
    let blocks = packet.get(at..).unwrap_or_default().chunks_exact(24);
    blocks.take(usize::from(count)).filter_map(|block| {
        let lost = word(block, 4)?;
        Some(ReportBlock {
            ssrc: word(block, 0)?,
            fraction_lost: (lost >> 24) as u8,
            total_lost: lost & 0x00ff_ffff,
            highest_seq: word(block, 8)?,
            jitter: word(block, 12)?,
            last_sr: word(block, 16)?,
            delay_since_sr: word(block, 20)?,
        })
    })
}

/// The rate of a receiver's estimate: six bits of exponent, eighteen of mantissa.
fn remb(packet: &[u8]) -> Option<u64> {
    if packet.get(12..16)? != b"REMB" {
        return None;
    }
    let word = word(packet, 16)?;
    let (exponent, mantissa) = (word >> 18 & 0x3f, u64::from(word & 0x3_ffff));
    Some(mantissa.checked_shl(exponent).filter(|it| it >> exponent == mantissa).unwrap_or(u64::MAX))
}

fn sender_report(packet: &[u8]) -> Option<SenderReport> {
    let ntp = u64::from(word(packet, 8)?) << 32 | u64::from(word(packet, 12)?);
    // A full report has the sender's packet and octet counts too; a shorter one is malformed.
    word(packet, 24)?;
    Some(SenderReport { ssrc: word(packet, 4)?, ntp, rtp: word(packet, 16)? })
}

/// Every sequence number that a NACK names.
pub(crate) fn lost_packets(lost: &[u8]) -> impl Iterator<Item = u16> {
    lost.chunks_exact(4).flat_map(|pair| {
        let first = u16::from_be_bytes([pair[0], pair[1]]);
        let mask = u16::from_be_bytes([pair[2], pair[3]]);
        let others = (0..16).filter(move |bit| mask >> bit & 1 == 1);
        std::iter::once(first).chain(others.map(move |bit| first.wrapping_add(bit + 1)))
    })
}

fn head(out: &mut Vec<u8>, count: usize, kind: u8, n_words: usize) {
    out.push(0x80 | (count as u8 & 0x1f));
    out.push(kind);
    out.extend_from_slice(&(n_words as u16).to_be_bytes());
}

/// One stream in a receiver report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReportBlock {
    pub(crate) ssrc: u32,
    /// Lost since the last report, 256ths.
    pub(crate) fraction_lost: u8,
    /// Lost in all, 24 bits.
    pub(crate) total_lost: u32,
    pub(crate) highest_seq: u32,
    pub(crate) jitter: u32,
    /// Middle 32 bits of the last sender report's NTP time, 0 if none came.
    pub(crate) last_sr: u32,
    /// Since then, 65,536ths of a second.
    pub(crate) delay_since_sr: u32,
}

/// Writes a receiver report; blocks beyond the 31st are left out.
pub(crate) fn write_receiver_report(out: &mut Vec<u8>, sender: u32, blocks: &[ReportBlock]) {
    let blocks = &blocks[..blocks.len().min(REPORT_BLOCKS_MAX)];
    head(out, blocks.len(), 201, 1 + 6 * blocks.len());
    out.extend_from_slice(&sender.to_be_bytes());
    for block in blocks {
        let lost = u32::from(block.fraction_lost) << 24 | (block.total_lost & 0x00ff_ffff);
        let words = [
            block.ssrc,
            lost,
            block.highest_seq,
            block.jitter,
            block.last_sr,
            block.delay_since_sr,
        ];
        words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
    }
}

/// Writes a sender report without report blocks.
pub(crate) fn write_sender_report(
    out: &mut Vec<u8>,
    report: &SenderReport,
    packets: u32,
    octets: u32,
) {
    head(out, 0, 200, 6);
    out.extend_from_slice(&report.ssrc.to_be_bytes());
    out.extend_from_slice(&report.ntp.to_be_bytes());
    [report.rtp, packets, octets]
        .iter()
        .for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
}

/// Writes a source description with nothing but the canonical name (at most 255 bytes).
pub(crate) fn write_cname(out: &mut Vec<u8>, ssrc: u32, cname: &str) {
    let name = &cname.as_bytes()[..cname.len().min(255)];
    // SSRC, type, length, text and at least one zero byte, filled up to whole words.
    let n_words = (4 + 2 + name.len() + 1).div_ceil(4);
    let start = out.len();
    head(out, 1, 202, n_words);
    out.extend_from_slice(&ssrc.to_be_bytes());
    out.extend_from_slice(&[1, name.len() as u8]);
    out.extend_from_slice(name);
    out.resize(start + 4 + 4 * n_words, 0);
}

/// Writes a picture loss indication: asks `ssrc` for a key frame.
pub(crate) fn write_pli(out: &mut Vec<u8>, sender: u32, ssrc: u32) {
    head(out, 1, 206, 2);
    out.extend_from_slice(&sender.to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
}

/// Writes a goodbye of `ssrc`.
#[cfg(test)]
pub(crate) fn write_bye(out: &mut Vec<u8>, ssrc: u32) {
    head(out, 1, 203, 1);
    out.extend_from_slice(&ssrc.to_be_bytes());
}

/// Writes a NACK for `lost` (ascending) packets of `ssrc`; nothing if there are none.
pub(crate) fn write_nack(out: &mut Vec<u8>, sender: u32, ssrc: u32, lost: &[u16]) {
    let start = out.len();
    head(out, 1, 205, 0);
    out.extend_from_slice(&sender.to_be_bytes());
    out.extend_from_slice(&ssrc.to_be_bytes());
    let mut rest = lost;
    while let Some((&first, tail)) = rest.split_first() {
        let near = |seq: u16| (1..=16).contains(&seq.wrapping_sub(first));
        let n_near = tail.iter().take_while(|&&seq| near(seq)).count();
        let mask = tail[..n_near]
            .iter()
            .fold(0u16, |mask, seq| mask | 1 << (seq.wrapping_sub(first).wrapping_sub(1)));
        out.extend_from_slice(&first.to_be_bytes());
        out.extend_from_slice(&mask.to_be_bytes());
        rest = &tail[n_near..];
    }
    if lost.is_empty() {
        out.truncate(start);
        return;
    }
    let n_words = ((out.len() - start) / 4 - 1) as u16;
    out[start + 2..start + 4].copy_from_slice(&n_words.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_compound_is_read_report_by_report() {
        let report = SenderReport { ssrc: 5, ntp: 0x0102_0304_0506_0708, rtp: 99 };
        let mut bytes = Vec::new();
        write_sender_report(&mut bytes, &report, 3, 300);
        write_cname(&mut bytes, 5, "diemcau");
        let block = ReportBlock { ssrc: 6, jitter: 12, ..ReportBlock::default() };
        write_receiver_report(&mut bytes, 5, &[block]);
        write_pli(&mut bytes, 5, 77);
        write_bye(&mut bytes, 78);
        bytes.extend_from_slice(&[0x8f, 206, 0, 5, 0, 0, 0, 5, 0, 0, 0, 0]);
        bytes.extend_from_slice(b"REMB\x01\x08\x00\x03\x00\x00\x00\x05");
        bytes.extend_from_slice(&[0x8f, 205, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0, 1, 2, 3, 4]);
        let mut found = Vec::new();
        read(&bytes, |report| match report {
            Report::Sender(sr, raw) => found.push(format!("sr {} {}", sr.rtp, raw.len())),
            Report::KeyFrameWanted { ssrc } => found.push(format!("key {ssrc}")),
            Report::Nack { .. } => found.push("nack".to_owned()),
            Report::Bye { ssrc } => found.push(format!("bye {ssrc}")),
            Report::Received(block) => {
                found.push(format!("received {} {}", block.ssrc, block.jitter));
            }
            Report::Remb { bps } => found.push(format!("remb {bps}")),
            Report::Arrivals(body) => found.push(format!("arrivals {}", body.len())),
        });
        let all = ["sr 99 28", "received 6 12", "key 77", "bye 78", "remb 12", "arrivals 4"];
        assert_eq!(found, all);
    }

    proptest! {
        #[test]
        fn a_nack_names_what_was_lost(mut lost in proptest::collection::btree_set(0u16..2000, 1..40)
            .prop_map(|set| set.into_iter().collect::<Vec<_>>()), base: u16) {
            lost.iter_mut().for_each(|seq| *seq = seq.wrapping_add(base));
            let mut bytes = Vec::new();
            write_nack(&mut bytes, 1, 2, &lost);
            let mut found = Vec::new();
            read(&bytes, |report| if let Report::Nack { ssrc: 2, lost } = report {
                found.extend(lost_packets(lost));
            });
            prop_assert_eq!(found, lost);
        }

        #[test]
        fn no_bytes_make_the_reader_fail(bytes: Vec<u8>) {
            read(&bytes, |report| if let Report::Nack { lost, .. } = report {
                lost_packets(lost).for_each(drop);
            });
        }
    }
}
