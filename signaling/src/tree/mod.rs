//! The tree of media nodes: who belongs to it, under whom each is, who is dead. No I/O: times are milliseconds of
//! the monotonic clock, given by the shell (`nodes/`).
//!
//! A node attaches to an ancestor of its configured place, or to a sibling of a smaller name. Both have a smaller
//! (depth, name) than the node itself, so whatever nodes die and whichever of its list each takes, no circle can
//! close, even when two of them choose in the same instant.

pub mod placement;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use protocol::media::is_valid_name;
use protocol::node::{
    HEARTBEAT_MS, HEARTBEATS_MISSED_MAX, NODE_ADDRESSES_MAX, NODES_MAX, NodeRefusal, NodeReport,
    NodeState, PARENTS_MAX, ParentNode,
};

/// A node that was silent for so long is dead, ms.
pub const SILENT_MS: u64 = HEARTBEAT_MS * HEARTBEATS_MISSED_MAX;

/// A parent that was lost is avoided for so long, ms; twice as long after each further loss.
const AVOIDED_MS: u64 = 30_000;

/// But never longer than this, ms. A loss that is older than this is forgotten.
const AVOIDED_MS_MAX: u64 = 600_000;

/// Lost parents that are remembered of one node.
const AVOIDED_MAX: usize = 8;

/// Levels of a tree. Province, cluster, commune are three; a country has four.
const DEPTH_MAX: usize = 8;

/// What a node says of itself when it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joining {
    /// Its name.
    pub name: String,
    /// Its parent. None: under the root.
    pub parent: Option<String>,
    /// Where other nodes reach it: `address:port`.
    pub addresses: Vec<String>,
    /// The program's version.
    pub program: String,
}

/// A parent that was lost.
#[derive(Clone, Debug)]
struct Avoided {
    parent: String,
    until: u64,
    losses: u32,
    lost_at: u64,
}

/// A node of the tree, there or not. Its place is kept when it dies, because it comes back.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its configured parent; the root has none.
    parent: Option<String>,
    addresses: Vec<String>,
    /// The program's version.
    pub program: String,
    /// Its link to the control plane is up.
    pub is_up: bool,
    heard_at: u64,
    /// The node that its trunk leads to, if that is up.
    pub attached: Option<String>,
    /// How it does.
    pub report: NodeReport,
    /// An administrator takes it out of use.
    pub draining: bool,
    avoided: Vec<Avoided>,
    told: Vec<ParentNode>,
}

/// See the file's head.
#[derive(Debug)]
pub struct Tree {
    root: String,
    members: BTreeMap<String, Member>,
}

impl Tree {
    /// The root alone: the control plane's own node, which is up as long as the process is.
    pub fn new(root: &str, addresses: Vec<String>, program: &str) -> Self {
        let member = Member {
            parent: None,
            addresses,
            program: program.to_owned(),
            is_up: true,
            heard_at: 0,
            attached: None,
            report: NodeReport::default(),
            draining: false,
            avoided: Vec::new(),
            told: Vec::new(),
        };
        Self { root: root.to_owned(), members: BTreeMap::from([(root.to_owned(), member)]) }
    }

    /// The root's name.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// Where a node is reached from now on.
    pub fn set_addresses(&mut self, name: &str, addresses: Vec<String>) {
        if let Some(member) = self.members.get_mut(name) {
            member.addresses = addresses;
        }
    }

    /// All nodes that are known, by name.
    pub fn members(&self) -> impl Iterator<Item = (&str, &Member)> {
        self.members.iter().map(|(name, member)| (name.as_str(), member))
    }

