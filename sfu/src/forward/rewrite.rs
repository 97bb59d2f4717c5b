//! Makes a switch between sources or layers invisible: one outgoing stream whose sequence number,
//! timestamp and picture id go on as if it had always been the same camera that sends just this.
//!
//! Packets that are not sent leave no hole, so the distance between incoming and outgoing numbers changes
//! all the time. A ring remembers for each outgoing packet of the last second which one it was made of.
//! The number of a packet that has not come yet is kept free: if it comes and is not to be sent, its
//! place is filled with padding.

use std::time::{Duration, Instant};

use crate::codec::Moves;

/// Sources remembered. More than this many switches within the second that a retransmission may take
/// do not happen: each needs a key frame, and those are 500 ms apart.
const SHIFTS_MAX: usize = 8;

/// Outgoing packets remembered when a stream begins, and at most. A ring that turns round within
/// [`TURN_MIN`] grows.
const RING_MIN: usize = 64;
const RING_MAX: usize = 512;
const TURN_MIN: Duration = Duration::from_secs(1);

/// Names a source: which incarnation of which track, and which layer. Never used for two streams.
pub(crate) type Origin = u32;

/// A constant shift from one source's numbers to the outgoing stream's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shift {
    pub(crate) origin: Origin,
    /// Tells it from others that had its place.
    id: u8,
    /// The first outgoing packet that it applies to.
    first_out: u64,
    /// First packet of the source that is sent; earlier ones belong to what came before the switch.
    first_in: u64,
    pub(crate) timestamp: u32,
    picture_id: u16,
    tl0: u8,
    key_index: u8,
    /// Of the dependency descriptor's frame numbers.
    pub(crate) frame: u16,
}

/// One packet of a source, as far as its numbers matter. `seq` is the extended sequence number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers {
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) picture_id: Option<u16>,
    pub(crate) tl0: Option<u8>,
    pub(crate) key_index: Option<u8>,
    pub(crate) frame: Option<u16>,
    /// The codec wants picture ids without holes, so they close up where a picture is left out. VP8 does;
    /// VP9 refers to pictures by the distance of their ids, so there the holes must stay.
    pub(crate) closes_up: bool,
}

/// What became of an outgoing number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its packet has not come yet.
    Open,
    Sent,
    /// Its packet came and was not to be sent.
    Filled,
}

/// What an outgoing packet was made of, in eight bytes.
#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Low half of the source's extended number.
    seq: u32,
    /// How far the picture id is moved.
    picture_id: u16,
    shift: u8,
    /// Two bits of fate, one for the marker, five for the decode target.
    bits: u8,
}

const NO_TARGET: u8 = 31;

impl Entry {
    fn new(seq: u64, picture_id: u16, shift: u8) -> Self {
        Self { seq: seq as u32, picture_id, shift, bits: NO_TARGET << 3 }
    }

    fn fate(self) -> Fate {
        match self.bits & 3 {
            0 => Fate::Open,
            1 => Fate::Sent,
            _ => Fate::Filled,
        }
    }

    fn settle(&mut self, fate: Fate, extra: Extra) {
        let fate = match fate {
            Fate::Open => 0,
            Fate::Sent => 1,
            Fate::Filled => 2,
        };
        let target = extra.target.map_or(NO_TARGET, |it| it.min(NO_TARGET));
        self.bits = fate | u8::from(extra.ends_picture) << 2 | target << 3;
    }

    fn extra(self) -> Extra {
        let target = Some(self.bits >> 3).filter(|it| *it != NO_TARGET);
        Extra { ends_picture: self.bits & 4 != 0, target }
    }
}

/// What else is remembered of a packet, to send the same again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) ends_picture: bool,
    /// The decode target of the receiver at that moment, where there is one.
    pub(crate) target: Option<u8>,
}

