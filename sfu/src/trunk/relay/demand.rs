//! Who takes which layers of one track at one node, and what its source is told of that.

use std::time::{Duration, Instant};

use crate::forward::keyframe::KeyFrames;
use crate::trunk::{LAYERS_MAX, LayerSet};

/// A layer goes on for so long after the last receiver of this node took it: shorter flaps when a page is turned to and
/// fro. What a trunk no longer takes ends at once: the node beyond has waited already.
pub(super) const UNWATCHED: Duration = Duration::from_secs(2);

/// One track's takers.
#[derive(Debug)]
pub(super) struct Demand {
    /// Wanted by receivers of this node.
    pub(super) here: LayerSet,
    /// By layer, one bit for each trunk that takes it.
    takers: [u64; LAYERS_MAX],
    /// When each layer was wanted here last.
    watched: [Instant; LAYERS_MAX],
    told: LayerSet,
    key_frames: [KeyFrames; LAYERS_MAX],
}

impl Demand {
    /// Nobody takes anything yet.
    pub(super) fn new(now: Instant) -> Self {
        let key_frames = std::array::from_fn(|_| KeyFrames::default());
        Self { here: 0, takers: [0; LAYERS_MAX], watched: [now; LAYERS_MAX], told: 0, key_frames }
    }

    /// The trunks that take a layer.
    pub(super) fn takers(&self, layer: u8) -> u64 {
        self.takers.get(usize::from(layer)).copied().unwrap_or(0)
    }

    /// What a trunk takes from now on.
    pub(super) fn set_taker(&mut self, trunk: usize, layers: LayerSet) {
        for (layer, takers) in self.takers.iter_mut().enumerate() {
            *takers = *takers & !(1 << trunk) | u64::from(layers >> layer & 1) << trunk;
        }
    }

    /// What to tell the source, if it changed: on at once, off after [`UNWATCHED`] where it was wanted
    /// here.
    pub(super) fn update(&mut self, now: Instant) -> Option<LayerSet> {
        let mut layers = 0;
        for layer in 0..LAYERS_MAX {
            let bit = 1 << layer;
            if self.here & bit != 0 {
                self.watched[layer] = now;
            }
            let is_recent = now.saturating_duration_since(self.watched[layer]) < UNWATCHED;
            let goes_on = self.told & bit != 0 && is_recent;
            if self.here & bit != 0 || self.takers[layer] != 0 || goes_on {
                layers |= bit;
            } else {
                self.key_frames[layer].arrived();
            }
        }
        (std::mem::replace(&mut self.told, layers) != layers).then_some(layers)
    }

    /// Somebody cannot go on without a key frame.
    pub(super) fn want_key_frame(&mut self, layer: u8) {
        if let Some(it) = self.key_frames.get_mut(usize::from(layer)) {
            it.want();
        }
    }

    /// One has begun.
    pub(super) fn key_frame_arrived(&mut self, layer: u8) {
        if let Some(it) = self.key_frames.get_mut(usize::from(layer)) {
            it.arrived();
        }
    }

    /// A layer of which a key frame is to be asked for now.
    pub(super) fn poll_key_frame(&mut self, now: Instant) -> Option<u8> {
        self.key_frames.iter_mut().position(|it| it.should_ask(now)).map(|it| it as u8)
    }
}
