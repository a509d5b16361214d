//! What language a track is in, as playlists have it.

/// The codes of ISO 639-2 (both kinds) whose language has a shorter code in ISO 639-1, which RFC 5646 prefers: those in
/// which films are commonly dubbed.
const SHORT: [([u8; 3], &str); 58] = [
    (*b"ara", "ar"),
    (*b"bul", "bg"),
    (*b"cat", "ca"),
    (*b"ces", "cs"),
    (*b"chi", "zh"),
    (*b"cze", "cs"),
    (*b"dan", "da"),
    (*b"deu", "de"),
    (*b"dut", "nl"),
    (*b"ell", "el"),
    (*b"eng", "en"),
    (*b"est", "et"),
    (*b"eus", "eu"),
    (*b"fas", "fa"),
    (*b"fin", "fi"),
    (*b"fra", "fr"),
    (*b"fre", "fr"),
    (*b"ger", "de"),
    (*b"gle", "ga"),
    (*b"glg", "gl"),
    (*b"gre", "el"),
    (*b"heb", "he"),
    (*b"hin", "hi"),
    (*b"hrv", "hr"),
    (*b"hun", "hu"),
    (*b"ice", "is"),
    (*b"ind", "id"),
    (*b"isl", "is"),
    (*b"ita", "it"),
    (*b"jpn", "ja"),
    (*b"kat", "ka"),
    (*b"kor", "ko"),
    (*b"lat", "la"),
    (*b"lav", "lv"),
    (*b"lit", "lt"),
    (*b"mkd", "mk"),
    (*b"msa", "ms"),
    (*b"nld", "nl"),
    (*b"nob", "nb"),
    (*b"nor", "no"),
    (*b"per", "fa"),
    (*b"pol", "pl"),
    (*b"por", "pt"),
    (*b"ron", "ro"),
    (*b"rum", "ro"),
    (*b"rus", "ru"),
    (*b"slk", "sk"),
    (*b"slo", "sk"),
    (*b"slv", "sl"),
    (*b"spa", "es"),
    (*b"sqi", "sq"),
    (*b"srp", "sr"),
    (*b"swe", "sv"),
    (*b"tha", "th"),
    (*b"tur", "tr"),
    (*b"ukr", "uk"),
    (*b"vie", "vi"),
    (*b"zho", "zh"),
];

/// The language of `mdhd`: three letters of five bits (ISO/IEC 14496-12, section 8.4.2). None for "und".
pub(super) fn packed(bits: u16) -> Option<String> {
    let letters = [10, 5, 0].map(|shift| u8::try_from(bits >> shift & 0x1F).unwrap_or(0) + 0x60);
    if !letters.iter().all(u8::is_ascii_lowercase) || &letters == b"und" {
        return None;
    }
    let short = SHORT.iter().find(|(code, _)| *code == letters).map(|(_, short)| *short);
    short.map(Into::into).or_else(|| String::from_utf8(letters.to_vec()).ok())
}

/// The language of `elng`, a tag of RFC 5646; none where it is anything else.
pub(super) fn extended(contents: &[u8]) -> Option<String> {
    let text = contents.get(4..)?;
    let end = text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
    let tag = str::from_utf8(&text[..end]).ok()?;
    let fits = (2..=35).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (fits && tag != "und").then(|| tag.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack(letters: [u8; 3]) -> u16 {
        letters.iter().fold(0, |bits, letter| bits << 5 | u16::from(letter - 0x60))
    }

    #[test]
    fn languages_get_their_shortest_code() {
        assert_eq!(packed(pack(*b"deu")).as_deref(), Some("de"));
        assert_eq!(packed(pack(*b"ger")).as_deref(), Some("de"));
        assert_eq!(packed(pack(*b"gsw")).as_deref(), Some("gsw"));
        assert_eq!(packed(pack(*b"und")), None);
        assert_eq!(packed(0), None);
        assert_eq!(packed(0x7FFF), None, "QuickTime's \"unspecified\"");
        assert_eq!(extended(b"\0\0\0\0pt-BR\0").as_deref(), Some("pt-BR"));
        assert_eq!(extended(b"\0\0\0\0\"><script>\0"), None);
    }
}
