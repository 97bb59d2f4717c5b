//! Votes over HTTP: what was voted, and secret polls, whose keys are made here and whose ballots are cast
//! here by whoever holds one.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use protocol::error::ErrorCode;
use protocol::id::{MeetingId, ParticipantId, VoteId};
use protocol::role::AccountRole::{Chair, Secretary};
use protocol::vote::{
    BallotCast, BallotRequest, BallotSigned, NewPoll, PollOpened, PublishedBallot, ShareOf, Tally,
    VoteMethod, VoteReport, VoteRules,
};
use sha2::{Digest as _, Sha256};

use super::access::SignedIn;
use super::body::{Body, Parsed};
use super::meetings::found;
use super::{ApiError, App};
use crate::blind;
use crate::db::polls::{self, Dropped, PollRow};
use crate::db::{facts, seats};
use crate::room::{Act, reports};
use crate::secret::{self, entropy, hex};

/// A seat's secret that is longer is not one of ours.
const SEAT_BYTES_MAX: usize = 128;

/// `GET /api/meetings/{id}/votes`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    _: SignedIn,
    Parsed(id): Parsed<MeetingId>,
) -> Result<Json<Vec<VoteReport>>, ApiError> {
    found(&app, id).await?;
    let entries = facts::list(&app.db, id).await?;
    let mut votes = reports(entries.iter().map(|it| &it.record));
    for report in &mut votes {
        if report.view.rules.method == VoteMethod::Poll {
            report.n_ballots = polls::count(&app.db, report.view.vote).await?;
        }
    }
    Ok(Json(votes))
}

/// `POST /api/meetings/{id}/polls`.
pub(super) async fn open_poll(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed(id): Parsed<MeetingId>,
    Body(new): Body<NewPoll>,
) -> Result<(StatusCode, Json<PollOpened>), ApiError> {
    let by = seat_of(&app, &account, id).await?;
    let made = tokio::task::spawn_blocking(blind::new_key).await;
    let (public_key, private_key) =
        made.map_err(|_| ErrorCode::Internal)?.map_err(|_| ErrorCode::Internal)?;
    let vote = VoteId::from_parts(u64::try_from(app.now().0).unwrap_or(0), entropy());
    polls::insert(&app.db, vote, id, &public_key, &private_key).await?;
    let rules = VoteRules {
        title: new.title,
        method: VoteMethod::Poll,
        threshold: None,
        threshold_of: ShareOf::Voted,
        quorum: None,
        held_back: true,
    };
    let opened = app.hub.act(id, Act::OpenPoll { by, vote, rules, public_key }).await;
    if let Err(code) = opened {
        polls::close(&app.db, vote).await?;
        return Err(code.into());
    }
    Ok((StatusCode::CREATED, Json(PollOpened { vote })))
}

