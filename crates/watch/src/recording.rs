//! What is recorded: which programmes a rule means, what is in each other's way, and what has to go.

/// How long a recording is kept that nobody protects, in days.
pub const KEEP_DAYS: u32 = 28;

/// Seconds of padding before and after a programme that nobody chose otherwise.
pub const PAD_BEFORE: u32 = 60;
/// See [`PAD_BEFORE`]: programmes end late rather than early.
pub const PAD_AFTER: u32 = 180;

/// The longest padding that can be chosen, in seconds: two hours, for matches that go on.
pub const LONGEST_PAD: u32 = 2 * 3600;

/// A programme, as far as a rule looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Programme<'a> {
    /// The channel's id.
    pub channel: &'a str,
    /// What it is.
    pub title: &'a str,
    /// Which part of it.
    pub subtitle: Option<&'a str>,
    /// What happens.
    pub description: Option<&'a str>,
}

/// By what a rule finds programmes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finds {
    /// Whatever has this title.
    Series(String),
    /// Whatever has all of these words in its title, subtitle or description.
    Keyword(String),
}

/// Lower case, letters and digits alone, in words.
fn words(text: &str) -> Vec<String> {
    let word = |word: &str| word.to_lowercase();
    text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).map(word).collect()
}

impl Finds {
    /// Whether a rule means a programme. Capitals and punctuation do not count; a keyword matches whole words.
    pub fn finds(&self, programme: Programme<'_>) -> bool {
        match self {
            Self::Series(title) => !words(title).is_empty() && words(title) == words(programme.title),
            Self::Keyword(wanted) => {
                let texts = [Some(programme.title), programme.subtitle, programme.description];
                let there: Vec<String> = texts.into_iter().flatten().flat_map(words).collect();
                let wanted = words(wanted);
                !wanted.is_empty() && wanted.iter().all(|word| there.contains(word))
            }
        }
    }
}

/// A span during which something is recorded, padding included, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it begins.
    pub from: i64,
    /// When it ends.
    pub to: i64,
}

impl Span {
    /// A programme with its padding, which is in seconds.
    pub fn padded(start: i64, stop: i64, before: u32, after: u32) -> Self {
        Self {
            from: start.saturating_sub(i64::from(before) * 1000),
            to: stop.saturating_add(i64::from(after) * 1000),
        }
    }
}

/// Something that is to be recorded, and takes a place while it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its id.
    pub id: String,
    /// When.
    pub span: Span,
    /// Who was first keeps its place.
    pub since: i64,
    /// Whether it runs already, and is not given up for another.
    pub running: bool,
}

/// Which of those cannot be recorded where `limit` can be at a time: whoever runs stays, then whoever was planned
/// first. Given in the order of their spans, each with the ids that are in its way.
pub fn conflicts(wanted: &[Wanted], limit: usize) -> Vec<(String, Vec<String>)> {
    let mut ranked: Vec<&Wanted> = wanted.iter().collect();
    ranked.sort_by_key(|each| (!each.running, each.since, each.span.from, each.id.clone()));
    let mut placed: Vec<&Wanted> = Vec::new();
    let mut refused: Vec<(&Wanted, Vec<String>)> = Vec::new();
    for each in ranked {
        let others: Vec<&Wanted> =
            placed.iter().copied().filter(|other| overlap(each.span, other.span)).collect();
        // The most that run at once within the span do so where one of them begins, or where it begins itself.
        let starts = others.iter().map(|other| other.span.from.max(each.span.from)).chain([each.span.from]);
        let at_once = starts
            .map(|at| others.iter().filter(|other| (other.span.from..other.span.to).contains(&at)).count());
        if each.span.from >= each.span.to || at_once.max().unwrap_or(0) < limit {
            placed.push(each);
        } else {
            refused.push((each, others.iter().map(|other| other.id.clone()).collect()));
        }
    }
    refused.sort_by_key(|(each, _)| (each.span.from, each.since));
    refused.into_iter().map(|(each, others)| (each.id.clone(), others)).collect()
}

fn overlap(one: Span, other: Span) -> bool {
    one.from < other.to && other.from < one.to
}

/// A recording that takes room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id.
    pub id: String,
    /// Whether it stays whatever happens.
    pub protected: bool,
    /// When it goes by itself, in milliseconds since 1970.
    pub expires: Option<i64>,
    /// When it was recorded.
    pub stop: i64,
}

