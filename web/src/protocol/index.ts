// Written by `protocol/src/ts.rs` from the Rust types, where each is explained. Do not edit: change
// those, then run `make types`.

export const PROTOCOL_VERSION = 3;
export const TEXT_CHARS_MAX = 2000;
export const SUBJECT_CHARS_MAX = 200;

export type ErrorCode = "not_signed_in" | "wrong_password" | "account_locked" | "forbidden" | "not_found" | "link_invalid" | "link_expired" | "seat_invalid" | "meeting_not_open" | "meeting_opened" | "meeting_ended" | "seat_taken" | "invalid_input" | "too_large" | "too_many_requests" | "conflict" | "version_mismatch" | "unknown_message" | "invalid_sdp" | "unsupported_media" | "media_unavailable" | "recorder_unavailable" | "already_recording" | "not_recording" | "disk_full" | "composition_failed" | "render_failed" | "not_in_room" | "vote_running" | "vote_not_running" | "already_cast" | "not_elector" | "tally_mismatch" | "no_electors" | "roll_running" | "roll_not_running" | "roll_incomplete" | "floor_closed" | "chat_closed" | "scene_unknown_site" | "paper_unknown" | "paper_page_unknown" | "paper_not_shown" | "paper_not_for_all" | "paper_kind_unknown" | "paper_bomb" | "paper_unreadable" | "paper_office_missing" | "breakout_running" | "breakout_not_running" | "in_group" | "internal";

export type AccountRole = "admin" | "host" | "chair" | "secretary" | "desk";

export type RoomRole = "chair" | "secretary" | "desk" | "site" | "delegate" | "observer";

export type Source = "microphone" | "camera" | "screen" | "screen_audio";

export type TrackKey = { publisher: string, source: Source };

export type Layer = "low" | "mid" | "high";

export type Want = { track: TrackKey, layer_max: Layer };

export type Slot = { mid: string, track: TrackKey | null };

export type LimitCause = "downlink" | "uplink" | "codec";

export type SlotLimit = { mid: string, cause: LimitCause, is_paused: boolean };

export type FactRecord = { seq: number, at: number, by: string | null, fact: Fact };

export type Fact = { "type": "opened", title: string }
  | { "type": "seated", participant: string, role: RoomRole, name: string, site: string | null, account: string | null, link: string | null }
  | { "type": "joined", participant: string }
  | { "type": "left", participant: string, reason: LeaveReason }
  | { "type": "declared", participant: string, headcount: number, local_chair: string }
  | { "type": "published", participant: string, source: Source }
  | { "type": "unpublished", participant: string, source: Source }
  | { "type": "microphone_granted", participant: string, granted: boolean }
  | { "type": "self_muted", participant: string, muted: boolean }
  | { "type": "hand_raised", participant: string, raised: boolean }
  | { "type": "floor_granted", participant: string }
  | { "type": "floor_released", participant: string, held_ms: number }
  | { "type": "spoke", participant: string, from: number, ms: number }
  | { "type": "main_picture", participant: string | null, source: Source }
  | { "type": "all_muted" }
  | { "type": "packets_traced", participant: string, account: string, seconds: number }
  | { "type": "message_sent", message: string, text: string }
  | { "type": "decision_marked", message: string, decision: boolean }
  | { "type": "recording_started", recording: string }
  | { "type": "recording_failed", recording: string, code: ErrorCode }
  | { "type": "recording_stopped", recording: string }
  | { "type": "agenda" } & AgendaFact
  | { "type": "conduct" } & ConductFact
  | { "type": "roll" } & RollFact
  | { "type": "vote" } & VoteFact
  | { "type": "desk" } & DeskFact
  | { "type": "scene" } & SceneFact
  | { "type": "paper" } & PaperFact
  | { "type": "breakout" } & BreakoutFact
  | { "type": "resumed" }
  | { "type": "ended" };

export type LeaveReason = "left" | "lost" | "replaced" | "removed" | "restarted";

