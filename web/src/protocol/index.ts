// Written by `protocol/src/ts.rs` from the Rust types. Do not edit: change those, then run
// `make types`.

export const PROTOCOL_VERSION = 1;
export const TEXT_CHARS_MAX = 2000;

export type ErrorCode = "not_signed_in" | "wrong_password" | "account_locked" | "forbidden" | "not_found" | "link_invalid" | "link_expired" | "seat_invalid" | "meeting_not_open" | "meeting_ended" | "seat_taken" | "invalid_input" | "too_large" | "too_many_requests" | "conflict" | "version_mismatch" | "unknown_message" | "invalid_sdp" | "unsupported_media" | "media_unavailable" | "recorder_unavailable" | "already_recording" | "not_recording" | "disk_full" | "composition_failed" | "render_failed" | "not_in_room" | "internal";

export type AccountRole = "admin" | "host" | "chair" | "secretary" | "desk";

export type RoomRole = "chair" | "secretary" | "desk" | "site" | "observer";

export type Source = "microphone" | "camera" | "screen" | "screen_audio";

export type TrackKey = { 
/**
 * See the type.
 */
publisher: string, 
/**
 * See the type.
 */
source: Source, };

export type Layer = "low" | "mid" | "high";

export type Want = { 
/**
 * Which track.
 */
track: TrackKey, 
/**
 * The sharpest layer worth sending, from the size of the tile that shows it.
 */
layer_max: Layer, };

export type Slot = { 
/**
 * The line's `mid` in the session's SDP.
 */
mid: string, 
/**
 * The track it carries, or none.
 */
track: TrackKey | null, };

export type FactRecord = { 
/**
 * 1, 2, 3 … without gaps within a meeting.
 */
seq: number, 
/**
 * When it happened, by the control node's clock.
 */
at: number, 
/**
 * Who did it; none for what the system saw by itself.
 */
by: string | null, 
/**
 * What happened.
 */
fact: Fact, };

export type Fact = { "type": "opened", 
/**
 * Title of the meeting.
 */
title: string, } | { "type": "seated", 
/**
 * The seat.
 */
participant: string, 
/**
 * What it may do.
 */
role: RoomRole, 
/**
 * Name on the strip, for example "Điểm cầu xã Lệ Thủy".
 */
name: string, 
/**
 * The site, for those who sit at one.
 */
site: string | null, 
/**
 * The account, for those who signed in.
 */
account: string | null, 
/**
 * The link, for those who came by one.
 */
link: string | null, } | { "type": "joined", 
/**
 * Who.
 */
participant: string, } | { "type": "left", 
/**
 * Who.
 */
participant: string, 
/**
 * Why.
 */
reason: LeaveReason, } | { "type": "declared", 
/**
 * Which seat.
 */
participant: string, 
/**
 * Delegates present, 0 to 10,000.
 */
headcount: number, 
/**
 * The local chair's name and office (chủ trì tại điểm cầu), may be empty.
 */
local_chair: string, } | { "type": "published", 
/**
 * Whose.
 */
participant: string, 
/**
 * Which.
 */
source: Source, } | { "type": "unpublished", 
/**
 * Whose.
 */
participant: string, 
/**
 * Which.
 */
source: Source, } | { "type": "microphone_granted", 
/**
 * Whose.
 */
participant: string, 
/**
 * Open or closed.
 */
granted: boolean, } | { "type": "self_muted", 
/**
 * Whose.
 */
participant: string, 
/**
 * Closed by itself.
 */
muted: boolean, } | { "type": "hand_raised", 
/**
 * Whose.
 */
participant: string, 
/**
 * Up or down.
 */
raised: boolean, } | { "type": "floor_granted", 
/**
 * To whom.
 */
participant: string, } | { "type": "floor_released", 
/**
 * From whom.
 */
participant: string, 
/**
 * How long the floor was held, ms.
 */
held_ms: number, } | { "type": "spoke", 
/**
 * Who.
 */
participant: string, 
/**
 * When it began.
 */
from: number, 
/**
 * How long, ms.
 */
ms: number, } | { "type": "main_picture", 
/**
 * Whose; none: the chair's.
 */
participant: string | null, 
/**
 * Camera or screen.
 */
source: Source, } | { "type": "all_muted" } | { "type": "message_sent", 
/**
 * Which.
 */
message: string, 
/**
 * Text, NFC, at most 2,000 characters.
 */
text: string, } | { "type": "decision_marked", 
/**
 * Which.
 */
message: string, 
/**
 * On or off.
 */
decision: boolean, } | { "type": "recording_started", 
/**
 * Which.
 */
recording: string, } | { "type": "recording_failed", 
/**
 * Which.
 */
recording: string, 
/**
 * Why.
 */
code: ErrorCode, } | { "type": "recording_stopped", 
/**
 * Which.
 */
recording: string, } | { "type": "resumed" } | { "type": "ended" };