/// `POST /api/meetings/{id}/votes/{vote}/close`: counts a poll. Done again after a crash in its middle, it
/// comes to the same.
pub(super) async fn close_poll(
    State(app): State<Arc<App>>,
    account: SignedIn,
    Parsed((id, vote)): Parsed<(MeetingId, VoteId)>,
) -> Result<StatusCode, ApiError> {
    let by = seat_of(&app, &account, id).await?;
    poll_of(&app, id, vote).await?;
    polls::close(&app.db, vote).await?;
    let ballots = polls::ballots(&app.db, vote).await?;
    let tally = ballots.iter().map(|it| it.choice.one()).fold(Tally::default(), Tally::plus);
    let ballots = digest(&ballots)?;
    app.hub.act(id, Act::ClosePoll { by, vote, tally, ballots }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// SHA-256 of the published list, as it is published.
fn digest(ballots: &[PublishedBallot]) -> Result<String, ErrorCode> {
    let text = serde_json::to_vec(ballots).map_err(|_| ErrorCode::Internal)?;
    Ok(hex(&Sha256::digest(text)))
}

/// The seat that a chair or secretary took in this meeting: what it does is written down under that name.
pub(super) async fn seat_of(
    app: &App,
    account: &SignedIn,
    id: MeetingId,
) -> Result<ParticipantId, ApiError> {
    account.require(&[Chair, Secretary])?;
    found(app, id).await?;
    let seat = seats::find_by_account(&app.db, id, account.0.id).await?;
    Ok(seat.ok_or(ErrorCode::NotInRoom)?.participant)
}

async fn poll_of(app: &App, id: MeetingId, vote: VoteId) -> Result<PollRow, ApiError> {
    let poll = polls::find(&app.db, vote).await?.filter(|it| it.meeting == id);
    poll.ok_or_else(|| ErrorCode::NotFound.into())
}

/// `POST /api/meetings/{id}/votes/{vote}/ballot`: a delegate asks for its ballot, blinded. That it did is
/// a fact; what is signed, the server cannot read.
pub(super) async fn issue(
    State(app): State<Arc<App>>,
    Parsed((id, vote)): Parsed<(MeetingId, VoteId)>,
    Body(request): Body<BallotRequest>,
) -> Result<Json<BallotSigned>, ApiError> {
    let participant = seat_in(&app, id, &request.seat).await?;
    let poll = poll_of(&app, id, vote).await?;
    let private_key = poll.private_key.ok_or(ErrorCode::VoteNotRunning)?;
    let blinded = request.blinded;
    let act = Act::IssueBallot { vote, participant, blinded: secret::hash(&blinded) };
    let signed = tokio::task::spawn_blocking(move || blind::sign(&private_key, &blinded)).await;
    let signature =
        signed.map_err(|_| ErrorCode::Internal)?.map_err(|_| ErrorCode::InvalidInput)?;
    // Given out only when it is on disk that it was.
    app.hub.act(id, act).await?;
    Ok(Json(BallotSigned { signature }))
}

async fn seat_in(app: &App, id: MeetingId, token: &str) -> Result<ParticipantId, ApiError> {
    if token.len() > SEAT_BYTES_MAX {
        return Err(ErrorCode::SeatInvalid.into());
    }
    let seat = seats::find_by_token(&app.db, token).await?;
    let seat = seat.map(|(seat, _)| seat).filter(|it| it.meeting == id);
    Ok(seat.ok_or(ErrorCode::SeatInvalid)?.participant)
}

/// `POST /api/ballots`: whoever holds a signed ballot casts it. Nobody is asked who it is, nothing is
/// logged of the request.
pub(super) async fn cast(
    State(app): State<Arc<App>>,
    Body(ballot): Body<BallotCast>,
) -> Result<StatusCode, ApiError> {
    let poll = polls::find(&app.db, ballot.vote).await?.ok_or(ErrorCode::NotFound)?;
    blind::verify(&poll.public_key, &ballot.serial, &ballot.signature)
        .map_err(|_| ErrorCode::Forbidden)?;
    match polls::cast(&app.db, ballot.vote, &ballot.serial, ballot.choice).await? {
        Dropped::In => Ok(StatusCode::NO_CONTENT),
        Dropped::CastBefore => Err(ErrorCode::AlreadyCast.into()),
        Dropped::Closed => Err(ErrorCode::VoteNotRunning.into()),
    }
}

/// `GET /api/meetings/{id}/votes/{vote}/ballots`: all ballots of a poll that was closed, for those who may be
/// in the meeting (an account, or a seat's secret as bearer token): each finds its own, anybody counts again.
pub(super) async fn ballots(
    State(app): State<Arc<App>>,
    account: Result<SignedIn, ApiError>,
    headers: HeaderMap,
    Parsed((id, vote)): Parsed<(MeetingId, VoteId)>,
) -> Result<Json<Vec<PublishedBallot>>, ApiError> {
    if account.is_err() {
        let bearer = headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let token =
            bearer.and_then(|it| it.strip_prefix("Bearer ")).ok_or(ErrorCode::NotSignedIn)?;
        seat_in(&app, id, token).await?;
    }
    if !poll_of(&app, id, vote).await?.closed {
        return Err(ErrorCode::Forbidden.into());
    }
    Ok(Json(polls::ballots(&app.db, vote).await?))
}