export type RoomSnapshot = { meeting: string, title: string, opened_at: number, ended: boolean, seq: number, participants: Array<Participant>, floor: FloorHolder | null, queue: string[], registered: Array<Registered>, main: MainPicture, recording: RecordingState | null, messages: Array<Message>, agenda: Agenda, conduct: Conduct, roll: RollView | null, vote: VoteView | null, desk: DeskView, scenes: SceneView, papers: PaperView, breakout: Breakout | null };

export type Participant = { id: string, publisher: string, role: RoomRole, name: string, site: string | null, connected: boolean, headcount: number, local_chair: string, sources: Array<Source>, microphone_granted: boolean, self_muted: boolean, spoken_ms: number };

export type FloorHolder = { participant: string, since: number, speaker: string | null };

export type MainPicture = { participant: string | null, source: Source };

export type RecordingState = { recording: string, since: number, healthy: boolean };

export type Message = { id: string, at: number, by: string | null, text: string, decision: boolean };

export type ClientMessage = { "type": "hello", version: number, token: string, resume_after: number | null }
  | { "type": "command", id: string, command: Command }
  | { "type": "offer", sdp: string, sends: Array<SendLine>, restarts: boolean }
  | { "type": "watch", wants: Array<Want> }
  | { "type": "report", lost_permille: number, rtt_ms: number, received_bps: number }
  | { "type": "signs" } & Signs
  | { "type": "checked" } & SelfCheck
  | { "type": "ping" };

export type SendLine = { mid: string, source: Source };

export type Command = { "type": "leave" }
  | { "type": "declare", headcount: number, local_chair: string }
  | { "type": "mute_self", muted: boolean }
  | { "type": "mute", participant: string, muted: boolean }
  | { "type": "mute_all" }
  | { "type": "raise_hand", raised: boolean }
  | { "type": "lower_hand", participant: string }
  | { "type": "invite", participant: string }
  | { "type": "thank" }
  | { "type": "set_main_picture", participant: string | null, source: Source }
  | { "type": "send_message", text: string }
  | { "type": "mark_decision", message: string, decision: boolean }
  | { "type": "start_recording" }
  | { "type": "stop_recording" }
  | { "type": "remove", participant: string }
  | { "type": "agenda" } & AgendaCommand
  | { "type": "conduct" } & ConductCommand
  | { "type": "roll" } & RollCommand
  | { "type": "vote" } & VoteCommand
  | { "type": "desk" } & DeskCommand
  | { "type": "scene" } & SceneCommand
  | { "type": "paper" } & PaperCommand
  | { "type": "breakout" } & BreakoutCommand
  | { "type": "end" };

export type ServerMessage = { "type": "welcome", participant: string, epoch: string, now: number, snapshot: RoomSnapshot | null }
  | { "type": "fact" } & FactRecord
  | { "type": "came", who: [number, string, string, string] }
  | { "type": "sends", what: [number, number] }
  | { "type": "done", id: string }
  | { "type": "refused", id: string, code: ErrorCode }
  | { "type": "answer", sdp: string }
  | { "type": "media_refused", code: ErrorCode }
  | { "type": "media_lost" }
  | { "type": "slots", slots: Array<Slot> }
  | { "type": "limits", limits: Array<SlotLimit> }
  | { "type": "demand", source: Source, layers: Array<Layer>, is_watched: boolean }
  | { "type": "speakers", publishers: Array<string> }
  | { "type": "quality", lines: Array<LineQuality> }
  | { "type": "health", sites: Array<SiteHealth> }
  | { "type": "check_asked" }
  | { "type": "pong" }
  | { "type": "closed", code: ErrorCode };

export type LineQuality = { participant: string, lost_permille: number, rtt_ms: number, received_bps: number };

export type RecordingFile = { path: string, bytes: number, sha256: string };

export type RoomRoutes = { at: number, shard: number, sessions: Array<Route> };

