//! Control plane and media nodes of other machines: how a node joins the tree, what travels over its link, and
//! how it is refused. The link is one WebSocket (`/node`) of JSON text messages, one value a message; the node
//! dials. Trunks between nodes are not described here (ADR 0011).

use serde::{Deserialize, Serialize};

use crate::control::{MediaCommand, MediaEvent};
use crate::id::SiteId;

/// Version of the link that this program speaks. It works together with the one before.
pub const NODE_VERSION: u32 = 1;

/// Largest message of a link, bytes: a trace of a minute is the largest that travels.
pub const NODE_MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A node says hello within this time, ms.
pub const NODE_HELLO_MS: u64 = 5_000;

/// Both sides say something at least this often, ms.
pub const HEARTBEAT_MS: u64 = 250;

/// So many heartbeats may be missing before the other side is dead.
pub const HEARTBEATS_MISSED_MAX: u64 = 3;

/// Addresses that one node names for its trunks.
pub const NODE_ADDRESSES_MAX: usize = 8;

/// Certificate requests and certificates, bytes of PEM.
pub const PEM_BYTES_MAX: usize = 16 * 1024;

/// Nodes of one tree. A country has a few hundred.
pub const NODES_MAX: usize = 1_024;

/// Parents that a node is told, its own first.
pub const PARENTS_MAX: usize = 4;

/// The name of the media node that runs in the control plane's own process.
pub const ROOT: &str = "root";

/// Whether this program works together with one that speaks `theirs`: the same version, the one before or the one
/// after.
pub const fn is_spoken(theirs: u32) -> bool {
    theirs >= 1 && theirs.abs_diff(NODE_VERSION) <= 1
}

/// What a node says over its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum FromNode {
    /// The first message.
    Hello(Box<NodeHello>),
    /// What the media node tells the control plane.
    Media {
        /// See the type.
        event: Box<MediaEvent>,
    },
    /// How the node and its trunks do; every [`HEARTBEAT_MS`], and so the heartbeat.
    Report(NodeReport),
    /// The trunk to the parent is up: this is the one in use.
    Attached {
        /// The parent's name.
        parent: String,
    },
    /// The trunk to the parent is dead. The node goes to the next of its list by itself.
    ParentLost {
        /// The parent's name.
        parent: String,
    },
}

/// What the control plane says to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ToNode {
    /// The node belongs to the tree.
    Welcome(Box<NodeWelcome>),
    /// It does not; the connection ends.
    Refused {
        /// Why.
        why: NodeRefusal,
    },
    /// What the control plane tells a media node.
    Media {
        /// See the type.
        command: Box<MediaCommand>,
    },
    /// Where the node may attach from now on, most wanted first. Its first is where it should be.
    Parents {
        /// At most [`PARENTS_MAX`].
        parents: Vec<ParentNode>,
    },
    /// Nothing; sent every [`HEARTBEAT_MS`] in which nothing else was.
    Heartbeat,
}

/// A node's first message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeHello {
    /// [`NODE_VERSION`] of the node's program.
    pub version: u32,
    /// What `diemcau node-token` has printed.
    pub token: String,
    /// The node's name: [`crate::media::is_valid_name`].
    pub name: String,
    /// Under which node it wants to be; none: directly under the province's.
    pub parent: Option<String>,
    /// Where other nodes reach its one UDP port: `address:port`, most wanted first.
    pub addresses: Vec<String>,
    /// The certificate request (PKCS #10, PEM) of the key that it will use on trunks. Its names are ignored: the
    /// certificate names the node.
    pub request: String,
    /// The program's version, for people.
    pub program: String,
}

/// The answer to a good hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeWelcome {
    /// The version that both speak: the smaller one.
    pub version: u32,
    /// The node's certificate, PEM. Its only subject alternative name is the node's name.
    pub certificate: String,
    /// The certificate of the product's own authority, PEM.
    pub authority: String,
    /// Where it may attach, most wanted first.
    pub parents: Vec<ParentNode>,
}

/// A node to which another one may attach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParentNode {
    /// Its name, which its certificate must bear.
    pub name: String,
    /// Where its UDP port is, most wanted first.
    pub addresses: Vec<String>,
}

/// Why a node was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum NodeRefusal {
    /// The token is wrong or was revoked.
    TokenInvalid,
    /// Its program is too old (or far too new) for this one.
    VersionMismatch,
    /// The name is not 1 to 64 of `A-Z a-z 0-9 _ -`.
    NameInvalid,
    /// A living node has this name.
    NameTaken,
    /// No such parent.
    ParentUnknown,
    /// The parent is below the node itself.
    ParentCircle,
    /// None of its addresses can be used, or there are too many.
    AddressInvalid,
    /// The certificate request cannot be read, or its signature is wrong.
    RequestInvalid,
    /// The tree has as many nodes as it may have.
    TreeFull,
    /// What it said was not understood.
    MessageInvalid,
    /// It was silent for too long.
    Silent,
}

