//! To which parent a node is attached, and to which it goes next. The control plane says where it may be, most wanted
//! first; who is where it should not be, or nowhere, dials.

use std::time::{Duration, Instant};

use protocol::node::ParentNode;

/// When nobody of the list has answered, it is gone through again after this.
const ROUND: Duration = Duration::from_millis(250);

/// A node that has a parent tries the one that it should have this often.
const BETTER: Duration = Duration::from_secs(2);

/// See the file's head.
#[derive(Debug, Default)]
pub(crate) struct Parent {
    wanted: Vec<ParentNode>,
    current: Option<String>,
    dialling: Option<String>,
    /// How many of the list have been tried in this round.
    n_tried: usize,
    not_before: Option<Instant>,
}

impl Parent {
    /// Where the node may attach from now on, most wanted first.
    pub(crate) fn set(&mut self, wanted: Vec<ParentNode>) {
        if self.wanted != wanted {
            (self.n_tried, self.not_before) = (0, None);
        }
        self.wanted = wanted;
    }

    /// Whom to dial now.
    pub(crate) fn poll(&mut self, now: Instant) -> Option<ParentNode> {
        if self.dialling.is_some() || self.not_before.is_some_and(|it| now < it) {
            return None;
        }
        let is_there = |it: &&ParentNode| self.current.as_deref() == Some(&it.name);
        let next = match &self.current {
            Some(_) => self.wanted.first().filter(|it| !is_there(it)),
            None => self.wanted.get(self.n_tried),
        }?;
        self.dialling = Some(next.name.clone());
        Some(next.clone())
    }

    /// A trunk to this parent is up. Returns the one that it takes the place of.
    pub(crate) fn up(&mut self, name: &str) -> Option<String> {
        (self.dialling, self.n_tried, self.not_before) = (None, 0, None);
        self.current.replace(name.to_owned())
    }

    /// The one dialled was not reached or has refused.
    pub(crate) fn failed(&mut self, now: Instant) {
        self.dialling = None;
        if self.current.is_some() {
            self.not_before = Some(now + BETTER);
            return;
        }
        self.n_tried += 1;
        if self.n_tried >= self.wanted.len() {
            (self.n_tried, self.not_before) = (0, Some(now + ROUND));
        }
    }

    /// The trunk to this parent is over. Returns whether it was the one in use.
    pub(crate) fn down(&mut self, name: &str) -> bool {
        let is_current = self.current.as_deref() == Some(name);
        if is_current {
            self.current = None;
            // Who was lost just now comes last in this round.
            self.n_tried = usize::from(self.wanted.first().is_some_and(|it| it.name == name));
            self.n_tried %= self.wanted.len().max(1);
            self.not_before = None;
        }
        is_current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str) -> ParentNode {
        ParentNode { name: name.to_owned(), addresses: Vec::new() }
    }

    fn next(parent: &mut Parent, now: Instant) -> Option<String> {
        parent.poll(now).map(|it| it.name)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn the_list_is_gone_through_until_one_answers_and_a_better_one_is_tried_again() {
        let now = Instant::now();
        let mut parent = Parent::default();
        assert_eq!(next(&mut parent, now), None, "nowhere to go");
        parent.set(vec![node("a"), node("b")]);
        assert_eq!(next(&mut parent, now).as_deref(), Some("a"));
        assert_eq!(next(&mut parent, now), None, "one at a time");
        parent.failed(now);
        assert_eq!(next(&mut parent, now).as_deref(), Some("b"));
        parent.failed(now);
        assert_eq!(next(&mut parent, now), None, "a pause between rounds");
        assert_eq!(next(&mut parent, now + ROUND).as_deref(), Some("a"));
        parent.failed(now + ROUND);
        assert_eq!(next(&mut parent, now + ROUND).as_deref(), Some("b"));
        assert_eq!(parent.up("b"), None);
        let now = now + ROUND;
        assert_eq!(next(&mut parent, now).as_deref(), Some("a"), "where it should be");
        parent.failed(now);
        assert_eq!(next(&mut parent, now + BETTER / 2), None);
        assert_eq!(next(&mut parent, now + BETTER).as_deref(), Some("a"));
        assert_eq!(parent.up("a").as_deref(), Some("b"), "made before broken");
        assert!(!parent.down("b"));
        assert!(parent.down("a"));
        assert_eq!(next(&mut parent, now).as_deref(), Some("b"), "not to the dead one first");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test needs some instant to count from")]
    fn an_only_parent_is_dialled_again_at_once() {
        let now = Instant::now();
        let mut parent = Parent::default();
        parent.set(vec![node("a")]);
        parent.poll(now);
        parent.up("a");
        assert!(parent.down("a"));
        assert_eq!(next(&mut parent, now).as_deref(), Some("a"));
    }
}
