//! What the node owes a publisher for each stream it sends: reports, requests for lost packets, and
//! feedback on arrival times, without which a browser never raises its bit rate.

pub(crate) mod loss;
pub(crate) mod statistics;
pub(crate) mod transport_cc;
