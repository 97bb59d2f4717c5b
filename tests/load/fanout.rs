//! One shape: the floor, the node, the floor again, all under the same load and with the same receivers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::client::system::{self, CpuClock};
use crate::client::{Identity, Load, Window, quantile};
use crate::floor::{Floor, Plan, PlanRoom};
use crate::shape::Shape;
use crate::support::Node;
use crate::{SERVER_CORE, process};

/// Before anything is counted: first key frames, caches, branch predictors.
const WARM_UP: Duration = Duration::from_secs(2);

/// What is counted of the node, of each run of the floor, and of the floor that only sends.
const NODE: Duration = Duration::from_secs(8);
const FLOOR: Duration = Duration::from_secs(3);

/// A run in which fewer of the published packets arrived has lost more than its gaps say.
pub const DELIVERED_MIN: f64 = 0.995;

/// Figures by name; units are in the names.
pub type Figures = BTreeMap<&'static str, f64>;

/// Measures a shape once.
pub fn measure(shape: &Shape, identity: &Arc<Identity>) -> Figures {
    let mut figures = Figures::new();
    let before = floor(shape, identity, false);
    let send_only = floor(shape, identity, true);
    let node = node(shape, identity, &mut figures);
    let after = floor(shape, identity, false);
    let (first, second) = (ns_per_packet(&before), ns_per_packet(&after));
    let floor_ns = f64::midpoint(first, second);
    let send_only_ns = ns_per_packet(&send_only);
    let node_ns = ns_per_packet(&node);
    figures.insert("streams", shape.streams() as f64);
    figures.insert("floor_before_ns", first);
    figures.insert("floor_after_ns", second);
    figures.insert("floor_ns", floor_ns);
    figures.insert("send_only_ns", send_only_ns);
    figures.insert("node_ns", node_ns);
    figures.insert("ratio", node_ns / floor_ns);
    figures.insert("ratio_send_only", node_ns / send_only_ns);
    describe(&mut figures, &node, shape);
    for (name, window) in [("floor_p50_us", 0.5), ("floor_p99_us", 0.99)] {
        let of = |it: &Window| f64::from(quantile(&it.delays_us, window));
        figures.insert(name, f64::midpoint(of(&before), of(&after)));
    }
    figures.insert("floor_core", f64::midpoint(core(&before), core(&after)));
    figures.insert("floor_delivered", delivered(&before, shape).min(delivered(&after, shape)));
    figures
}

/// What a window of the node says.
pub fn describe(figures: &mut Figures, window: &Window, shape: &Shape) {
    let tally = &window.tally;
    let lost = tally.expected.saturating_sub(tally.received);
    figures.insert("packets", tally.received as f64);
    figures.insert("lost", lost as f64);
    figures.insert("loss", lost as f64 / tally.expected.max(1) as f64);
    figures.insert("delivered", delivered(window, shape));
    figures.insert("node_core", core(window));
    figures.insert("p50_us", f64::from(quantile(&window.delays_us, 0.5)));
    figures.insert("p99_us", f64::from(quantile(&window.delays_us, 0.99)));
    figures.insert("late_p99_us", f64::from(quantile(&window.late_us, 0.99)));
    figures.insert("load_busy", window.busy);
    figures.insert("load_drops", window.drops as f64);
    figures.insert("key_frames", window.key_frames as f64);
    figures.insert("repaired", tally.repaired as f64);
    figures.insert("checked", tally.checked as f64);
    figures.insert("broken", tally.broken as f64);
    figures.insert("strange", tally.strange as f64);
    figures.insert("transport_gaps", tally.transport_gaps as f64);
    let due = shape.packets_per_second() * (shape.rooms * shape.publishers) as f64;
    figures.insert("pace", window.sent as f64 / window.seconds / due);
}

/// Processor time per packet that arrived: the median of the window's seconds, so that one in which somebody
/// else thrashed the caches does not count more than another.
pub fn ns_per_packet(window: &Window) -> f64 {
    let seconds = &window.ns_per_packet;
    let n = seconds.len();
    if n == 0 { 0.0 } else { f64::midpoint(seconds[(n - 1) / 2], seconds[n / 2]) }
}

