//! How the node's trunks do, for the control plane and for operators.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use protocol::node::TrunkReport;

/// Nodes of which totals are kept; of more, only the newest reports are told.
const PEERS_MAX: usize = 256;

#[derive(Debug, Default)]
struct Inner {
    reports: Vec<TrunkReport>,
    /// Bytes sent and received over trunks to a node since this one began.
    totals: BTreeMap<String, (u64, u64)>,
}

/// Shared between the thread that carries the trunks and whoever asks. Written once a second.
#[derive(Debug, Default)]
pub(crate) struct Figures(Mutex<Inner>);

impl Figures {
    /// Takes over the reports, and the bytes that crossed each trunk since the last time.
    pub(crate) fn set(&self, reports: Vec<TrunkReport>, crossed: &[(String, u64, u64)]) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (peer, sent, received) in crossed {
            if inner.totals.len() < PEERS_MAX || inner.totals.contains_key(peer) {
                let total = inner.totals.entry(peer.clone()).or_default();
                total.0 += sent;
                total.1 += received;
            }
        }
        inner.reports = reports;
    }

    /// The trunks that are up.
    pub(crate) fn reports(&self) -> Vec<TrunkReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).reports.clone()
    }

    /// Appends the metrics in Prometheus' text form.
    pub(crate) fn write(&self, out: &mut String) {
        let inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut family = |name: &str, help: &str, kind: &str, values: Vec<(&str, u64)>| {
            if values.is_empty() {
                return;
            }
            // Writing to a string cannot fail.
            let _ = write!(out, "# HELP diemcau_{name} {help}\n# TYPE diemcau_{name} {kind}\n");
            for (peer, value) in values {
                let _ = writeln!(out, "diemcau_{name}{{trunk=\"{peer}\"}} {value}");
            }
        };
        let totals = || inner.totals.iter();
        let sent = totals().map(|(peer, it)| (peer.as_str(), it.0)).collect();
        family("trunk_sent_bytes_total", "Bytes sent to another node", "counter", sent);
        let received = totals().map(|(peer, it)| (peer.as_str(), it.1)).collect();
        family(
            "trunk_received_bytes_total",
            "Bytes received from another node",
            "counter",
            received,
        );
        let of = |value: fn(&TrunkReport) -> u64| -> Vec<(&str, u64)> {
            inner.reports.iter().map(|it| (it.peer.as_str(), value(it))).collect()
        };
        family("trunk_round_trip_us", "Round trip", "gauge", of(|it| it.rtt_us.into()));
        family(
            "trunk_lost_permille",
            "Packets lost before repair, thousandths",
            "gauge",
            of(|it| it.lost_permille.into()),
        );
        family("trunk_layers", "Layers that cross", "gauge", of(|it| it.layers.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_outlive_the_trunks() {
        let figures = Figures::default();
        let mut text = String::new();
        figures.write(&mut text);
        assert_eq!(text, "", "a node without trunks says nothing of them");
        figures.set(Vec::new(), &[("cum-1".into(), 5, 7)]);
        figures.set(Vec::new(), &[("cum-1".into(), 5, 7)]);
        figures.write(&mut text);
        assert!(text.contains("diemcau_trunk_sent_bytes_total{trunk=\"cum-1\"} 10\n"), "{text}");
        assert!(text.contains("diemcau_trunk_received_bytes_total{trunk=\"cum-1\"} 14\n"));
    }
}
