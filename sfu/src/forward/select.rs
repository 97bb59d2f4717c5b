//! Which packets of one source a receiver gets: those of the spatial and temporal layers that it should
//! have. What it gets changes only where a decoder can follow: less at the beginning of any picture, more
//! where the codec says so. The choice is kept as a function of the sequence number, so a packet that
//! comes late or twice is judged like its neighbours.

use crate::codec::dependency::{Dependency, Structure};
use crate::codec::{Codec, Info, UpSwitch};

/// Changes remembered. A packet from before the oldest is judged like the oldest.
const STEPS_MAX: usize = 4;

/// The highest layers that a receiver should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) spatial: u8,
    pub(crate) temporal: u8,
}

impl Depth {
    /// Everything.
    pub(crate) const ALL: Self = Self { spatial: u8::MAX, temporal: u8::MAX };
}

/// What is sent from some packet on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    from: u64,
    depth: Depth,
    /// The decode target, where a dependency descriptor decides.
    target: Option<u8>,
}

/// One packet as the selection sees it.
#[derive(Clone, Copy)]
pub(crate) struct Candidate<'a> {
    pub(crate) codec: Codec,
    pub(crate) seq: u64,
    pub(crate) timestamp: u32,
    pub(crate) info: &'a Info,
    pub(crate) dependency: Option<&'a Dependency>,
    pub(crate) structure: Option<&'a Structure>,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Drop,
    Send {
        /// It is the last one of its picture that is sent.
        ends_picture: bool,
        target: Option<u8>,
    },
}

/// The state of the selection.
#[derive(Debug)]
pub(crate) struct Selection {
    steps: [Step; STEPS_MAX],
    /// The timestamp of the newest packet.
    timestamp: Option<u32>,
    /// The newest frame, and bit n: the frame n before it was dropped.
    frame: u16,
    dropped: u64,
}

impl Selection {
    /// A source of which everything wanted is sent, beginning with the key frame at `from`.
    pub(crate) fn new(from: u64, wanted: Depth) -> Self {
        let step = Step { from, depth: wanted, target: None };
        Self { steps: [step; STEPS_MAX], timestamp: None, frame: 0, dropped: 0 }
    }

    /// The highest spatial layer that is sent now.
    pub(crate) fn spatial(&self) -> u8 {
        self.steps[0].depth.spatial
    }

    /// Judges a packet. `is_newest`: none with a higher number was judged before.
    pub(crate) fn judge(&mut self, it: &Candidate<'_>, is_newest: bool, wanted: Depth) -> Verdict {
        if is_newest {
            let begins_picture = self.timestamp.replace(it.timestamp) != Some(it.timestamp);
            match it.dependency {
                Some(dependency) if it.codec != Codec::Vp8 && it.codec != Codec::Vp9 => {
                    self.note_frame(dependency);
                    let is_lowest = dependency.spatial == 0 && dependency.starts_frame;
                    if begins_picture && is_lowest {
                        self.follow_targets(it, dependency, wanted);
                    }
                }
                Some(_) | None
                    if begins_picture && it.info.starts_frame && it.info.spatial == 0 =>
                {
                    self.follow_layers(it, wanted);
                }
                Some(_) | None => {}
            }
        }
        let verdict = self.verdict(it);
        if verdict == Verdict::Drop && it.dependency.is_some_and(|of| of.frame == self.frame) {
            self.dropped |= 1;
        }
        verdict
    }

    fn verdict(&self, it: &Candidate<'_>) -> Verdict {
        let step = self.steps.iter().find(|step| step.from <= it.seq);
        let step = step.unwrap_or(&self.steps[STEPS_MAX - 1]);
        if let (Some(target), Some(dependency)) = (step.target, it.dependency) {
            if !dependency.is_for(target) {
                return Verdict::Drop;
            }
            let is_top = dependency.spatial == step.depth.spatial;
            let ends_picture = is_top && dependency.ends_frame;
            return Verdict::Send { ends_picture, target: Some(target) };
        }
        if !matches!(it.codec, Codec::Vp8 | Codec::Vp9) {
            return Verdict::Send { ends_picture: false, target: None };
        }
        if it.info.spatial > step.depth.spatial || it.info.temporal > step.depth.temporal {
            return Verdict::Drop;
        }
        let ends_picture = it.info.ends_frame && it.info.spatial == step.depth.spatial;
        Verdict::Send { ends_picture, target: None }
    }

    fn step(&mut self, from: u64, depth: Depth, target: Option<u8>) {
        let now = self.steps[0];
        if (now.depth, now.target) == (depth, target) {
            return;
        }
        self.steps.copy_within(..STEPS_MAX - 1, 1);
        self.steps[0] = Step { from, depth, target };
    }

    /// VP8 and VP9: by the layer numbers in each packet. A key frame begins everything anew; fewer layers
    /// begin with any picture; more spatial layers need a key frame, for nothing at a picture's beginning
    /// says that the upper layers will follow without one.
    fn follow_layers(&mut self, it: &Candidate<'_>, wanted: Depth) {
        let now = self.steps[0].depth;
        if it.info.starts_key_frame {
            self.step(it.seq, wanted, None);
            return;
        }
        let mut next = Depth {
            spatial: now.spatial.min(wanted.spatial),
            temporal: now.temporal.min(wanted.temporal),
        };
        if wanted.temporal > now.temporal {
            match it.info.up_switch {
                // Of the layers below only the base is needed, so this is safe one layer up.
                UpSwitch::Here if it.info.temporal == now.temporal + 1 => {
                    next.temporal = it.info.temporal;
                }
                UpSwitch::After if it.info.temporal <= now.temporal => {
                    next.temporal = wanted.temporal;
                }
                UpSwitch::Here | UpSwitch::After | UpSwitch::No => {}
            }
        }
        self.step(it.seq, next, None);
    }

    /// By decode targets: down where the new one is part of the old one, else where a frame says that it can
    /// be switched to and everything that this frame refers to was sent.
    fn follow_targets(&mut self, it: &Candidate<'_>, dependency: &Dependency, wanted: Depth) {
        let Some(structure) = it.structure else { return };
        let target = structure.target(wanted.spatial, wanted.temporal);
        let now = self.steps[0].target;
        let is_smaller = now.is_some_and(|now| structure.is_within(target, now));
        let references = dependency.references;
        let is_decodable = !references.has_far && self.dropped >> 1 & references.near == 0;
        let can_switch = dependency.switches_to(target) && is_decodable;
        if dependency.has_structure || is_smaller || can_switch {
            let (spatial, temporal) = structure.layers(target);
            self.step(it.seq, Depth { spatial, temporal }, Some(target));
        }
    }

    fn note_frame(&mut self, dependency: &Dependency) {
        let ahead = dependency.frame.wrapping_sub(self.frame);
        if dependency.has_structure && dependency.starts_frame {
            self.dropped = 0;
        } else if (1..1 << 15).contains(&ahead) {
            self.dropped = self.dropped.checked_shl(u32::from(ahead)).unwrap_or(0);
        } else {
            return;
        }
        self.frame = dependency.frame;
    }
}

#[cfg(test)]
mod tests;
