//! Playlists of others (HLS, RFC 8216) as they are passed on: every address in them becomes one of ours.

use std::fmt::Write as _;

use url::Url;

/// Bytes of a playlist: a day of segments of six seconds, with long addresses, has some 4 MB.
pub const MOST_BYTES: usize = 8 << 20;

/// Addresses in one playlist.
const MOST_ADDRESSES: usize = 50_000;

/// Characters of an address.
pub const LONGEST_ADDRESS: usize = 2048;

/// What stands at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Another playlist, which is passed on in the same way.
    Playlist,
    /// Bytes: a segment, a part, its beginning, or a key.
    Segment,
}

/// Why a playlist is not passed on, in a sentence for whoever wanted to see the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It is something else.
    #[error(
        "This channel is no HLS stream, which is what these pages play. Players such as VLC may open it."
    )]
    NoPlaylist,
    /// It is too long.
    #[error("The playlist of this channel is too long to be passed on.")]
    TooLong,
    /// An address is none that could be fetched.
    #[error(
        "The playlist of this channel has an address that is none of HTTP, so that it cannot be passed on."
    )]
    Address,
}

/// Attributes that carry an address, by tag; those of low latency are left out, and with them what they ask of a server (RFC 8216bis, section 4.4), and what stands there.
const TAGS: [(&str, Kind); 6] = [
    ("#EXT-X-MEDIA:", Kind::Playlist),
    ("#EXT-X-I-FRAME-STREAM-INF:", Kind::Playlist),
    ("#EXT-X-MAP:", Kind::Segment),
    ("#EXT-X-KEY:", Kind::Segment),
    ("#EXT-X-SESSION-KEY:", Kind::Segment),
    ("#EXT-X-SESSION-DATA:", Kind::Segment),
];

/// Whether bytes begin as a playlist does (RFC 8216, section 4.3.1.1).
pub fn begins(bytes: &[u8]) -> bool {
    bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).starts_with(b"#EXTM3U")
}

/// The playlist that was read at `base`, with all its addresses as `ours` gives them. What names an address in another
/// way than HLS does is left out, since players may follow it.
///
/// # Errors
/// See [`Error`].
pub fn rewrite(text: &[u8], base: &Url, mut ours: impl FnMut(&Url, Kind) -> String) -> Result<String, Error> {
    if !begins(text) {
        return Err(Error::NoPlaylist);
    }
    if text.len() > MOST_BYTES {
        return Err(Error::TooLong);
    }
    let text = std::str::from_utf8(text).or(Err(Error::NoPlaylist))?.trim_start_matches('\u{feff}');
    let mut addresses = 0;
    let mut place = |address: &str, kind| {
        addresses += 1;
        if addresses > MOST_ADDRESSES {
            return Err(Error::TooLong);
        }
        let found = base.join(address).or(Err(Error::Address))?;
        let known = matches!(found.scheme(), "http" | "https") && found.as_str().len() <= LONGEST_ADDRESS;
        if known { Ok(ours(&found, kind)) } else { Err(Error::Address) }
    };
    let mut out = String::with_capacity(text.len() * 2);
    // What the next address is: behind this tag stands a playlist, elsewhere a segment.
    let mut next = Kind::Segment;
    for line in text.lines().map(str::trim_end) {
        if line.is_empty() {
            continue;
        }
        if !line.starts_with('#') {
            out.push_str(&place(line, std::mem::replace(&mut next, Kind::Segment))?);
        } else if let Some((tag, kind)) = TAGS.iter().find(|(tag, _)| line.starts_with(tag)) {
            match attribute(&line[tag.len()..]) {
                Some((before, address, after)) => {
                    // Keys that players know by another scheme (DRM) are none of ours to fetch.
                    let fetched = !address.contains(':') || address.starts_with("http");
                    let address = if fetched { place(address, *kind)? } else { continue };
                    // Writing to a string cannot fail.
                    write!(out, "{tag}{before}{address}{after}").ok();
                }
                None => out.push_str(line),
            }
        } else if is_known(line) {
            if line.starts_with("#EXT-X-STREAM-INF") {
                next = Kind::Playlist;
            }
            out.push_str(line);
        } else {
            continue;
        }
        out.push('\n');
    }
    Ok(out)
}

/// Whether a tag says something of the stream and nothing of an address: comments, and tags of somebody's own, are dropped.
fn is_known(line: &str) -> bool {
    const KNOWN: [&str; 21] = [
        "#EXTM3U",
        "#EXT-X-VERSION",
        "#EXTINF",
        "#EXT-X-BYTERANGE",
        "#EXT-X-DISCONTINUITY",
        "#EXT-X-PROGRAM-DATE-TIME",
        "#EXT-X-GAP",
        "#EXT-X-BITRATE",
        "#EXT-X-TARGETDURATION",
        "#EXT-X-MEDIA-SEQUENCE",
        "#EXT-X-DISCONTINUITY-SEQUENCE",
        "#EXT-X-ENDLIST",
        "#EXT-X-PLAYLIST-TYPE",
        "#EXT-X-I-FRAMES-ONLY",
        "#EXT-X-STREAM-INF",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-START",
        "#EXT-X-KEY",
        "#EXT-X-MEDIA",
        "#EXT-X-ALLOW-CACHE",
        "#EXT-X-SESSION-DATA",
    ];
    let name = line.split(':').next().unwrap_or(line);
    KNOWN.contains(&name)
}