export type LeaveReason = "left" | "lost" | "replaced" | "removed" | "restarted";

export type RoomSnapshot = { 
/**
 * The meeting.
 */
meeting: string, 
/**
 * Its title.
 */
title: string, 
/**
 * When the room opened.
 */
opened_at: number, 
/**
 * Whether it has ended.
 */
ended: boolean, 
/**
 * Number of the last fact that this snapshot contains.
 */
seq: number, 
/**
 * Everybody who ever had a seat, in the order in which seats were given.
 */
participants: Array<Participant>, 
/**
 * Who holds the floor, and since when.
 */
floor: FloorHolder | null, 
/**
 * Raised hands, first come first.
 */
queue: string[], 
/**
 * The main picture.
 */
main: MainPicture, 
/**
 * The running recording.
 */
recording: RecordingState | null, 
/**
 * The last messages, oldest first; at most 500.
 */
messages: Array<Message>, };

export type Participant = { 
/**
 * The seat.
 */
id: string, 
/**
 * Its name at the media node ([`crate::media::TrackKey::publisher`]): its id as text for a browser,
 * the `{id}` of the path for a WHIP publisher.
 */
publisher: string, 
/**
 * What it may do.
 */
role: RoomRole, 
/**
 * Name on the strip.
 */
name: string, 
/**
 * The site it sits at.
 */
site: string | null, 
/**
 * Connected now.
 */
connected: boolean, 
/**
 * Delegates present, as the site declared.
 */
headcount: number, 
/**
 * Local chair, as the site declared.
 */
local_chair: string, 
/**
 * Tracks that arrive at the media node.
 */
sources: Array<Source>, 
/**
 * Whether the room lets its microphone through.
 */
microphone_granted: boolean, 
/**
 * Whether it closed its own microphone.
 */
self_muted: boolean, };

export type FloorHolder = { 
/**
 * Who.
 */
participant: string, 
/**
 * Since when.
 */
since: number, };

export type MainPicture = { 
/**
 * Whose; none: the chair's camera.
 */
participant: string | null, 
/**
 * Camera or screen.
 */
source: Source, };

export type RecordingState = { 
/**
 * Which.
 */
recording: string, 
/**
 * Since when.
 */
since: number, 
/**
 * The recorder writes; false while it is failing.
 */
healthy: boolean, };

export type Message = { 
/**
 * Which.
 */
id: string, 
/**
 * When.
 */
at: number, 
/**
 * Who wrote it.
 */
by: string | null, 
/**
 * Text.
 */
text: string, 
/**
 * Marked as a decision.
 */
decision: boolean, };

export type ClientMessage = { "type": "hello", 
/**
 * [`VERSION`] of the page.
 */
version: number, 
/**
 * The seat token that the HTTP API gave.
 */
token: string, 
/**
 * The last fact that this page has seen, if it was here before: it gets the rest, or a
 * snapshot when too much has happened.
 */
resume_after: number | null, } | { "type": "command", 
/**
 * Chosen by the browser; the same id is carried out once.
 */
id: string, 
/**
 * What to do.
 */
command: Command, } | { "type": "offer", 
/**
 * The SDP.
 */
sdp: string, 
/**
 * For each sending line of the offer, what it carries.
 */
sends: Array<SendLine>, } | { "type": "watch", 
/**
 * At most [`WANTS_MAX`].
 */
wants: Array<Want>, } | { "type": "report", 
/**
 * Share of packets lost in the last interval, thousandths.
 */
lost_permille: number, 
/**
 * Round-trip time, ms.
 */
rtt_ms: number, 
/**
 * Received, bit/s.
 */
received_bps: number, } | { "type": "ping" };

