//! Which names fit some words, and how well: what begins with them comes first, and one wrong letter is forgiven.

use unicode_normalization::UnicodeNormalization;

/// Characters of a question that count: longer than any title.
pub const LONGEST: usize = 100;

/// Words shorter than this have to be written as they are: with one letter changed they could be anything.
const FORGIVEN: usize = 4;

/// How well a name fits; less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    fit: Fit,
    /// Characters of the name: of two that fit alike the shorter one says less else.
    length: usize,
}

/// Where the words were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The name is them.
    Whole,
    /// The name begins with them.
    Beginning,
    /// Each of them begins a word.
    Words,
    /// Each of them stands somewhere.
    Inside,
    /// A letter of some word is wrong, missing, too many or at its neighbour's place.
    Near,
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    text: String,
    words: Vec<Vec<char>>,
}

/// A text without case and accents, its words divided by single spaces.
pub fn plain(text: &str) -> String {
    let accent = |letter: &char| ('\u{300}'..='\u{36f}').contains(letter);
    let letters = text.nfkd().filter(|letter| !accent(letter)).flat_map(char::to_lowercase);
    // Marks of kana belong to their letters again.
    let text: String =
        letters.nfkc().map(|letter| if letter.is_alphanumeric() { letter } else { ' ' }).collect();
    let text = text.replace('ß', "ss");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name without its article.
fn bare(name: &str) -> &str {
    ["the ", "a ", "an "].iter().find_map(|article| name.strip_prefix(article)).unwrap_or(name)
}

/// Whether a word begins with what is wanted, but for one letter.
fn near(wanted: &[char], word: &[char]) -> bool {
    if wanted.len() < FORGIVEN {
        return false;
    }
    let same = wanted.iter().zip(word).take_while(|(wanted, letter)| wanted == letter).count();
    let (wanted, word) = (&wanted[same..], &word[same..]);
    let rest = |of: &[char], from: usize| of.get(from..).map(<[char]>::to_vec).unwrap_or_default();
    let begins = |word: Vec<char>, wanted: Vec<char>| word.starts_with(&wanted);
    match (wanted, word) {
        ([], _) => true,
        // One more at the end.
        (wanted, []) => wanted.len() == 1,
        ([a, b, ..], [c, d, ..]) if a == d && b == c && begins(rest(word, 2), rest(wanted, 2)) => true,
        _ => {
            begins(rest(word, 1), rest(wanted, 1))
                || begins(word.to_vec(), rest(wanted, 1))
                || begins(rest(word, 1), wanted.to_vec())
        }
    }
}

impl Words {
    /// The words of a question, of which the first [`LONGEST`] characters count.
    pub fn new(question: &str) -> Self {
        let text = plain(&question.chars().take(LONGEST).collect::<String>());
        let words =
            text.split(' ').filter(|word| !word.is_empty()).map(|word| word.chars().collect()).collect();
        Self { text, words }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// How well a name fits; nothing where it does not.
    pub fn rank(&self, name: &str) -> Option<Rank> {
        if self.is_empty() {
            return None;
        }
        let name = plain(name);
        let rank = |fit| Some(Rank { fit, length: name.chars().count() });
        if name == self.text || bare(&name) == self.text {
            return rank(Fit::Whole);
        }
        if name.starts_with(&self.text) || bare(&name).starts_with(&self.text) {
            return rank(Fit::Beginning);
        }
        let words: Vec<Vec<char>> = name.split(' ').map(|word| word.chars().collect()).collect();
        let mut worst = Fit::Words;
        for wanted in &self.words {
            let fit = if words.iter().any(|word| word.starts_with(wanted)) {
                Fit::Words
            } else if name.contains(&wanted.iter().collect::<String>()) {
                Fit::Inside
            } else if words.iter().any(|word| near(wanted, word)) {
                Fit::Near
            } else {
                return None;
            };
            worst = worst.max(fit);
        }
        rank(worst)
    }

    /// What fits best comes first; at most `most`. Things that fit alike stay in their order.
    pub fn best<T>(
        &self,
        things: impl IntoIterator<Item = T>,
        most: usize,
        rank: impl Fn(&Self, &T) -> Option<Rank>,
    ) -> Vec<T> {
        let mut found: Vec<(Rank, T)> =
            things.into_iter().filter_map(|thing| rank(self, &thing).map(|rank| (rank, thing))).collect();
        found.sort_by_key(|(rank, _)| *rank);
        found.into_iter().take(most).map(|(_, thing)| thing).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found<'a>(question: &str, names: &[&'a str]) -> Vec<&'a str> {
        Words::new(question).best(names.iter().copied(), 10, |words, name| words.rank(name))
    }

    #[test]
    fn what_begins_with_the_words_comes_before_what_has_them() {
        let names = ["Grand General Store", "The Generals", "My Generation", "The General", "Degenerate"];
        let wanted = ["The General", "The Generals", "Grand General Store", "My Generation", "Degenerate"];
        assert_eq!(found("gener", &names)[..2], ["The General", "The Generals"]);
        assert_eq!(found("general", &names)[..3], wanted[..3]);
        assert_eq!(found("gener", &names).len(), 5);
    }

    #[test]
    fn accents_case_and_the_order_of_words_do_not_matter() {
        assert_eq!(found("AMELIE", &["Amélie", "Ambition"]), ["Amélie"]);
        assert_eq!(found("strasse", &["Die Straße"]), ["Die Straße"]);
        assert_eq!(found("lantern little", &["The Little Lantern"]), ["The Little Lantern"]);
        assert_eq!(found("がく", &["がくえん", "かくれんぼ"]), ["がくえん"]);
        assert_eq!(found("7人の", &["７人の侍"]), ["７人の侍"]);
    }

    #[test]
    fn one_wrong_letter_is_forgiven_in_words_that_are_long_enough() {
        for question in ["lantren", "lanern", "lanttern", "lamtern", "lanternn", "lante n"] {
            assert_eq!(found(question, &["The Little Lantern"]), ["The Little Lantern"], "{question}");
        }
        // Also while somebody is still typing.
        assert_eq!(found("lamter", &["The Little Lantern"]), ["The Little Lantern"]);
        assert!(found("lzmtern", &["The Little Lantern"]).is_empty());
        assert!(found("cot", &["Cat"]).is_empty());
        assert!(found("", &["Cat"]).is_empty() && found(" - ", &["Cat"]).is_empty());
    }

    proptest! {
        #[test]
        fn every_name_is_found_by_itself(name in "\\PC{0,120}") {
            let words = Words::new(&name);
            let short = name.chars().count() <= LONGEST;
            prop_assert!(!short || words.is_empty() || words.rank(&name).is_some());
        }

        #[test]
        fn any_question_is_survived(question in any::<String>(), name in any::<String>()) {
            Words::new(&question).rank(&name);
        }

        #[test]
        fn a_letter_left_out_is_forgiven(name in "[a-z]{6,12}", at in 0_usize..6) {
            let question: String = name.char_indices().filter(|(index, _)| *index != at).map(|(_, letter)| letter).collect();
            prop_assert!(Words::new(&question).rank(&name).is_some());
        }
    }
}
