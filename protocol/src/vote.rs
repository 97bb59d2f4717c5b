//! Votes (biểu quyết): the rules of one, what is cast, how it ended. A vote is opened, cast and closed by
//! facts; the count is a function of them and of nothing else.
//!
//! Personnel elections are not votes of this kind and are not offered: the Party's are by secret ballot
//! on paper (Quy chế 190-QĐ/TW of 10/10/2024). [`VoteMethod::Poll`] asks for opinions, secretly.

use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;
use crate::id::{ParticipantId, SiteId, VoteId};
use crate::time::Timestamp;

/// Longest question of a vote, in characters.
pub const VOTE_TITLE_CHARS_MAX: usize = 500;

/// Longest reason for which a vote is called off, in characters.
pub const REASON_CHARS_MAX: usize = 300;

/// How is voted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum VoteMethod {
    /// Show of cards (giơ thẻ): each site counts its hall; the three counts add up to its headcount.
    Cards,
    /// Every delegate with a vote, on a device of its own.
    Delegates,
    /// Adopted when no site says that it has another opinion.
    Consensus,
    /// Secret poll of opinions: blind-signed ballots, see ADR 0008. Nothing is adopted by it.
    Poll,
}

/// A share that has to be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// More than half (quá nửa).
    OverHalf,
    /// At least two thirds (hai phần ba).
    TwoThirds,
}

impl Share {
    /// Whether `part` of `whole` reaches it. Nothing reaches a share of nothing.
    pub fn is_met(self, part: u64, whole: u64) -> bool {
        whole > 0
            && match self {
                Self::OverHalf => 2 * part > whole,
                Self::TwoThirds => 3 * part >= 2 * whole,
            }
    }
}

/// Of what the threshold is a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ShareOf {
    /// Of all who may vote.
    Eligible,
    /// Of those who voted.
    Voted,
}

/// The rules of one vote, fixed when it opens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct VoteRules {
    /// What is voted on, 1 to [`VOTE_TITLE_CHARS_MAX`] characters.
    pub title: String,
    /// How.
    pub method: VoteMethod,
    /// What is needed to be adopted; none: it is only counted.
    pub threshold: Option<Share>,
    /// Of what that is a share.
    pub threshold_of: ShareOf,
    /// Share of the eligible who must have voted for the vote to count.
    pub quorum: Option<Share>,
    /// Nobody sees how was voted until the vote is closed.
    pub held_back: bool,
}

/// Votes by choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Đồng ý.
    pub agree: u32,
    /// Không đồng ý.
    pub disagree: u32,
    /// Phiếu trắng.
    pub blank: u32,
}

impl Tally {
    /// All three together.
    pub fn total(self) -> u64 {
        u64::from(self.agree) + u64::from(self.disagree) + u64::from(self.blank)
    }

    /// Both together; no sum of headcounts comes near the limit.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            agree: self.agree.saturating_add(other.agree),
            disagree: self.disagree.saturating_add(other.disagree),
            blank: self.blank.saturating_add(other.blank),
        }
    }
}

/// One who may vote, and with how many votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Elector {
    /// A site for [`VoteMethod::Cards`] and [`VoteMethod::Consensus`], else a delegate.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// Delegates that sit there when the vote opens; 1 for a delegate.
    pub votes: u32,
}

/// What one site, or the delegates of one, came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct SiteTally {
    /// The site; none: the hall, or delegates of no site.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
    /// Its name when the vote was closed.
    pub name: String,
    /// Votes that it had.
    pub eligible: u32,
    /// Votes that came.
    pub tally: Tally,
}

/// How a vote ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VoteOutcome {
    /// All votes.
    pub tally: Tally,
    /// Votes that could have come.
    pub eligible: u32,
    /// Whether enough voted; none: nothing was asked for.
    pub quorum_met: Option<bool>,
    /// Whether it is adopted; none: it was only counted.
    pub adopted: Option<bool>,
    /// By site, in the order of the electors.
    pub by_site: Vec<SiteTally>,
    /// Of a poll: SHA-256 of its sorted ballots, which are published.
    pub ballots: Option<String>,
}

/// What happened in votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum VoteFact {
    /// A vote opened.
    Opened {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// Its rules.
        rules: VoteRules,
        /// Who may vote from here on.
        electors: Vec<Elector>,
        /// Of a poll: the key that proves its ballots (RSA modulus, base64url; the exponent is 65537).
        public_key: Option<String>,
    },
    /// Somebody who came after the vote opened was let in to it.
    Admitted {
        /// To which vote.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// Who, and with how many votes.
        elector: Elector,
    },
    /// An elector voted: once, and that stands.
    Cast {
        /// In which vote.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// Who; `by` of the record tells who entered it.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// How. None only as pages are told while the result is held back: the log has it.
        tally: Option<Tally>,
    },
    /// Somebody tried to vote again, or more than sit there. The first few of each are written down.
    Refused {
        /// In which vote.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// For whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// Why not.
        code: ErrorCode,
    },
    /// A delegate was given its ballot of a poll. How it votes with it is nowhere in this log.
    BallotIssued {
        /// In which vote.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// To whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
        /// SHA-256 of the blinded message, hexadecimal: a retry is told from a second ballot.
        blinded: String,
    },
    /// The vote was closed and counted.
    Closed {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// The result.
        outcome: VoteOutcome,
    },
    /// The vote was called off; nothing follows from it.
    Cancelled {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// Why; empty: the meeting ended before it was closed.
        reason: String,
    },
}