/// How one packet goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mapped {
    /// Outgoing extended number.
    pub(crate) out: u64,
    /// The source's extended number.
    pub(crate) seq: u64,
    pub(crate) shift: Shift,
    pub(crate) moves: Moves,
    pub(crate) extra: Extra,
    /// Nothing is left of the packet but its number.
    pub(crate) is_filling: bool,
    /// The number is kept free; the packet was not sent yet.
    pub(crate) is_open: bool,
}

/// The state of one outgoing stream.
#[derive(Debug)]
pub(crate) struct Rewriter {
    shifts: [Shift; SHIFTS_MAX],
    n_switches: u8,
    has_source: bool,
    is_paused: bool,
    ring: Vec<Entry>,
    /// The first outgoing number that the ring knows, unless newer ones have taken its place.
    known_from: u64,
    /// When the ring is full, and when the first packet in it came.
    full_at: u64,
    turned: Option<Instant>,
    clock_rate: u32,
    next_out: u64,
    /// One more than the newest packet of the current source.
    next_in: u64,
    /// The same of the source before it, when it was left.
    former_next_in: u64,
    /// How many pictures of the current source were left out, negative.
    closed_up: u16,
    /// The last picture that was left out.
    left_out: Option<u16>,
    /// Outgoing counters as of the newest packet, and when it came.
    last: Numbers,
    noted: Option<Instant>,
}

impl Rewriter {
    /// A stream that begins with sequence number `first` and some timestamp, both drawn at random.
    pub(crate) fn new(clock_rate: u32, first: u16, timestamp: u32) -> Self {
        let last = Numbers {
            timestamp,
            picture_id: Some(first & 0x3fff),
            tl0: Some(0),
            key_index: Some(0),
            frame: Some(first),
            ..Numbers::default()
        };
        Self {
            shifts: [Shift::default(); SHIFTS_MAX],
            n_switches: 0,
            has_source: false,
            is_paused: false,
            ring: Vec::new(),
            known_from: 0,
            full_at: 0,
            turned: None,
            clock_rate,
            // Below 2^15, so that the receiver's rollover counter begins at 0 beyond doubt.
            next_out: u64::from(first & 0x7fff),
            next_in: 0,
            former_next_in: 0,
            closed_up: 0,
            left_out: None,
            last,
            noted: None,
        }
    }

    /// The source that is being sent.
    pub(crate) fn origin(&self) -> Option<Origin> {
        self.shift().filter(|_| !self.is_paused).map(|shift| shift.origin)
    }

    /// Sends nothing until the next switch, even if that leads back to the same source. What was sent
    /// before can still be asked for.
    pub(crate) fn pause(&mut self) {
        self.is_paused = true;
    }

    /// The timestamp of the newest packet that was sent.
    pub(crate) fn last_timestamp(&self) -> u32 {
        self.last.timestamp
    }

    /// The shift that applies now.
    pub(crate) fn shift(&self) -> Option<&Shift> {
        self.has_source.then(|| &self.shifts[usize::from(self.n_switches) % SHIFTS_MAX])
    }

    /// Whether no packet of the current source with this number or a higher one came before.
    pub(crate) fn is_newest(&self, seq: u64) -> bool {
        seq >= self.next_in
    }

    /// Goes over to `origin`, beginning with the packet `first`.
    pub(crate) fn switch(&mut self, origin: Origin, first: &Numbers, now: Instant) {
        self.is_paused = false;
        self.has_source = true;
        let since = self.noted.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let elapsed = since.as_micros() as u64 * u64::from(self.clock_rate) / 1_000_000;
        // At least one unit on: a decoder takes packets with one timestamp for one frame.
        let timestamp = self.last.timestamp.wrapping_add(elapsed.max(1) as u32);
        let last = self.last;
        let next16 = |last: Option<u16>, first: Option<u16>| {
            last.unwrap_or(0).wrapping_add(1).wrapping_sub(first.unwrap_or(0))
        };
        let next8 = |last: Option<u8>, first: Option<u8>| {
            last.unwrap_or(0).wrapping_add(1).wrapping_sub(first.unwrap_or(0))
        };
        self.n_switches = self.n_switches.wrapping_add(1);
        self.shifts[usize::from(self.n_switches) % SHIFTS_MAX] = Shift {
            origin,
            id: self.n_switches,
            first_out: self.next_out,
            first_in: first.seq,
            timestamp: timestamp.wrapping_sub(first.timestamp),
            picture_id: next16(last.picture_id, first.picture_id),
            tl0: next8(last.tl0, first.tl0),
            key_index: next8(last.key_index, first.key_index),
            frame: next16(last.frame, first.frame),
        };
        self.former_next_in = self.next_in;
        self.next_in = first.seq;
        self.closed_up = 0;
        self.left_out = None;
    }

