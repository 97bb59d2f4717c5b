//! Identifiers. A `MeetingId` is never accepted where a `SiteId` is meant. All are ULIDs, so they
//! sort by creation time and read the same in a URL, in a log line and in the database.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use ulid::Ulid;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Ulid);

        impl $name {
            /// Makes an id of a moment (milliseconds since 1970-01-01 UTC, 48 bits are kept) and 80
            /// random bits, both given by the caller.
            pub const fn from_parts(unix_ms: u64, random: u128) -> Self {
                Self(Ulid::from_parts(unix_ms, random))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Ulid::from_string(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

/// The text is not a ULID (26 characters of Crockford's base 32).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an id")
    }
}

impl std::error::Error for InvalidId {}

id_type!(
    /// A unit of the organisation: the province, a commune, an office.
    UnitId
);
id_type!(
    /// A site (điểm cầu): a place with one camera and many people.
    SiteId
);
id_type!(
    /// An account that signs in with a password.
    AccountId
);
id_type!(
    /// A scheduled meeting. Its live gathering, the room, has the same id.
    MeetingId
);
id_type!(
    /// A seat in one meeting: the same site or account gets the same one whenever it comes back.
    ParticipantId
);
id_type!(
    /// A join link of one site to one meeting.
    LinkId
);
id_type!(
    /// One recording of a meeting, from start to stop, across any number of crashes.
    RecordingId
);
id_type!(
    /// A note at a moment of a recording.
    ReviewNoteId
);
id_type!(
    /// A message written in a room.
    MessageId
);
id_type!(
    /// A command of a browser. Sent again after a lost connection, it is carried out once.
    CommandId
);
id_type!(
    /// One vote of a meeting.
    VoteId
);
id_type!(
    /// One roll-call of a meeting.
    RollId
);
id_type!(
    /// A scene of a meeting.
    SceneId
);
id_type!(
    /// A document of a meeting.
    PaperId
);
id_type!(
    /// A delegate who was named for a meeting, with a link of its own.
    DelegateId
);
id_type!(
    /// One media connection at a media node. A browser that reconnects gets a new one.
    SessionId
);
id_type!(
    /// A question on a link that wants an answer.
    RequestId
);
