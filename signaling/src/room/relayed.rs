//! What the media node told a page last: a page whose WebSocket was away for a moment kept its media connection
//! and hears it again.

use std::collections::HashMap;

use protocol::client::ServerMessage;
use protocol::id::{ParticipantId, SessionId};
use protocol::media::{Layer, Slot, SlotLimit, Source};

/// Sources of one page whose layers are told.
const DEMANDS_MAX: usize = 4;

/// Of one page.
#[derive(Debug)]
struct Told {
    session: SessionId,
    slots: Option<Vec<Slot>>,
    limits: Vec<SlotLimit>,
    demands: Vec<(Source, Vec<Layer>, bool)>,
}

/// See the file's head. One entry for each seat that has media.
#[derive(Debug, Default)]
pub(crate) struct Relayed {
    by_seat: HashMap<ParticipantId, Told>,
}

impl Relayed {
    /// The entry of a page; a new media connection begins anew.
    fn of(&mut self, id: ParticipantId, session: SessionId) -> &mut Told {
        let new = || Told { session, slots: None, limits: Vec::new(), demands: Vec::new() };
        let told = self.by_seat.entry(id).or_insert_with(new);
        if told.session != session {
            *told = new();
        }
        told
    }

    /// Keeps a message of the kinds that are told only when they change; others are left alone.
    pub(crate) fn keep(&mut self, id: ParticipantId, session: SessionId, message: &ServerMessage) {
        let told = self.of(id, session);
        if let ServerMessage::Slots { slots } = message {
            told.slots = Some(slots.clone());
        }
        if let ServerMessage::Limits { limits } = message {
            told.limits.clone_from(limits);
        }
        if let ServerMessage::Demand { source, layers, is_watched } = message {
            told.demands.retain(|it| it.0 != *source);
            if told.demands.len() < DEMANDS_MAX {
                told.demands.push((*source, layers.clone(), *is_watched));
            }
        }
    }

    /// All that a page has to hear again, if this is still its media connection.
    pub(crate) fn again(&self, id: ParticipantId, session: SessionId) -> Vec<ServerMessage> {
        let Some(told) = self.by_seat.get(&id).filter(|it| it.session == session) else {
            return Vec::new();
        };
        let slots = told.slots.clone().map(|slots| ServerMessage::Slots { slots });
        let limits =
            told.slots.as_ref().map(|_| ServerMessage::Limits { limits: told.limits.clone() });
        let demands = told.demands.iter().cloned();
        let demands = demands.map(|(source, layers, is_watched)| ServerMessage::Demand {
            source,
            layers,
            is_watched,
        });
        slots.into_iter().chain(limits).chain(demands).collect()
    }

    /// A seat has no media any more.
    pub(crate) fn forget(&mut self, id: ParticipantId) {
        self.by_seat.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_comes_back_hears_the_last_of_each_and_a_new_connection_nothing() {
        let seat = ParticipantId::from_parts(1, 1);
        let session = |n| SessionId::from_parts(1, n);
        let demand = |layers: &[Layer]| ServerMessage::Demand {
            source: Source::Camera,
            layers: layers.to_vec(),
            is_watched: true,
        };
        let slots = ServerMessage::Slots { slots: Vec::new() };
        let mut relayed = Relayed::default();
        relayed.keep(seat, session(1), &slots);
        relayed.keep(seat, session(1), &demand(&[Layer::Low]));
        relayed.keep(seat, session(1), &demand(&[Layer::Low, Layer::High]));
        let limits = ServerMessage::Limits { limits: Vec::new() };
        let all = [slots, limits, demand(&[Layer::Low, Layer::High])];
        assert_eq!(relayed.again(seat, session(1)), all);
        assert!(relayed.again(seat, session(2)).is_empty());
        relayed.keep(seat, session(2), &demand(&[Layer::Low]));
        assert_eq!(relayed.again(seat, session(2)), [demand(&[Layer::Low])]);
        relayed.forget(seat);
        assert!(relayed.again(seat, session(2)).is_empty());
    }
}
