//! RTP from a publisher: opened, attributed to a layer of a track, kept, and put up for the fan-out.

use std::time::Instant;

use protocol::control::MediaEvent;
use protocol::media::TrackKey;

use crate::bandwidth::demand::{Demand, LayerSet};
use crate::clock::Now;
use crate::core::Core;
use crate::core::intake::{Opened, new_layer};
use crate::room::{Crossing, LAYER_ACTIVE, LAYERS, Track};
use crate::rtp::{self, Header};
use crate::session::{Incoming, STRANGERS_MAX, STREAMS_MAX, SendLine, Session, Stream};

/// An opened packet and where it belongs.
struct Arrived {
    line: usize,
    layer: usize,
    /// Extended sequence number in the original stream.
    seq: u64,
    header: Header,
    /// Where the packet lies in the datagram's bytes.
    start: usize,
    end: usize,
    is_repair: bool,
    /// Redundant sound.
    is_red: bool,
}

/// Why a packet is not used.
enum Dropped {
    Authentication,
    Stream,
    /// Padding, a duplicate: nothing is wrong, nothing is left to do.
    Silently,
}

impl Core {
    pub(super) fn rtp(&mut self, index: usize, bytes: &mut [u8], now: Now) {
        let Some(Some(session)) = self.sessions.get_mut(index) else { return };
        if !session.budget.take(now.at) {
            self.counters.dropped_budget += 1;
            return;
        }
        let arrived = match open(session, bytes, now.at) {
            Ok(arrived) => arrived,
            Err(Dropped::Authentication) => {
                self.counters.dropped_authentication += 1;
                return;
            }
            Err(Dropped::Stream) => {
                self.counters.dropped_stream += 1;
                return;
            }
            Err(Dropped::Silently) => return,
        };
        session.heard = now.at;
        let from = session.selected;
        self.counters.received_packets += 1;
        self.counters.received_bytes += (arrived.end - arrived.start) as u64;
        if let Some(from) = from.filter(|_| !self.traces.is_empty()) {
            self.trace_in(index, from, &bytes[arrived.start..arrived.end], now);
        }
        self.arrived(index, &arrived, &bytes[arrived.start..arrived.end], now);
    }

    fn arrived(&mut self, index: usize, arrived: &Arrived, packet: &[u8], now: Now) {
        let Some(track_index) = self.track_of(index, arrived, now) else {
            self.counters.dropped_stream += 1;
            return;
        };
        let Some(room_index) = self.session(index).map(|it| it.room) else { return };
        let Arrived { layer, seq, header, is_repair, is_red, .. } = *arrived;
        let opened = Opened { layer, seq, header, packet, is_repair, is_red };
        self.take_in((room_index, track_index), &opened, now);
    }

    /// The track and layer of a packet, made when its first one comes. `None` if they belong to somebody
    /// else: to a newer connection of the same publisher, or to another stream that is still coming.
    fn track_of(&mut self, index: usize, arrived: &Arrived, now: Now) -> Option<usize> {
        let session = self.sessions.get_mut(index)?.as_deref_mut()?;
        let (room_index, serial) = (session.room, session.serial);
        let send = session.sends.get_mut(arrived.line)?;
        let room = self.rooms.get_mut(room_index)?.as_mut()?;
        let track_index = match send.track {
            Some(track) => track,
            None if send.is_superseded => return None,
            None => {
                let key = TrackKey { publisher: session.publisher.clone(), source: send.source };
                let former = room.find_any(&key);
                let new = new_track(key.clone(), index, send, now.at);
                if let Some(former) = former {
                    // The same publisher came in anew; its former connection has nothing to say.
                    if self.serial_of_publisher(room_index, former)? > serial {
                        return None;
                    }
                    self.orphan(room_index, former);
                }
                let room = self.rooms.get_mut(room_index)?.as_mut()?;
                let track = room.add_track(new, now.at)?;
                let send = self.sessions.get_mut(index)?.as_mut()?.sends.get_mut(arrived.line)?;
                send.track = Some(track);
                self.counters.tracks += 1;
                track
            }
        };
        self.come_alive(room_index, track_index);
        let room = self.rooms.get_mut(room_index)?.as_mut()?;
        let track = room.tracks.get_mut(track_index)?.as_mut()?;
        let codec = track.codec;
        let slot = track.layers.get_mut(arrived.layer)?;
        let ssrc = arrived.header.ssrc;
        let other = slot.as_ref().filter(|layer| layer.ssrc != ssrc);
        if let Some(other) = other {
            let is_coming = now.at.saturating_duration_since(other.last_packet) < LAYER_ACTIVE;
            if is_coming && !other.has_left {
                return None;
            }
            self.untap_track(room_index, track_index);
        }
        let room = self.rooms.get_mut(room_index)?.as_mut()?;
        let slot = room.tracks.get_mut(track_index)?.as_mut()?.layers.get_mut(arrived.layer)?;
        if slot.as_ref().is_none_or(|layer| layer.ssrc != ssrc) {
            self.last_origin += 1;
            *slot =
                Some(new_layer(self.last_origin, codec, (&arrived.header, arrived.seq), now.at));
            self.touch(room_index, true);
            // Whoever publishes is looked at more often, beginning now.
            self.schedule(index, now.at);
        }
        self.start_room_timer(room_index, now);
        Some(track_index)
    }

