//! Sites whose page is open before they enter, and the calls that ring there. Kept in memory: a page says every few
//! seconds that it is open, so after a restart all of it is known again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use protocol::health::{Called, WaitingSite};
use protocol::id::{MeetingId, SiteId};
use protocol::time::Timestamp;

/// A page that was silent for so long is closed, ms: three of its pauses.
const SILENT_MS: u64 = 10_000;

/// Pages that are known at one time, over all meetings; further ones are not shown and do not ring.
const PAGES_MAX: usize = 8_192;

#[derive(Clone, Copy, Debug)]
struct Page {
    seen: u64,
    called_at: Option<Timestamp>,
}

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    pages: Mutex<HashMap<(MeetingId, SiteId), Page>>,
}

impl Waiting {
    fn pages(&self, tick: u64) -> MutexGuard<'_, HashMap<(MeetingId, SiteId), Page>> {
        // Every change is one insert or remove, so a panic elsewhere left nothing half done.
        let mut pages = self.pages.lock().unwrap_or_else(PoisonError::into_inner);
        pages.retain(|_, it| tick.saturating_sub(it.seen) <= SILENT_MS);
        pages
    }

    /// A site's page says that it is open; when it was called.
    pub(crate) fn seen(&self, meeting: MeetingId, site: SiteId, tick: u64) -> Option<Timestamp> {
        let mut pages = self.pages(tick);
        if pages.len() >= PAGES_MAX && !pages.contains_key(&(meeting, site)) {
            return None;
        }
        let page = pages.entry((meeting, site)).or_insert(Page { seen: tick, called_at: None });
        page.seen = tick;
        page.called_at
    }

    /// A site enters.
    pub(crate) fn entered(&self, meeting: MeetingId, site: SiteId, tick: u64) {
        self.pages(tick).remove(&(meeting, site));
    }

    /// Which of these would ring.
    pub(crate) fn reach(&self, meeting: MeetingId, sites: &[SiteId], tick: u64) -> Called {
        let pages = self.pages(tick);
        let is_open = |it: &SiteId| pages.contains_key(&(meeting, *it));
        let (reached, unreached) = sites.iter().copied().partition(is_open);
        Called { reached, unreached }
    }

    /// Rings.
    pub(crate) fn ring(&self, meeting: MeetingId, sites: &[SiteId], at: Timestamp, tick: u64) {
        let mut pages = self.pages(tick);
        for site in sites {
            if let Some(page) = pages.get_mut(&(meeting, *site)) {
                page.called_at = Some(at);
            }
        }
    }

    /// The open pages of a meeting.
    pub(crate) fn of(&self, meeting: MeetingId, tick: u64) -> Vec<WaitingSite> {
        let pages = self.pages(tick);
        let mut sites: Vec<_> = pages
            .iter()
            .filter(|((of, _), _)| *of == meeting)
            .map(|((_, site), page)| WaitingSite { site: *site, called_at: page.called_at })
            .collect();
        sites.sort_unstable_by_key(|it| it.site);
        sites
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_rings_where_a_page_is_open_and_nowhere_else() {
        let waiting = Waiting::default();
        let (meeting, other) = (MeetingId::from_parts(1, 1), MeetingId::from_parts(1, 2));
        let [a, b] = [SiteId::from_parts(1, 1), SiteId::from_parts(1, 2)];
        assert_eq!(waiting.seen(meeting, a, 0), None);
        let called = waiting.reach(meeting, &[a, b], 1_000);
        assert_eq!((called.reached, called.unreached), (vec![a], vec![b]));
        waiting.ring(meeting, &[a, b], Timestamp(7), 1_000);
        assert_eq!(waiting.seen(meeting, a, 2_000), Some(Timestamp(7)));
        assert_eq!(waiting.seen(meeting, b, 2_000), None, "it came after the call");
        assert!(waiting.of(other, 2_000).is_empty());
        assert_eq!(waiting.of(meeting, 2_000).len(), 2);
        assert!(waiting.of(meeting, 2_001 + SILENT_MS).is_empty(), "closed pages are forgotten");
        waiting.seen(meeting, a, 50_000);
        waiting.entered(meeting, a, 50_000);
        assert!(waiting.of(meeting, 50_000).is_empty());
    }
}
