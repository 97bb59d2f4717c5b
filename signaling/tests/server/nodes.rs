//! Media nodes of other machines, as the control plane sees them. The node here is a WebSocket that says what a test
//! wants; everything else is real.

use std::path::Path;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::{Method, StatusCode, header};
use protocol::client::{ClientMessage, ServerMessage};
use protocol::control::{MediaCommand, MediaEvent, MediaOffer};
use protocol::media::{Source, TrackKey};
use protocol::node::{
    FromNode, NODE_VERSION, NodeHello, NodeRefusal, NodeReport, NodeState, NodeView, NodeWelcome,
    ToNode, TrunkReport,
};
use protocol::role::AccountRole;
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::{PATIENCE, Page, Server};

/// A node of a test.
struct Node(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Node {
    async fn dial(server: &Server) -> Self {
        let url = format!("ws://{}/node", server.address);
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    async fn say(&mut self, value: &FromNode) {
        let text = serde_json::to_string(value).unwrap();
        self.0.send(Message::Text(text.into())).await.unwrap();
    }

    async fn hears<T>(&mut self, mut pick: impl FnMut(ToNode) -> Option<T>) -> T {
        let heard = async {
            loop {
                let message = self.0.next().await.expect("the link is open").unwrap();
                if let Message::Text(text) = message
                    && let Some(picked) = pick(serde_json::from_str(text.as_str()).unwrap())
                {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("it is said in time")
    }

    async fn command<T>(&mut self, mut pick: impl FnMut(MediaCommand) -> Option<T>) -> T {
        self.hears(|it| match it {
            ToNode::Media { command } => pick(*command),
            _ => None,
        })
        .await
    }

    async fn event(&mut self, event: MediaEvent) {
        self.say(&FromNode::Media { event: Box::new(event) }).await;
    }

    /// Says hello with a good token; the answer.
    async fn hello(&mut self, hello: NodeHello) -> Result<NodeWelcome, NodeRefusal> {
        self.say(&FromNode::Hello(Box::new(hello))).await;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<NodeWelcome, NodeRefusal> {
        self.hears(|it| match it {
            ToNode::Welcome(welcome) => Some(Ok(*welcome)),
            ToNode::Refused { why } => Some(Err(why)),
            _ => None,
        })
        .await
    }

    /// A heartbeat of a node whose trunk is up.
    async fn beat(&mut self) {
        let trunk = TrunkReport {
            peer: "root".into(),
            is_parent: true,
            rtt_us: 900,
            sent_bps: 1_000,
            received_bps: 2_000,
            lost_permille: 0,
            layers: 3,
        };
        self.say(&FromNode::Report(NodeReport {
            sessions: 0,
            load_permille: 10,
            trunks: vec![trunk],
        }))
        .await;
    }

    /// The next offer, which has been preceded by its room.
    async fn offer(&mut self) -> Box<MediaOffer> {
        let mut has_room = false;
        self.command(|it| match it {
            MediaCommand::SetRoom(room) => {
                assert_eq!((room.room.as_str(), room.tap), ("demo", None));
                has_room = true;
                None
            }
            MediaCommand::Offer(offer) => {
                assert!(
                    has_room,
                    "an offer to a room that the node does not know is refused there"
                );
                Some(offer)
            }
            _ => None,
        })
        .await
    }
}

fn request() -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.serialize_request(&key).unwrap().pem().unwrap()
}

fn hello(name: &str, parent: Option<&str>, token: &str) -> NodeHello {
    NodeHello {
        version: NODE_VERSION,
        token: token.into(),
        name: name.into(),
        parent: parent.map(Into::into),
        addresses: vec!["127.0.0.1:9".into()],
        request: request(),
        program: "0.0.0-test".into(),
    }
}

async fn token(data: &Path) -> String {
    signaling::node_token::issue(data, 1).await.unwrap()
}

/// An administrator's cookie.
async fn admin(server: &Server, data: &Path) -> String {
    let role = AccountRole::Admin;
    let password = signaling::account::give(data, "quantri", "Quản trị", role).await.unwrap();
    let body = json!({ "username": "quantri", "password": password });
    let response = server.ask(Method::POST, "/api/session", None, Some(body)).await;
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// A node to which every page of this machine is sent.
async fn joined(server: &Server, data: &Path, name: &str) -> (Node, String) {
    let admin = admin(server, data).await;
    let mut node = Node::dial(server).await;
    node.hello(hello(name, None, &token(data).await)).await.expect("a good hello");
    node.beat().await;
    let path = format!("/api/nodes/{name}");
    let change = json!({ "networks": ["127.0.0.0/8"] });
    let answer = server.ask(Method::PATCH, &path, Some(&admin), Some(change)).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    (node, admin)
}

async fn offers(page: &mut Page) {
    let (sdp, sends) = ("v=0".into(), Vec::new());
    page.say(&ClientMessage::Offer { sdp, sends, restarts: false }).await;
}

async fn lost(page: &mut Page) {
    page.hears(|it| (it == ServerMessage::MediaLost).then_some(())).await;
}

async fn offered_to_root(server: &mut Server) -> Box<MediaOffer> {
    let pick = |it| if let MediaCommand::Offer(offer) = it { Some(offer) } else { None };
    server.media.hears(pick).await
}

#[tokio::test]
async fn what_cannot_belong_to_the_tree_is_refused_by_name_and_disturbs_nobody() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let good = token(data.path()).await;
    let mut first = Node::dial(&server).await;
    let welcome = first.hello(hello("bac", None, &good)).await.expect("a good hello");
    assert!(welcome.certificate.contains("BEGIN CERTIFICATE"));
    assert_eq!(welcome.parents[0].name, "root");
    let old = NodeHello { version: 0, ..hello("x", None, &good) };
    let unsigned = NodeHello { request: "nothing".into(), ..hello("x", None, &good) };
    let nowhere = NodeHello { addresses: Vec::new(), ..hello("x", None, &good) };
    let refused = [
        (hello("x", None, "wrong"), NodeRefusal::TokenInvalid),
        (old, NodeRefusal::VersionMismatch),
        (hello("bac", None, &good), NodeRefusal::NameTaken),
        (hello("root", None, &good), NodeRefusal::NameTaken),
        (hello("a/b", None, &good), NodeRefusal::NameInvalid),
        (hello("x", Some("nobody"), &good), NodeRefusal::ParentUnknown),
        (hello("x", Some("x"), &good), NodeRefusal::ParentCircle),
        (unsigned, NodeRefusal::RequestInvalid),
        (nowhere, NodeRefusal::AddressInvalid),
    ];
    for (hello, why) in refused {
        first.beat().await;
        let mut node = Node::dial(&server).await;
        assert_eq!(node.hello(hello).await.expect_err("refused"), why);
    }
    for nonsense in ["{}", "not JSON", r#"{"type":"hello","version":1}"#] {
        let mut node = Node::dial(&server).await;
        node.0.send(Message::Text(nonsense.into())).await.unwrap();
        assert_eq!(node.answer().await.expect_err("refused"), NodeRefusal::MessageInvalid);
    }
    let desk = server.sign_in("kythuat").await;
    first.beat().await;
    let views: Vec<NodeView> = server.get_json("/api/nodes", &desk).await;
    let names: Vec<_> = views.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["bac", "root"], "who was refused left no trace");
}

#[tokio::test]
async fn a_page_is_not_a_node_and_only_an_administrator_says_what_goes_where() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let mut upgrade = format!("ws://{}/node", server.address).into_client_request().unwrap();
    let origin = format!("http://{}", server.address);
    upgrade.headers_mut().insert(header::ORIGIN, origin.parse().unwrap());
    assert!(tokio_tungstenite::connect_async(upgrade).await.is_err(), "a browser names its origin");
    let (mut node, admin) = joined(&server, data.path(), "bac").await;
    node.beat().await;
    let change = async |cookie: &str, body: serde_json::Value| {
        server.ask(Method::PATCH, "/api/nodes/bac", Some(cookie), Some(body)).await.status()
    };
    let desk = server.sign_in("kythuat").await;
    let secretary = server.sign_in("thuky").await;
    assert_eq!(change(&desk, json!({ "capacity": 9 })).await, StatusCode::FORBIDDEN);
    assert_eq!(change(&desk, json!({ "draining": true })).await, StatusCode::NO_CONTENT);
    assert_eq!(change(&secretary, json!({ "draining": false })).await, StatusCode::FORBIDDEN);
    assert_eq!(server.get("/api/nodes", Some(&secretary)).await.0, StatusCode::FORBIDDEN);
    for wrong in [json!({ "capacity": 0 }), json!({ "networks": ["here"] }), json!({ "x": 1 })] {
        assert_eq!(change(&admin, wrong).await, StatusCode::BAD_REQUEST);
    }
    let unknown = json!({ "draining": true });
    let answer = server.ask(Method::PATCH, "/api/nodes/who", Some(&admin), Some(unknown)).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let views: Vec<NodeView> = server.get_json("/api/nodes", &desk).await;
    let bac = views.iter().find(|it| it.name == "bac").unwrap();
    assert_eq!(
        (bac.state, bac.networks.as_slice()),
        (NodeState::Draining, &["127.0.0.0/8".to_owned()][..])
    );
}

#[tokio::test]
async fn a_sites_media_goes_to_its_node_and_what_another_node_says_of_it_counts_for_nothing() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let (mut node, admin) = joined(&server, data.path(), "bac").await;
    let mut page = server.page(&server.site(0).await).await;
    offers(&mut page).await;
    let offer = node.offer().await;
    let foreign = MediaEvent::Answer { request: offer.request, sdp: "v=0 of the root".into() };
    server.media.say.send(foreign).await.unwrap();
    node.event(MediaEvent::Answer { request: offer.request, sdp: "v=0 of bac".into() }).await;
    let pick = |it| if let ServerMessage::Answer { sdp } = it { Some(sdp) } else { None };
    assert_eq!(page.hears(pick).await, "v=0 of bac");
    let track = TrackKey { publisher: offer.publisher.clone(), source: Source::Camera };
    node.event(MediaEvent::TrackStarted { room: "demo".into(), track }).await;
    page.hears(|it| match it {
        ServerMessage::Fact(record) => {
            format!("{:?}", record.fact).contains("Published").then_some(())
        }
        ServerMessage::Sends { .. } => Some(()),
        _ => None,
    })
    .await;
    node.beat().await;
    let views: Vec<NodeView> = server.get_json("/api/nodes", &admin).await;
    let bac = views.iter().find(|it| it.name == "bac").unwrap();
    assert_eq!(bac.sites.len(), 1);
    assert_eq!(bac.sites[0].publisher, offer.publisher);
    assert_eq!(bac.trunk.as_ref().unwrap().rtt_us, 900);
}

#[tokio::test]
async fn the_sites_of_a_node_that_dies_offer_elsewhere_at_once_and_keep_their_seats() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let (mut node, _) = joined(&server, data.path(), "bac").await;
    let mut page = server.page(&server.site(0).await).await;
    offers(&mut page).await;
    let before = node.offer().await;
    let began = tokio::time::Instant::now();
    drop(node); // As a process that is killed: its connections are reset.
    lost(&mut page).await;
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    offers(&mut page).await;
    let after = offered_to_root(&mut server).await;
    assert_eq!(after.publisher, before.publisher, "the seat is the same");
    assert_ne!(after.session, before.session);
}

#[tokio::test]
async fn a_node_that_says_nothing_is_found_dead_within_a_second() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let (mut node, _) = joined(&server, data.path(), "bac").await;
    let mut page = server.page(&server.site(0).await).await;
    node.beat().await;
    offers(&mut page).await;
    node.offer().await;
    node.beat().await;
    let began = tokio::time::Instant::now();
    lost(&mut page).await; // The connection stands, as behind a black hole.
    let took = began.elapsed();
    assert!((Duration::from_millis(700)..Duration::from_millis(1_500)).contains(&took), "{took:?}");
    offers(&mut page).await;
    offered_to_root(&mut server).await;
    assert_eq!(node.answer().await.expect_err("it is told why"), NodeRefusal::Silent);
}