    /// Tells that a track began, or began again.
    fn come_alive(&mut self, room_index: usize, track_index: usize) {
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        let Some(Some(track)) = room.tracks.get(track_index) else { return };
        if track.is_live {
            return;
        }
        let key = track.key.clone();
        room.set_live(track_index, true);
        let room = room.state.room.clone();
        self.events.push_back(MediaEvent::TrackStarted { room, track: key });
        self.tell_trunks_track(room_index, track_index);
        self.touch(room_index, true);
    }

    /// Which incarnation of a session publishes a track.
    fn serial_of_publisher(&self, room_index: usize, track_index: usize) -> Option<u64> {
        let room = self.rooms.get(room_index)?.as_ref()?;
        let owner = room.tracks.get(track_index)?.as_ref()?.session;
        Some(self.session(owner).map_or(0, |session| session.serial))
    }

    /// Takes a track away from the session that published it. What is known of its streams stays: without
    /// their rollover counters, nothing of them could be opened any more.
    fn orphan(&mut self, room_index: usize, track_index: usize) {
        let owner = self
            .rooms
            .get(room_index)
            .and_then(|room| room.as_ref()?.tracks.get(track_index)?.as_ref())
            .map(|track| track.session);
        if let Some(session) = owner.and_then(|owner| self.session_mut(owner)) {
            for send in &mut session.sends {
                if send.track == Some(track_index) {
                    send.track = None;
                }
            }
        }
        self.end_track(room_index, track_index);
    }

    /// A track is over: nobody carries it any more.
    pub(super) fn end_track(&mut self, room_index: usize, track_index: usize) {
        self.untap_track(room_index, track_index);
        let Some(Some(room)) = self.rooms.get_mut(room_index) else { return };
        self.tap.extend(room.tap.flush());
        let receivers = room.sessions.clone();
        let Some(track) = room.remove_track(track_index) else { return };
        if track.is_live {
            self.tell_stopped(room_index, &track);
        }
        self.counters.tracks = self.counters.tracks.saturating_sub(1);
        for receiver in receivers {
            let Some(session) = self.session_mut(receiver) else { continue };
            let carried = session.lines.iter().position(|line| line.track == Some(track_index));
            if let Some(line) = carried {
                session.assign(line, None);
            }
        }
        self.touch(room_index, true);
    }
}

fn new_track(key: TrackKey, session: usize, send: &SendLine, now: Instant) -> Track {
    Track {
        clock_rate: send.chosen.codec.clock_rate(),
        codec: send.chosen.codec,
        key,
        session,
        order: 0,
        payload_type: send.chosen.payload_type,
        red: send.chosen.red,
        level_id: send.extensions.audio_level,
        dependency_id: send.extensions.dependency,
        repairs: send.chosen.feedback.contains(&"nack"),
        group: 0,
        is_allowed: false,
        is_live: false,
        last_packet: now,
        layers: [None, None, None],
        offered: offered(send),
        demand: Demand::new(now),
        receivers: Vec::new(),
        crossing: Crossing::default(),
    }
}