/// Acts in votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "act", rename_all = "snake_case", deny_unknown_fields)]
pub enum VoteCommand {
    /// Chair, secretary: open a vote. A poll is opened over HTTP, because it needs a key.
    Open {
        /// Its rules.
        rules: VoteRules,
    },
    /// Chair, secretary: let somebody vote who came, or declared its hall, after the vote opened.
    Admit {
        /// To which vote.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// Whom.
        #[cfg_attr(test, ts(type = "string"))]
        participant: ParticipantId,
    },
    /// Elector: vote; the secretary enters what a site reports by telephone.
    Cast {
        /// In which vote.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// For whom, if not for oneself.
        #[cfg_attr(test, ts(type = "string | null"))]
        participant: Option<ParticipantId>,
        /// How.
        tally: Tally,
    },
    /// Chair, secretary: close and count.
    Close {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
    },
    /// Chair, secretary: call off.
    Cancel {
        /// Which.
        #[cfg_attr(test, ts(type = "string"))]
        vote: VoteId,
        /// Why, 1 to [`REASON_CHARS_MAX`] characters.
        reason: String,
    },
}

/// A vote as pages see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VoteView {
    /// Which.
    #[cfg_attr(test, ts(type = "string"))]
    pub vote: VoteId,
    /// Its rules.
    pub rules: VoteRules,
    /// When it opened.
    #[cfg_attr(test, ts(type = "number"))]
    pub opened_at: Timestamp,
    /// Who may vote.
    pub electors: Vec<Elector>,
    /// Who has, in order. In a poll: who has been given a ballot.
    pub casts: Vec<CastView>,
    /// The key of a poll.
    pub public_key: Option<String>,
    /// When it was closed or called off.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub closed_at: Option<Timestamp>,
    /// How it ended; none while it is open or after it was called off.
    pub outcome: Option<VoteOutcome>,
}

/// What an elector cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct CastView {
    /// Who.
    #[cfg_attr(test, ts(type = "string"))]
    pub participant: ParticipantId,
    /// How; none while that is held back.
    pub tally: Option<Tally>,
}

/// `GET /api/meetings/{id}/votes`: a vote with all that is known of it, for the office.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct VoteReport {
    /// The vote.
    pub view: VoteView,
    /// Why it was called off.
    pub cancelled: Option<String>,
    /// Of a poll: ballots cast so far.
    pub n_ballots: u32,
}

/// `POST /api/meetings/{id}/votes/{vote}/ballot`: asks for the blind signature of a ballot.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct BallotRequest {
    /// The seat's secret.
    pub seat: String,
    /// The blinded message, base64url.
    pub blinded: String,
}

/// `POST /api/meetings/{id}/polls`: opens a secret poll.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NewPoll {
    /// What is asked, 1 to [`VOTE_TITLE_CHARS_MAX`] characters.
    pub title: String,
}

/// Its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PollOpened {
    /// The vote.
    #[cfg_attr(test, ts(type = "string"))]
    pub vote: VoteId,
}

/// The answer to a [`BallotRequest`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct BallotSigned {
    /// The blind signature, base64url.
    pub signature: String,
}

/// `POST /api/ballots`: a ballot is cast by whoever holds it. No cookie, no seat.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct BallotCast {
    /// In which vote.
    #[cfg_attr(test, ts(type = "string"))]
    pub vote: VoteId,
    /// The ballot's number: 32 random bytes that only its holder knows, base64url.
    pub serial: String,
    /// The signature over it, base64url.
    pub signature: String,
    /// How.
    pub choice: Choice,
}

/// One of the three answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Đồng ý.
    Agree,
    /// Không đồng ý.
    Disagree,
    /// Phiếu trắng.
    Blank,
}

impl Choice {
    /// One vote for it.
    pub fn one(self) -> Tally {
        match self {
            Self::Agree => Tally { agree: 1, ..Tally::default() },
            Self::Disagree => Tally { disagree: 1, ..Tally::default() },
            Self::Blank => Tally { blank: 1, ..Tally::default() },
        }
    }
}

/// `GET /api/meetings/{id}/votes/{vote}/ballots`: a ballot as it is published after the count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct PublishedBallot {
    /// Its number: who holds it finds itself.
    pub serial: String,
    /// How.
    pub choice: Choice,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reached_exactly_where_its_words_say() {
        assert!(!Share::OverHalf.is_met(75, 150));
        assert!(Share::OverHalf.is_met(76, 150));
        assert!(!Share::TwoThirds.is_met(99, 150));
        assert!(Share::TwoThirds.is_met(100, 150));
        assert!(!Share::TwoThirds.is_met(0, 0));
    }
}
