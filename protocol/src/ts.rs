//! Writes the web's types. `DIEMCAU_WRITE_TYPES=1 cargo test -p protocol` renews the file; without it the
//! test fails when the file is stale.

use ts_rs::TS;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/src/protocol/index.ts");

macro_rules! declarations {
    ($($ty:ty),+ $(,)?) => { vec![$(<$ty as TS>::decl(&ts_rs::Config::default())),+] };
}

/// How the lines go.
fn of_insight() -> Vec<String> {
    declarations![
        crate::insight::RoomRoutes,
        crate::insight::Route,
        crate::insight::RouteKind,
        crate::insight::RoutePath,
        crate::insight::RouteCipher,
        crate::insight::Flow,
        crate::insight::RouteDetail,
        crate::insight::TrackRoute,
        crate::insight::LayerRoute,
        crate::insight::LineRoute,
        crate::insight::LineReason,
        crate::api::NewTrace,
        crate::api::TraceStarted,
    ]
}

/// What happens to recordings.
fn of_custody() -> Vec<String> {
    declarations![
        crate::custody::CustodyEvent,
        crate::custody::CustodyEntry,
        crate::custody::DestructionAsked,
        crate::custody::Custody,
        crate::custody::CustodyRight,
        crate::custody::CustodyAct,
        crate::custody::StorageReport,
    ]
}

/// The tree of media nodes.
fn of_nodes() -> Vec<String> {
    declarations![
        crate::node::TrunkReport,
        crate::node::NodeState,
        crate::node::NodeSite,
        crate::node::NodeView,
        crate::node::NodeChange,
        crate::node::SiteNode,
    ]
}

/// How the sites do.
fn of_health() -> Vec<String> {
    declarations![
        crate::health::CameraSign,
        crate::health::MicrophoneSign,
        crate::health::Signs,
        crate::health::SelfCheck,
        crate::health::CheckView,
        crate::health::SiteHealth,
        crate::health::Contact,
        crate::health::DeskSite,
        crate::health::WaitingSite,
        crate::health::WaitingAnswer,
        crate::health::NewCall,
        crate::health::Called,
    ]
}

/// The conduct of the floor.
fn of_conduct() -> Vec<String> {
    declarations![
        crate::agenda::AgendaItem,
        crate::agenda::Conclusion,
        crate::agenda::AgendaFact,
        crate::agenda::AgendaCommand,
        crate::agenda::Agenda,
        crate::conduct::Regime,
        crate::conduct::QueueOrder,
        crate::conduct::TimeLimit,
        crate::conduct::Conduct,
        crate::conduct::ConductFact,
        crate::conduct::ConductCommand,
    ]
}

/// Roll-call.
fn of_rolls() -> Vec<String> {
    declarations![
        crate::roll::RollState,
        crate::roll::RollSite,
        crate::roll::RollMark,
        crate::roll::RollRow,
        crate::roll::RollTotals,
        crate::roll::RollRules,
        crate::roll::RollFact,
        crate::roll::RollCommand,
        crate::roll::RollView,
        crate::roll::Amendment,
    ]
}

/// The control desk, and scenes.
fn of_desk() -> Vec<String> {
    declarations![
        crate::desk::DeskFact,
        crate::desk::DeskCommand,
        crate::desk::DeskView,
        crate::desk::Note,
        crate::breakout::Group,
        crate::breakout::Breakout,
        crate::breakout::BreakoutFact,
        crate::breakout::BreakoutCommand,
        crate::scene::SceneLayout,
        crate::scene::Scene,
        crate::scene::SceneAudience,
        crate::scene::SceneFact,
        crate::scene::OnAir,
        crate::scene::SceneCommand,
        crate::scene::SceneView,
        crate::scene::KeptScene,
        crate::paper::PaperKind,
        crate::paper::PaperAudience,
        crate::paper::PaperPhase,
        crate::paper::Paper,
        crate::paper::PaperChange,
        crate::paper::PaperEntry,
        crate::paper::PaperFact,
        crate::paper::PaperCommand,
        crate::paper::PaperView,
        crate::paper::PaperOnAir,
    ]
}