impl NodeRefusal {
    /// The word that both logs write.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TokenInvalid => "token_invalid",
            Self::VersionMismatch => "version_mismatch",
            Self::NameInvalid => "name_invalid",
            Self::NameTaken => "name_taken",
            Self::ParentUnknown => "parent_unknown",
            Self::ParentCircle => "parent_circle",
            Self::AddressInvalid => "address_invalid",
            Self::RequestInvalid => "request_invalid",
            Self::TreeFull => "tree_full",
            Self::MessageInvalid => "message_invalid",
            Self::Silent => "silent",
        }
    }
}

/// How a node does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeReport {
    /// Media sessions (sites, receivers) at the node.
    pub sessions: u32,
    /// Processor time of the busiest shard, thousandths of one core.
    pub load_permille: u16,
    /// Its trunks.
    pub trunks: Vec<TrunkReport>,
}

/// How a trunk does, as seen by one of its ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct TrunkReport {
    /// The node at its other end.
    pub peer: String,
    /// Whether that is the parent.
    pub is_parent: bool,
    /// Round trip, µs.
    pub rtt_us: u32,
    /// Sent over the last second, bit/s, headers of QUIC included.
    #[cfg_attr(test, ts(type = "number"))]
    pub sent_bps: u64,
    /// Received over the last second, bit/s.
    #[cfg_attr(test, ts(type = "number"))]
    pub received_bps: u64,
    /// Datagrams that were lost on the way here before repair, thousandths.
    pub lost_permille: u16,
    /// Layers that come in and go out.
    pub layers: u32,
}

/// A node as the desk sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// The node it is attached to, or would be; none: the province's own.
    pub parent: Option<String>,
    /// Whether it is there.
    pub state: NodeState,
    /// Sites and receivers at it.
    pub sessions: u32,
    /// Sites that it is meant for at most.
    pub capacity: u32,
    /// Thousandths of one core.
    pub load_permille: u16,
    /// Its trunk to the parent, if that is up.
    pub trunk: Option<TrunkReport>,
    /// Sites whose media is here now, by their seats' names; empty if others were asked for.
    pub sites: Vec<NodeSite>,
    /// Which units are sent here: codes, with all below them.
    pub units: Vec<String>,
    /// Which networks are sent here, in the form `10.3.0.0/16`.
    pub networks: Vec<String>,
    /// The program's version.
    pub program: String,
}

/// A site whose media is at a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NodeSite {
    /// Its publisher's name in the meeting.
    pub publisher: String,
    /// The meeting's code.
    pub room: String,
    /// The seat's name.
    pub name: String,
    /// The site that it is; none: a source that has no site, a control desk.
    #[cfg_attr(test, ts(type = "string | null"))]
    pub site: Option<SiteId>,
}

/// Whether a node is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// Its link and its trunk are up.
    Up,
    /// It takes no new sites, and those that it has go elsewhere.
    Draining,
    /// Its link is up, its trunk is not (yet).
    Detached,
    /// Nothing is heard of it.
    Gone,
}

/// What an administrator says of a node. All of it is kept; absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct NodeChange {
    /// Take no new sites and send those that it has elsewhere; or no longer.
    #[serde(default)]
    pub draining: Option<bool>,
    /// Which units are sent here: codes.
    #[serde(default)]
    pub units: Option<Vec<String>>,
    /// Which networks are sent here.
    #[serde(default)]
    pub networks: Option<Vec<String>>,
    /// Sites at most.
    #[serde(default)]
    pub capacity: Option<u32>,
}

/// Where an administrator sends a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct SiteNode {
    /// The node; none: where the site belongs by network and unit.
    pub node: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_before_and_the_one_after_are_spoken_and_no_other() {
        assert!(is_spoken(NODE_VERSION));
        assert!(is_spoken(NODE_VERSION + 1));
        assert!(!is_spoken(NODE_VERSION + 2));
        assert!(!is_spoken(0));
    }

    #[test]
    fn a_message_with_a_field_that_is_not_known_is_refused() {
        let report = r#"{"type":"report","sessions":1,"load_permille":2,"trunks":[]}"#;
        assert!(serde_json::from_str::<FromNode>(report).is_ok());
        let more = report.replace("\"trunks\"", "\"x\":1,\"trunks\"");
        assert!(serde_json::from_str::<FromNode>(&more).is_err());
        let beat = serde_json::to_string(&ToNode::Heartbeat).expect("it has no fields");
        assert_eq!(serde_json::from_str::<ToNode>(&beat).expect("as written"), ToNode::Heartbeat);
    }
}
