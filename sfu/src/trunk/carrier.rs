//! The thread that carries a node's trunks: between their connections, the relay that decides what crosses them, and
//! the shards that have the rooms.

use std::collections::HashMap;
use std::future::poll_fn;
use std::net::UdpSocket;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use protocol::media::TrackKey;
use protocol::node::{ParentNode, TrunkReport};
use rustc_hash::FxHashMap;
use tokio::sync::mpsc;

use crate::codec::{self, Codec};
use crate::post::Post;
use crate::rtp;
use crate::shard::ToShard;
use crate::trunk::again::Sent;
use crate::trunk::exchange::{Bundle, FromShard, FromTrunks};
use crate::trunk::figures::Figures;
use crate::trunk::frame::{Frame, Why, read_flow, write_flow};
use crate::trunk::meet::{HANDSHAKES_MAX, Met, accept, dial};
use crate::trunk::parent::Parent;
use crate::trunk::relay::{Output, Relay, TrunkIndex};
use crate::trunk::repair::Repair;
use crate::trunk::shell::{Credentials, Event, Port, Trunk, TrunkError};

/// Words of shards on their way here.
pub(crate) const INBOX_MAX: usize = 4_096;

/// What is taken from one queue before the others get their turn.
const BATCH_MAX: usize = 256;

/// Losses are looked at this often.
const TICK: Duration = Duration::from_millis(10);

/// Demand is looked at every so many ticks.
const RELAY_TICKS: u64 = 10;

/// Figures are made every so many ticks.
const FIGURES_TICKS: u64 = 100;

/// Length of a flow number at most, bytes.
const FLOW_BYTES_MAX: usize = 8;

/// Where the node may attach, said anew whenever it changes.
pub type Orders = mpsc::Receiver<Vec<ParentNode>>;

/// What a node needs for trunks.
pub struct Setup {
    /// The node's name, as in its certificate.
    pub name: String,
    /// The socket of its trunks.
    pub socket: UdpSocket,
    /// Who it is.
    pub credentials: Credentials,
    /// Where it may attach, most wanted first; none: it is the root of the tree.
    pub parents: Option<Orders>,
    /// Hears of parents found and lost.
    pub told: Option<mpsc::Sender<Attachment>>,
}

/// What became of the trunk to the parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// It is up, and in use.
    Attached(String),
    /// It is dead.
    Lost(String),
}

/// A trunk with what is known of it.
struct Carried {
    trunk: Trunk,
    is_parent: bool,
    repair: Repair,
    n_came: u64,
    /// Totals at the last figures: bytes sent and received, packets that came and that were asked for again.
    before: (u64, u64, u64, u64),
}

/// A track that a shard knows of.
struct Known {
    room: String,
    key: TrackKey,
}

/// See the file's head.
pub(crate) struct Carrier {
    port: Arc<Port>,
    posts: Vec<Post>,
    relay: Relay,
    trunks: Vec<Option<Carried>>,
    parent: Parent,
    told: Option<mpsc::Sender<Attachment>>,
    /// At which shard each room is.
    rooms: HashMap<String, usize>,
    tracks: FxHashMap<u32, Known>,
    sent: Sent,
    /// Packets for the shards, by room.
    bundles: HashMap<String, Bundle>,
    figures: Arc<Figures>,
    met: (mpsc::Sender<Met>, mpsc::Receiver<Met>),
    n_ticks: u64,
    figured_at: Instant,
}

#[expect(clippy::disallowed_methods, reason = "the shell owns the clock")]
fn now() -> Instant {
    Instant::now()
}

