//! Who may do what with a recording, and when: a fold of its custody log, without I/O. Nobody destroys a recording
//! alone, and nobody destroys one that must be kept.

use protocol::api::RecordingPhase;
use protocol::custody::{CustodyAct, CustodyEvent, CustodyRight, REASON_CHARS_MAX};
use protocol::error::ErrorCode;
use protocol::id::AccountId;
use protocol::role::AccountRole;
use protocol::time::Timestamp;

use crate::text::nfc;

/// A proposal to destroy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) by: AccountId,
    pub(crate) at: Timestamp,
    pub(crate) reason: String,
}

/// What the log says of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) held: Option<String>,
    pub(crate) asked: Option<Asked>,
    pub(crate) is_destroyed: bool,
}

impl State {
    /// Takes the next line of the log in.
    pub(crate) fn apply(&mut self, by: AccountId, at: Timestamp, event: &CustodyEvent) {
        match event {
            CustodyEvent::Viewed | CustodyEvent::Downloaded { .. } => {}
            CustodyEvent::Held { reason } => {
                self.held = Some(reason.clone());
                // What must be kept is not proposed for destruction any more.
                self.asked = None;
            }
            CustodyEvent::Released { .. } => self.held = None,
            CustodyEvent::DestructionAsked { reason } => {
                self.asked = Some(Asked { by, at, reason: reason.clone() });
            }
            CustodyEvent::DestructionDeclined => self.asked = None,
            CustodyEvent::Destroyed => {
                self.asked = None;
                self.is_destroyed = true;
            }
        }
    }

    /// What an account may do now.
    pub(crate) fn rights(
        &self,
        account: AccountId,
        role: AccountRole,
        phase: RecordingPhase,
    ) -> Vec<CustodyRight> {
        use CustodyRight::{ApproveDestruction, AskDestruction, DeclineDestruction, Hold, Release};
        let all = [Hold, Release, AskDestruction, DeclineDestruction, ApproveDestruction];
        all.into_iter().filter(|it| self.allows(*it, account, role, phase).is_ok()).collect()
    }

    /// Whether an account may do something now: `Forbidden` for who may not, `Conflict` for when.
    fn allows(
        &self,
        right: CustodyRight,
        account: AccountId,
        role: AccountRole,
        phase: RecordingPhase,
    ) -> Result<(), ErrorCode> {
        let leads = matches!(role, AccountRole::Admin | AccountRole::Chair);
        let keeps = leads || role == AccountRole::Host;
        let is_own = self.asked.as_ref().is_some_and(|it| it.by == account);
        let is_still = matches!(phase, RecordingPhase::Ready | RecordingPhase::Failed);
        let (is_person, is_time) = match right {
            CustodyRight::Hold => (keeps, self.held.is_none()),
            CustodyRight::Release => (leads, self.held.is_some()),
            CustodyRight::AskDestruction => {
                let is_time = is_still && self.held.is_none() && self.asked.is_none();
                (keeps || role == AccountRole::Secretary, is_time)
            }
            CustodyRight::DeclineDestruction => (keeps || is_own, self.asked.is_some()),
            CustodyRight::ApproveDestruction => {
                let is_time = is_still && self.held.is_none() && self.asked.is_some();
                (leads && !is_own, is_time)
            }
        };
        match (is_person, is_time && !self.is_destroyed) {
            (false, _) => Err(ErrorCode::Forbidden),
            (true, false) => Err(ErrorCode::Conflict),
            (true, true) => Ok(()),
        }
    }

