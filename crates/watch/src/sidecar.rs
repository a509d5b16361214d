//! What lies beside a film and belongs to it, by its name: subtitles, notes and posters.

/// A file beside a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sidecar {
    /// Text to be shown with the picture.
    Subtitles {
        /// How it is written.
        format: Subtitles,
        /// The language as the name has it (`en`, `ger`), in lower case.
        language: Option<String>,
        /// Only what is foreign in the film's own language.
        forced: bool,
    },
    /// Notes about the film in XML (`.nfo`).
    Notes,
    /// A picture for it; lower is the better one where there are several.
    Poster(u8),
}

/// How subtitles are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subtitles {
    /// `SubRip`.
    Srt,
    /// `WebVTT`.
    Vtt,
    /// Advanced `SubStation` Alpha.
    Ass,
}

/// What `file` is to the film `film`; both are names in the same folder.
pub fn of(file: &str, film: &str) -> Option<Sidecar> {
    let (stem, ending) = file.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    let film = film.rsplit_once('.').map_or(film, |(stem, _)| stem);
    let own = stem.strip_prefix(film);
    let subtitles = |format| {
        let words = own.filter(|rest| rest.is_empty() || rest.starts_with(['.', '_', '-', ' ']))?;
        let words: Vec<String> = words
            .split(['.', '_', '-', ' '])
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        let forced = words.iter().any(|word| word == "forced");
        let language = words.into_iter().find(|word| {
            (2..=3).contains(&word.len()) && word != "sdh" && word.bytes().all(|b| b.is_ascii_alphabetic())
        });
        Some(Sidecar::Subtitles { format, language, forced })
    };
    match ending.as_str() {
        "srt" => subtitles(Subtitles::Srt),
        "vtt" => subtitles(Subtitles::Vtt),
        "ass" | "ssa" => subtitles(Subtitles::Ass),
        "nfo" => (own == Some("") || stem.eq_ignore_ascii_case("movie")).then_some(Sidecar::Notes),
        "jpg" | "jpeg" | "png" => {
            let general = ["poster", "folder", "cover"].iter().any(|known| stem.eq_ignore_ascii_case(known));
            match own {
                Some("-poster") => Some(Sidecar::Poster(0)),
                Some("") => Some(Sidecar::Poster(1)),
                _ => general.then_some(Sidecar::Poster(2)),
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(format: Subtitles, language: Option<&str>, forced: bool) -> Option<Sidecar> {
        Some(Sidecar::Subtitles { format, language: language.map(str::to_owned), forced })
    }

    #[test]
    fn what_belongs_to_a_film_is_known_by_its_name() {
        let table = [
            ("Film (2019).srt", text(Subtitles::Srt, None, false)),
            ("Film (2019).en.srt", text(Subtitles::Srt, Some("en"), false)),
            ("Film (2019).ger.forced.vtt", text(Subtitles::Vtt, Some("ger"), true)),
            ("Film (2019).sdh.ja.ass", text(Subtitles::Ass, Some("ja"), false)),
            ("Film (2019)x.srt", None),
            ("Other.srt", None),
            ("Film (2019).nfo", Some(Sidecar::Notes)),
            ("movie.nfo", Some(Sidecar::Notes)),
            ("other.nfo", None),
            ("poster.JPG", Some(Sidecar::Poster(2))),
            ("Film (2019)-poster.png", Some(Sidecar::Poster(0))),
            ("Film (2019).jpg", Some(Sidecar::Poster(1))),
            ("holiday.jpg", None),
            ("Film (2019).mp4", None),
            ("noending", None),
        ];
        for (file, what) in table {
            assert_eq!(of(file, "Film (2019).mp4"), what, "{file}");
        }
    }
}
