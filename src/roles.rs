//! Which roles run in this process and which links join them: the only wiring in the product.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use protocol::node::ROOT;
use protocol::tap::TAP_QUEUE_MAX;
use sfu::trunk::carrier::Setup;
use sfu::trunk::key::NodeKey;
use signaling::demo::DemoReport;
use signaling::token::TokenRequest;

use crate::config::Config;
use crate::{assets, cli, data_folder, demo_box, doctor, lifecycle, media, terminal};

/// Messages in flight per direction of a link. Nobody waits for room: a full queue is a lost link, and a
/// lost link is cured by sending the whole state again. Fewer would lose the link when 3,300 sites come
/// back at once; more would only hide a role that hangs.
const IN_FLIGHT_MAX: usize = 4096;

/// Runs all roles until a signal, or until one of them cannot go on.
pub(crate) async fn serve(config: Config, demo: bool, open_rooms: bool) -> anyhow::Result<()> {
    let _claim = data_folder::claim(&config.node.data)?;
    let http = config.http.listen;
    let listener = TcpListener::bind(http)
        .await
        .map_err(|error| anyhow::anyhow!(doctor::port_taken(&error, "TCP", http, "--http")))?;
    let node = bind_media(&config)?;
    let worker = std::env::current_exe().context("This program does not know its own file")?;
    let recorder = recorder::Node::open(recorder::Config {
        archive: config.node.data.join("archive"),
        worker: worker.clone(),
    })?;

    let (to_media, media_commands) = mpsc::channel(IN_FLIGHT_MAX);
    let (media_events, from_media) = mpsc::channel(IN_FLIGHT_MAX);
    let (to_recorder, recorder_commands) = mpsc::channel(IN_FLIGHT_MAX);
    let (recorder_events, from_recorder) = mpsc::channel(IN_FLIGHT_MAX);
    let (tap, tapped) = mpsc::channel(TAP_QUEUE_MAX);

    let media_address = node.local_addr();
    let key = NodeKey::generate()?;
    let trunks = media::bind_trunks(&config)?;
    let trunk_addresses = media::addresses(&node, &trunks)?;
    let running: Arc<OnceLock<sfu::Handle>> = Arc::default();
    let (metrics, report) = (Arc::clone(&running), Arc::clone(&running));
    let control = signaling::Control::open(signaling::Config {
        data: config.node.data.clone(),
        open_rooms,
        assets: assets::source(),
        worker,
        metrics: vec![Arc::new(move |out: &mut String| {
            if let Some(media) = metrics.get() {
                media.metrics(out);
            }
        })],
        root_report: Arc::new(move || report.get().map(sfu::Handle::report).unwrap_or_default()),
        version: cli::VERSION,
    })
    .await?;
    let (certificate, authority) = control
        .name_root(&key.request()?, trunk_addresses)
        .map_err(|why| anyhow::anyhow!("The root of the media tree has no name: {}", why.word()))?;
    let credentials = key.certified(&certificate, &authority)?;
    let setup =
        Setup { name: ROOT.to_owned(), socket: trunks, credentials, parents: None, told: None };
    let media = node.with_trunks(setup).run(media_commands, media_events, tap);
    // Set once, here.
    let _ = running.set(media);
    let demonstration = if demo { Some(signaling::demo::load(&control).await?) } else { None };

    let (stopper, shutdown) = lifecycle::start()?;
    announce(listener.local_addr()?, media_address, demonstration.as_ref());

    let recording = tokio::spawn(recorder.run(
        recorder_commands,
        recorder_events,
        tapped,
        shutdown.clone().asked(),
    ));
    let result = control
        .run((to_media, from_media), (to_recorder, from_recorder), listener, shutdown.asked())
        .await;
    // Whether a signal or a failure ended the control plane, the others end now too.
    stopper.stop();
    recording.await.context("The recorder ended by a defect of this program")?;
    // The metrics' share went with the control plane.
    if let Some(media) = Arc::into_inner(running).and_then(OnceLock::into_inner) {
        media.stop();
    }
    result.map_err(Into::into)
}

pub(crate) fn bind_media(config: &Config) -> anyhow::Result<sfu::Node> {
    let listen = config.media.listen;
    // Asked here first, so that a taken port gets the same sentence as a taken HTTP port.
    std::net::UdpSocket::bind(listen)
        .map_err(|error| anyhow::anyhow!(doctor::port_taken(&error, "UDP", listen, "--media")))?;
    let candidates = config.media.candidates.clone();
    let shards = config.media.shards;
    Ok(sfu::Node::bind(sfu::Config { media: listen, candidates, shards })?)
}

/// Says on standard output that the server is ready. The last line begins with `Ready:`; scripts wait
/// for it.
fn announce(http: SocketAddr, media: SocketAddr, demo: Option<&DemoReport>) {
    let url = demo_box::local_url(http);
    if let Some(demo) = demo {
        terminal::say(&demo_box::show(&url, demo));
    }
    terminal::say(&format!("Ready: {url} (media on UDP {media}; Ctrl-C stops)"));
}

/// A token for WHIP and WHEP; a server on the same data folder accepts it.
pub(crate) fn token(config: &Config, request: &TokenRequest) -> anyhow::Result<String> {
    Ok(signaling::token::issue(&config.node.data, request)?)
}