    /// How a packet of the current source goes out; `None` if it belongs before the last switch, was sent
    /// already or comes too late to find its place.
    pub(crate) fn send(&mut self, packet: &Numbers, extra: Extra, now: Instant) -> Option<Mapped> {
        let shift = *self.shift()?;
        if !self.is_newest(packet.seq) {
            return self.settle((&shift, self.next_out), packet.seq, Fate::Sent, extra);
        }
        self.open_gap(packet.seq, now);
        let mut entry = Entry::new(packet.seq, self.moved(&shift), shift.id);
        entry.settle(Fate::Sent, extra);
        let out = self.push(entry, now);
        self.note(packet, entry.picture_id, now);
        Some(self.mapped(entry, out, packet.seq, shift))
    }

    /// Leaves a packet of the current source out. If its number was kept free, it is to be filled.
    pub(crate) fn leave_out(&mut self, packet: &Numbers, now: Instant) -> Option<Mapped> {
        let shift = *self.shift()?;
        if !self.is_newest(packet.seq) {
            let place = (&shift, self.next_out);
            return self.settle(place, packet.seq, Fate::Filled, Extra::default());
        }
        self.open_gap(packet.seq, now);
        if packet.closes_up && packet.picture_id.is_some() && packet.picture_id != self.left_out {
            self.left_out = packet.picture_id;
            self.closed_up = self.closed_up.wrapping_sub(1);
        }
        self.note(packet, self.moved(&shift), now);
        None
    }

    /// A packet of the source before the current one came only now. If its number was kept free, it is to
    /// be filled, or the receiver would ask for it in vain.
    pub(crate) fn fill_former(&mut self, origin: Origin, seq: u64) -> Option<Mapped> {
        let current = *self.shift().filter(|_| seq < self.former_next_in)?;
        let id = self.n_switches.wrapping_sub(1);
        let former = self.shifts[usize::from(id) % SHIFTS_MAX];
        if former.origin != origin || former.id != id {
            return None;
        }
        self.settle((&former, current.first_out), seq, Fate::Filled, Extra::default())
    }

    /// The source has come as far as this packet, sent or not: the next one goes on from here.
    fn note(&mut self, packet: &Numbers, picture_id: u16, now: Instant) {
        let Some(shift) = self.shift().copied() else { return };
        let last = self.last;
        let picture_id = packet.picture_id.map(|it| it.wrapping_add(picture_id) & 0x7fff);
        self.last = Numbers {
            timestamp: packet.timestamp.wrapping_add(shift.timestamp),
            picture_id: picture_id.or(last.picture_id),
            tl0: packet.tl0.map(|it| it.wrapping_add(shift.tl0)).or(last.tl0),
            key_index: packet
                .key_index
                .map(|it| it.wrapping_add(shift.key_index))
                .or(last.key_index),
            frame: packet.frame.map(|it| it.wrapping_add(shift.frame)).or(last.frame),
            ..last
        };
        self.noted = Some(now);
        self.next_in = packet.seq + 1;
    }

    /// Of which packet the outgoing `seq` (as a NACK names it) was made.
    pub(crate) fn original(&self, seq: u16) -> Option<Mapped> {
        let last = self.next_out.checked_sub(1)?;
        let out = last.checked_sub(u64::from((last as u16).wrapping_sub(seq)))?;
        if out < self.oldest() {
            return None;
        }
        let entry = *self.ring.get(self.place(out))?;
        let shift = self.shifts[usize::from(entry.shift) % SHIFTS_MAX];
        if shift.id != entry.shift || out < shift.first_out {
            return None;
        }
        let seq = shift.first_in + u64::from(entry.seq.wrapping_sub(shift.first_in as u32));
        Some(self.mapped(entry, out, seq, shift))
    }