export type SendLine = { 
/**
 * The line's `mid`.
 */
mid: string, 
/**
 * What it carries.
 */
source: Source, };

export type Command = { "type": "leave" } | { "type": "declare", 
/**
 * 0 to 10,000.
 */
headcount: number, 
/**
 * Name and office, at most 200 characters, may be empty.
 */
local_chair: string, } | { "type": "mute_self", 
/**
 * Closed.
 */
muted: boolean, } | { "type": "mute", 
/**
 * Whose.
 */
participant: string, 
/**
 * Closed.
 */
muted: boolean, } | { "type": "mute_all" } | { "type": "raise_hand", 
/**
 * Up.
 */
raised: boolean, } | { "type": "lower_hand", 
/**
 * Whose.
 */
participant: string, } | { "type": "invite", 
/**
 * Whom.
 */
participant: string, } | { "type": "thank" } | { "type": "set_main_picture", 
/**
 * Whose.
 */
participant: string | null, 
/**
 * Camera or screen.
 */
source: Source, } | { "type": "send_message", 
/**
 * At most [`TEXT_CHARS_MAX`] characters.
 */
text: string, } | { "type": "mark_decision", 
/**
 * Which.
 */
message: string, 
/**
 * Marked.
 */
decision: boolean, } | { "type": "start_recording" } | { "type": "stop_recording" } | { "type": "remove", 
/**
 * Whom.
 */
participant: string, } | { "type": "end" };

export type ServerMessage = { "type": "welcome", 
/**
 * Who you are.
 */
participant: string, 
/**
 * Changes when the server has restarted: media has to be offered again.
 */
epoch: string, 
/**
 * The server's clock, for showing times.
 */
now: number, 
/**
 * The room, unless the session was resumed.
 */
snapshot: RoomSnapshot | null, } | { "type": "fact" } & FactRecord | { "type": "done", 
/**
 * Which.
 */
id: string, } | { "type": "refused", 
/**
 * Which.
 */
id: string, 
/**
 * Why.
 */
code: ErrorCode, } | { "type": "answer", 
/**
 * The SDP.
 */
sdp: string, } | { "type": "media_refused", 
/**
 * Why.
 */
code: ErrorCode, } | { "type": "media_lost" } | { "type": "slots", 
/**
 * In the order of the offer's receiving lines.
 */
slots: Array<Slot>, } | { "type": "speakers", 
/**
 * Publishers.
 */
publishers: Array<string>, } | { "type": "quality", 
/**
 * One for each participant that reported lately.
 */
lines: Array<LineQuality>, } | { "type": "pong" } | { "type": "closed", 
/**
 * Why.
 */
code: ErrorCode, };

export type LineQuality = { 
/**
 * Whose.
 */
participant: string, 
/**
 * Share of packets lost, thousandths.
 */
lost_permille: number, 
/**
 * Round-trip time, ms.
 */
rtt_ms: number, 
/**
 * Received, bit/s.
 */
received_bps: number, };

