//! The only folder that names webrtc-rs: ICE-lite checks, DTLS with key export, SRTP and SRTCP, and
//! the parser of offers.

pub(crate) mod dtls;
pub(crate) mod offer;
pub(crate) mod srtp;
pub(crate) mod stun;
