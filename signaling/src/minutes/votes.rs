//! The votes of a meeting, read from its facts.

use protocol::fact::FactRecord;
use protocol::minutes::VoteRow;

use crate::room::reports;

/// Votes that were closed, in order. One that was called off decided nothing.
pub(super) fn rows(facts: &[FactRecord]) -> Vec<VoteRow> {
    let closed = reports(facts).into_iter().filter_map(|report| {
        let view = report.view;
        let outcome = view.outcome?;
        Some(VoteRow { at: view.opened_at, rules: view.rules, outcome, remark: String::new() })
    });
    closed.collect()
}