/// The layers that a line announced; one that announced none has the sharpest.
fn offered(send: &SendLine) -> LayerSet {
    let layers = send.rids.iter().filter_map(|rid| layer_of(&send.rids, rid.as_bytes()));
    let offered = layers.fold(0, |set, layer| set | 1 << layer);
    if offered == 0 { 1 << (LAYERS.len() - 1) } else { offered }
}

/// Opens a packet and finds out what it is. Nothing is learnt from a packet that is not authentic.
fn open(session: &mut Session, bytes: &mut [u8], now: Instant) -> Result<Arrived, Dropped> {
    let header = rtp::parse(bytes).ok_or(Dropped::Authentication)?;
    let known = session.incoming.get(&header.ssrc).copied();
    if known.is_none() && !may_be_new(session, header.ssrc) {
        return Err(Dropped::Stream);
    }
    let mut window = known.map(|it| it.window).unwrap_or_default();
    let index = window.index(header.seq).ok_or(Dropped::Authentication)?;
    let srtp = session.srtp.as_mut().ok_or(Dropped::Authentication)?;
    let Some(len) = srtp.remote.open(bytes, header.len, header.ssrc, index) else {
        session.n_strangers = session.n_strangers.saturating_add(u32::from(known.is_none()));
        return Err(Dropped::Authentication);
    };
    let packet = &bytes[..len];
    let stream = match known {
        Some(it) => it.stream,
        None => identify(session, &header, packet).ok_or_else(|| {
            if !session.unidentified.contains(&header.ssrc) {
                session.unidentified.push(header.ssrc);
            }
            Dropped::Stream
        })?,
    };
    window.accept(index);
    session.incoming.insert(header.ssrc, Incoming { stream, window });
    let (Stream::Media { line, layer } | Stream::Rtx { line, layer }) = stream;
    let send = session.sends.get_mut(line).ok_or(Dropped::Stream)?;
    if send.extensions.transport_cc != 0
        && let Some([high, low]) = header.extension(packet, send.extensions.transport_cc)
    {
        session.transport_cc.packet(u16::from_be_bytes([*high, *low]), now);
    }
    let end = rtp::unpadded_len(&header, packet).ok_or(Dropped::Stream)?;
    match stream {
        Stream::Media { .. } => {
            let is_red = Some(header.payload_type) == send.chosen.red;
            if header.payload_type != send.chosen.payload_type && !is_red {
                return Err(Dropped::Stream);
            }
            send.layer_ssrcs[layer] = Some(header.ssrc);
            Ok(Arrived { line, layer, seq: index, header, start: 0, end, is_repair: false, is_red })
        }
        Stream::Rtx { .. } => {
            if Some(header.payload_type) != send.chosen.rtx {
                return Err(Dropped::Stream);
            }
            let (ssrc, payload_type) = (send.layer_ssrcs[layer], send.chosen.payload_type);
            repair(session, bytes, (header, end), (line, layer), ssrc.zip(Some(payload_type)))
        }
    }
}

/// Whether a stream that is not known yet is worth opening. The fallback cipher keeps memory for every
/// stream that it is shown, so it is not shown any number of them.
fn may_be_new(session: &Session, ssrc: u32) -> bool {
    let keeps_memory = session.srtp.as_ref().is_some_and(|srtp| srtp.remote.keeps_memory());
    let is_waiting = session.unidentified.contains(&ssrc);
    session.incoming.len() < STREAMS_MAX
        && (is_waiting || session.unidentified.len() < STREAMS_MAX)
        && !(keeps_memory && session.n_strangers >= STRANGERS_MAX)
}

