//! Who subscribed to what: found by a message's topic without looking at those that do not match.

use std::collections::HashMap;
use std::sync::Arc;

/// Values under filters. Filters have to be well formed.
///
/// Most subscriptions of devices have no wildcard; these stand in one map. The others are a tree by level.
#[derive(Debug)]
pub struct Tree<T> {
    exact: HashMap<Arc<str>, Vec<T>>,
    wild: Node<T>,
}

#[derive(Debug)]
struct Node<T> {
    levels: HashMap<Box<str>, Node<T>>,
    /// `+`
    any: Option<Box<Node<T>>>,
    here: Vec<T>,
    /// `#`
    below: Vec<T>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Tree { exact: HashMap::new(), wild: Node::default() }
    }
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Node { levels: HashMap::new(), any: None, here: Vec::new(), below: Vec::new() }
    }
}

impl<T> Tree<T> {
    /// Adds a value under a filter, beside those that are there.
    pub fn insert(&mut self, filter: &Arc<str>, value: T) {
        if !filter.contains(['+', '#']) {
            self.exact.entry(Arc::clone(filter)).or_default().push(value);
            return;
        }
        let mut node = &mut self.wild;
        for level in filter.split('/') {
            node = match level {
                "#" => break,
                "+" => node.any.get_or_insert_default(),
                _ => node.levels.entry(level.into()).or_default(),
            };
        }
        let values = if filter.ends_with('#') { &mut node.below } else { &mut node.here };
        values.push(value);
    }

    /// Takes the first value under a filter away for which `which` says so, and what is then empty.
    pub fn remove(&mut self, filter: &str, which: impl Fn(&T) -> bool) -> Option<T> {
        if filter.contains(['+', '#']) {
            return self.wild.remove(filter.split('/'), &which);
        }
        let values = self.exact.get_mut(filter)?;
        let value = take(values, &which);
        if values.is_empty() {
            self.exact.remove(filter);
        }
        value
    }

    /// Calls `found` with each value whose filter matches the topic; with one of them several times where it is under several
    /// filters.
    pub fn matching<'a>(&'a self, topic: &str, mut found: impl FnMut(&'a T)) {
        self.exact.get(topic).into_iter().flatten().for_each(&mut found);
        self.wild.matching(Some(topic), true, &mut found);
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.wild.is_empty()
    }
}

fn take<T>(values: &mut Vec<T>, which: &impl Fn(&T) -> bool) -> Option<T> {
    let at = values.iter().position(which)?;
    let value = values.swap_remove(at);
    if values.len() * 4 < values.capacity() {
        values.shrink_to_fit();
    }
    Some(value)
}

impl<T> Node<T> {
    fn is_empty(&self) -> bool {
        self.levels.is_empty() && self.any.is_none() && self.here.is_empty() && self.below.is_empty()
    }

    fn remove<'a>(
        &mut self,
        mut levels: impl Iterator<Item = &'a str>,
        which: &impl Fn(&T) -> bool,
    ) -> Option<T> {
        // The depth is that of a filter, which is bounded; the type of the iterator stays the same on the way down.
        fn descend<T>(
            node: &mut Node<T>,
            levels: &mut dyn Iterator<Item = &str>,
            which: &impl Fn(&T) -> bool,
        ) -> Option<T> {
            match levels.next() {
                None => take(&mut node.here, which),
                Some("#") => take(&mut node.below, which),
                Some("+") => {
                    let any = node.any.as_mut()?;
                    let value = descend(any, levels, which);
                    if any.is_empty() {
                        node.any = None;
                    }
                    value
                }
                Some(level) => {
                    let next = node.levels.get_mut(level)?;
                    let value = descend(next, levels, which);
                    if next.is_empty() {
                        node.levels.remove(level);
                    }
                    value
                }
            }
        }
        descend(self, &mut levels, which)
    }

    /// `rest` is the topic's levels that are not yet walked, `None` behind the last one.
    fn matching<'a>(&'a self, rest: Option<&str>, first: bool, found: &mut impl FnMut(&'a T)) {
        let own = first && rest.is_some_and(|topic| topic.starts_with('$'));
        if !own {
            self.below.iter().for_each(&mut *found);
        }
        let Some(rest) = rest else {
            self.here.iter().for_each(found);
            return;
        };
        let (level, rest) = match rest.split_once('/') {
            Some((level, rest)) => (level, Some(rest)),
            None => (rest, None),
        };
        if let Some(any) = self.any.as_ref().filter(|_| !own) {
            any.matching(rest, false, found);
        }
        if let Some(next) = self.levels.get(level) {
            next.matching(rest, false, found);
        }
    }
}