export type MinutesDocument = { 
/**
 * Which administrative form it is printed in.
 */
form: MinutesForm, 
/**
 * The superior body, top line left, for example "TỈNH ỦY QUẢNG TRỊ"; may be empty.
 */
parent_body: string, 
/**
 * The issuing body, for example "VĂN PHÒNG".
 */
issuing_body: string, 
/**
 * Number and symbol, for example "07/BB-VP"; may be empty until the clerk gives one.
 */
number: string, 
/**
 * Place of the date line, for example "Quảng Trị".
 */
place: string, 
/**
 * Date of the document.
 */
dated: number, 
/**
 * What the minutes are about (trích yếu): the meeting's title.
 */
title: string, 
/**
 * When the meeting began.
 */
started_at: number, 
/**
 * When it ended.
 */
ended_at: number, 
/**
 * Where: the hall, and "trực tuyến" to how many sites.
 */
venue: string, 
/**
 * Name and office of the chair.
 */
chair: string, 
/**
 * Name and office of the secretary.
 */
secretary: string, 
/**
 * Sites, in protocol order.
 */
attendance: Array<AttendanceRow>, 
/**
 * Purpose, agenda, opening: free text, paragraphs parted by an empty line.
 */
opening: string, 
/**
 * Who spoke, in order.
 */
speeches: Array<SpeechRow>, 
/**
 * Messages marked as decisions, in order.
 */
decisions: Array<DecisionRow>, 
/**
 * The chair's conclusion: free text.
 */
conclusion: string, 
/**
 * Recordings of the meeting.
 */
recordings: Array<RecordingRow>, 
/**
 * "Nơi nhận": one recipient a line.
 */
recipients: Array<string>, 
/**
 * SHA-256 (hexadecimal) of the last fact of the meeting: ties the document to the log.
 */
log_hash: string, };

export type MinutesForm = "state" | "party";

export type AttendanceRow = { 
/**
 * The site.
 */
site: string | null, 
/**
 * Its name.
 */
name: string, 
/**
 * It was connected at some time.
 */
present: boolean, 
/**
 * Delegates, as declared.
 */
headcount: number, 
/**
 * Local chair, as declared.
 */
local_chair: string, 
/**
 * First connected.
 */
joined_at: number | null, 
/**
 * Last seen.
 */
left_at: number | null, 
/**
 * Connected altogether, ms.
 */
connected_ms: number, 
/**
 * The secretary's remark, for example the reason of absence.
 */
remark: string, };

export type SpeechRow = { 
/**
 * When the floor was given.
 */
at: number, 
/**
 * Site or seat, for example "Điểm cầu xã Lệ Thủy".
 */
name: string, 
/**
 * Who spoke, name and office; the secretary fills it in.
 */
speaker: string, 
/**
 * The floor was held, ms.
 */
held_ms: number, 
/**
 * Heard speaking, ms, measured from audio.
 */
spoken_ms: number, 
/**
 * What was said; the secretary fills it in.
 */
summary: string, };

export type DecisionRow = { 
/**
 * When it was written.
 */
at: number, 
/**
 * Who wrote it.
 */
name: string, 
/**
 * Its text.
 */
text: string, };

export type RecordingRow = { 
/**
 * Which.
 */
recording: string, 
/**
 * When it began.
 */
started_at: number, 
/**
 * Its length, ms; 0 while not composed.
 */
ms: number, 
/**
 * SHA-256 of the composed video in hexadecimal; empty while not composed.
 */
sha256: string, };

export type RecordingFile = { 
/**
 * Path below the recording's folder, for example `composed.mp4`.
 */
path: string, 
/**
 * Size.
 */
bytes: number, 
/**
 * SHA-256 in hexadecimal.
 */
sha256: string, };

export type Problem = { 
/**
 * Why.
 */
code: ErrorCode, 
/**
 * The field that is wrong, where there is one.
 */
field: string | null, };

export type SignIn = { 
/**
 * Sign-in name.
 */
username: string, 
/**
 * Password.
 */
password: string, };

export type Account = { 
/**
 * The account.
 */
id: string, 
/**
 * Sign-in name.
 */
username: string, 
/**
 * Name and office, as shown.
 */
name: string, 
/**
 * Role.
 */
role: AccountRole, };

export type Unit = { 
/**
 * The unit.
 */
id: string, 
/**
 * The unit above it.
 */
parent: string | null, 
/**
 * Official code, five digits for a commune, two for a province.
 */
code: string, 
/**
 * Official name, for example "Xã Lệ Thủy".
 */
name: string, 
/**
 * Its sites.
 */
sites: Array<Site>, };

export type Site = { 
/**
 * The site.
 */
id: string, 
/**
 * Its unit.
 */
unit: string, 
/**
 * Its name, for example "Điểm cầu xã Lệ Thủy".
 */
name: string, };

