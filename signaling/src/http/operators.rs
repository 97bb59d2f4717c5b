//! For those who run the server: is it alive, is it ready, what does it do.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;

use super::App;

/// `GET /healthz`: this process answers. Depends on nothing else.
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: database, media node and recorder answer.
pub(super) async fn readyz(State(app): State<Arc<App>>) -> impl IntoResponse {
    let mut missing = Vec::new();
    if let Err(error) = app.db.ping().await {
        tracing::warn!(%error, "not ready");
        missing.push("database");
    }
    if !app.hub.media_ready.load(Ordering::Relaxed) {
        missing.push("media");
    }
    if !app.hub.recorder_ready.load(Ordering::Relaxed) {
        missing.push("recorder");
    }
    if missing.is_empty() {
        (StatusCode::OK, "ready\n".to_owned())
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, format!("waiting for: {}\n", missing.join(", ")))
    }
}

/// `GET /version`.
pub(super) async fn version(State(app): State<Arc<App>>) -> impl IntoResponse {
    Json(serde_json::json!({ "version": app.config.version }))
}

/// `GET /metrics`, Prometheus' text format.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    let mut out = String::new();
    let rooms = app.hub.rooms();
    let sites: usize = rooms.iter().map(|it| it.n_connected.load(Ordering::Relaxed)).sum();
    let counters = &app.hub.counters;
    let count = |it: &std::sync::atomic::AtomicU64| it.load(Ordering::Relaxed);
    gauge(&mut out, "diemcau_sites_connected", "Sites connected now", sites as u64);
    gauge(&mut out, "diemcau_rooms", "Rooms open now", rooms.len() as u64);
    gauge(&mut out, "diemcau_pages", "WebSocket connections now", count(&counters.pages));
    counter(&mut out, "diemcau_facts_total", "Facts handed to the log", count(&counters.facts));
    counter(
        &mut out,
        "diemcau_refused_messages_total",
        "WebSocket messages that were not understood or came too fast",
        count(&counters.refused_messages),
    );
    counter(
        &mut out,
        "diemcau_wrong_passwords_total",
        "Sign-ins that were refused",
        count(&counters.wrong_passwords),
    );
    counter(
        &mut out,
        "diemcau_room_failures_total",
        "Rooms that failed and were restored from their facts",
        count(&counters.room_panics),
    );
    counter(
        &mut out,
        "diemcau_recording_seconds_total",
        "Seconds recorded, all recordings together",
        count(&counters.recorded_ms) / 1_000,
    );
    for source in &app.config.metrics {
        source(&mut out);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], out)
}

fn gauge(out: &mut String, name: &str, help: &str, value: u64) {
    metric(out, name, help, "gauge", value);
}

fn counter(out: &mut String, name: &str, help: &str, value: u64) {
    metric(out, name, help, "counter", value);
}

fn metric(out: &mut String, name: &str, help: &str, kind: &str, value: u64) {
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}")
        .expect("a String takes everything");
}
