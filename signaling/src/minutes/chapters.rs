//! Places to jump to in a recording, read from the facts.

use std::collections::HashMap;

use protocol::api::{Chapter, ChapterKind, Recording};
use protocol::fact::{Fact, FactRecord};
use protocol::id::ParticipantId;
use protocol::time::Timestamp;

/// Longest text of a chapter, in characters: a decision is read in the minutes, not in a list.
const TEXT_CHARS_MAX: usize = 120;

/// The chapters of a recording: who was given the floor, what was decided, where the server was down.
pub(crate) fn chapters(facts: &[FactRecord], recording: &Recording) -> Vec<Chapter> {
    let end = recording.stopped_at.unwrap_or(Timestamp(i64::MAX));
    let mut names: HashMap<ParticipantId, &str> = HashMap::new();
    let decided = decisions(facts);
    let mut chapters = Vec::new();
    for record in facts {
        let chapter = match &record.fact {
            Fact::Seated { participant, name, .. } => {
                names.insert(*participant, name);
                None
            }
            Fact::FloorGranted { participant } => {
                Some((ChapterKind::Speech, names.get(participant).copied().unwrap_or_default()))
            }
            Fact::MessageSent { message, text } if decided.get(message) == Some(&true) => {
                Some((ChapterKind::Decision, text.as_str()))
            }
            Fact::Resumed => Some((ChapterKind::Gap, "")),
            _ => None,
        };
        if let Some((kind, text)) = chapter
            && (recording.started_at..=end).contains(&record.at)
        {
            let text = text.chars().take(TEXT_CHARS_MAX).collect();
            chapters.push(Chapter { ms: record.at.ms_since(recording.started_at), kind, text });
        }
    }
    chapters
}

/// Messages that were ever marked, and whether the mark still stands.
pub(super) fn decisions(facts: &[FactRecord]) -> HashMap<protocol::id::MessageId, bool> {
    facts
        .iter()
        .filter_map(|record| match &record.fact {
            Fact::DecisionMarked { message, decision } => Some((*message, *decision)),
            _ => None,
        })
        .collect()
}
