//! Which media node is told what, and whose word counts for what. A room does not know that there are several nodes:
//! it speaks to one and hears one.
//!
//! The root has every room. Another node has a room once a seat of it was sent there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use protocol::control::{MediaCommand, MediaEvent, MediaOffer, RoomMedia};
use protocol::id::{MeetingId, RequestId, SessionId};
use protocol::insight::RoomRoutes;
use protocol::node::{NodeSite, NodeView, ROOT};

use super::{Hub, Place, Tables};
use crate::nodes::NodeName;

/// Questions that several nodes are answering at one time.
const GATHERING_MAX: usize = 1_024;

/// A room's share in the tree.
#[derive(Debug, Default)]
pub(super) struct Share {
    /// What the nodes were told last.
    last: RoomMedia,
    /// Nodes besides the root that have the room.
    nodes: BTreeSet<Arc<str>>,
    /// Who is heard, by node.
    speakers: BTreeMap<NodeName, Vec<String>>,
    /// Nodes that have not flushed their speeches yet.
    n_flushing: usize,
}

/// A question that several nodes answer.
#[derive(Debug)]
pub(super) struct Gathering {
    n_left: usize,
    so_far: Option<MediaEvent>,
}

/// What becomes of an event.
pub(super) enum Heard {
    /// It is the room's, as it is or changed.
    Pass(MediaEvent),
    /// It is not the node's to say, or something is still missing.
    Hold,
}

/// Where a command goes.
#[derive(Debug, Default)]
struct Way {
    to_root: bool,
    nodes: Vec<Arc<str>>,
}

impl Way {
    fn everywhere(nodes: &BTreeSet<Arc<str>>) -> Self {
        Self { to_root: true, nodes: nodes.iter().cloned().collect() }
    }

    fn only(node: NodeName) -> Self {
        Self { to_root: node.is_none(), nodes: node.into_iter().collect() }
    }
}

impl Tables {
    /// How many sessions each node has.
    pub(super) fn n_sites(&self) -> HashMap<NodeName, u32> {
        let mut n = HashMap::new();
        for place in self.sessions.values() {
            *n.entry(place.node.clone()).or_insert(0) += 1;
        }
        n
    }

    /// The node at which a publisher of a room is.
    fn node_of(&self, room: &str, publisher: &str) -> NodeName {
        let mut places = self.sessions.values();
        let found = places.find(|it| it.publisher == publisher && it.room == room);
        found.and_then(|it| it.node.clone())
    }

    fn way(&mut self, command: &MediaCommand) -> Way {
        match command {
            MediaCommand::SetRoom(room) => {
                let share = self.shares.entry(room.room.clone()).or_default();
                share.last.clone_from(room);
                Way::everywhere(&share.nodes)
            }
            MediaCommand::CloseRoom { room } => {
                let share = self.shares.remove(room).unwrap_or_default();
                Way::everywhere(&share.nodes)
            }
            MediaCommand::FlushSpeech { room } => {
                let Some(share) = self.shares.get_mut(room) else { return Way::only(None) };
                share.n_flushing = share.nodes.len() + 1;
                Way::everywhere(&share.nodes)
            }
            MediaCommand::Offer(offer) => Way::only(self.node_at(offer.session)),
            MediaCommand::SetWants { session, .. } | MediaCommand::CloseSession { session } => {
                Way::only(self.node_at(*session))
            }
            MediaCommand::Inspect { room, of: Some(publisher), .. }
            | MediaCommand::Trace { room, publisher, .. } => {
                Way::only(self.node_of(room, publisher))
            }
            MediaCommand::Inspect { request, room, of: None }
            | MediaCommand::TakeSnapshots { request, room, .. } => self.ask_all(*request, room),
        }
    }

    fn node_at(&self, session: SessionId) -> NodeName {
        self.sessions.get(&session).and_then(|it| it.node.clone())
    }

    fn ask_all(&mut self, request: RequestId, room: &str) -> Way {
        let Some(share) = self.shares.get(room).filter(|it| !it.nodes.is_empty()) else {
            return Way::only(None);
        };
        if self.gathering.len() >= GATHERING_MAX {
            // Questions to nodes that died meanwhile: whoever asked has long given up.
            self.gathering.clear();
        }
        let gathering = Gathering { n_left: share.nodes.len() + 1, so_far: None };
        self.gathering.insert(request, gathering);
        Way::everywhere(&share.nodes)
    }