/// Share of its core that whoever forwarded used.
pub fn core(window: &Window) -> f64 {
    window.cpu.as_secs_f64() / window.seconds
}

/// Of the packets that should have arrived, those that did.
pub fn delivered(window: &Window, shape: &Shape) -> f64 {
    let copies = shape.streams() as f64 / (shape.rooms * shape.publishers) as f64;
    window.tally.received as f64 / (window.sent as f64 * copies).max(1.0)
}

/// A server with its threads on its core.
pub fn start_node(dir: &std::path::Path) -> Node {
    let node = Node::start(dir, &["--open-rooms"]);
    process::pin(node.pid(), SERVER_CORE);
    node
}

/// Measures a node under load, and beside it what else happened on its core and at its socket.
pub fn watch(load: &mut Load, length: Duration, node: &Node, figures: &mut Figures) -> Window {
    let port = node.media.port();
    let (drops, busy) = (process::udp_drops(port), process::core_busy(SERVER_CORE));
    let window = load.measure(length, CpuClock::of_process(node.pid()));
    let busy = (process::core_busy(SERVER_CORE) - busy - window.cpu.as_secs_f64()) / window.seconds;
    figures.insert("others_core", busy.max(0.0));
    figures.insert("node_drops", (process::udp_drops(port) - drops) as f64);
    // Whether receivers told it arrival times.
    figures.insert("feedback", f64::from(u8::from(load.has_feedback())));
    window
}

fn node(shape: &Shape, identity: &Arc<Identity>, figures: &mut Figures) -> Window {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let node = start_node(dir.path());
    let mut load = Load::new(identity, Some(node.http), shape.offload);
    for room in 0..shape.rooms {
        for publisher in 0..shape.publishers {
            let path = format!("/whip/room{room}/p{publisher}");
            load.publish(&path, shape.media, shape.phase(room, publisher));
        }
    }
    load.connect();
    for room in 0..shape.rooms {
        for receiver in 0..shape.receivers {
            // In a meeting a site receives under the name it publishes as, so it does not see itself.
            let name = if shape.is_meeting { "p" } else { "r" };
            let path = format!("/whep/room{room}/{name}{receiver}");
            load.receive(&path, &vec![shape.media; shape.lines()]);
        }
    }
    load.connect();
    load.run_until("first packets", |load| load.live_streams() == shape.streams());
    load.run(WARM_UP);
    watch(&mut load, NODE, &node, figures)
}

/// The floor: forwarding, or only sending.
fn floor(shape: &Shape, identity: &Arc<Identity>, sends_only: bool) -> Window {
    let socket = system::socket(true);
    let address = system::address_of(&socket);
    let mut load = Load::new(identity, None, shape.offload);
    let mut plan = Plan::default();
    for room in 0..shape.rooms {
        let mut planned = PlanRoom::default();
        for publisher in 0..shape.publishers {
            let n = room * shape.publishers + publisher;
            planned.publishers.push(if sends_only {
                (n as u16, n as u32 + 1)
            } else {
                load.publish_to_floor(address, shape.media, shape.phase(room, publisher))
            });
        }
        for receiver in 0..shape.receivers {
            let own = planned.publishers.get(receiver).filter(|_| shape.is_meeting);
            let own = own.map(|(_, ssrc)| *ssrc);
            let ssrcs: Vec<u32> = planned.publishers.iter().map(|(_, ssrc)| *ssrc).collect();
            let ssrcs: Vec<u32> = ssrcs.into_iter().filter(|it| Some(*it) != own).collect();
            let name = (room * shape.receivers + receiver) as u32 + 1;
            let to = load.receive_from_floor(address, (shape.media, &ssrcs), name);
            planned.receivers.push((to, name, own));
        }
        plan.rooms.push(planned);
    }
    let floor = if sends_only {
        Floor::send(socket, plan, identity, shape.media)
    } else {
        Floor::forward(socket, plan, identity)
    };
    load.run_until("first packets", |load| load.live_streams() == shape.streams());
    load.run(WARM_UP / 2);
    let window = load.measure(FLOOR, floor.clock);
    floor.stop();
    window
}
