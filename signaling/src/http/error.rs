//! Every answer that is not a success: a status, a code, sometimes the field that is wrong.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use protocol::api::Problem;
use protocol::error::ErrorCode;

use crate::db::DbError;

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    code: ErrorCode,
    field: Option<&'static str>,
}

impl ApiError {
    /// A field of the body is wrong.
    pub(crate) fn field(name: &'static str) -> Self {
        Self { code: ErrorCode::InvalidInput, field: Some(name) }
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self { code, field: None }
    }
}

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        tracing::error!(%error, "a request failed on the database");
        error.code().into()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let problem = Problem { code: self.code, field: self.field.map(str::to_owned) };
        (status(self.code), Json(problem)).into_response()
    }
}

fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::NotSignedIn | ErrorCode::WrongPassword | ErrorCode::SeatInvalid => {
            StatusCode::UNAUTHORIZED
        }
        ErrorCode::Forbidden | ErrorCode::NotElector => StatusCode::FORBIDDEN,
        ErrorCode::NotFound
        | ErrorCode::LinkInvalid
        | ErrorCode::NotInRoom
        | ErrorCode::PaperUnknown
        | ErrorCode::PaperPageUnknown => StatusCode::NOT_FOUND,
        ErrorCode::LinkExpired | ErrorCode::MeetingEnded => StatusCode::GONE,
        ErrorCode::MeetingNotOpen
        | ErrorCode::MeetingOpened
        | ErrorCode::SeatTaken
        | ErrorCode::Conflict
        | ErrorCode::AlreadyRecording
        | ErrorCode::NotRecording
        | ErrorCode::VoteRunning
        | ErrorCode::VoteNotRunning
        | ErrorCode::AlreadyCast
        | ErrorCode::NoElectors
        | ErrorCode::FloorClosed
        | ErrorCode::RollRunning
        | ErrorCode::RollNotRunning
        | ErrorCode::RollIncomplete
        | ErrorCode::ChatClosed
        | ErrorCode::BreakoutRunning
        | ErrorCode::BreakoutNotRunning
        | ErrorCode::InGroup
        | ErrorCode::SceneUnknownSite
        | ErrorCode::PaperNotShown
        | ErrorCode::PaperNotForAll => StatusCode::CONFLICT,
        ErrorCode::InvalidInput
        | ErrorCode::VersionMismatch
        | ErrorCode::UnknownMessage
        | ErrorCode::InvalidSdp
        | ErrorCode::TallyMismatch => StatusCode::BAD_REQUEST,
        ErrorCode::UnsupportedMedia
        | ErrorCode::PaperKindUnknown
        | ErrorCode::PaperBomb
        | ErrorCode::PaperUnreadable
        | ErrorCode::PaperOfficeMissing => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::TooManyRequests | ErrorCode::AccountLocked => StatusCode::TOO_MANY_REQUESTS,
        ErrorCode::MediaUnavailable | ErrorCode::RecorderUnavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::CompositionFailed | ErrorCode::RenderFailed | ErrorCode::Internal => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// There is no such path in the API.
pub(super) async fn not_found() -> ApiError {
    ErrorCode::NotFound.into()
}

/// The path is right, the verb is not.
pub(super) async fn method_not_allowed() -> Response {
    let mut response = ApiError::from(ErrorCode::InvalidInput).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
