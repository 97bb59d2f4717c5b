//! One clock for all tracks of a recording: the node's. A track's media time goes through its sender's
//! clock (sender reports) to the node's (the reports that travelled fastest). Pure, in two passes: first a
//! survey of the whole log, then the mapping, so nothing is guessed that a later report would tell.

pub mod fit;
pub mod offset;
pub mod survey;

use fit::MediaClock;
use offset::ClockOffset;
use survey::Survey;

/// A mapping this far from a packet's arrival is not believed for that packet, µs: its source changed its
/// clock and has not reported since.
const DOUBT_US: i64 = 1_500_000;
/// Tracks of one publisher whose clocks agree this well share one clock, µs. Sound and picture of one
/// browser do; the same seat on another machine does not.
const SAME_CLOCK_US: i64 = 200_000;

/// Media time of one track to the node's clock.
#[derive(Clone, Debug)]
pub struct TrackClock {
    media: MediaClock,
    offset: ClockOffset,
}

impl TrackClock {
    /// When a packet's media was captured, µs since 1970 by the node's clock.
    pub fn node_us(&self, ticks: i64, arrival_us: i64) -> i64 {
        let sender_us = self.media.sender_us(ticks);
        let node_us = sender_us.saturating_add(self.offset.at(sender_us));
        if node_us.saturating_sub(arrival_us).saturating_abs() > DOUBT_US {
            return arrival_us;
        }
        node_us
    }
}

/// Clocks for the surveyed tracks of one part, in the same order. `publisher` tells whose each is.
pub fn clocks(tracks: &[(&str, &Survey)]) -> Vec<TrackClock> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut group_of = Vec::new();
    for (publisher, survey) in tracks {
        let own = survey.points();
        let least = own.least().unwrap_or(0);
        let found = groups.iter().position(|group| {
            group.publisher == *publisher
                && group.is_reported == survey.is_reported()
                && survey.is_reported()
                && (group.least - least).abs() < SAME_CLOCK_US
        });
        let index = found.unwrap_or_else(|| {
            groups.push(Group {
                publisher,
                is_reported: survey.is_reported(),
                least,
                points: offset::Points::default(),
            });
            groups.len() - 1
        });
        groups[index].points.merge(own);
        group_of.push(index);
    }
    let offsets: Vec<ClockOffset> = groups.iter().map(|group| group.points.fit()).collect();
    tracks
        .iter()
        .zip(group_of)
        .map(|((_, survey), group)| TrackClock {
            media: survey.media_clock(),
            offset: offsets[group].clone(),
        })
        .collect()
}

struct Group<'a> {
    publisher: &'a str,
    is_reported: bool,
    least: i64,
    points: offset::Points,
}

#[cfg(test)]
mod tests;