    /// A node, there or not.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.members.get(name)
    }

    /// Takes a node in, or back. `None` as its parent means the root.
    pub fn join(&mut self, joining: Joining, now: u64) -> Result<(), NodeRefusal> {
        let Joining { name, parent, addresses, program } = joining;
        if !is_valid_name(&name) {
            return Err(NodeRefusal::NameInvalid);
        }
        if self.members.get(&name).is_some_and(|it| it.is_up) {
            return Err(NodeRefusal::NameTaken);
        }
        if !self.members.contains_key(&name) && self.members.len() >= NODES_MAX {
            return Err(NodeRefusal::TreeFull);
        }
        let usable = |it: &String| it.parse::<std::net::SocketAddr>().is_ok();
        if addresses.is_empty()
            || addresses.len() > NODE_ADDRESSES_MAX
            || !addresses.iter().all(usable)
        {
            return Err(NodeRefusal::AddressInvalid);
        }
        let parent = parent.unwrap_or_else(|| self.root.clone());
        if !self.members.contains_key(&parent) && parent != name {
            return Err(NodeRefusal::ParentUnknown);
        }
        let line = self.line(&parent);
        if parent == name || line.contains(&name.as_str()) || line.len() >= DEPTH_MAX {
            return Err(NodeRefusal::ParentCircle);
        }
        let before = self.members.get(&name);
        let member = Member {
            draining: before.is_some_and(|it| it.draining),
            avoided: before.map(|it| it.avoided.clone()).unwrap_or_default(),
            parent: Some(parent),
            addresses,
            program,
            is_up: true,
            heard_at: now,
            attached: None,
            report: NodeReport::default(),
            told: Vec::new(),
        };
        // Who hung on a former process of this name does not any more; if it was only the link, reports say so.
        for other in self.members.values_mut().filter(|it| it.attached.as_ref() == Some(&name)) {
            other.attached = None;
        }
        self.members.insert(name, member);
        Ok(())
    }

    /// A node said something.
    pub fn heard(&mut self, name: &str, now: u64) {
        if let Some(member) = self.members.get_mut(name) {
            member.heard_at = now;
        }
    }

    /// How a node does. What it says of its trunks is the truth about where it is attached: a word about a change
    /// may have been lost with a former link.
    pub fn reported(&mut self, name: &str, report: NodeReport) {
        if let Some(member) = self.members.get_mut(name) {
            member.attached =
                report.trunks.iter().find(|it| it.is_parent).map(|it| it.peer.clone());
            member.report = report;
        }
    }

    /// A node's trunk leads there now.
    pub fn attached(&mut self, name: &str, parent: &str) {
        if let Some(member) = self.members.get_mut(name) {
            member.attached = Some(parent.to_owned());
        }
    }

    /// A node found that its trunk to a parent is dead: it avoids that parent for a while, longer each time.
    pub fn parent_lost(&mut self, name: &str, parent: &str, now: u64) {
        let Some(member) = self.members.get_mut(name) else { return };
        if member.attached.as_deref() == Some(parent) {
            member.attached = None;
        }
        member.avoided.retain(|it| now.saturating_sub(it.lost_at) < AVOIDED_MS_MAX);
        let before = member.avoided.iter().find(|it| it.parent == parent).map_or(0, |it| it.losses);
        member.avoided.retain(|it| it.parent != parent);
        if member.avoided.len() >= AVOIDED_MAX {
            member.avoided.remove(0);
        }
        let wait = AVOIDED_MS.saturating_mul(1 << before.min(16)).min(AVOIDED_MS_MAX);
        let parent = parent.to_owned();
        let losses = before + 1;
        member.avoided.push(Avoided { parent, until: now + wait, losses, lost_at: now });
    }

    /// A node's link is gone.
    pub fn gone(&mut self, name: &str) {
        if name == self.root {
            return;
        }
        if let Some(member) = self.members.get_mut(name) {
            member.is_up = false;
            member.attached = None;
            member.report = NodeReport::default();
        }
    }

    /// An administrator takes a node out of use, or brings it back.
    pub fn drain(&mut self, name: &str, draining: bool) -> bool {
        let member = self.members.get_mut(name);
        let known = member.is_some();
        if let Some(member) = member {
            member.draining = draining;
        }
        known
    }

    /// Forgets a node that is not there and under which nobody is. False: it cannot be forgotten.
    pub fn forget(&mut self, name: &str) -> bool {
        let is_parent = self.members.values().any(|it| it.parent.as_deref() == Some(name));
        let is_up = self.members.get(name).is_none_or(|it| it.is_up);
        !is_parent && !is_up && self.members.remove(name).is_some()
    }

    /// The nodes that have been silent for too long.
    pub fn dead(&self, now: u64) -> Vec<String> {
        let is_dead = |(name, it): &(&String, &Member)| {
            **name != self.root && it.is_up && now.saturating_sub(it.heard_at) > SILENT_MS
        };
        self.members.iter().filter(is_dead).map(|(name, _)| name.clone()).collect()
    }

    /// Under whom a node is, or would be.
    pub fn parent_of(&self, name: &str) -> Option<&str> {
        let member = self.members.get(name)?;
        member.attached.as_deref().or(member.parent.as_deref())
    }

    /// Whether the node can take sites.
    pub fn state(&self, name: &str) -> NodeState {
        match self.members.get(name) {
            None => NodeState::Gone,
            Some(it) if !it.is_up => NodeState::Gone,
            Some(it) if it.draining => NodeState::Draining,
            Some(it) if it.attached.is_none() && name != self.root => NodeState::Detached,
            Some(_) => NodeState::Up,
        }
    }

    /// Where a node may attach, most wanted first: its parent, the ancestors above it, a sibling. One that it has
    /// lost lately comes last, so that a line that comes and goes does not take the sites with it each time.
    pub fn parents(&self, name: &str, now: u64) -> Vec<ParentNode> {
        let Some(member) = self.members.get(name) else { return Vec::new() };
        let Some(parent) = member.parent.as_deref() else { return Vec::new() };
        let line = self.line(parent);
        let siblings = self.members.iter().filter(|(other, it)| {
            it.parent.as_deref() == Some(parent) && other.as_str() < name && !it.draining
        });
        // After the grandparent, because a sibling's line is meant for its own sites.
        let mut names: Vec<&str> = line.iter().take(2).copied().collect();
        names.extend(siblings.map(|(other, _)| other.as_str()).take(1));
        names.extend(line.iter().skip(2));
        let is_there = |it: &&str| {
            self.members.get(*it).is_some_and(|it| it.is_up)
                || member.attached.as_deref() == Some(*it)
        };
        names.retain(is_there);
        names.sort_by_key(|it| member.avoided.iter().any(|a| a.parent == *it && a.until > now));
        let node = |it: &&str| {
            let addresses = self.members.get(*it)?.addresses.clone();
            Some(ParentNode { name: (*it).to_owned(), addresses })
        };
        names.iter().filter_map(node).take(PARENTS_MAX).collect()
    }

    /// The nodes that are to be told another list than they were told last.
    pub fn orders(&mut self, now: u64) -> Vec<(String, Vec<ParentNode>)> {
        let up = self.members.iter().filter(|(name, it)| it.is_up && **name != self.root);
        let lists: Vec<_> = up.map(|(name, _)| (name.clone(), self.parents(name, now))).collect();
        let mut orders = Vec::new();
        for (name, list) in lists {
            let Some(member) = self.members.get_mut(&name) else { continue };
            if member.told != list {
                member.told.clone_from(&list);
                orders.push((name, list));
            }
        }
        orders
    }

    /// The configured way from a node up to the root, the node first.
    fn line<'a>(&'a self, from: &'a str) -> Vec<&'a str> {
        let mut line = vec![from];
        let mut at = from;
        while let Some(parent) = self.members.get(at).and_then(|it| it.parent.as_deref()) {
            if line.len() > DEPTH_MAX || line.contains(&parent) {
                break;
            }
            line.push(parent);
            at = parent;
        }
        line
    }
}
