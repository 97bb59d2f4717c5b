//! What a forwarder needs to know of a payload: no more than where a decoder can start.

pub(crate) mod vp8;
