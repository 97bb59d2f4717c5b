//! Divides a receiver's estimated line among the pictures that it wants: one list of steps, walked once.
//! The rules are in `docs/allocation.md`; this file has nothing that is not there.

use std::time::{Duration, Instant};

use protocol::client::WANTS_MAX;

/// Most rungs of one picture: three resolutions of four frame rates.
pub(crate) const RUNGS_MAX: usize = 12;

/// What is kept free of each line for a voice that may speak at once, bit/s: Opus at 32 kbit/s in packets of
/// 20 ms with their headers.
pub(crate) const VOICE_BPS: u32 = 40_000;

/// A step that is new must fit into so many tenths of the estimate. More, and pictures flap when their
/// price changes a little; less, and room stays unused.
const NEW_TENTHS: u64 = 9;

/// A line that carries so much is not frail, whatever it loses (rule 12), bit/s.
pub(crate) const STURDY_BPS: u32 = 600_000;

/// How long room must stand before a picture climbs. Shorter flaps; longer leaves a page blurred.
const CLIMB_AFTER: Duration = Duration::from_secs(1);

/// The same on a line that was cut lately.
const CLIMB_AFTER_CUT: Duration = Duration::from_secs(5);

/// How long a cut counts as late.
const CUT_REMEMBERED: Duration = Duration::from_secs(30);

/// A layer: which resolution, and up to which temporal layer, the lowest 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Choice {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
}

/// One way to have a picture, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rung {
    pub(crate) choice: Choice,
    pub(crate) bps: u32,
}

/// All ways to have a picture, cheapest first. A rung that costs as much as a better one is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ladder {
    rungs: [Option<Rung>; RUNGS_MAX],
    len: usize,
}

/// What a picture is to its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The first want.
    Main,
    /// A shared screen.
    Document,
    /// Any other.
    Tile,
}

/// What the picture got last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// It was not wanted then.
    New,
    /// It was paused.
    Paused,
    /// It was given this.
    At(Choice),
}

/// A picture that is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) place: Place,
    /// Up to the sharpest layer that the tile can use.
    pub(crate) ladder: Ladder,
    pub(crate) held: Held,
}

/// What a picture gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// None: paused.
    pub(crate) choice: Option<Choice>,
    /// A step was passed over because it had no room.
    pub(crate) is_cut: bool,
}

/// Whether the lowest rungs may be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lowest {
    /// A page, which can be told.
    MayPause,
    /// A WHEP receiver, which cannot.
    Kept,
}

/// The line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Downlink {
    /// What it carries, bit/s; none: nobody knows.
    pub(crate) estimate: Option<u32>,
    /// What its sounds need, bit/s.
    pub(crate) sound: u32,
    pub(crate) lowest: Lowest,
    /// It loses much and carries little: no picture above its lowest resolution (rule 12).
    pub(crate) is_frail: bool,
}

/// What is remembered from walk to walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Since when there is room for more than is given.
    room_since: Option<Instant>,
    /// When something had to be taken away last.
    cut: Option<Instant>,
}

/// What all pictures together come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    /// Sounds and what is given, bit/s.
    pub(crate) used: u32,
    /// The estimate that the first step passed over would need; none: nothing was.
    pub(crate) needed: Option<u32>,
    /// The room has to stand until then before somebody climbs.
    pub(crate) climb_at: Option<Instant>,
}

impl Choice {
    /// A resolution with all its frames.
    pub(crate) fn whole(spatial: usize) -> Self {
        Self { spatial: spatial as u8, temporal: u8::MAX }
    }
}

impl Ladder {
    /// Adds a better rung. Rungs come in ascending order of quality; one that costs no more than those
    /// before it replaces them.
    pub(crate) fn push(&mut self, rung: Rung) {
        while self.top().is_some_and(|top| top.bps >= rung.bps) {
            self.len -= 1;
            self.rungs[self.len] = None;
        }
        if self.len < RUNGS_MAX {
            self.rungs[self.len] = Some(rung);
            self.len += 1;
        }
    }

    /// The lowest rung of a main picture counts half (rule 5).
    pub(crate) fn halve_lowest(&mut self) {
        if let Some(Some(lowest)) = self.rungs.first_mut() {
            lowest.bps /= 2;
        }
    }

    fn top(&self) -> Option<Rung> {
        self.len.checked_sub(1).and_then(|last| self.rungs[last])
    }

    fn rung(&self, index: usize) -> Option<Rung> {
        self.rungs.get(index).copied().flatten()
    }

    /// How many rungs are not better than `choice`.
    fn up_to(&self, choice: Choice) -> usize {
        self.rungs.iter().flatten().take_while(|rung| rung.choice <= choice).count()
    }
}

impl Ask {
    /// Rungs that the picture had last time and may keep in the whole estimate.
    fn held(&self) -> usize {
        match self.held {
            Held::New | Held::Paused => 0,
            // The rungs may be others by now: it keeps at least the lowest.
            Held::At(choice) => self.ladder.up_to(choice).max(1),
        }
    }

    /// Rungs that the picture may have before the room has stood.
    fn cap(&self) -> usize {
        match self.held {
            Held::New => RUNGS_MAX,
            // Of the main picture the lowest rung waits for nothing.
            Held::Paused => usize::from(self.place == Place::Main),
            Held::At(_) => self.held(),
        }
    }
}