/// Which recordings have had their time, oldest first.
pub fn expired(kept: &[Kept], now: i64) -> Vec<String> {
    let over = |kept: &&Kept| !kept.protected && kept.expires.is_some_and(|expires| expires <= now);
    let mut over: Vec<&Kept> = kept.iter().filter(over).collect();
    over.sort_by_key(|kept| (kept.stop, kept.id.clone()));
    over.into_iter().map(|kept| kept.id.clone()).collect()
}

/// How much of a quota is taken, and will be once what is planned was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Seconds that are recorded.
    pub used: u64,
    /// Seconds that are planned.
    pub planned: u64,
    /// Seconds that there may be.
    pub limit: u64,
}

impl Quota {
    /// Whether so many seconds more fit beside what is there and planned.
    pub const fn takes(self, seconds: u64) -> bool {
        self.used.saturating_add(self.planned).saturating_add(seconds) <= self.limit
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn programme<'a>(title: &'a str, subtitle: Option<&'a str>) -> Programme<'a> {
        Programme {
            channel: "one",
            title,
            subtitle,
            description: Some("A cat chases a mouse through Paris."),
        }
    }

    #[test]
    fn a_series_is_found_by_its_title_alone() {
        let rule = Finds::Series("Tom & Jerry".to_owned());
        assert!(rule.finds(programme("TOM and JERRY".replace("and ", "& ").as_str(), Some("The Cat"))));
        assert!(!rule.finds(programme("Tom & Jerry Kids", None)));
        assert!(!Finds::Series(" - ".to_owned()).finds(programme("...", None)));
    }

    #[test]
    fn a_keyword_is_found_anywhere_as_whole_words() {
        let finds =
            |words: &str| Finds::Keyword(words.to_owned()).finds(programme("Cartoons", Some("Été à la mer")));
        assert!(finds("paris") && finds("Mouse cat") && finds("été"));
        assert!(!finds("mous") && !finds("paris london") && !finds(""));
    }

    fn wanted(id: &str, from: i64, to: i64, since: i64) -> Wanted {
        Wanted { id: id.to_owned(), span: Span { from, to }, since, running: false }
    }

    #[test]
    fn who_was_planned_first_keeps_its_place() {
        let all = [wanted("late", 0, 100, 3), wanted("first", 50, 150, 1), wanted("second", 60, 90, 2)];
        assert_eq!(conflicts(&all, 3), []);
        assert_eq!(conflicts(&all, 2), [("late".to_owned(), vec!["first".to_owned(), "second".to_owned()])]);
        assert_eq!(conflicts(&all, 1).len(), 2);
        // One after the other is no conflict.
        assert_eq!(conflicts(&[wanted("a", 0, 10, 1), wanted("b", 10, 20, 2)], 1), []);
    }

    #[test]
    fn what_runs_is_not_given_up_for_something_else() {
        let mut all = [wanted("early", 0, 100, 1), wanted("running", 0, 100, 2)];
        all[1].running = true;
        assert_eq!(conflicts(&all, 1)[0].0, "early");
    }

    #[test]
    fn recordings_go_after_their_time_unless_they_are_protected() {
        let kept = |id: &str, protected, expires| Kept { id: id.to_owned(), protected, expires, stop: 0 };
        let all = [
            kept("old", false, Some(5)),
            kept("dear", true, Some(5)),
            kept("new", false, Some(50)),
            kept("ever", false, None),
        ];
        assert_eq!(expired(&all, 10), ["old"]);
    }

    #[test]
    fn a_quota_counts_what_is_planned_too() {
        let quota = Quota { used: 50, planned: 40, limit: 100 };
        assert!(quota.takes(10));
        assert!(!quota.takes(11));
        assert!(!Quota { used: u64::MAX, ..quota }.takes(1));
    }

    proptest! {
        /// What is left without those in conflict never has more than the limit at once, and nobody is refused for nothing.
        #[test]
        fn never_more_than_the_limit_at_once(
            spans in prop::collection::vec((0_i64..50, 1_i64..20, 0_i64..9), 0..12),
            limit in 1_usize..4,
        ) {
            let all: Vec<Wanted> = spans.iter().enumerate().map(|(n, (from, length, since))| wanted(&n.to_string(), *from, from + length, *since)).collect();
            let refused = conflicts(&all, limit);
            let left: Vec<&Wanted> = all.iter().filter(|each| refused.iter().all(|(id, _)| *id != each.id)).collect();
            for at in 0..80 {
                let count = left.iter().filter(|each| (each.span.from..each.span.to).contains(&at)).count();
                prop_assert!(count <= limit);
            }
            for (_, others) in refused {
                prop_assert!(others.len() >= limit);
            }
        }
    }
}