export type Route = { session: string, publisher: string, kind: RouteKind, path: RoutePath | null, cipher: RouteCipher | null, age_ms: number, silent_ms: number, rtt_ms: number | null, estimate_bps: number | null, up: Flow, down: Flow, detail: RouteDetail | null };

export type RouteKind = "room" | "publish" | "receive" | "programme";

export type RoutePath = "udp4" | "udp6" | "tcp";

export type RouteCipher = "gcm" | "cm";

export type Flow = { n_streams: number, bps: number, lost_permille: number, jitter_ms: number, n_nacked: number };

export type RouteDetail = { tracks: Array<TrackRoute>, lines: Array<LineRoute> };

export type TrackRoute = { source: Source, codec: string, is_granted: boolean, is_live: boolean, n_receivers: number, layers: Array<LayerRoute> };

export type LayerRoute = { layer: Layer, ssrc: number, is_active: boolean, bps: number, lost_permille: number, jitter_ms: number, n_key_frames: number, n_key_frames_asked: number, n_nacked: number };

export type LineRoute = { mid: string, track: TrackKey, layer: Layer | null, layer_max: Layer, bps: number, lost_permille: number, jitter_ms: number, n_nacked: number, reason: LineReason | null };

export type LineReason = "key_frame" | "uplink" | "downlink" | "codec";

export type NewTrace = { publisher: string };

export type TraceStarted = { trace: string, seconds: number };

export type VoteMethod = "cards" | "delegates" | "consensus" | "poll";

export type Share = "over_half" | "two_thirds";

export type ShareOf = "eligible" | "voted";

export type VoteRules = { title: string, method: VoteMethod, threshold: Share | null, threshold_of: ShareOf, quorum: Share | null, held_back: boolean };

export type Tally = { agree: number, disagree: number, blank: number };

export type Elector = { participant: string, votes: number };

export type SiteTally = { site: string | null, name: string, eligible: number, tally: Tally };

export type VoteOutcome = { tally: Tally, eligible: number, quorum_met: boolean | null, adopted: boolean | null, by_site: Array<SiteTally>, ballots: string | null };

export type VoteFact = { "act": "opened", vote: string, rules: VoteRules, electors: Array<Elector>, public_key: string | null }
  | { "act": "admitted", vote: string, elector: Elector }
  | { "act": "cast", vote: string, participant: string, tally: Tally | null }
  | { "act": "refused", vote: string, participant: string, code: ErrorCode }
  | { "act": "ballot_issued", vote: string, participant: string, blinded: string }
  | { "act": "closed", vote: string, outcome: VoteOutcome }
  | { "act": "cancelled", vote: string, reason: string };

export type VoteCommand = { "act": "open", rules: VoteRules }
  | { "act": "admit", vote: string, participant: string }
  | { "act": "cast", vote: string, participant: string | null, tally: Tally }
  | { "act": "close", vote: string }
  | { "act": "cancel", vote: string, reason: string };

export type VoteView = { vote: string, rules: VoteRules, opened_at: number, electors: Array<Elector>, casts: Array<CastView>, public_key: string | null, closed_at: number | null, outcome: VoteOutcome | null };

export type CastView = { participant: string, tally: Tally | null };

export type VoteReport = { view: VoteView, cancelled: string | null, n_ballots: number };

export type NewPoll = { title: string };

export type PollOpened = { vote: string };

export type BallotRequest = { seat: string, blinded: string };

export type BallotSigned = { signature: string };

export type BallotCast = { vote: string, serial: string, signature: string, choice: Choice };

export type Choice = "agree" | "disagree" | "blank";

export type PublishedBallot = { serial: string, choice: Choice };

export type RollState = "in_person" | "online" | "absent" | "unchecked";

export type RollSite = { site: string, name: string, unit: string };

export type RollMark = { site: string, state: RollState, headcount: number, reason: string };

export type RollRow = { site: string, name: string, unit: string, state: RollState, headcount: number, local_chair: string, reason: string };

export type RollTotals = { n_sites: number, n_present: number, headcount: number };

export type RollRules = { quorum: Share | null, summoned: number };

