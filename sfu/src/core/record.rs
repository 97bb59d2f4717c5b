//! What goes to the recorder: all granted sound, the main picture and screens at their sharpest layer,
//! other cameras at their lowest.

use protocol::id::RecordingId;
use protocol::media::{Source, TrackKey};
use protocol::tap::{self, TapKind, TapMessage, TapTrack, TapTrackInfo};

use crate::clock::Now;
use crate::codec::{Codec, red};
use crate::core::Core;
use crate::room::{LAYERS, Room, Track};
use crate::rtp::{self, Header};
use crate::speaker::TrackIndex;

/// Which layer of a track is recorded.
fn recorded_layer(room: &Room, track: &Track, now: Now) -> Option<usize> {
    // What is said in a group stays there.
    if room.state.tap.is_none() || !track.is_allowed || !track.is_live || track.group != 0 {
        return None;
    }
    let is_main = room.state.main.as_ref() == Some(&track.key);
    match track.key.source {
        Source::Camera if !is_main => track.lowest_layer(now.at),
        Source::Camera | Source::Screen | Source::Microphone | Source::ScreenAudio => {
            track.best_layer(LAYERS.len() - 1, now.at)
        }
    }
}

/// What the recorder is told of a layer.
fn info(
    recording: RecordingId,
    number: TapTrack,
    key: &TrackKey,
    (track, layer): (&Track, usize),
) -> Option<TapTrackInfo> {
    Some(TapTrackInfo {
        recording,
        track: number,
        key: key.clone(),
        layer: LAYERS[layer],
        codec: match track.codec {
            Codec::Opus => tap::Codec::Opus,
            Codec::Vp8 => tap::Codec::Vp8,
            Codec::Vp9 => tap::Codec::Vp9,
            Codec::H264 => tap::Codec::H264,
            Codec::Av1 => tap::Codec::Av1,
        },
        payload_type: track.payload_type,
        ssrc: track.layers[layer].as_ref()?.ssrc,
        clock_rate: track.clock_rate,
    })
}

impl Core {
    /// Brings the tap in step with the room.
    pub(super) fn assign_tap(&mut self, index: usize, now: Now) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let recording = room.state.tap.as_ref().map(|tap| tap.recording);
        if room.tap.recording() != recording {
            self.tap.extend(room.tap.flush());
            let tracks: Vec<TrackIndex> = room.tracks().map(|(track, _)| track).collect();
            tracks.into_iter().for_each(|track| self.untap_track(index, track));
            let Some(Some(room)) = self.rooms.get_mut(index) else { return };
            room.tap.set_recording(recording);
        }
        let (Some(recording), Some(Some(room))) = (recording, self.rooms.get(index)) else {
            return;
        };
        let wanted: Vec<(TrackIndex, Option<usize>)> =
            room.tracks().map(|(track, it)| (track, recorded_layer(room, it, now))).collect();
        for (track, layer) in wanted {
            if self.tapped_layer(index, track) != layer {
                self.untap_track(index, track);
                if let Some(layer) = layer {
                    self.tap_layer(index, recording, track, layer);
                }
            }
        }
    }

    fn tapped_layer(&self, index: usize, track: TrackIndex) -> Option<usize> {
        let track = self.rooms.get(index)?.as_ref()?.tracks.get(track)?.as_ref()?;
        track.layers.iter().position(|layer| layer.as_ref().is_some_and(|it| it.tap.is_some()))
    }

    fn tap_layer(&mut self, index: usize, recording: RecordingId, track: usize, layer: usize) {
        self.last_tap += 1;
        let number = self.last_tap;
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let Some(Some(track)) = room.tracks.get_mut(track) else { return };
        let Some(info) = info(recording, number, &track.key, (track, layer)) else { return };
        let is_video = !track.key.source.is_audio();
        if let Some(layer) = track.layers[layer].as_deref_mut() {
            layer.tap = Some(number);
            if is_video {
                layer.key_frames.want();
                room.wants_key_frames = true;
            }
        }
        self.tap.push_back(TapMessage::TrackStarted(info));
    }

    /// Ends the recording of a track.
    pub(super) fn untap_track(&mut self, index: usize, track: TrackIndex) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let Some(recording) = room.tap.recording() else { return };
        let Some(Some(track)) = room.tracks.get_mut(track) else { return };
        for layer in track.layers.iter_mut().flatten() {
            let Some(number) = layer.tap.take() else { continue };
            // What was collected before goes before.
            self.tap.extend(room.tap.flush());
            self.tap.push_back(TapMessage::TrackEnded { recording, track: number });
        }
    }

    /// Copies a packet to the recorder.
    pub(super) fn tap_packet(
        &mut self,
        index: usize,
        number: TapTrack,
        track: usize,
        (layer, seq): (usize, u64),
        now: Now,
    ) {
        let Some(Some(room)) = self.rooms.get_mut(index) else { return };
        let Some(Some(track)) = room.tracks.get(track) else { return };
        let Some(packet) = track.layers[layer].as_ref().and_then(|it| it.cache.get(seq)) else {
            return;
        };
        let (kind, at) = (TapKind::Rtp, now.unix_us);
        let full = if packet.info.is_red {
            // The recorder gets the sound alone, as if it had never been doubled.
            let Some(sound) = red::newest(packet.payload()) else { return };
            let header = Header { payload_type: track.payload_type, ..packet.header };
            room.tap.push_with(number, at, kind, |bytes| {
                rtp::write(bytes, &header, &[]);
                bytes.extend_from_slice(sound);
            })
        } else {
            room.tap.push(number, at, kind, packet.bytes())
        };
        self.tap.extend(full);
    }
}
