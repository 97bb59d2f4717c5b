//! Which layers of a picture its publisher should send: those that somebody is given, and the lowest for whoever
//! comes next. On at once, off after a while.

use std::time::{Duration, Instant};

use crate::room::LAYERS;

/// A layer goes on for so long after the last one looked at it. Shorter flaps when a page is turned to and fro.
const UNWATCHED: Duration = Duration::from_secs(2);

/// A layer that was asked for and has not come for so long will not come: the publisher's line or machine is too
/// weak for it.
const MISSING_AFTER: Duration = Duration::from_secs(2);

/// A set of layers, one bit each.
pub(crate) type LayerSet = u8;

/// Every layer: what a page sends until it is told otherwise.
pub(crate) const ALL_LAYERS: LayerSet = 0b111;

/// What is demanded of one picture.
#[derive(Debug)]
pub(crate) struct Demand {
    /// When somebody was given each layer last.
    watched: [Option<Instant>; LAYERS.len()],
    /// Since when each layer is asked for.
    asked: [Instant; LAYERS.len()],
    told: LayerSet,
    is_watched: bool,
}

/// What to tell the publisher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) layers: LayerSet,
    /// Somebody looks; else what runs need only keep the picture at hand.
    pub(crate) is_watched: bool,
}

impl Demand {
    /// Of a picture that begins: all layers come.
    pub(crate) fn new(now: Instant) -> Self {
        let watched = [Some(now); LAYERS.len()];
        Self { watched, asked: [now; LAYERS.len()], told: ALL_LAYERS, is_watched: true }
    }

    /// Takes in what is `given` to receivers and recorded now, of the layers `offered`. Says what to tell the
    /// publisher if it changed.
    pub(crate) fn update(
        &mut self,
        given: LayerSet,
        offered: LayerSet,
        now: Instant,
    ) -> Option<Told> {
        let lowest = offered & offered.wrapping_neg();
        let mut layers = lowest;
        let mut is_watched = false;
        for (index, watched) in self.watched.iter_mut().enumerate() {
            let layer = 1 << index;
            if given & layer != 0 {
                *watched = Some(now);
            }
            if watched.is_some_and(|it| now.saturating_duration_since(it) < UNWATCHED) {
                layers |= layer & offered;
                is_watched = true;
            }
            if layers & !self.told & layer != 0 {
                self.asked[index] = now;
            }
        }
        let is_changed = (layers, is_watched) != (self.told & offered, self.is_watched);
        (self.told, self.is_watched) = (layers, is_watched);
        is_changed.then_some(Told { layers, is_watched })
    }

    /// Whether a layer was asked for and has had the time to come.
    pub(crate) fn is_overdue(&self, layer: usize, now: Instant) -> bool {
        let asked = self.asked.get(layer).copied().unwrap_or(now);
        self.told >> layer & 1 == 1 && now.saturating_duration_since(asked) >= MISSING_AFTER
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn layers_are_on_at_once_and_off_after_two_seconds() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut demand = Demand::new(start);
        let told = |layers, is_watched| Some(Told { layers, is_watched });
        assert_eq!(demand.update(0b100, ALL_LAYERS, at(0)), None);
        assert_eq!(demand.update(0b100, ALL_LAYERS, at(1_900)), None);
        assert_eq!(demand.update(0b100, ALL_LAYERS, at(2_000)), told(0b101, true));
        assert_eq!(demand.update(0b010, ALL_LAYERS, at(2_500)), told(0b111, true));
        assert_eq!(demand.update(0b100, ALL_LAYERS, at(3_000)), None, "to and fro");
        assert!(!demand.is_overdue(1, at(4_400)) && demand.is_overdue(1, at(4_500)));
        assert_eq!(demand.update(0, ALL_LAYERS, at(4_900)), told(0b101, true));
        assert_eq!(demand.update(0, ALL_LAYERS, at(5_000)), told(0b001, false));
        assert_eq!(demand.update(0, ALL_LAYERS, at(9_000)), None);
        assert_eq!(demand.update(0b001, ALL_LAYERS, at(9_100)), told(0b001, true));
        let mut single = Demand::new(start);
        assert_eq!(single.update(0, 0b100, at(5_000)), told(0b100, false), "the only one runs on");
    }
}