    /// Whether this node may say this, and what the room is to hear of it.
    pub(super) fn hear(&mut self, from: &NodeName, event: MediaEvent) -> Heard {
        let is_own = match &event {
            MediaEvent::Answer { request, .. } | MediaEvent::Refused { request, .. } => self
                .requests
                .get(request)
                .is_none_or(|it| self.sessions.get(it).is_none_or(|it| it.node == *from)),
            MediaEvent::SessionConnected { session }
            | MediaEvent::SessionClosed { session }
            | MediaEvent::Slots { session, .. }
            | MediaEvent::Limits { session, .. }
            | MediaEvent::Demand { session, .. } => self.node_at(*session) == *from,
            MediaEvent::TrackStarted { room, track } | MediaEvent::TrackStopped { room, track } => {
                self.node_of(room, &track.publisher) == *from
            }
            MediaEvent::Spoke { room, publisher, .. } => self.node_of(room, publisher) == *from,
            MediaEvent::Ready
            | MediaEvent::Speakers { .. }
            | MediaEvent::SpeechFlushed { .. }
            | MediaEvent::Inspected { .. }
            | MediaEvent::Snapshots { .. }
            | MediaEvent::Traced { .. } => true,
        };
        if !is_own {
            return Heard::Hold;
        }
        match event {
            MediaEvent::Speakers { room, publishers } => {
                self.merge_speakers(from, room, publishers)
            }
            MediaEvent::SpeechFlushed { room } => self.flushed(room),
            MediaEvent::Inspected { request, .. } | MediaEvent::Snapshots { request, .. } => {
                self.gather(request, event)
            }
            other => Heard::Pass(other),
        }
    }

    /// Each node is asked only about its own publishers: what it hears over a trunk, the other end says.
    fn merge_speakers(
        &mut self,
        from: &NodeName,
        room: String,
        mut publishers: Vec<String>,
    ) -> Heard {
        let has_nodes = self.shares.get(&room).is_some_and(|it| !it.nodes.is_empty());
        if !has_nodes {
            return Heard::Pass(MediaEvent::Speakers { room, publishers });
        }
        publishers.retain(|it| self.node_of(&room, it) == *from);
        let Some(share) = self.shares.get_mut(&room) else { return Heard::Hold };
        let before: Vec<_> = share.speakers.values().flatten().cloned().collect();
        share.speakers.insert(from.clone(), publishers);
        let now: Vec<_> = share.speakers.values().flatten().cloned().collect();
        if before == now {
            return Heard::Hold;
        }
        Heard::Pass(MediaEvent::Speakers { room, publishers: now })
    }

    fn flushed(&mut self, room: String) -> Heard {
        let Some(share) = self.shares.get_mut(&room) else {
            return Heard::Pass(MediaEvent::SpeechFlushed { room });
        };
        share.n_flushing = share.n_flushing.saturating_sub(1);
        if share.n_flushing > 0 {
            Heard::Hold
        } else {
            Heard::Pass(MediaEvent::SpeechFlushed { room })
        }
    }

    fn gather(&mut self, request: RequestId, event: MediaEvent) -> Heard {
        let Some(gathering) = self.gathering.get_mut(&request) else { return Heard::Pass(event) };
        let merged = match gathering.so_far.take() {
            None => event,
            Some(before) => merged(before, event),
        };
        gathering.n_left = gathering.n_left.saturating_sub(1);
        if gathering.n_left > 0 {
            gathering.so_far = Some(merged);
            return Heard::Hold;
        }
        self.gathering.remove(&request);
        Heard::Pass(merged)
    }

    /// A node is gone, or has begun anew: its sessions, with their meetings.
    fn lose_node(&mut self, node: &Arc<str>) -> Vec<(SessionId, Option<MeetingId>)> {
        let is_its = |it: &Place| it.node.as_ref() == Some(node);
        let lost: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, it)| is_its(it))
            .map(|(session, it)| (*session, it.meeting))
            .collect();
        self.sessions.retain(|_, it| !is_its(it));
        for share in self.shares.values_mut() {
            share.nodes.remove(node);
            share.speakers.remove(&Some(Arc::clone(node)));
        }
        lost
    }
}

/// Two nodes' answers as one.
fn merged(before: MediaEvent, after: MediaEvent) -> MediaEvent {
    match (before, after) {
        (
            MediaEvent::Inspected { request, routes: mut before },
            MediaEvent::Inspected { routes: after, .. },
        ) => {
            let RoomRoutes { sessions, .. } = *after;
            before.sessions.extend(sessions);
            MediaEvent::Inspected { request, routes: before }
        }
        (
            MediaEvent::Snapshots { request, mut cameras },
            MediaEvent::Snapshots { cameras: after, .. },
        ) => {
            for (publisher, picture) in after {
                match cameras.iter_mut().find(|it| it.0 == publisher) {
                    Some(known) => known.1 = picture.or_else(|| known.1.take()),
                    None => cameras.push((publisher, picture)),
                }
            }
            MediaEvent::Snapshots { request, cameras }
        }
        // One request has answers of one kind.
        (before, _) => before,
    }
}

