//! Which sensors a list has, and in which order: by name, where numbers count as numbers. Pure.

use std::sync::Arc;

use playhouse_store::sensors::Sensor;
use playhouse_watch::search::plain;

/// What a sensor is found by; made anew when its row changes.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Its place among others: compared byte by byte.
    pub(crate) order: Arc<str>,
    /// All that words are looked for in.
    text: String,
    /// Its tags.
    pub(crate) tags: Vec<String>,
}

/// Which are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    words: Vec<String>,
    group: Option<String>,
    tag: Option<String>,
    state: Option<String>,
}

impl Found {
    /// What the sensor of a row is found by.
    pub(crate) fn of(row: &Sensor) -> Self {
        let tags: Vec<String> = serde_json::from_str(&row.tags).unwrap_or_default();
        let mut about = vec![row.name.as_str(), row.grouped.as_deref().unwrap_or_default()];
        about.extend(tags.iter().map(String::as_str));
        let text = plain(&about.join(" "));
        Self { order: order(&row.name).into(), text, tags }
    }
}

impl Filter {
    /// Those with all of these words in name, group and tags, whatever their case and accents; and of a group, with a tag, in
    /// a state, as far as these are said.
    pub(crate) fn new(text: Option<&str>, [group, tag, state]: [Option<&str>; 3]) -> Self {
        let said = |what: Option<&str>| what.filter(|what| !what.is_empty()).map(str::to_owned);
        Self {
            words: plain(text.unwrap_or_default()).split_whitespace().map(str::to_owned).collect(),
            group: said(group),
            tag: said(tag),
            state: said(state),
        }
    }

    /// Whether a sensor is asked for.
    pub(crate) fn fits(&self, found: &Found, group: Option<&str>, state: &str) -> bool {
        self.group.as_deref().is_none_or(|wanted| group == Some(wanted))
            && self.tag.as_ref().is_none_or(|wanted| found.tags.contains(wanted))
            && self.state.as_deref().is_none_or(|wanted| state == wanted)
            && self.words.iter().all(|word| found.text.contains(word.as_str()))
    }
}

/// A name so that 2 stands before 10, and neither case nor accents matter: how long a number is stands before it.
pub(crate) fn order(name: &str) -> String {
    let name = plain(name);
    let mut order = String::with_capacity(name.len() + 4);
    let mut rest = name.as_str();
    while let Some(letter) = rest.chars().next() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (part, after) = rest.split_at(digits.max(letter.len_utf8()));
        if digits > 0 {
            let number = part.trim_start_matches('0');
            // Numbers stay before letters, and a name has some hundred characters at most.
            order.push('0');
            order.push(u32::try_from(number.len()).ok().and_then(char::from_u32).unwrap_or_default());
            order.push_str(number);
        } else {
            order.push_str(part);
        }
        rest = after;
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_the_order_in_which_people_count() {
        let mut names =
            ["door 10", "Door 2", "Élan", "door", "Door 02a", "Attic", "9", "till 3b", "Till 3a", "10"];
        names.sort_by_key(|name| order(name));
        assert_eq!(
            names,
            ["9", "10", "Attic", "door", "Door 2", "Door 02a", "door 10", "Élan", "Till 3a", "till 3b"]
        );
    }

    #[test]
    fn words_are_found_in_name_group_and_tags() {
        let tags = vec!["till-3".to_owned()];
        let found = Found { order: "".into(), text: plain("Café Hall till-3"), tags };
        let fits = |text, exact: [Option<&str>; 3]| {
            Filter::new(Some(text), exact).fits(&found, Some("Hall"), "online")
        };
        assert!(fits("", [None; 3]) && fits("cafe TILL", [None; 3]) && fits("till-3", [None; 3]));
        assert!(!fits("cafe garden", [None; 3]));
        assert!(fits("caf", [Some("Hall"), Some("till-3"), Some("online")]));
        assert!(fits("", [Some(""); 3]), "what is empty asks for nothing");
        for other in [[Some("hall"), None, None], [None, Some("till"), None], [None, None, Some("offline")]] {
            assert!(!fits("", other), "{other:?}");
        }
    }
}
