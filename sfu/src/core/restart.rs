//! ICE restart: a browser that looks for a new path offers again with new credentials and all else as before.
//! Its session goes on over the old path until it nominates a new one.

use std::hash::{DefaultHasher, Hash, Hasher};

use protocol::control::MediaOffer;

use crate::answer::{self, Ourselves, Ssrcs};
use crate::core::Core;
use crate::core::admit::settle_directions;
use crate::peer::offer::Offer;
use crate::peer::stun::LETTERS;

/// What is needed to know a session's offer again and to answer it as before.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    /// Of everything that an offer says but its credentials.
    pub(super) shape: u64,
    /// The browser's user name fragment.
    pub(super) remote_ufrag: String,
    /// What the answer said of each line.
    pub(super) ssrcs: Vec<Option<Ssrcs>>,
    /// Our user name fragment and password before the restart, until the new ones are used.
    pub(super) former: Option<(String, String)>,
}

/// A number that two offers share if they come from one peer connection with the same lines.
pub(super) fn shape(offer: &Offer) -> u64 {
    let mut hasher = DefaultHasher::new();
    offer.fingerprint.hash(&mut hasher);
    for line in &offer.lines {
        (&line.mid, &line.rids).hash(&mut hasher);
        format!("{:?} {:?}", line.carried, line.extensions).hash(&mut hasher);
    }
    hasher.finish()
}

impl Core {
    /// New credentials: a user name fragment that says which shard made it, and a password.
    pub(super) fn credentials(&mut self) -> (String, String) {
        let letter = char::from(LETTERS[self.neighbours.here]);
        (format!("{letter}{}", self.random_text(8)), self.random_text(24))
    }

    /// Answers an offer of the connection that the session `index` has already; `None` if it is another
    /// connection.
    pub(super) fn restart(
        &mut self,
        index: usize,
        room: usize,
        asked: &MediaOffer,
        offer: &Offer,
    ) -> Option<String> {
        let session = self.session(index)?;
        let is_same = session.room == room
            && session.kind == asked.kind
            && session.publisher == asked.publisher
            && session.remembered.shape == shape(offer);
        if !is_same {
            return None;
        }
        let mut offer = offer.clone();
        offer.role = session.dtls.role();
        let ssrcs = session.remembered.ssrcs.clone();
        settle_directions(&mut offer, &asked.kind);
        self.sending_lines(&mut offer, &asked.kind);
        self.receiving_lines(&mut offer, &asked.kind, &mut Vec::new());
        if self.session(index)?.remembered.remote_ufrag != offer.ufrag {
            self.renew_credentials(index, &offer.ufrag);
        }
        let session_number = (self.random)() >> 2;
        let session = self.session(index)?;
        let ourselves = Ourselves {
            ufrag: &session.ufrag,
            password: &session.password,
            fingerprint: &self.identity.fingerprint,
            candidates: &self.candidates,
            session_number,
        };
        Some(answer::write(&offer, &ssrcs, &ourselves))
    }

    fn renew_credentials(&mut self, index: usize, remote_ufrag: &str) {
        self.forget_former(index);
        let (ufrag, password) = self.credentials();
        self.by_ufrag.insert(ufrag.clone(), index);
        let Some(session) = self.session_mut(index) else { return };
        session.remembered.remote_ufrag = remote_ufrag.to_owned();
        let ufrag = std::mem::replace(&mut session.ufrag, ufrag);
        let password = std::mem::replace(&mut session.password, password);
        session.remembered.former = Some((ufrag, password));
    }

    /// Credentials from before a restart are worth nothing any more.
    pub(super) fn forget_former(&mut self, index: usize) {
        let former = self.session_mut(index).and_then(|it| it.remembered.former.take());
        if let Some((ufrag, _)) = former {
            self.by_ufrag.remove(&ufrag);
        }
    }
}