export type RollFact = { "act": "opened", roll: string, rules: RollRules, sites: Array<RollSite> }
  | { "act": "called", roll: string, participant: string }
  | { "act": "marked", roll: string, mark: RollMark }
  | { "act": "closed", roll: string, rows: Array<RollRow>, hall: number, quorum_met: boolean | null }
  | { "act": "amended", roll: string, before: RollRow, mark: RollMark };

export type RollCommand = { "act": "call", roll: string, participant: string }
  | { "act": "mark", roll: string, mark: RollMark }
  | { "act": "close", roll: string };

export type RollView = { roll: string, rules: RollRules, opened_at: number, sites: Array<RollSite>, seen: string[], marks: Array<RollMark>, called: string | null, closed_at: number | null, rows: Array<RollRow>, hall: number, amendments: Array<Amendment> };

export type Amendment = { at: number, by: string | null, before: RollRow, mark: RollMark };

export type AgendaItem = { title: string, minutes: number, site: string | null, regime: Regime | null, scene: string | null, paper: string | null };

export type Conclusion = { title: string, text: string };

export type AgendaFact = { "act": "set", items: Array<AgendaItem> }
  | { "act": "began", index: number }
  | { "act": "concluded" } & Conclusion;

export type AgendaCommand = { "act": "set", items: Array<AgendaItem> }
  | { "act": "begin", index: number }
  | { "act": "conclude", index: number | null, text: string };

export type Agenda = { items: Array<AgendaItem>, current: number | null, since: number | null, began_at: number | null, conclusions: Array<Conclusion> };

export type Regime = "discussion" | "conducted" | "lecture";

export type QueueOrder = "arrival" | "least_spoken" | "by_unit";

export type TimeLimit = { seconds: number, grace_seconds: number };

export type Conduct = { regime: Regime, limit: TimeLimit | null, order: QueueOrder, next: string | null };

export type Registered = { participant: string, subject: string, asked_at: number };

export type NewRegistration = { subject: string };

export type Registration = { site: string | null, site_name: string, delegate: string | null, delegate_name: string, subject: string, asked_at: number };

export type ConductFact = { "act": "regime", regime: Regime }
  | { "act": "limit", limit: TimeLimit | null }
  | { "act": "order", order: QueueOrder }
  | { "act": "prepared", participant: string | null }
  | { "act": "registered" } & Registered
  | { "act": "speaks", participant: string, delegate: string };

export type ConductCommand = { "act": "regime", regime: Regime }
  | { "act": "limit", limit: TimeLimit | null }
  | { "act": "order", order: QueueOrder }
  | { "act": "prepare", participant: string | null };

export type DeskFact = { "act": "noted", message: string, to: string | null, text: string }
  | { "act": "announced", text: string }
  | { "act": "chat_set", open: boolean }
  | { "act": "called", sites: string[], reached: number };

export type DeskCommand = { "act": "note", to: string | null, text: string }
  | { "act": "announce", text: string }
  | { "act": "set_chat", open: boolean }
  | { "act": "check_again", participant: string };

export type DeskView = { notes: Array<Note>, banner: string, chat_open: boolean };

export type Note = { id: string, at: number, by: string | null, to: string | null, text: string };

export type Group = { name: string, members: string[] };

export type Breakout = { groups: Array<Group>, started_at: number, ends_at: number };

export type BreakoutFact = { "act": "opened", groups: Array<Group>, ends_at: number }
  | { "act": "moved", participant: string, group: number | null }
  | { "act": "extended", ends_at: number }
  | { "act": "closed" };

export type BreakoutCommand = { "act": "open", groups: Array<Group>, seconds: number }
  | { "act": "move", participant: string, group: number | null }
  | { "act": "extend", seconds: number }
  | { "act": "close" };

export type SceneLayout = "main" | "sides" | "grid4" | "grid9" | "grid16" | "grid25" | "document" | "recess";

export type Scene = { name: string, layout: SceneLayout, places: string[], text: string, paper: string | null, countdown_s: number };

