//! Media nodes of other machines. The tree itself is a machine (`tree/`); here is what it needs of the world: who is
//! connected, where each site belongs, and an outbox for each node.

pub(crate) mod authority;
pub mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::control::MediaCommand;
use protocol::id::{MeetingId, SiteId};
use protocol::node::{
    HEARTBEAT_MS, NodeRefusal, NodeReport, NodeState, NodeView, ParentNode, ROOT, ToNode,
};
use tokio::sync::Notify;

use crate::clock;
use crate::config::RootReport;
use crate::db::nodes::NodeRow;
use crate::live::{Outbox, Outgoing};
use crate::tree::placement::{Candidate, Network, Wanting, order};
use crate::tree::{Joining, Tree};

/// Sites that a node takes unless an administrator said otherwise: `docs/sizing.md`.
const CAPACITY: u32 = 150;

/// Seats whose place is known, over all meetings. One that is not known is served by the root.
const SEATS_MAX: usize = 65_536;

/// The name of a node. None stands for the root.
pub(crate) type NodeName = Option<Arc<str>>;

/// Where a seat belongs.
#[derive(Clone, Debug)]
pub(crate) struct SeatPlace {
    pub(crate) meeting: MeetingId,
    pub(crate) name: String,
    pub(crate) site: Option<SiteId>,
    pub(crate) wanting: Wanting,
}

/// A node that is connected.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) outbox: Outbox<ToNode>,
    /// Rung when the node is to be let go.
    pub(crate) cut: Notify,
}

/// A node that was taken in.
pub(crate) struct Joined {
    pub(crate) name: Arc<str>,
    pub(crate) link: Arc<Link>,
    /// Where it may attach.
    pub(crate) parents: Vec<ParentNode>,
}

#[derive(Debug)]
struct Inner {
    tree: Tree,
    links: HashMap<Arc<str>, Arc<Link>>,
    settings: HashMap<String, NodeRow>,
    seats: HashMap<String, SeatPlace>,
}

/// See the file's head.
#[derive(Debug)]
pub(crate) struct Nodes {
    inner: Mutex<Inner>,
}

impl Outgoing for ToNode {
    fn replaces(&self, before: &Self) -> bool {
        match (self, before) {
            (Self::Media { command: new }, Self::Media { command: old }) => new.replaces(old),
            (Self::Parents { .. }, Self::Parents { .. }) => true,
            _ => false,
        }
    }
}

impl Default for Nodes {
    fn default() -> Self {
        let tree = Tree::new(ROOT, Vec::new(), env!("CARGO_PKG_VERSION"));
        let (links, settings, seats) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { inner: Mutex::new(Inner { tree, links, settings, seats }) }
    }
}

impl Nodes {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Every change is one step of the machine or one insert, so a panic elsewhere left nothing half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what administrators have said.
    pub(crate) fn set_all(&self, rows: Vec<NodeRow>) {
        rows.into_iter().for_each(|it| self.set(it));
    }

    /// An administrator says something of a node.
    pub(crate) fn set(&self, row: NodeRow) {
        let mut inner = self.lock();
        inner.tree.drain(&row.name, row.draining);
        inner.settings.insert(row.name.clone(), row);
    }

    /// What was said of a node; what is usual if nothing was. None: no such node was ever heard of.
    pub(crate) fn setting(&self, name: &str) -> Option<NodeRow> {
        let inner = self.lock();
        let known = inner.tree.member(name).is_some();
        inner.settings.get(name).cloned().or_else(|| known.then(|| usual(name)))
    }

    /// Where the root's trunks are reached.
    pub(crate) fn set_root_addresses(&self, addresses: Vec<String>) {
        self.lock().tree.set_addresses(ROOT, addresses);
    }

    /// Whether sessions may be sent to a node by its name.
    pub(crate) fn is_up(&self, name: &str) -> bool {
        self.lock().tree.state(name) == NodeState::Up
    }

    /// Takes a node in: its link, and where it may attach.
    pub(crate) fn join(&self, joining: Joining) -> Result<Joined, NodeRefusal> {
        let mut inner = self.lock();
        let (name, now) = (joining.name.clone(), clock::tick());
        inner.tree.join(joining, now)?;
        let draining = inner.settings.get(&name).is_some_and(|it| it.draining);
        inner.tree.drain(&name, draining);
        let parents = inner.tree.parents(&name, now);
        let link = Arc::new(Link { outbox: Outbox::default(), cut: Notify::new() });
        let name: Arc<str> = name.into();
        inner.links.insert(Arc::clone(&name), Arc::clone(&link));
        Ok(Joined { name, link, parents })
    }

    /// A node's link is gone.
    pub(crate) fn gone(&self, name: &str) {
        let mut inner = self.lock();
        inner.links.remove(name);
        inner.tree.gone(name);
    }

    /// A node said something.
    pub(crate) fn heard(&self, name: &str) {
        self.lock().tree.heard(name, clock::tick());
    }

    /// How a node does.
    pub(crate) fn reported(&self, name: &str, report: NodeReport) {
        self.lock().tree.reported(name, report);
    }

    /// A node's trunk leads there.
    pub(crate) fn attached(&self, name: &str, parent: &str) {
        self.lock().tree.attached(name, parent);
    }

    /// A node has lost its parent.
    pub(crate) fn parent_lost(&self, name: &str, parent: &str) {
        self.lock().tree.parent_lost(name, parent, clock::tick());
    }