impl Carrier {
    /// To be called within a tokio runtime.
    pub(crate) fn new(
        setup: Setup,
        posts: Vec<Post>,
        figures: Arc<Figures>,
    ) -> Result<(Self, Option<Orders>), TrunkError> {
        let port = Arc::new(Port::on(setup.socket, &setup.name, &setup.credentials)?);
        let carrier = Self {
            port,
            posts,
            relay: Relay::default(),
            trunks: Vec::new(),
            parent: Parent::default(),
            told: setup.told,
            rooms: HashMap::new(),
            tracks: FxHashMap::default(),
            sent: Sent::default(),
            bundles: HashMap::new(),
            figures,
            met: mpsc::channel(HANDSHAKES_MAX),
            n_ticks: 0,
            figured_at: now(),
        };
        Ok((carrier, setup.parents))
    }

    /// Runs until the shards end.
    pub(crate) async fn run(
        mut self,
        mut shards: mpsc::Receiver<FromShard>,
        mut parents: Option<Orders>,
    ) {
        let accepting = tokio::spawn(accept(Arc::clone(&self.port), self.met.0.clone()));
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut said = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                n = shards.recv_many(&mut said, BATCH_MAX) => {
                    if n == 0 {
                        break;
                    }
                    said.drain(..).for_each(|it| self.take_word(it));
                }
                (trunk, event) = next_event(&mut self.trunks) => self.take_events(trunk, event),
                met = self.met.1.recv() => {
                    if let Some(met) = met {
                        self.meet(met);
                    }
                }
                wanted = next_parents(&mut parents) => self.parent.set(wanted),
                _ = tick.tick() => self.tick(),
            }
            self.dial();
            self.settle();
        }
        accepting.abort();
    }

    fn take_word(&mut self, said: FromShard) {
        let now = now();
        match said {
            FromShard::Room { shard, room, is_here } => {
                if is_here {
                    self.rooms.insert(room.clone(), shard);
                } else {
                    self.rooms.remove(&room);
                }
                if !self.relay.set_here(&room, is_here, now) {
                    tracing::warn!("no more rooms on trunks");
                }
            }
            FromShard::Publish { room, about } => {
                let key = about.key.clone();
                match self.relay.publish(&room, *about, now) {
                    Some(track) => {
                        self.tracks.insert(track, Known { room, key });
                    }
                    None => tracing::warn!("no more tracks on trunks"),
                }
            }
            FromShard::Unpublish { room, key } => {
                let is_it = |it: &&Known| it.room == room && it.key == key;
                let found = self.tracks.iter().find(|(_, it)| is_it(it)).map(|it| *it.0);
                if let Some(track) = found {
                    self.relay.unpublish(track);
                }
            }
            FromShard::Watch { track, layers } => self.relay.watch(track, layers, now),
            FromShard::KeyFrame { track, layer } => self.relay.want_key_frame(track, layer, now),
            FromShard::Clock { track, layer, rtp, unix_us } => {
                self.relay.set_clock(track, layer, rtp, unix_us);
            }
            FromShard::Packets(bundle) => {
                for (place, packet) in bundle.packets() {
                    self.send_on(place.track, place.layer, packet);
                }
            }
        }
    }

    /// Sends a packet over all trunks that take it.
    fn send_on(&mut self, track: u32, layer: u8, packet: &[u8]) {
        let mut takers = self.relay.takers(track, layer);
        if takers == 0 {
            return;
        }
        let Some(header) = rtp::parse(packet) else { return };
        let mut datagram = Vec::with_capacity(FLOW_BYTES_MAX + packet.len());
        write_flow(&mut datagram, track, layer);
        datagram.extend_from_slice(packet);
        let datagram = Bytes::from(datagram);
        let codec = self.codec_of(track);
        if codec.is_some_and(|it| may_begin(it, packet, header.len)) {
            self.relay.key_frame_arrived(track, layer);
        }
        let is_audio = codec.is_some_and(Codec::is_audio);
        self.sent.keep((track, layer), is_audio, header.seq, &datagram);
        while takers != 0 {
            let trunk = takers.trailing_zeros() as usize;
            takers &= takers - 1;
            if let Some(Some(it)) = self.trunks.get(trunk) {
                // What finds no room is lost, as on a network, and asked for again.
                it.trunk.send(datagram.clone());
            }
        }
    }

    fn codec_of(&self, track: u32) -> Option<Codec> {
        let about = self.relay.about(track)?;
        Codec::ALL.get(usize::from(about.codec)).copied()
    }

    /// Handles what came over a trunk, and what is there besides.
    fn take_events(&mut self, trunk: TrunkIndex, first: Event) {
        let mut event = first;
        // What is left after so many has its turn with the next wake-up.
        for n in 1..=BATCH_MAX {
            match event {
                Event::Frame(frame) => {
                    if let Err(why) = self.relay.handle(trunk, frame, now()) {
                        self.drop_trunk(trunk, why);
                        return;
                    }
                }
                Event::Datagram(datagram) => self.take_datagram(trunk, &datagram),
                Event::Over(end) => {
                    if let Some(Some(it)) = self.trunks.get(trunk) {
                        tracing::warn!(peer = it.trunk.peer, ?end, "a trunk is over");
                    }
                    self.forget(trunk);
                    return;
                }
            }
            if n == BATCH_MAX {
                return;
            }
            let Some(Some(it)) = self.trunks.get_mut(trunk) else { return };
            match it.trunk.events.try_recv() {
                Ok(next) => event = next,
                // Empty for now; or closed, which `Event::Over` has said.
                Err(_) => return,
            }
        }
    }

    fn take_datagram(&mut self, trunk: TrunkIndex, datagram: &[u8]) {
        let Ok((theirs, layer, packet)) = read_flow(datagram) else {
            self.drop_trunk(trunk, Why::Frame);
            return;
        };
        // A track that was over while this was on its way.
        let Some(track) = self.relay.track_of(trunk, theirs) else { return };
        let Some(header) = rtp::parse(packet) else { return };
        let Some(Some(it)) = self.trunks.get_mut(trunk) else { return };
        it.n_came += 1;
        let Some(seq) = it.repair.packet(theirs, layer, header.seq, now()) else { return };
        let codec = self.codec_of(track);
        if codec.is_some_and(|it| may_begin(it, packet, header.len)) {
            self.relay.key_frame_arrived(track, layer);
        }
        self.send_on(track, layer, packet);
        let Some(known) = self.tracks.get(&track) else { return };
        if !self.relay.is_watched(track, layer) {
            return;
        }
        if let Some(bundle) = self.bundles.get_mut(&known.room) {
            bundle.push(track, layer, seq, packet);
        } else {
            let mut bundle = Bundle::default();
            bundle.push(track, layer, seq, packet);
            self.bundles.insert(known.room.clone(), bundle);
        }
    }

    fn meet(&mut self, met: Met) {
        let is_parent = met.parent.is_some();
        let trunk = match met.outcome {
            Ok(trunk) => trunk,
            Err(error) => {
                tracing::warn!(parent = met.parent, %error, "no trunk");
                if is_parent {
                    self.parent.failed(now());
                }
                return;
            }
        };
        let former = if is_parent { self.parent.up(&trunk.peer) } else { Some(trunk.peer.clone()) };
        // Who comes again has lost its first trunk, whatever is known of it here.
        while let Some(index) = former.as_ref().and_then(|it| self.trunk_of(it, is_parent)) {
            self.forget_quietly(index);
        }
        let Some(index) = self.relay.attach(is_parent) else {
            tracing::warn!(peer = trunk.peer, "no room for another trunk");
            trunk.leave(Why::Full);
            if is_parent {
                self.parent.down(&trunk.peer);
            }
            return;
        };
        tracing::info!(peer = trunk.peer, is_parent, "a trunk is up");
        if is_parent {
            self.tell(Attachment::Attached(trunk.peer.clone()));
        }
        if self.trunks.len() <= index {
            self.trunks.resize_with(index + 1, || None);
        }
        let (repair, before) = (Repair::default(), (0, 0, 0, 0));
        self.trunks[index] = Some(Carried { trunk, is_parent, repair, n_came: 0, before });
        // At once: a node whose report names no trunk to a parent is taken for detached.
        self.make_figures();
    }

    fn trunk_of(&self, peer: &str, is_parent: bool) -> Option<TrunkIndex> {
        self.trunks.iter().position(|it| {
            it.as_ref().is_some_and(|it| it.trunk.peer == peer && it.is_parent == is_parent)
        })
    }

    fn tell(&self, what: Attachment) {
        if let Some(Err(error)) = self.told.as_ref().map(|it| it.try_send(what)) {
            // Reports name the trunks too, four times a second.
            tracing::warn!(%error, "the control plane is not told of the parent");
        }
    }

    /// Ends a trunk whose other end says what it may not.
    fn drop_trunk(&mut self, index: TrunkIndex, why: Why) {
        let Some(Some(it)) = self.trunks.get(index) else { return };
        tracing::warn!(peer = it.trunk.peer, why = why.word(), "a trunk is ended");
        it.trunk.leave(why);
        self.forget(index);
    }

    fn forget(&mut self, index: TrunkIndex) {
        if let Some((peer, true)) = self.forget_quietly(index)
            && self.parent.down(&peer)
        {
            self.tell(Attachment::Lost(peer));
        }
    }

    /// Whose trunk it was, and whether the parent's.
    fn forget_quietly(&mut self, index: TrunkIndex) -> Option<(String, bool)> {
        let gone = self.trunks.get_mut(index)?.take()?;
        self.relay.detach(index, now());
        self.make_figures();
        Some((gone.trunk.peer.clone(), gone.is_parent))
    }

    fn dial(&mut self) {
        let Some(parent) = self.parent.poll(now()) else { return };
        let (port, met) = (Arc::clone(&self.port), self.met.0.clone());
        tokio::spawn(async move {
            let outcome = dial(&port, &parent).await;
            // The carrier has ended: nobody needs the trunk.
            let _ = met.send(Met { parent: Some(parent.name), outcome }).await;
        });
    }

    fn tick(&mut self) {
        self.n_ticks += 1;
        let now = now();
        for it in self.trunks.iter_mut().flatten() {
            let frames = &it.trunk.frames;
            // A full queue means a trunk that does not move: its beats will say so.
            it.repair.due(now, &mut |frame| drop(frames.try_send(frame)));
        }
        if self.n_ticks.is_multiple_of(RELAY_TICKS) {
            self.relay.handle_timeout(now);
            let relay = &self.relay;
            self.sent.retain(|track, layer| relay.takers(track, layer) != 0);
        }
        if self.n_ticks.is_multiple_of(FIGURES_TICKS) {
            self.make_figures();
        }
    }

    fn make_figures(&mut self) {
        let now = now();
        let ms = (now - std::mem::replace(&mut self.figured_at, now)).as_millis().max(1) as u64;
        let per_second = |bytes: u64| bytes * 8_000 / ms;
        let mut crossed = Vec::new();
        let n_out = self.sent.len() as u32;
        let reports = self.trunks.iter_mut().flatten().map(|it| {
            let (sent, received) = it.trunk.bytes();
            let (came, lost) = (it.n_came, it.repair.n_lost());
            let before = std::mem::replace(&mut it.before, (sent, received, came, lost));
            let (sent, received) = (sent - before.0, received - before.1);
            crossed.push((it.trunk.peer.clone(), sent, received));
            let (came, lost) = (came - before.2, lost - before.3);
            TrunkReport {
                peer: it.trunk.peer.clone(),
                is_parent: it.is_parent,
                rtt_us: it.trunk.rtt().as_micros().try_into().unwrap_or(u32::MAX),
                sent_bps: per_second(sent),
                received_bps: per_second(received),
                lost_permille: (lost * 1_000 / (came + lost).max(1)) as u16,
                layers: n_out + it.repair.n_streams() as u32,
            }
        });
        let reports = reports.collect();
        self.figures.set(reports, &crossed);
    }

    /// Does what the relay asks for, and hands the packets over.
    fn settle(&mut self) {
        while let Some(output) = self.relay.poll() {
            self.obey(output);
        }
        for (room, bundle) in std::mem::take(&mut self.bundles) {
            let Some(post) = self.rooms.get(&room).and_then(|it| self.posts.get(*it)) else {
                continue;
            };
            // A shard with too much to do loses them, as on a network.
            post.try_send(ToShard::Trunks(Box::new(FromTrunks::Packets { room, bundle })));
        }
    }

    fn obey(&mut self, output: Output) {
        match output {
            Output::Say(trunk, frame) => self.say(trunk, frame),
            Output::Began { room, track, about } => {
                let key = about.key.clone();
                self.tracks.insert(track, Known { room: room.clone(), key });
                self.to_shard(room.clone(), FromTrunks::Began { room, track, about });
            }
            Output::Ended { track } => {
                if let Some(Known { room, key }) = self.tracks.remove(&track) {
                    self.to_shard(room.clone(), FromTrunks::Ended { room, track, key });
                }
            }
            Output::Wanted { track, layers } => {
                self.about_track(track, |room, key| FromTrunks::Wanted {
                    room,
                    track,
                    key,
                    layers,
                });
            }
            Output::KeyFrame { track, layer } => {
                self.about_track(track, |room, key| FromTrunks::KeyFrame { room, key, layer });
            }
            Output::Clock { track, layer, rtp, unix_us } => self.about_track(track, |room, key| {
                FromTrunks::Clock { room, key, layer, rtp, unix_us }
            }),
            Output::Again { trunk, track, layer, seqs } => {
                let Some(Some(it)) = self.trunks.get(trunk) else { return };
                for datagram in seqs.into_iter().filter_map(|seq| self.sent.get(track, layer, seq))
                {
                    it.trunk.send(datagram.clone());
                }
            }
        }
    }

    fn say(&mut self, trunk: TrunkIndex, frame: Frame) {
        let Some(Some(it)) = self.trunks.get(trunk) else { return };
        if it.trunk.frames.try_send(frame).is_err() {
            // It takes nothing any more, or far too slowly: made anew, it is told everything again.
            self.drop_trunk(trunk, Why::Full);
        }
    }

    fn about_track(&self, track: u32, say: impl FnOnce(String, TrackKey) -> FromTrunks) {
        if let Some(known) = self.tracks.get(&track) {
            self.to_shard(known.room.clone(), say(known.room.clone(), known.key.clone()));
        }
    }

    fn to_shard(&self, room: String, said: FromTrunks) {
        if let Some(post) = self.rooms.get(&room).and_then(|it| self.posts.get(*it)) {
            // A shard never waits for this thread, so this one may wait for it.
            post.send(ToShard::Trunks(Box::new(said)));
        }
    }
}

/// Whether a packet may begin a key frame. Where its payload does not say, any may: a request is then made once.
fn may_begin(codec: Codec, packet: &[u8], header_len: usize) -> bool {
    match codec {
        Codec::Opus => false,
        Codec::Av1 => true,
        Codec::Vp8 | Codec::Vp9 | Codec::H264 => {
            let info = codec::read(codec, packet.get(header_len..).unwrap_or_default());
            info.starts_key_frame || info.begins_idr
        }
    }
}

/// The next thing that comes over any trunk.
async fn next_event(trunks: &mut [Option<Carried>]) -> (TrunkIndex, Event) {
    poll_fn(|context| {
        for (index, it) in trunks.iter_mut().enumerate() {
            let Some(it) = it else { continue };
            if let Poll::Ready(Some(event)) = it.trunk.events.poll_recv(context) {
                return Poll::Ready((index, event));
            }
        }
        Poll::Pending
    })
    .await
}

async fn next_parents(parents: &mut Option<Orders>) -> Vec<ParentNode> {
    if let Some(receiver) = parents {
        if let Some(wanted) = receiver.recv().await {
            return wanted;
        }
        // Nobody says anything of parents any more; the ones that are known stay.
        *parents = None;
    }
    std::future::pending().await
}