/// Votes.
fn of_votes() -> Vec<String> {
    declarations![
        crate::vote::VoteMethod,
        crate::vote::Share,
        crate::vote::ShareOf,
        crate::vote::VoteRules,
        crate::vote::Tally,
        crate::vote::Elector,
        crate::vote::SiteTally,
        crate::vote::VoteOutcome,
        crate::vote::VoteFact,
        crate::vote::VoteCommand,
        crate::vote::VoteView,
        crate::vote::CastView,
        crate::vote::VoteReport,
        crate::vote::NewPoll,
        crate::vote::PollOpened,
        crate::vote::BallotRequest,
        crate::vote::BallotSigned,
        crate::vote::BallotCast,
        crate::vote::Choice,
        crate::vote::PublishedBallot,
    ]
}

/// What stands beside a recording.
fn of_review() -> Vec<String> {
    declarations![
        crate::review::Review,
        crate::review::SpeakerLane,
        crate::review::Thumbs,
        crate::review::ReviewNote,
        crate::review::NewReviewNote,
    ]
}

/// The document.
fn of_minutes() -> Vec<String> {
    declarations![
        crate::minutes::MinutesDocument,
        crate::minutes::MinutesForm,
        crate::minutes::AttendanceRow,
        crate::minutes::SpeechRow,
        crate::minutes::DecisionRow,
        crate::minutes::VoteRow,
        crate::minutes::RecordingRow,
        crate::minutes::PaperRow,
    ]
}

fn text() -> String {
    let mut declarations = declarations![
        crate::error::ErrorCode,
        crate::role::AccountRole,
        crate::role::RoomRole,
        crate::media::Source,
        crate::media::TrackKey,
        crate::media::Layer,
        crate::media::Want,
        crate::media::Slot,
        crate::media::LimitCause,
        crate::media::SlotLimit,
        crate::fact::FactRecord,
        crate::fact::Fact,
        crate::fact::LeaveReason,
        crate::room::RoomSnapshot,
        crate::room::Participant,
        crate::room::FloorHolder,
        crate::room::MainPicture,
        crate::room::RecordingState,
        crate::room::Message,
        crate::client::ClientMessage,
        crate::client::SendLine,
        crate::client::Command,
        crate::client::ServerMessage,
        crate::client::LineQuality,
        crate::control::RecordingFile,
        crate::api::Problem,
        crate::api::SignIn,
        crate::api::Account,
        crate::api::Unit,
        crate::api::Site,
        crate::api::MeetingState,
        crate::api::Meeting,
        crate::api::NewMeeting,
        crate::api::JoinLink,
        crate::api::JoinInfo,
        crate::api::Delegate,
        crate::api::NewDelegate,
        crate::api::NewDelegates,
        crate::api::Seat,
        crate::api::RecordingPhase,
        crate::api::Recording,
        crate::api::Chapter,
        crate::api::ChapterKind,
        crate::api::Minutes,
    ];
    let others = [of_insight(), of_votes(), of_rolls(), of_conduct(), of_desk(), of_health()];
    declarations.extend(others.concat());
    declarations.extend([of_nodes(), of_review(), of_minutes(), of_custody()].concat());
    let mut text = String::from(
        "// Written by `protocol/src/ts.rs` from the Rust types, where each is explained. Do not edit: change\n\
         // those, then run `make types`.\n\n",
    );
    text.push_str(&format!(
        "export const PROTOCOL_VERSION = {};\nexport const TEXT_CHARS_MAX = {};\n\n",
        crate::client::VERSION,
        crate::client::TEXT_CHARS_MAX
    ));
    for declaration in declarations {
        text.push_str(&format!("export {}\n\n", without_comments(&declaration)));
    }
    text
}

/// The declaration in as few lines as it has alternatives: its explanations stand in the Rust source.
fn without_comments(declaration: &str) -> String {
    let mut rest = declaration;
    let mut bare = String::new();
    while let Some((before, comment)) = rest.split_once("/**") {
        bare.push_str(before);
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    bare.push_str(rest);
    let bare = bare.split_whitespace().collect::<Vec<_>>().join(" ");
    bare.replace(" | {", "\n  | {").replace(", }", " }")
}

#[test]
fn the_webs_types_are_those_of_the_protocol() {
    let wanted = text();
    if std::env::var_os("DIEMCAU_WRITE_TYPES").is_some() {
        std::fs::write(FILE, &wanted).expect("the web's source folder is there");
    }
    let found = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(found == wanted, "{FILE} is stale: run `make types`");
}