/// Puts a retransmitted packet back into its original form (RFC 4588 §4), in place.
fn repair(
    session: &mut Session,
    bytes: &mut [u8],
    (header, end): (Header, usize),
    (line, layer): (usize, usize),
    original: Option<(u32, u8)>,
) -> Result<Arrived, Dropped> {
    // Padding in the retransmission stream is how browsers probe the line: it carries nothing.
    let payload = bytes.get(header.len..end).ok_or(Dropped::Stream)?;
    let Some(&seq) = payload.first_chunk::<2>() else { return Err(Dropped::Silently) };
    let seq = u16::from_be_bytes(seq);
    let (ssrc, payload_type) = original.ok_or(Dropped::Silently)?;
    let media = session.incoming.get_mut(&ssrc).ok_or(Dropped::Silently)?;
    // Not held against the window: a repair may come later than a whole key frame. The packet that carries
    // it is no replay, and what is there already is not stored again.
    let index = media.window.nearest(seq).ok_or(Dropped::Silently)?;
    media.window.accept(index);
    // The original number's two bytes make room for the header to move up.
    bytes.copy_within(..header.len, 2);
    bytes[3] = u8::from(header.marker) << 7 | payload_type;
    bytes[4..6].copy_from_slice(&seq.to_be_bytes());
    bytes[10..14].copy_from_slice(&ssrc.to_be_bytes());
    let header = rtp::parse(&bytes[2..end]).ok_or(Dropped::Stream)?;
    Ok(Arrived { line, layer, seq: index, header, start: 2, end, is_repair: true, is_red: false })
}

/// Which stream an SSRC is: by the line and layer that its packets name, else by what the offer said.
fn identify(session: &Session, header: &Header, packet: &[u8]) -> Option<Stream> {
    let sends = &session.sends;
    let text = |id: u8| (id != 0).then(|| header.extension(packet, id)).flatten();
    let by_mid = sends
        .iter()
        .position(|send| text(send.extensions.mid).is_some_and(|mid| mid == send.mid.as_bytes()));
    let announced = |send: &SendLine| {
        send.ssrcs.iter().position(|it| it.0 == header.ssrc || it.1 == Some(header.ssrc))
    };
    let speaks = |send: &SendLine| {
        let chosen = &send.chosen;
        let theirs = Some(header.payload_type);
        Some(chosen.payload_type) == theirs || chosen.rtx == theirs || chosen.red == theirs
    };
    let by_type = || {
        let mut speaking = sends.iter().enumerate().filter(|(_, send)| speaks(send));
        let only = speaking.next()?.0;
        speaking.next().is_none().then_some(only)
    };
    let line = by_mid
        .or_else(|| sends.iter().position(|send| announced(send).is_some()))
        .or_else(by_type)?;
    let send = sends.get(line)?;
    let is_rtx = send.chosen.rtx == Some(header.payload_type);
    let id = if is_rtx { send.extensions.repaired_rid } else { send.extensions.rid };
    let layer = match text(id).filter(|_| !send.rids.is_empty()) {
        Some(rid) => layer_of(&send.rids, rid)?,
        // Several layers and not one name: wait for a packet that says which.
        None if send.rids.len() > 1 => return None,
        None => 2,
    };
    Some(if is_rtx { Stream::Rtx { line, layer } } else { Stream::Media { line, layer } })
}

/// Names by which browsers and encoders call their layers, lowest first.
const RID_NAMES: [[&str; 3]; 2] = [["l", "m", "h"], ["q", "h", "f"]];

/// A layer by its name if all names are of one kind, else by its place in the list, lowest first.
fn layer_of(rids: &[String], rid: &[u8]) -> Option<usize> {
    let place = rids.iter().position(|it| it.as_bytes() == rid)?;
    let names = RID_NAMES.iter().find(|names| rids.iter().all(|it| names.contains(&it.as_str())));
    let named = names.and_then(|names| names.iter().position(|name| name.as_bytes() == rid));
    named.or_else(|| (place + 3).checked_sub(rids.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_known_by_name_or_by_place() {
        let of = |rids: &[&str], rid: &str| {
            let rids: Vec<String> = rids.iter().map(|it| (*it).to_owned()).collect();
            layer_of(&rids, rid.as_bytes())
        };
        assert_eq!(of(&["h", "m", "l"], "l"), Some(0));
        assert_eq!(of(&["l", "h"], "h"), Some(2));
        assert_eq!(of(&["q", "h", "f"], "h"), Some(1));
        assert_eq!(of(&["a", "b", "c"], "b"), Some(1));
        assert_eq!(of(&["a", "b"], "b"), Some(2));
        assert_eq!(of(&["a"], "x"), None);
    }
}
