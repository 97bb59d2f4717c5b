//! Media connections of a room as the control plane knows them: which offer waits for an answer, which
//! session belongs to whom, what each page wants to see.

use std::collections::HashMap;

use protocol::id::{ParticipantId, RequestId, SessionId};
use protocol::media::Want;

/// The node has so long to answer an offer, ms.
pub(crate) const ANSWER_MS: u64 = 10_000;

/// Whose offer it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A page's.
    Seat(ParticipantId),
    /// A WHIP publisher's, by its name.
    Publisher(String),
    /// A WHEP receiver's.
    Receiver,
}

#[derive(Debug)]
struct Waiting {
    session: SessionId,
    deadline: u64,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    waiting: HashMap<RequestId, Waiting>,
    sessions: HashMap<SessionId, Owner>,
    by_seat: HashMap<ParticipantId, SessionId>,
    by_name: HashMap<String, SessionId>,
    wants: HashMap<ParticipantId, Vec<Want>>,
}

impl Offers {
    /// An offer goes out; the session that it replaces. One of the same session (ICE restart) replaces none.
    pub(crate) fn add(
        &mut self,
        request: RequestId,
        session: SessionId,
        owner: Owner,
        tick: u64,
    ) -> Option<SessionId> {
        let before = match &owner {
            Owner::Seat(id) => self.by_seat.insert(*id, session),
            Owner::Publisher(name) => self.by_name.insert(name.clone(), session),
            Owner::Receiver => None,
        };
        let before = before.filter(|before| *before != session);
        if let Some(before) = before {
            self.sessions.remove(&before);
            self.waiting.retain(|_, it| it.session != before);
        }
        self.sessions.insert(session, owner);
        self.waiting.insert(request, Waiting { session, deadline: tick + ANSWER_MS });
        before
    }

    /// An offer was answered (or refused): its session and whose it is, unless it was replaced meanwhile.
    pub(crate) fn answered(&mut self, request: RequestId) -> Option<(SessionId, Owner)> {
        let session = self.waiting.remove(&request)?.session;
        Some((session, self.sessions.get(&session)?.clone()))
    }

    /// A session is gone; whose it was, if it still counted.
    pub(crate) fn remove(&mut self, session: SessionId) -> Option<Owner> {
        let owner = self.sessions.remove(&session)?;
        self.waiting.retain(|_, it| it.session != session);
        match &owner {
            Owner::Seat(id) => {
                self.by_seat.remove(id);
            }
            Owner::Publisher(name) => {
                self.by_name.remove(name);
            }
            Owner::Receiver => {}
        }
        Some(owner)
    }

    /// The node knows nothing any more: every session is gone, every offer unanswered.
    pub(crate) fn clear(&mut self) -> (Vec<RequestId>, Vec<Owner>) {
        let requests = self.waiting.drain().map(|(request, _)| request).collect();
        let owners = self.sessions.drain().map(|(_, owner)| owner).collect();
        self.by_seat.clear();
        self.by_name.clear();
        (requests, owners)
    }

    pub(crate) fn owner(&self, session: SessionId) -> Option<&Owner> {
        self.sessions.get(&session)
    }

    pub(crate) fn session_of(&self, id: ParticipantId) -> Option<SessionId> {
        self.by_seat.get(&id).copied()
    }

    pub(crate) fn session_named(&self, name: &str) -> Option<SessionId> {
        self.by_name.get(name).copied()
    }

    /// Keeps what a page wants; its session, if it has one to be told.
    pub(crate) fn set_wants(&mut self, id: ParticipantId, wants: &[Want]) -> Option<SessionId> {
        self.wants.insert(id, wants.to_vec());
        let session = self.session_of(id)?;
        // An unanswered session is told when it is answered.
        let unanswered = self.waiting.values().any(|it| it.session == session);
        (!unanswered).then_some(session)
    }

    pub(crate) fn wants(&self, id: ParticipantId) -> &[Want] {
        self.wants.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn forget_wants(&mut self, id: ParticipantId) {
        self.wants.remove(&id);
    }

    pub(crate) fn next_deadline(&self) -> Option<u64> {
        self.waiting.values().map(|it| it.deadline).min()
    }

    /// The offers that the node did not answer in time.
    pub(crate) fn expired(&self, tick: u64) -> Vec<RequestId> {
        self.waiting.iter().filter(|(_, it)| it.deadline <= tick).map(|(id, _)| *id).collect()
    }
}