#[tokio::test]
async fn a_drained_node_gives_its_sites_away_and_a_site_goes_where_the_desk_says() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path()).await;
    let (mut node, admin) = joined(&server, data.path(), "bac").await;
    let mut page = server.page(&server.site(0).await).await;
    offers(&mut page).await;
    let offer = node.offer().await;
    node.beat().await;
    let drain = json!({ "draining": true });
    let answer = server.ask(Method::PATCH, "/api/nodes/bac", Some(&admin), Some(drain)).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    lost(&mut page).await;
    let closed = |it| match it {
        MediaCommand::CloseSession { session } => Some(session),
        _ => None,
    };
    assert_eq!(node.command(closed).await, offer.session);
    offers(&mut page).await;
    let at_root = offered_to_root(&mut server).await;
    assert_eq!(at_root.publisher, offer.publisher);
    node.beat().await;
    let back = json!({ "draining": false });
    server.ask(Method::PATCH, "/api/nodes/bac", Some(&admin), Some(back)).await;
    let units: serde_json::Value = server.get_json("/api/units", &admin).await;
    let ids = units.as_array().unwrap().iter().flat_map(|it| it["sites"].as_array().unwrap());
    for id in ids.map(|it| it["id"].as_str().unwrap()) {
        node.beat().await;
        let path = format!("/api/sites/{id}/node");
        let answer =
            server.ask(Method::PUT, &path, Some(&admin), Some(json!({ "node": "bac" }))).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    }
    lost(&mut page).await;
    node.beat().await;
    offers(&mut page).await;
    assert_eq!(
        node.command(|it| match it {
            MediaCommand::Offer(offer) => Some(offer.publisher),
            _ => None,
        })
        .await,
        offer.publisher
    );
}
