//! What is said: the story in a few lines, as subtitles (`SubRip`).

use std::fmt::Write;

/// A line: seconds from and to, then in each language.
const LINES: [(u32, u32, [&str; 3]); 6] = [
    (
        11,
        16,
        [
            "Every evening the lamplighter sent a lantern over the lake.",
            "Jeden Abend schickte der Lampenwärter eine Laterne über den See.",
            "毎晩、灯守りは湖に小さな灯を送り出しました。",
        ],
    ),
    (
        19,
        24,
        [
            "It was the smallest of them, and it was afraid of the dark.",
            "Sie war die kleinste von allen, und sie fürchtete sich im Dunkeln.",
            "それはいちばん小さな灯で、暗闇が怖かったのです。",
        ],
    ),
    (
        27,
        32,
        [
            "So it asked the stars whether they would come along.",
            "Da fragte sie die Sterne, ob sie mitkommen wollten.",
            "だから星たちに、一緒に来てくれるか尋ねました。",
        ],
    ),
    (
        35,
        40,
        [
            "One of them came. Then the fireflies, who are stars that stayed.",
            "Einer kam. Dann die Glühwürmchen: Sterne, die geblieben sind.",
            "ひとつが来ました。そして、地上に残った星である蛍たちも。",
        ],
    ),
    (
        43,
        48,
        [
            "Nobody who carries a light is alone for long.",
            "Wer ein Licht trägt, bleibt nicht lange allein.",
            "灯りを運ぶ者は、長くひとりではいません。",
        ],
    ),
    (
        50,
        54,
        [
            "And on the other shore it was morning.",
            "Und am anderen Ufer war es Morgen.",
            "そして向こう岸には、朝が来ていました。",
        ],
    ),
];

const LANGUAGES: [&str; 3] = ["en", "de", "ja"];

/// A subtitle file for each language.
pub(crate) fn subtitles() -> impl Iterator<Item = (&'static str, String)> {
    LANGUAGES.into_iter().enumerate().map(|(index, language)| {
        let mut text = String::new();
        for (number, (from, to, said)) in LINES.iter().enumerate() {
            let cue = writeln!(
                text,
                "{}\n00:00:{from:02},000 --> 00:00:{to:02},000\n{}\n",
                number + 1,
                said[index]
            );
            // Writing to a string cannot fail.
            cue.unwrap_or_default();
        }
        (language, text)
    })
}