export type SceneAudience = "all" | "chair";

export type SceneFact = { "act": "saved", scene: string, version: number, content: Scene }
  | { "act": "dropped", scene: string }
  | { "act": "shown", audience: SceneAudience, on_air: OnAir | null };

export type OnAir = { scene: string, version: number, content: Scene, until: number | null };

export type SceneCommand = { "act": "save", scene: string | null, version: number, content: Scene }
  | { "act": "drop", scene: string }
  | { "act": "show", audience: SceneAudience, scene: string | null, version: number };

export type SceneView = { kept: Array<KeptScene>, all: OnAir | null, chair: OnAir | null };

export type KeptScene = { scene: string, version: number, content: Scene };

export type PaperKind = "pdf" | "docx" | "pptx" | "xlsx" | "png" | "jpeg";

export type PaperAudience = "all" | "leaders";

export type PaperPhase = "drawing" | "ready" | "failed";

export type Paper = { id: string, name: string, kind: PaperKind, bytes: number, sha256: string, pages: number, drawn: number, phase: PaperPhase, problem: ErrorCode | null, audience: PaperAudience, open_from: number | null, open_until: number | null, added_at: number };

export type PaperChange = { name: string, audience: PaperAudience, open_from: number | null, open_until: number | null };

export type PaperEntry = { paper: string, name: string, pages: number, audience: PaperAudience, open_from: number | null, open_until: number | null };

export type PaperFact = { "act": "added", entry: PaperEntry }
  | { "act": "removed", paper: string }
  | { "act": "shown", paper: string, page: number }
  | { "act": "turned", page: number }
  | { "act": "ended" };

export type PaperCommand = { "act": "show", paper: string, page: number }
  | { "act": "turn", page: number }
  | { "act": "end" };

export type PaperView = { papers: Array<PaperEntry>, on_air: PaperOnAir | null };

export type PaperOnAir = { paper: string, page: number, by: string | null };

export type CameraSign = "live" | "black" | "frozen" | "off";

export type MicrophoneSign = "live" | "closed" | "dead" | "missing";

export type Signs = { camera: CameraSign, microphone: MicrophoneSign, level: number };

export type SelfCheck = { signs: Signs, sound_plays: boolean, media_connected: boolean, lost_permille: number, rtt_ms: number };

export type CheckView = { asked_at: number, done_at: number | null, found: SelfCheck | null };

export type SiteHealth = { participant: string, signs: Signs | null, check: CheckView | null };

export type Contact = { person: string, phone: string };

export type DeskSite = { site: string, unit: string, name: string, contact: Contact };

export type WaitingSite = { site: string, called_at: number | null };

export type WaitingAnswer = { called_at: number | null };

export type NewCall = { sites: string[] };

export type Called = { reached: string[], unreached: string[] };

export type TrunkReport = { peer: string, is_parent: boolean, rtt_us: number, sent_bps: number, received_bps: number, lost_permille: number, layers: number };

export type NodeState = "up" | "draining" | "detached" | "gone";

export type NodeSite = { publisher: string, room: string, name: string, site: string | null };

export type NodeView = { name: string, parent: string | null, state: NodeState, sessions: number, capacity: number, load_permille: number, trunk: TrunkReport | null, sites: Array<NodeSite>, units: Array<string>, networks: Array<string>, program: string };

export type NodeChange = { draining: boolean | null, units: Array<string> | null, networks: Array<string> | null, capacity: number | null };

export type SiteNode = { node: string | null };

export type Review = { step_ms: number, waveform: Array<number>, lanes: Array<SpeakerLane>, thumbs: Thumbs | null };

export type SpeakerLane = { publisher: string, name: string, speech_ms: number, spans: Array<[number, number]> };

export type Thumbs = { every_ms: number, count: number, columns: number, width: number, height: number };

export type ReviewNote = { id: string, ms: number, text: string, author: string, mine: boolean, at: number };

export type NewReviewNote = { ms: number, text: string };

