//! What a receiver's line carries, and what is sent on it. `docs/allocation.md` has the rules. Pure
//! machines: bytes and moments go in, numbers come out.

pub(crate) mod allocate;
pub(crate) mod estimate;
pub(crate) mod feedback;
pub(crate) mod pacer;
pub(crate) mod probe;
pub(crate) mod rate;
pub(crate) mod trend;