export type MeetingState = "scheduled" | "open" | "ended";

export type Meeting = { 
/**
 * The meeting.
 */
id: string, 
/**
 * Short name, also the room's name for WHIP and WHEP: `demo`.
 */
code: string, 
/**
 * Title.
 */
title: string, 
/**
 * Where the hall is, for example "Hội trường UBND tỉnh".
 */
venue: string, 
/**
 * When it is planned to begin.
 */
scheduled_at: number, 
/**
 * Where it stands.
 */
state: MeetingState, 
/**
 * When the room opened.
 */
opened_at: number | null, 
/**
 * When it ended.
 */
ended_at: number | null, 
/**
 * Sites invited.
 */
n_sites: number, 
/**
 * Seats connected now, 0 unless open.
 */
n_connected: number, 
/**
 * Recordings made.
 */
n_recordings: number, 
/**
 * Whether minutes exist.
 */
has_minutes: boolean, };

export type NewMeeting = { 
/**
 * Title, 1 to 300 characters.
 */
title: string, 
/**
 * Hall, at most 200 characters.
 */
venue: string, 
/**
 * When it is planned to begin.
 */
scheduled_at: number, 
/**
 * The sites to invite; each gets a join link.
 */
sites: string[], };

export type JoinLink = { 
/**
 * The link.
 */
id: string, 
/**
 * The site it is bound to.
 */
site: string, 
/**
 * The site's name.
 */
site_name: string, 
/**
 * Path of the page, `/vao/…`, ending in 128 random bits.
 */
path: string, 
/**
 * When it stops working.
 */
expires_at: number, 
/**
 * Revoked.
 */
revoked: boolean, 
/**
 * When it was first used.
 */
used_at: number | null, };

export type JoinInfo = { 
/**
 * Title of the meeting.
 */
title: string, 
/**
 * When it is planned to begin.
 */
scheduled_at: number, 
/**
 * Where it stands.
 */
state: MeetingState, 
/**
 * Name of the site that the link is bound to.
 */
site_name: string, };

export type Seat = { 
/**
 * The seat.
 */
participant: string, 
/**
 * The meeting.
 */
meeting: string, 
/**
 * Title of the meeting.
 */
title: string, 
/**
 * Name on the strip.
 */
name: string, 
/**
 * What the seat may do.
 */
role: RoomRole, 
/**
 * Secret; proves the seat.
 */
token: string, };

export type RecordingPhase = "recording" | "composing" | "ready" | "failed";

export type Recording = { 
/**
 * The recording.
 */
id: string, 
/**
 * Of which meeting.
 */
meeting: string, 
/**
 * Title of the meeting.
 */
title: string, 
/**
 * When recording was ordered.
 */
started_at: number, 
/**
 * When it was stopped.
 */
stopped_at: number | null, 
/**
 * How far it is.
 */
phase: RecordingPhase, 
/**
 * Composition done, thousandths.
 */
permille: number, 
/**
 * Composition will take about this much longer, ms.
 */
remaining_ms: number, 
/**
 * Length: of the composed video if ready, else recorded so far, ms.
 */
ms: number, 
/**
 * Bytes in the archive so far.
 */
bytes: number, 
/**
 * What can be downloaded from `/api/recordings/{id}/files/{path}`.
 */
files: Array<RecordingFile>, 
/**
 * Why it failed.
 */
failure: ErrorCode | null, 
/**
 * Places to jump to, from the facts.
 */
chapters: Array<Chapter>, };

export type Chapter = { 
/**
 * From the start of the composed video, ms.
 */
ms: number, 
/**
 * What begins there.
 */
kind: ChapterKind, 
/**
 * Name of the site, or text of the decision.
 */
text: string, };

export type ChapterKind = "speech" | "decision" | "gap";

export type Minutes = { 
/**
 * Counts changes; a `PUT` names the one it was made from and is refused with `conflict` if another
 * came first.
 */
version: number, 
/**
 * When it was last changed.
 */
changed_at: number, 
/**
 * The document.
 */
document: MinutesDocument, };