    /// Tells a node. False: it is not there, or does not keep up and is let go.
    pub(crate) fn tell(&self, name: &str, command: MediaCommand) -> bool {
        let link = self.lock().links.get(name).cloned();
        let Some(link) = link else { return false };
        let kept = link.outbox.push(ToNode::Media { command: Box::new(command) });
        if !kept {
            tracing::warn!(node = name, "a media node does not keep up and is let go");
            link.cut.notify_one();
        }
        kept
    }

    /// Lets dead nodes go and tells the others where they may attach. Runs as long as the process.
    pub(crate) async fn keep(&self, root: RootReport) {
        let mut beat = tokio::time::interval(Duration::from_millis(HEARTBEAT_MS));
        loop {
            beat.tick().await;
            let report = root();
            let mut inner = self.lock();
            inner.tree.reported(ROOT, report);
            let now = clock::tick();
            for dead in inner.tree.dead(now) {
                if let Some(link) = inner.links.get(dead.as_str()) {
                    tracing::warn!(node = dead, "a media node is silent and counts as dead");
                    link.cut.notify_one();
                }
            }
            for (name, parents) in inner.tree.orders(now) {
                if let Some(link) = inner.links.get(name.as_str())
                    && !link.outbox.push(ToNode::Parents { parents })
                {
                    link.cut.notify_one();
                }
            }
        }
    }

    /// Remembers where a seat belongs, by its publisher's name.
    pub(crate) fn seat(&self, publisher: &str, seat: SeatPlace) {
        let mut inner = self.lock();
        if inner.seats.len() < SEATS_MAX || inner.seats.contains_key(publisher) {
            inner.seats.insert(publisher.to_owned(), seat);
        }
    }

    /// Forgets the seats of a meeting that is over.
    pub(crate) fn forget(&self, meeting: MeetingId) {
        self.lock().seats.retain(|_, it| it.meeting != meeting);
    }

    /// An administrator sends a site elsewhere: the publishers' names of its seats.
    pub(crate) fn send_to(&self, site: SiteId, word: Option<&str>) -> Vec<String> {
        let mut moved = Vec::new();
        for (publisher, seated) in &mut self.lock().seats {
            if seated.site == Some(site) {
                seated.wanting.word = word.map(str::to_owned);
                moved.push(publisher.clone());
            }
        }
        moved
    }

    /// Whether there is any node but the root.
    pub(crate) fn are_any(&self) -> bool {
        !self.lock().links.is_empty()
    }

    /// Where a seat's media is to go. `n_sites` counts what is at each node now. None: nobody has room.
    pub(crate) fn place(
        &self,
        publisher: &str,
        n_sites: &HashMap<NodeName, u32>,
    ) -> Option<NodeName> {
        let inner = self.lock();
        if inner.tree.members().count() == 1 {
            return Some(None);
        }
        let root_only = Wanting::default();
        let wanting = inner.seats.get(publisher).map_or(&root_only, |it| &it.wanting);
        let candidates: Vec<_> =
            inner.tree.members().map(|(name, _)| inner.candidate(name, n_sites)).collect();
        let first = order(&candidates, wanting).into_iter().next()?;
        Some((first != ROOT).then(|| first.into()))
    }

    /// All nodes, for people. Without the sites.
    pub(crate) fn views(&self, n_sites: &HashMap<NodeName, u32>) -> Vec<NodeView> {
        let inner = self.lock();
        let names: Vec<_> = inner.tree.members().map(|(name, _)| name).collect();
        names.into_iter().map(|name| inner.view(name, n_sites)).collect()
    }

    /// The name of a seat, for people, and its site.
    pub(crate) fn seat_name(&self, publisher: &str) -> Option<(String, Option<SiteId>)> {
        self.lock().seats.get(publisher).map(|it| (it.name.clone(), it.site))
    }
}

impl Inner {
    fn setting(&self, name: &str) -> NodeRow {
        self.settings.get(name).cloned().unwrap_or_else(|| usual(name))
    }

    fn candidate(&self, name: &str, n_sites: &HashMap<NodeName, u32>) -> Candidate {
        let setting = self.setting(name);
        Candidate {
            name: name.to_owned(),
            parent: self.tree.parent_of(name).map(str::to_owned),
            is_open: self.tree.state(name) == NodeState::Up,
            n_sites: n_sites.get(&key(name)).copied().unwrap_or(0),
            capacity: setting.capacity,
            units: setting.units,
            networks: setting.networks.iter().filter_map(|it| Network::parse(it)).collect(),
        }
    }

    fn view(&self, name: &str, n_sites: &HashMap<NodeName, u32>) -> NodeView {
        let setting = self.setting(name);
        let member = self.tree.member(name);
        let trunks = member.map_or(&[][..], |it| &it.report.trunks);
        NodeView {
            name: name.to_owned(),
            parent: self.tree.parent_of(name).map(str::to_owned),
            state: self.tree.state(name),
            sessions: n_sites.get(&key(name)).copied().unwrap_or(0),
            capacity: setting.capacity,
            load_permille: member.map_or(0, |it| it.report.load_permille),
            trunk: trunks.iter().find(|it| it.is_parent).cloned(),
            sites: Vec::new(),
            units: setting.units,
            networks: setting.networks,
            program: member.map(|it| it.program.clone()).unwrap_or_default(),
        }
    }
}

/// A node's name as sessions have it.
pub(crate) fn key(name: &str) -> NodeName {
    (name != ROOT).then(|| name.into())
}

/// A node of which nothing was said.
fn usual(name: &str) -> NodeRow {
    NodeRow {
        name: name.to_owned(),
        draining: false,
        capacity: CAPACITY,
        units: Vec::new(),
        networks: Vec::new(),
    }
}
