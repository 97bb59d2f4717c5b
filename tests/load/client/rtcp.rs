//! RTCP that browsers send as receivers and understand as senders (RFC 3550, RFC 4585, RFC 5104, and
//! draft-holmer-rmcat-transport-wide-cc-extensions-01).

use std::time::{Duration, Instant};

/// Packets in one feedback on arrival times.
const ARRIVALS_MAX: usize = 1_024;

/// What a compound packet asks of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The sender's clock: middle 32 bits of its NTP time.
    SenderReport {
        ssrc: u32,
        ntp: u32,
    },
    KeyFrameWanted {
        ssrc: u32,
    },
    /// One packet that did not arrive.
    Missing {
        ssrc: u32,
        seq: u16,
    },
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|it| u32::from_be_bytes(*it))
}

/// Calls `each` for all that a compound packet asks.
pub fn read(mut compound: &[u8], mut each: impl FnMut(Heard)) {
    while let Some(head) = compound.first_chunk::<4>() {
        let len = 4 * (usize::from(u16::from_be_bytes([head[2], head[3]])) + 1);
        let Some((packet, rest)) = compound.split_at_checked(len) else { return };
        // Sender of the report, and the stream that feedback is about.
        let (sender, about) = (word(packet, 4).unwrap_or(0), word(packet, 8).unwrap_or(0));
        match (head[1], head[0] & 31) {
            (200, _) => {
                let ntp = word(packet, 10).unwrap_or(0);
                each(Heard::SenderReport { ssrc: sender, ntp });
            }
            (206, 1) => each(Heard::KeyFrameWanted { ssrc: about }),
            (206, 4) => {
                for entry in packet.get(12..).unwrap_or_default().chunks_exact(8) {
                    each(Heard::KeyFrameWanted { ssrc: word(entry, 0).unwrap_or(0) });
                }
            }
            (205, 1) => {
                for pair in packet.get(12..).unwrap_or_default().chunks_exact(4) {
                    let first = u16::from_be_bytes([pair[0], pair[1]]);
                    let mask = u32::from(u16::from_be_bytes([pair[2], pair[3]])) << 1 | 1;
                    (0..17).filter(|bit| mask >> bit & 1 == 1).for_each(|bit| {
                        each(Heard::Missing { ssrc: about, seq: first.wrapping_add(bit) });
                    });
                }
            }
            _ => {}
        }
        compound = rest;
    }
}

fn head(out: &mut Vec<u8>, count: u8, kind: u8, n_words: usize) {
    out.extend_from_slice(&[0x80 | count, kind]);
    out.extend_from_slice(&(n_words as u16).to_be_bytes());
}

fn put(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|word| out.extend_from_slice(&word.to_be_bytes()));
}

/// A receiver report with blocks of six words each, at most 31, and the canonical name.
pub fn write_report(out: &mut Vec<u8>, sender: u32, blocks: &[[u32; 6]]) {
    head(out, blocks.len() as u8, 201, 1 + 6 * blocks.len());
    put(out, &[sender]);
    blocks.iter().for_each(|block| put(out, block));
    // CNAME "load", two zero bytes to the whole word.
    head(out, 1, 202, 3);
    put(out, &[sender]);
    out.extend_from_slice(&[1, 4, b'l', b'o', b'a', b'd', 0, 0]);
}

/// A sender report and the canonical name.
pub fn write_sender_report(out: &mut Vec<u8>, ssrc: u32, ntp: u64, rest: [u32; 3]) {
    head(out, 0, 200, 6);
    put(out, &[ssrc, (ntp >> 32) as u32, ntp as u32]);
    put(out, &rest);
    head(out, 1, 202, 3);
    put(out, &[ssrc]);
    out.extend_from_slice(&[1, 4, b'l', b'o', b'a', b'd', 0, 0]);
}

/// Asks for a key frame.
pub fn write_pli(out: &mut Vec<u8>, sender: u32, ssrc: u32) {
    head(out, 1, 206, 2);
    put(out, &[sender, ssrc]);
}

/// Asks for packets again, ascending.
pub fn write_nack(out: &mut Vec<u8>, sender: u32, ssrc: u32, missing: &[u64]) {
    let mut pairs: Vec<(u64, u16)> = Vec::new();
    for &seq in missing {
        match pairs.last_mut() {
            Some((first, mask)) if (1..=16).contains(&(seq - *first)) => {
                *mask |= 1 << (seq - *first - 1);
            }
            _ => pairs.push((seq, 0)),
        }
    }
    head(out, 1, 205, 2 + pairs.len());
    put(out, &[sender, ssrc]);
    for (first, mask) in pairs {
        out.extend_from_slice(&(first as u16).to_be_bytes());
        out.extend_from_slice(&mask.to_be_bytes());
    }
}