    /// The oldest outgoing number of which the ring knows the original.
    fn oldest(&self) -> u64 {
        self.known_from.max(self.next_out.saturating_sub(self.ring.len() as u64))
    }

    fn moved(&self, shift: &Shift) -> u16 {
        shift.picture_id.wrapping_add(self.closed_up)
    }

    fn mapped(&self, entry: Entry, out: u64, seq: u64, shift: Shift) -> Mapped {
        let Shift { tl0, key_index, .. } = shift;
        let moves = Moves { picture_id: entry.picture_id, tl0, key_index };
        let is_filling = entry.fate() == Fate::Filled;
        let is_open = entry.fate() == Fate::Open;
        Mapped { out, seq, shift, moves, extra: entry.extra(), is_filling, is_open }
    }

    /// Keeps numbers free for the packets between the newest one and `seq`.
    fn open_gap(&mut self, seq: u64, now: Instant) {
        let gap = seq.saturating_sub(self.next_in);
        let Some(shift) = self.shift().copied() else { return };
        // Of a gap wider than the ring only the end could still be found.
        let skipped = gap.saturating_sub(RING_MAX as u64);
        if skipped > 0 {
            self.next_out += skipped;
            self.known_from = self.next_out;
        }
        for missing in self.next_in + skipped..seq {
            self.push(Entry::new(missing, self.moved(&shift), shift.id), now);
        }
    }

    fn place(&self, out: u64) -> usize {
        // A power of two.
        out as usize & self.ring.len().saturating_sub(1)
    }

    fn push(&mut self, entry: Entry, now: Instant) -> u64 {
        let out = self.next_out;
        if out >= self.full_at {
            self.turn(now);
        }
        let place = self.place(out);
        self.ring[place] = entry;
        self.next_out += 1;
        out
    }

    /// The ring is full, for the first time or again. If that went too fast for a retransmission, it grows.
    fn turn(&mut self, now: Instant) {
        let len = self.ring.len();
        let since = self.turned.map_or(TURN_MIN, |at| now.saturating_duration_since(at));
        if len == RING_MAX || (len > 0 && since >= TURN_MIN) {
            self.turned = Some(now);
            self.full_at = self.next_out + len as u64;
            return;
        }
        self.turned = self.turned.or(Some(now));
        self.known_from = if len == 0 { self.next_out } else { self.oldest() };
        let new_len = if len == 0 { RING_MIN } else { 2 * len };
        self.full_at = self.known_from + new_len as u64;
        let old = std::mem::replace(&mut self.ring, vec![Entry::new(0, 0, 0); new_len]);
        for out in self.known_from..self.next_out {
            let place = self.place(out);
            self.ring[place] = old[out as usize % len];
        }
    }

    /// Finds the number that was kept free for a packet, before `end`, and says what becomes of it.
    fn settle(
        &mut self,
        (shift, end): (&Shift, u64),
        seq: u64,
        fate: Fate,
        extra: Extra,
    ) -> Option<Mapped> {
        let (mut low, mut high) = (self.oldest().max(shift.first_out), end);
        let number = |entry: &Entry| {
            shift.first_in + u64::from(entry.seq.wrapping_sub(shift.first_in as u32))
        };
        if seq < shift.first_in {
            return None;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if number(self.ring.get(self.place(middle))?) < seq {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let place = self.place(low);
        let entry = self.ring.get_mut(place).filter(|_| low < end)?;
        if number(entry) != seq || entry.shift != shift.id || entry.fate() != Fate::Open {
            return None;
        }
        entry.settle(fate, extra);
        let entry = *entry;
        Some(self.mapped(entry, low, seq, *shift))
    }
}

#[cfg(test)]
mod tests;