    /// What an act writes into the log, if it is allowed.
    pub(crate) fn decide(
        &self,
        act: &CustodyAct,
        account: AccountId,
        role: AccountRole,
        phase: RecordingPhase,
    ) -> Result<CustodyEvent, ErrorCode> {
        self.allows(act.act, account, role, phase)?;
        let reason = nfc(act.reason.trim());
        let needs = matches!(
            act.act,
            CustodyRight::Hold | CustodyRight::Release | CustodyRight::AskDestruction
        );
        let n = reason.chars().count();
        if n > REASON_CHARS_MAX || needs != (n > 0) {
            return Err(ErrorCode::InvalidInput);
        }
        Ok(match act.act {
            CustodyRight::Hold => CustodyEvent::Held { reason },
            CustodyRight::Release => CustodyEvent::Released { reason },
            CustodyRight::AskDestruction => CustodyEvent::DestructionAsked { reason },
            CustodyRight::DeclineDestruction => CustodyEvent::DestructionDeclined,
            CustodyRight::ApproveDestruction => CustodyEvent::Destroyed,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROLES: [AccountRole; 5] = [
        AccountRole::Admin,
        AccountRole::Host,
        AccountRole::Chair,
        AccountRole::Secretary,
        AccountRole::Desk,
    ];

    fn account(n: u8) -> AccountId {
        AccountId::from_parts(1, u128::from(n))
    }

    fn act(act: CustodyRight) -> CustodyAct {
        let needs = matches!(
            act,
            CustodyRight::Hold | CustodyRight::Release | CustodyRight::AskDestruction
        );
        CustodyAct { act, reason: if needs { "lý do".into() } else { String::new() } }
    }

    fn right() -> impl Strategy<Value = CustodyRight> {
        prop_oneof![
            Just(CustodyRight::Hold),
            Just(CustodyRight::Release),
            Just(CustodyRight::AskDestruction),
            Just(CustodyRight::DeclineDestruction),
            Just(CustodyRight::ApproveDestruction),
        ]
    }

    proptest! {
        #[test]
        fn nobody_destroys_alone_nor_what_must_be_kept_nor_twice(
            acts in proptest::collection::vec((0..8_u8, right()), 0..40),
        ) {
            let mut state = State::default();
            let mut asked_by = None;
            for (who, what) in acts {
                let role = ROLES[usize::from(who) % ROLES.len()];
                let before = state.clone();
                let Ok(event) = state.decide(&act(what), account(who), role, RecordingPhase::Ready)
                else { continue };
                match &event {
                    CustodyEvent::DestructionAsked { .. } => asked_by = Some(who),
                    CustodyEvent::Destroyed => {
                        prop_assert!(asked_by.is_some() && asked_by != Some(who));
                        prop_assert!(before.held.is_none() && !before.is_destroyed);
                        prop_assert!(matches!(role, AccountRole::Admin | AccountRole::Chair));
                    }
                    CustodyEvent::Held { .. } | CustodyEvent::DestructionDeclined => asked_by = None,
                    _ => {}
                }
                state.apply(account(who), Timestamp(0), &event);
                if state.is_destroyed {
                    prop_assert!(state.rights(account(0), AccountRole::Admin, RecordingPhase::Destroyed).is_empty());
                }
            }
        }
    }

    #[test]
    fn a_recording_that_is_made_or_composed_is_not_destroyed() {
        let state = State::default();
        for phase in [RecordingPhase::Recording, RecordingPhase::Composing] {
            let asked = state.decide(
                &act(CustodyRight::AskDestruction),
                account(1),
                AccountRole::Host,
                phase,
            );
            assert_eq!(asked, Err(ErrorCode::Conflict));
        }
    }

    #[test]
    fn a_reason_is_wanted_where_one_is_due_and_has_a_length() {
        let state = State::default();
        let hold = |reason: String| {
            let act = CustodyAct { act: CustodyRight::Hold, reason };
            state.decide(&act, account(1), AccountRole::Host, RecordingPhase::Ready)
        };
        assert_eq!(hold("  ".into()), Err(ErrorCode::InvalidInput));
        assert_eq!(hold("x".repeat(REASON_CHARS_MAX + 1)), Err(ErrorCode::InvalidInput));
        assert_eq!(
            hold(" thanh tra ".into()),
            Ok(CustodyEvent::Held { reason: "thanh tra".into() })
        );
    }
}