/// Arrival times since the last feedback.
pub struct Arrivals {
    began: Instant,
    /// Extended transport-wide number, arrival in quarters of a millisecond.
    came: Vec<(i64, i64)>,
    highest: i64,
    next: Option<i64>,
    count: u8,
    /// Numbers that never came between those that did.
    pub gaps: u64,
}

impl Arrivals {
    pub fn new(now: Instant) -> Self {
        let came = Vec::with_capacity(ARRIVALS_MAX);
        Self { began: now, came, highest: -1, next: None, count: 0, gaps: 0 }
    }

    pub fn note(&mut self, seq: u16, now: Instant) {
        let highest = if self.highest < 0 { i64::from(seq) } else { self.highest };
        let extended = highest + i64::from(seq.wrapping_sub(highest as u16) as i16);
        self.highest = highest.max(extended);
        if self.came.len() < ARRIVALS_MAX {
            let at = now.saturating_duration_since(self.began).as_micros() as i64 / 250;
            self.came.push((extended, at));
        }
    }

    /// Whether feedback has something to say.
    pub fn is_due(&self) -> bool {
        !self.came.is_empty()
    }

    /// Writes the feedback. Statuses go out in vectors of seven two-bit symbols, as Chromium's do whenever
    /// packets come unevenly.
    pub fn write(&mut self, out: &mut Vec<u8>, sender: u32, media: u32) {
        self.came.sort_unstable();
        self.came.dedup_by_key(|it| it.0);
        let (Some(&(first, first_at)), Some(&(last, _))) = (self.came.first(), self.came.last())
        else {
            return;
        };
        let base = self.next.map_or(first, |next| next.min(first)).max(last - 2_000);
        self.came.retain(|it| it.0 >= base);
        self.next = Some(last + 1);
        self.gaps += (last - base + 1) as u64 - self.came.len() as u64;
        let reference = first_at.div_euclid(256);
        let start = out.len();
        head(out, 15, 205, 0);
        put(out, &[sender, media]);
        out.extend_from_slice(&(base as u16).to_be_bytes());
        out.extend_from_slice(&((last - base + 1) as u16).to_be_bytes());
        put(out, &[(reference as u32) << 8 | u32::from(self.count)]);
        self.count = self.count.wrapping_add(1);
        let mut deltas = Vec::with_capacity(2 * self.came.len());
        let (mut before, mut next) = (reference * 256, self.came.iter().peekable());
        for chunk in (base..=last).collect::<Vec<_>>().chunks(7) {
            let mut symbols = 0b11_u16 << 14;
            for (place, seq) in chunk.iter().enumerate() {
                let Some(&(_, at)) = next.next_if(|it| it.0 == *seq) else { continue };
                let delta = (at - before).clamp(i64::from(i16::MIN), i64::from(i16::MAX));
                before += delta;
                let symbol = match u8::try_from(delta) {
                    Ok(small) => {
                        deltas.push(small);
                        1
                    }
                    Err(_) => {
                        deltas.extend_from_slice(&(delta as i16).to_be_bytes());
                        2
                    }
                };
                symbols |= symbol << (12 - 2 * place);
            }
            out.extend_from_slice(&symbols.to_be_bytes());
        }
        out.extend_from_slice(&deltas);
        self.came.clear();
        pad(out, start);
    }
}

/// Fills a packet up to whole words and writes its length.
fn pad(out: &mut Vec<u8>, start: usize) {
    let padding = (start + (out.len() - start).next_multiple_of(4)) - out.len();
    if padding > 0 {
        out[start] |= 0x20;
        out.resize(out.len() + padding, 0);
        *out.last_mut().expect("not empty") = padding as u8;
    }
    let n_words = (out.len() - start) / 4 - 1;
    out[start + 2..start + 4].copy_from_slice(&(n_words as u16).to_be_bytes());
}

/// How often a browser tells of arrivals: Chromium every 50 to 250 ms, by bitrate.
pub const FEEDBACK_INTERVAL: Duration = Duration::from_millis(75);

/// How often it reports.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(1);