impl Hub {
    /// Tells the media nodes that it concerns.
    pub(super) fn tell_media(&self, command: MediaCommand) {
        let (way, first) = {
            let mut tables = self.tables();
            let way = tables.way(&command);
            let first = match (&command, way.nodes.first()) {
                (MediaCommand::Offer(offer), Some(node)) => tables.newcomer(&offer.room, node),
                _ => None,
            };
            (way, first)
        };
        for node in &way.nodes {
            if let Some(first) = first.clone() {
                self.nodes.tell(node, MediaCommand::SetRoom(first));
            }
            // A node that is not there has lost its sessions, and the rooms are told that already.
            self.nodes.tell(node, for_node(&command));
        }
        if way.to_root {
            self.tell_root(command);
        }
    }

    /// Notes where a session belongs, so that events of the nodes find it, and sends it to a node. False: no node
    /// has room for it.
    pub(super) fn remember_session(&self, offer: &MediaOffer, meeting: Option<MeetingId>) -> bool {
        let mut tables = self.tables();
        if tables.sessions.len() >= super::SESSIONS_MAX {
            return true;
        }
        let known = tables.sessions.get(&offer.session).map(|it| it.node.clone());
        let asked = tables.asked.remove(&offer.session);
        let node = match known.or(asked) {
            Some(node) => node,
            None => {
                let n_sites = if self.nodes.are_any() { tables.n_sites() } else { HashMap::new() };
                let Some(node) = self.nodes.place(&offer.publisher, &n_sites) else { return false };
                node
            }
        };
        let (room, publisher) = (offer.room.clone(), offer.publisher.clone());
        tables.sessions.insert(offer.session, Place { room, meeting, publisher, node });
        tables.requests.insert(offer.request, offer.session);
        true
    }

    /// The sessions at a node.
    pub(super) fn sessions_at(&self, node: &Arc<str>) -> Vec<SessionId> {
        let tables = self.tables();
        let its = tables.sessions.iter().filter(|(_, it)| it.node.as_ref() == Some(node));
        its.map(|(session, _)| *session).collect()
    }

    /// The sessions of these publishers.
    pub(super) fn sessions_of(&self, publishers: &[String]) -> Vec<SessionId> {
        let tables = self.tables();
        let theirs = tables.sessions.iter().filter(|(_, it)| publishers.contains(&it.publisher));
        theirs.map(|(session, _)| *session).collect()
    }

    /// All nodes, for people; with their sites, or only those of one node.
    pub(crate) fn node_views(&self, sites_of: Option<&str>) -> Vec<NodeView> {
        let tables = self.tables();
        let mut views = self.nodes.views(&tables.n_sites());
        for place in tables.sessions.values() {
            let name = place.node.as_deref().unwrap_or(ROOT);
            if sites_of.is_some_and(|it| it != name) {
                continue;
            }
            let Some(view) = views.iter_mut().find(|it| it.name == name) else { continue };
            let (publisher, room) = (place.publisher.clone(), place.room.clone());
            let seat = self.nodes.seat_name(&publisher);
            let (name, site) = seat.unwrap_or_else(|| (publisher.clone(), None));
            view.sites.push(NodeSite { publisher, room, name, site });
        }
        for view in &mut views {
            view.sites.sort_by(|a, b| (&a.name, &a.publisher).cmp(&(&b.name, &b.publisher)));
        }
        views
    }

    /// The sessions of a node are gone.
    pub(super) fn lose_node(&self, node: &Arc<str>) -> Vec<(SessionId, Option<MeetingId>)> {
        self.tables().lose_node(node)
    }
}

impl Tables {
    /// What a node has to be told of a room that it does not have yet.
    fn newcomer(&mut self, room: &str, node: &Arc<str>) -> Option<RoomMedia> {
        let share = self.shares.entry(room.to_owned()).or_default();
        let is_new = share.nodes.insert(Arc::clone(node));
        is_new.then(|| without_tap(&share.last))
    }
}

/// The recorder is beside the root; what it records crosses the trunks by the root's own demand.
fn without_tap(room: &RoomMedia) -> RoomMedia {
    RoomMedia { tap: None, ..room.clone() }
}

fn for_node(command: &MediaCommand) -> MediaCommand {
    match command {
        MediaCommand::SetRoom(room) => MediaCommand::SetRoom(without_tap(room)),
        other => other.clone(),
    }
}
