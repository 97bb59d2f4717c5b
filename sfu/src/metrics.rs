//! Numbers for operators. The core counts in plain integers; the shell copies them out about once a
//! second, so the hot path shares no memory with anybody.

use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[doc = $help:literal])+ $field:ident => $name:literal, $kind:literal;)+) => {
        /// What the core counts.
        #[derive(Clone, Debug, Default)]
        pub(crate) struct Counters { $($(#[doc = $help])+ pub(crate) $field: u64,)+ }

        /// The last copy of the counters, shared with whoever prints them.
        #[derive(Debug, Default)]
        pub(crate) struct Published { $($field: AtomicU64,)+ }

        impl Published {
            /// Copies the counters.
            pub(crate) fn copy(&self, from: &Counters) {
                $(self.$field.store(from.$field, Ordering::Relaxed);)+
            }

            /// Sessions connected at this shard.
            pub(crate) fn sessions(&self) -> u64 {
                self.participants.load(Ordering::Relaxed)
            }

            /// Processor time of this shard, thousandths of one core.
            pub(crate) fn load_permille(&self) -> u64 {
                self.load_permille.load(Ordering::Relaxed)
            }

            /// Appends the sums over all shards in Prometheus' text form.
            pub(crate) fn write(shards: &[std::sync::Arc<Self>], out: &mut String) {
                let mut told = "";
                $(
                    let family = $name.split('{').next().unwrap_or_default();
                    if family != told {
                        let help = concat!($($help),+).trim();
                        // Writing to a string cannot fail.
                        let _ = write!(out, "# HELP {family} {help}\n# TYPE {family} {}\n", $kind);
                        told = family;
                    }
                    let sum: u64 = shards.iter().map(|it| it.$field.load(Ordering::Relaxed)).sum();
                    let _ = writeln!(out, "{} {sum}", $name);
                )+
                let _ = told;
                Self::write_shards(shards, out);
            }
        }
    };
}

counters! {
    /// Media sessions connected to this node.
    participants => "diemcau_participants", "gauge";
    /// Rooms known to this node.
    rooms => "diemcau_media_rooms", "gauge";
    /// TCP connections that carry media.
    tcp_connections => "diemcau_media_tcp_connections", "gauge";
    /// Processor time of the media threads, thousandths of one core.
    load_permille => "diemcau_media_load_permille", "gauge";
    /// Tracks that are being published.
    tracks => "diemcau_tracks", "gauge";
    /// Authentic RTP packets from publishers.
    received_packets => "diemcau_received_packets_total", "counter";
    /// Their bytes.
    received_bytes => "diemcau_received_bytes_total", "counter";
    /// RTP packets sent to receivers, retransmissions not counted.
    forwarded_packets => "diemcau_forwarded_packets_total", "counter";
    /// Their bytes.
    forwarded_bytes => "diemcau_forwarded_bytes_total", "counter";
    /// Packets of silence that were not forwarded.
    silent_packets => "diemcau_silent_packets_total", "counter";
    /// Packets that receivers asked for again.
    nacked_packets => "diemcau_nacked_packets_total", "counter";
    /// Packets sent again.
    resent_packets => "diemcau_resent_packets_total", "counter";
    /// Packets of padding sent to find out what receivers' lines carry.
    probe_packets => "diemcau_probe_packets_total", "counter";
    /// Packets asked for again from publishers.
    requested_packets => "diemcau_requested_packets_total", "counter";
    /// Key frames asked for from publishers.
    key_frame_requests => "diemcau_key_frame_requests_total", "counter";
    /// Seconds of lines, one for each session and second, by direction and loss: under 1 %, under 5 %, more.
    up_good => "diemcau_line_seconds_total{direction=\"up\",grade=\"good\"}", "counter";
    /// See above.
    up_fair => "diemcau_line_seconds_total{direction=\"up\",grade=\"fair\"}", "counter";
    /// See above.
    up_weak => "diemcau_line_seconds_total{direction=\"up\",grade=\"weak\"}", "counter";
    /// See above.
    down_good => "diemcau_line_seconds_total{direction=\"down\",grade=\"good\"}", "counter";
    /// See above.
    down_fair => "diemcau_line_seconds_total{direction=\"down\",grade=\"fair\"}", "counter";
    /// See above.
    down_weak => "diemcau_line_seconds_total{direction=\"down\",grade=\"weak\"}", "counter";
    /// Round trips to browsers, ms, one for each session and second; divide by the number below.
    round_trip_ms => "diemcau_round_trip_ms_total", "counter";
    /// How many round trips were added up.
    round_trips => "diemcau_round_trips_total", "counter";
    /// Jitter of what publishers send, ms, the worst stream of each session and second.
    jitter_ms => "diemcau_uplink_jitter_ms_total", "counter";
    /// How many jitters were added up.
    jitters => "diemcau_uplink_jitters_total", "counter";
    /// Seconds of receiving video lines by the layer that they carried.
    lines_low => "diemcau_video_line_seconds_total{layer=\"low\"}", "counter";
    /// See above.
    lines_mid => "diemcau_video_line_seconds_total{layer=\"mid\"}", "counter";
    /// See above.
    lines_high => "diemcau_video_line_seconds_total{layer=\"high\"}", "counter";
    /// See above.
    lines_none => "diemcau_video_line_seconds_total{layer=\"none\"}", "counter";
    /// Seconds of receiving video lines that carried less than there was use for, by reason.
    limited_key_frame => "diemcau_limited_line_seconds_total{reason=\"key_frame\"}", "counter";
    /// See above.
    limited_uplink => "diemcau_limited_line_seconds_total{reason=\"uplink\"}", "counter";
    /// See above.
    limited_downlink => "diemcau_limited_line_seconds_total{reason=\"downlink\"}", "counter";
    /// See above.
    limited_codec => "diemcau_limited_line_seconds_total{reason=\"codec\"}", "counter";
    /// Datagrams or packets thrown away, by reason.
    dropped_address => "diemcau_dropped_packets_total{reason=\"unknown_address\"}", "counter";
    /// STUN that is malformed, unknown or not authentic.
    dropped_stun => "diemcau_dropped_packets_total{reason=\"stun\"}", "counter";
    /// Packets that did not open, or came before.
    dropped_authentication => "diemcau_dropped_packets_total{reason=\"not_authentic\"}", "counter";
    /// Packets of streams that nobody negotiated.
    dropped_stream => "diemcau_dropped_packets_total{reason=\"unknown_stream\"}", "counter";
    /// Packets beyond a session's budget.
    dropped_budget => "diemcau_dropped_packets_total{reason=\"budget\"}", "counter";
    /// Packets of tracks that the room does not let through.
    dropped_grant => "diemcau_dropped_packets_total{reason=\"not_granted\"}", "counter";
    /// Packets of tracks whose codec a receiver's line did not negotiate.
    dropped_codec => "diemcau_dropped_packets_total{reason=\"codec\"}", "counter";
    /// Datagrams that the socket would not take.
    dropped_send => "diemcau_dropped_packets_total{reason=\"send\"}", "counter";
    /// Datagrams that a slow TCP connection had no room for.
    dropped_tcp => "diemcau_dropped_packets_total{reason=\"tcp\"}", "counter";
    /// Datagrams that another shard had no room for.
    dropped_shard => "diemcau_dropped_packets_total{reason=\"shard\"}", "counter";
    /// Packets that the recorder's queue had no room for.
    dropped_tap => "diemcau_dropped_packets_total{reason=\"tap\"}", "counter";
    /// Packets that the carrier of trunks had no room for.
    dropped_trunk => "diemcau_dropped_packets_total{reason=\"trunk\"}", "counter";
    /// Wake-ups' worth of datagrams that crossed from one shard to another.
    shard_parcels => "diemcau_shard_parcels_total", "counter";
    /// Events that the control plane's queue had no room for.
    dropped_events => "diemcau_dropped_media_events_total", "counter";
    /// Sessions ended because something in them panicked.
    panics => "diemcau_session_panics_total", "counter";
}

/// Name after `diemcau_shard_`, help, kind, and which counter it is.
type OfShard = (&'static str, &'static str, &'static str, fn(&Published) -> &AtomicU64);

/// What is also told of each shard by itself: whether one of them carries all the load.
const OF_SHARDS: [OfShard; 5] = [
    ("participants", "Media sessions of each shard", "gauge", |it| &it.participants),
    ("received_packets_total", "RTP packets received by each shard", "counter", |it| {
        &it.received_packets
    }),
    ("forwarded_packets_total", "RTP packets forwarded by each shard", "counter", |it| {
        &it.forwarded_packets
    }),
    ("parcels_total", "Wake-ups' worth of datagrams that each shard handed on", "counter", |it| {
        &it.shard_parcels
    }),
    ("dropped_send_total", "Datagrams that each shard's socket would not take", "counter", |it| {
        &it.dropped_send
    }),
];

impl Published {
    fn write_shards(shards: &[std::sync::Arc<Self>], out: &mut String) {
        for (name, help, kind, of) in OF_SHARDS {
            // Writing to a string cannot fail.
            let _ = write!(
                out,
                "# HELP diemcau_shard_{name} {help}\n# TYPE diemcau_shard_{name} {kind}\n"
            );
            for (n, shard) in shards.iter().enumerate() {
                let value = of(shard).load(Ordering::Relaxed);
                let _ = writeln!(out, "diemcau_shard_{name}{{shard=\"{n}\"}} {value}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_printed_with_their_names() {
        let published = Published::default();
        published.copy(&Counters { participants: 3, dropped_grant: 7, ..Counters::default() });
        let mut text = String::new();
        let other = Published::default();
        other.copy(&Counters { participants: 4, ..Counters::default() });
        Published::write(&[published.into(), other.into()], &mut text);
        assert!(text.contains("\ndiemcau_participants 7\n"));
        assert!(text.contains("diemcau_dropped_packets_total{reason=\"not_granted\"} 7\n"));
        assert!(text.contains("\ndiemcau_shard_participants{shard=\"1\"} 4\n"));
        assert_eq!(text.matches("# TYPE diemcau_dropped_packets_total counter").count(), 1);
    }
}