/// The value of the attribute `URI`, with what stands before it, its opening quote included, and behind it.
fn attribute(attributes: &str) -> Option<(&str, &str, &str)> {
    const NAME: &str = "URI=\"";
    let mut from = 0;
    loop {
        let at = from + attributes[from..].find(NAME)?;
        let quotes = attributes[..at].bytes().filter(|byte| *byte == b'"').count();
        // Within another value it is no attribute, nor is `X-URI`.
        let begins = at == 0 || matches!(attributes.as_bytes()[at - 1], b',' | b' ');
        let (begin, rest) = (at + NAME.len(), &attributes[at + NAME.len()..]);
        if quotes.is_multiple_of(2) && begins {
            let end = begin + rest.find('"')?;
            return Some((&attributes[..begin], &attributes[begin..end], &attributes[end..]));
        }
        from = begin;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ours(text: &str) -> Result<String, Error> {
        let base = Url::parse("http://tv.example/live/one/master.m3u8?key=1").unwrap();
        rewrite(text.as_bytes(), &base, |address, kind| match kind {
            Kind::Playlist => format!("<{address}>"),
            Kind::Segment => format!("[{address}]"),
        })
    }

    #[test]
    fn every_address_becomes_one_of_ours() {
        let master = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"URI=\",GROUP-ID=\"a\",URI=\"../sound.m3u8\"\n\
                      #EXT-X-STREAM-INF:BANDWIDTH=1\r\nvideo/0.m3u8?a=b\n\
                      #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"//cdn.example/i.m3u8\"\n";
        let wanted = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"URI=\",GROUP-ID=\"a\",URI=\"<http://tv.example/live/sound.m3u8>\"\n\
                      #EXT-X-STREAM-INF:BANDWIDTH=1\n<http://tv.example/live/one/video/0.m3u8?a=b>\n\
                      #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"<http://cdn.example/i.m3u8>\"\n";
        assert_eq!(ours(master).unwrap(), wanted);
        let media = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV=0x1\n\
                     #EXT-X-MAP:URI=\"init.mp4\",BYTERANGE=\"9@0\"\n#EXTINF:6,a: b\nhttps://cdn.example/1.ts\n# evil\n\
                     #EXT-X-SOMETHING:URI=\"http://10.0.0.1/\"\n#EXT-X-ENDLIST\n";
        let wanted = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-KEY:METHOD=AES-128,URI=\"[http://tv.example/key]\",IV=0x1\n\
                      #EXT-X-MAP:URI=\"[http://tv.example/live/one/init.mp4]\",BYTERANGE=\"9@0\"\n#EXTINF:6,a: b\n\
                      [https://cdn.example/1.ts]\n#EXT-X-ENDLIST\n";
        assert_eq!(ours(media).unwrap(), wanted);
    }

    #[test]
    fn what_is_no_playlist_or_leads_elsewhere_is_refused() {
        assert_eq!(ours("<html>"), Err(Error::NoPlaylist));
        assert_eq!(ours("G@\u{1}"), Err(Error::NoPlaylist));
        for address in ["file:///etc/passwd", "ftp://a/b", "data:video/mp4,x", "http://"] {
            assert_eq!(ours(&format!("#EXTM3U\n#EXTINF:1,\n{address}\n")), Err(Error::Address), "{address}");
        }
        let long = format!("#EXTM3U\n{}\n", "a".repeat(LONGEST_ADDRESS));
        assert_eq!(ours(&long), Err(Error::Address));
        let many = format!("#EXTM3U\n{}", "a\n".repeat(MOST_ADDRESSES + 1));
        assert_eq!(ours(&many), Err(Error::TooLong));
        let key = "#EXTM3U\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a\"\n";
        assert_eq!(ours(key).unwrap(), "#EXTM3U\n", "keys of others' systems are left out");
    }

    proptest! {
        #[test]
        fn rubbish_is_survived_and_leads_nowhere(
            lines in prop::collection::vec("(#EXT-X-(MEDIA|KEY|MAP|PART|FOO):)?(URI=\")?[a-z:/.\"?,#@\\[\\] %é]{0,30}(\")?", 0..12),
        ) {
            let text = format!("#EXTM3U\n{}\n", lines.join("\n"));
            let base = Url::parse("http://tv.example/a").unwrap();
            if let Ok(out) = rewrite(text.as_bytes(), &base, |_, _| "X".to_owned()) {
                for line in out.lines() {
                    prop_assert!(line.starts_with('#') || line == "X", "{line}");
                }
            }
        }
    }
}
