//! JSON bodies and path parts, refused with our codes instead of a library's sentences.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use protocol::error::ErrorCode;
use serde::de::DeserializeOwned;

use super::error::ApiError;

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state).await.map_err(|it| refused(&it))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|_| ErrorCode::InvalidInput.into())
    }
}

/// Why a body could not be read.
pub(super) fn refused(rejection: &BytesRejection) -> ApiError {
    match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            ErrorCode::TooLarge.into()
        }
        _ => ErrorCode::InvalidInput.into(),
    }
}

/// Parts of the path: what cannot be an id is not found.
pub(super) struct Parsed<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Parsed<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(it)| Self(it)).map_err(|_| ErrorCode::NotFound.into())
    }
}