export type MinutesDocument = { form: MinutesForm, parent_body: string, issuing_body: string, number: string, place: string, dated: number, title: string, started_at: number, ended_at: number, venue: string, chair: string, secretary: string, attendance: Array<AttendanceRow>, opening: string, speeches: Array<SpeechRow>, decisions: Array<DecisionRow>, votes: Array<VoteRow>, conclusion: string, recordings: Array<RecordingRow>, papers: Array<PaperRow>, recipients: Array<string>, log_hash: string };

export type MinutesForm = "state" | "party";

export type AttendanceRow = { site: string | null, name: string, present: boolean, headcount: number, local_chair: string, joined_at: number | null, left_at: number | null, connected_ms: number, remark: string };

export type SpeechRow = { at: number, name: string, speaker: string, held_ms: number, spoken_ms: number, summary: string };

export type DecisionRow = { at: number, name: string, text: string };

export type VoteRow = { at: number, rules: VoteRules, outcome: VoteOutcome, remark: string };

export type RecordingRow = { recording: string, started_at: number, ms: number, sha256: string };

export type PaperRow = { name: string, pages: number, shown: Array<[number, number]> };

export type CustodyEvent = { "type": "viewed" }
  | { "type": "downloaded", path: string }
  | { "type": "held", reason: string }
  | { "type": "released", reason: string }
  | { "type": "destruction_asked", reason: string }
  | { "type": "destruction_declined" }
  | { "type": "destroyed" };

export type CustodyEntry = { at: number, by: string, event: CustodyEvent };

export type DestructionAsked = { by: string, at: number, reason: string, mine: boolean };

export type Custody = { held: string | null, asked: DestructionAsked | null, may: Array<CustodyRight>, entries: Array<CustodyEntry>, n_entries: number };

export type CustodyRight = "hold" | "release" | "ask_destruction" | "decline_destruction" | "approve_destruction";

export type CustodyAct = { act: CustodyRight, reason: string };

export type StorageReport = { recordings: number, bytes: number, free_bytes: number, days_left: number | null };

export type Problem = { code: ErrorCode, field: string | null };

export type SignIn = { username: string, password: string };

export type Account = { id: string, username: string, name: string, role: AccountRole };

export type Unit = { id: string, parent: string | null, code: string, name: string, sites: Array<Site> };

export type Site = { id: string, unit: string, name: string };

export type MeetingState = "scheduled" | "open" | "ended";

export type Meeting = { id: string, code: string, title: string, venue: string, scheduled_at: number, state: MeetingState, opened_at: number | null, ended_at: number | null, n_sites: number, n_connected: number, n_recordings: number, has_minutes: boolean };

export type NewMeeting = { title: string, venue: string, scheduled_at: number, sites: string[] };

export type JoinLink = { id: string, site: string, site_name: string, path: string, expires_at: number, revoked: boolean, used_at: number | null };

export type JoinInfo = { title: string, scheduled_at: number, state: MeetingState, site_name: string, delegate: string | null, may_register: boolean, registered: string | null };

export type Delegate = { id: string, site: string | null, name: string, title: string, votes: boolean, path: string, came_at: number | null };

export type NewDelegate = { name: string, title: string, votes: boolean };

export type NewDelegates = { site: string | null, delegates: Array<NewDelegate> };

export type Seat = { participant: string, meeting: string, title: string, name: string, role: RoomRole, token: string };

export type RecordingPhase = "recording" | "composing" | "ready" | "failed" | "destroyed";

export type Recording = { id: string, meeting: string, title: string, started_at: number, stopped_at: number | null, phase: RecordingPhase, permille: number, remaining_ms: number, ms: number, bytes: number, files: Array<RecordingFile>, failure: ErrorCode | null, chapters: Array<Chapter> };

export type Chapter = { ms: number, kind: ChapterKind, text: string };

export type ChapterKind = "speech" | "decision" | "gap" | "page";

export type Minutes = { version: number, changed_at: number, document: MinutesDocument };