/// One walk: what each picture has climbed so far.
#[derive(Clone, Copy)]
struct Walk {
    used: u64,
    needed: Option<u32>,
    /// Rungs climbed by each picture.
    climbed: [u8; WANTS_MAX],
    is_cut: [bool; WANTS_MAX],
}

/// The list of steps. `cap` is how many rungs a picture may have.
fn walk(line: Downlink, asks: &[Ask], cap: impl Fn(usize, &Ask) -> usize) -> Walk {
    let used = u64::from(line.sound);
    let mut walk = Walk { used, needed: None, climbed: [0; WANTS_MAX], is_cut: [false; WANTS_MAX] };
    let mut step = |index: usize| walk.step(line, index, &asks[index], cap(index, &asks[index]));
    let picked = [Place::Main, Place::Document, Place::Tile]
        .map(|place| (0..asks.len()).filter(|it| asks[*it].place == place).collect::<Picked>());
    picked.iter().flat_map(Picked::iter).for_each(&mut step);
    for index in picked[..2].iter().flat_map(Picked::iter) {
        (1..RUNGS_MAX).for_each(|_| step(index));
    }
    (1..RUNGS_MAX).for_each(|_| picked[2].iter().for_each(&mut step));
    walk
}

impl Walk {
    /// Takes one step up, if there is one and it fits.
    fn step(&mut self, line: Downlink, index: usize, ask: &Ask, cap: usize) {
        let at = usize::from(self.climbed[index]);
        let Some(rung) = ask.ladder.rung(at) else { return };
        if self.is_cut[index] || at >= cap {
            return;
        }
        let lowest = ask.ladder.rung(0).map_or(0, |lowest| lowest.choice.spatial);
        if line.is_frail && rung.choice.spatial > lowest {
            self.is_cut[index] = true;
            self.needed.get_or_insert(STURDY_BPS);
            return;
        }
        let below = at.checked_sub(1).and_then(|below| ask.ladder.rung(below));
        let after = self.used + u64::from(rung.bps) - u64::from(below.map_or(0, |it| it.bps));
        let fits = line.estimate.is_none_or(|estimate| {
            let tenths = if at < ask.held() { 10 } else { NEW_TENTHS };
            after * 10 <= u64::from(estimate) * tenths
        });
        let is_kept = at == 0 && line.lowest == Lowest::Kept;
        if fits || is_kept {
            self.used = after;
            self.climbed[index] += 1;
        } else {
            self.is_cut[index] = true;
            let needed = (after * 10).div_ceil(NEW_TENTHS).min(u64::from(u32::MAX)) as u32;
            self.needed.get_or_insert(needed);
        }
    }
}

/// Indexes of the wants of one place, in their order.
#[derive(Clone, Copy, Debug)]
struct Picked(u64);

impl Picked {
    fn iter(&self) -> impl Iterator<Item = usize> + use<> {
        let set = self.0;
        (0..WANTS_MAX).filter(move |&index| set >> index & 1 == 1)
    }
}

impl FromIterator<usize> for Picked {
    fn from_iter<T: IntoIterator<Item = usize>>(indexes: T) -> Self {
        Self(indexes.into_iter().fold(0, |set, index| set | 1 << index))
    }
}

/// Divides the line. Writes to `given` what each picture gets, in the order of `asks`, of which those
/// beyond the 64th are left out.
pub(crate) fn allocate(
    line: Downlink,
    asks: &[Ask],
    memory: Memory,
    now: Instant,
    given: &mut Vec<Given>,
) -> (Memory, Total) {
    let asks = &asks[..asks.len().min(WANTS_MAX)];
    // What there is room for, whatever was given before.
    let whole = walk(line, asks, |_, _| RUNGS_MAX);
    let has_room = (0..asks.len()).any(|it| usize::from(whole.climbed[it]) > asks[it].cap());
    // The same without anybody climbing who was here before. A new picture takes no more than it may keep.
    let standing = if has_room {
        walk(line, asks, |index, ask| match ask.held {
            Held::New => usize::from(whole.climbed[index]),
            Held::Paused | Held::At(_) => ask.cap(),
        })
    } else {
        whole
    };
    let falls = (0..asks.len()).any(|it| usize::from(standing.climbed[it]) < asks[it].held());
    let cut = if falls { Some(now) } else { memory.cut };
    let room_since = memory.room_since.filter(|_| !falls).unwrap_or(now);
    let is_cut_lately = cut.is_some_and(|cut| now.saturating_duration_since(cut) < CUT_REMEMBERED);
    let climb_at = room_since + if is_cut_lately { CLIMB_AFTER_CUT } else { CLIMB_AFTER };
    let waits = has_room && climb_at > now;
    let result = if waits { standing } else { whole };
    given.clear();
    given.extend(asks.iter().enumerate().map(|(index, ask)| {
        let climbed = usize::from(result.climbed[index]);
        let rung = climbed.checked_sub(1).and_then(|at| ask.ladder.rung(at));
        let is_cut = whole.is_cut[index] && result.climbed[index] <= whole.climbed[index];
        Given { choice: rung.map(|rung| rung.choice), is_cut }
    }));
    let total = Total {
        used: result.used.min(u64::from(u32::MAX)) as u32,
        needed: whole.needed,
        climb_at: waits.then_some(climb_at),
    };
    (Memory { room_since: waits.then_some(room_since), cut }, total)
}

#[cfg(test)]
mod tests;
