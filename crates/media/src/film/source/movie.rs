//! `moov`: which tracks there are, and where their tables lie.

use super::boxes::{Atom, Film};
use super::entry::Entry;
use super::language;
use super::samples::Tables;
use crate::film::fields::Fields;
use crate::film::{Error, Kind, Name};

/// Tracks of a film: more than any disc has languages.
const MOST_TRACKS: usize = 64;
/// Bytes of a box that is read as a whole: a sample entry can hold a colour profile of some hundred KiB.
const MOST_BYTES: u64 = 1 << 20;
/// Bytes of a track's name that are kept.
const MOST_NAME: usize = 100;
/// Ticks that an edit list may shift by: ten hours of 90 kHz, and far from what 32 bits hold.
const MOST_SHIFT: i64 = 1 << 30;

/// The film.
pub(in crate::film) struct Movie {
    /// What can be served: the picture, then sound.
    pub(in crate::film) sources: Vec<Source>,
    /// What cannot, in words.
    pub(in crate::film) left_out: Vec<String>,
}

/// A track as the film describes it.
pub(in crate::film) struct Source {
    pub(in crate::film) id: u32,
    pub(in crate::film) kind: Kind,
    pub(in crate::film) codec: String,
    /// The sample entry, a whole box.
    pub(in crate::film) entry: Vec<u8>,
    /// Ticks per second.
    pub(in crate::film) timescale: u32,
    /// Ticks by which a sample is presented earlier than its tables say; negative for later.
    pub(in crate::film) shift: i64,
    pub(in crate::film) language: Option<String>,
    pub(in crate::film) name: Option<String>,
    /// How the picture is turned, and its width and height in 1/65536 pixels.
    pub(in crate::film) display: [u32; 11],
    pub(super) tables: Tables,
}

impl Movie {
    pub(in crate::film) fn read(film: &mut Film<'_>) -> Result<Self, Error> {
        let moov = film.find(*b"moov")?.ok_or(Error::NoFilm)?;
        let boxes = film.children(&moov)?;
        if find(&boxes, *b"mvex").is_some() {
            return Err(Error::Fragmented);
        }
        let mvhd = required(&boxes, *b"mvhd", &moov)?;
        let (timescale, _) = clock(film, &mvhd)?;
        let mut movie = Self { sources: Vec::new(), left_out: Vec::new() };
        let traks = boxes.iter().filter(|atom| &atom.name.0 == b"trak");
        for (number, trak) in (1..).zip(traks) {
            if number > MOST_TRACKS {
                return Err(Error::TooMuch { what: "tracks", most: MOST_TRACKS as u64 });
            }
            movie.track(film, trak, timescale, number)?;
        }
        if movie.sources.is_empty() {
            return Err(Error::NoTracks);
        }
        movie.sources.sort_by_key(|source| matches!(source.kind, Kind::Audio { .. }));
        Ok(movie)
    }

    fn track(
        &mut self,
        film: &mut Film<'_>,
        trak: &Atom,
        timescale: u32,
        number: usize,
    ) -> Result<(), Error> {
        let boxes = film.children(trak)?;
        let mdia = required(&boxes, *b"mdia", trak)?;
        let media = film.children(&mdia)?;
        let hdlr = required(&media, *b"hdlr", &mdia)?;
        let handler = film.contents(&hdlr, MOST_BYTES)?;
        let kind = handler.get(8..12).ok_or_else(|| hdlr.error(SHORT))?;
        let (video, audio) = (kind == b"vide", kind == b"soun");
        if !video && !audio {
            let kind = Name(*kind.first_chunk().unwrap_or(&[0; 4]));
            self.left_out.push(format!("track {number}: neither picture nor sound ({kind})"));
            return Ok(());
        }
        let minf = required(&media, *b"minf", &mdia)?;
        let minf_boxes = film.children(&minf)?;
        let stbl = required(&minf_boxes, *b"stbl", &minf)?;
        let tables = film.children(&stbl)?;
        let stsd = film.contents(&required(&tables, *b"stsd", &stbl)?, MOST_BYTES)?;
        let entry = Entry::parse(&stsd).filter(|entry| matches!(entry.kind, Kind::Video { .. }) == video);
        let Some(entry) = entry else {
            let coding = Name(Entry::name(&stsd).unwrap_or(*b"none"));
            self.left_out.push(format!("track {number}: coded in a way that is not passed on ({coding})"));
            return Ok(());
        };
        if video && self.sources.iter().any(|source| matches!(source.kind, Kind::Video { .. })) {
            self.left_out.push(format!("track {number}: another picture"));
            return Ok(());
        }
        let tkhd = required(&boxes, *b"tkhd", trak)?;
        let (id, display) = header(film, &tkhd)?;
        let mdhd = required(&media, *b"mdhd", &mdia)?;
        let (ticks, said) = clock(film, &mdhd)?;
        let elng = find(&media, *b"elng").map(|atom| film.contents(&atom, MOST_BYTES)).transpose()?;
        let language = elng.and_then(|contents| language::extended(&contents)).or(said);
        let shift = match find(&boxes, *b"edts") {
            Some(edts) => edits(film, &edts, id, timescale, ticks)?,
            None => 0,
        };
        let offsets = find(&tables, *b"co64").or_else(|| find(&tables, *b"stco"));
        let tables = Tables {
            durations: required(&tables, *b"stts", &stbl)?,
            compositions: find(&tables, *b"ctts"),
            sync: find(&tables, *b"stss"),
            chunks: required(&tables, *b"stsc", &stbl)?,
            sizes: required(&tables, *b"stsz", &stbl)?,
            offsets: offsets.ok_or_else(|| stbl.error("has no `stco` and no `co64`"))?,
        };
        let name = name(film, &boxes, &handler)?;
        let Entry { kind, codec, atom: entry } = entry;
        let timescale = ticks;
        self.sources.push(Source {
            id,
            kind,
            codec,
            entry,
            timescale,
            shift,
            language,
            name,
            display,
            tables,
        });
        Ok(())
    }
}

/// Why a box is refused.
const SHORT: &str = "is shorter than what it should hold";

fn find(boxes: &[Atom], name: [u8; 4]) -> Option<Atom> {
    boxes.iter().find(|atom| atom.name.0 == name).copied()
}

fn required(boxes: &[Atom], name: [u8; 4], parent: &Atom) -> Result<Atom, Error> {
    let missing = || Error::Missing { name: Name(name), parent: parent.name, at: parent.begin };
    find(boxes, name).ok_or_else(missing)
}

/// Ticks per second, of `mvhd` and `mdhd` alike, and the language that only the latter has.
fn clock(film: &mut Film<'_>, atom: &Atom) -> Result<(u32, Option<String>), Error> {
    let contents = film.contents(atom, MOST_BYTES)?;
    let mut fields = Fields(&contents);
    let read = |fields: &mut Fields<'_>| {
        let wide = fields.u32()? >> 24 == 1;
        fields.take(if wide { 16 } else { 8 })?;
        let timescale = fields.u32()?;
        fields.take(if wide { 8 } else { 4 })?;
        Some((timescale, language::packed(fields.u16()?)))
    };
    let (timescale, language) = read(&mut fields).ok_or_else(|| atom.error(SHORT))?;
    if timescale == 0 {
        return Err(atom.error("says that a second has no ticks"));
    }
    Ok((timescale, language))
}

/// `tkhd`: the track's number, how its picture is turned, and its size.
fn header(film: &mut Film<'_>, atom: &Atom) -> Result<(u32, [u32; 11]), Error> {
    let contents = film.contents(atom, MOST_BYTES)?;
    let mut fields = Fields(&contents);
    let read = |fields: &mut Fields<'_>| {
        let wide = fields.u32()? >> 24 == 1;
        fields.take(if wide { 16 } else { 8 })?;
        let id = fields.u32()?;
        fields.take(if wide { 12 } else { 8 } + 16)?;
        let mut display = [0; 11];
        for word in &mut display {
            *word = fields.u32()?;
        }
        Some((id, display))
    };
    read(&mut fields).ok_or_else(|| atom.error(SHORT))
}

/// `elst`: where the presentation begins. Empty edits in front delay a track, and the first one that is not empty says
/// which tick of the track comes first; what plays parts in another order cannot be told to a player.
fn edits(film: &mut Film<'_>, edts: &Atom, track: u32, movie: u32, media: u32) -> Result<i64, Error> {
    let boxes = film.children(edts)?;
    let Some(elst) = find(&boxes, *b"elst") else { return Ok(0) };
    let contents = film.contents(&elst, MOST_BYTES)?;
    let mut fields = Fields(&contents);
    let short = || elst.error(SHORT);
    let wide = fields.u32().ok_or_else(short)? >> 24 == 1;
    let count = fields.u32().ok_or_else(short)?;
    let (mut delay, mut begin) = (0_i128, None);
    for _ in 0..count {
        let mut edit = || {
            let edit = if wide {
                (fields.u64()?, fields.i64()?)
            } else {
                (fields.u32()?.into(), fields.u32()?.cast_signed().into())
            };
            Some((edit, fields.u32()?))
        };
        let ((duration, time), rate) = edit().ok_or_else(short)?;
        let unsupported = |problem| Error::Unsupported { track, problem };
        match (time, begin) {
            (-1, None) => delay += i128::from(duration),
            // An empty edit at the end.
            (-1, Some(_)) => {}
            (0.., None) if rate == 0x1_0000 => begin = Some(time),
            (0.., None) => return Err(unsupported("plays at another speed, by its edit list")),
            _ => return Err(unsupported("is put together of parts, by its edit list")),
        }
    }
    let delay = delay * i128::from(media) / i128::from(movie);
    let shift = i64::try_from(i128::from(begin.unwrap_or(0)) - delay).ok();
    let shift = shift.filter(|shift| shift.abs() <= MOST_SHIFT);
    shift.ok_or(Error::Damaged { track, problem: "its edit list moves it further than any film is long" })
}

/// What the track is called: `udta/name`, or the name of its handler unless that is what tools write.
fn name(film: &mut Film<'_>, boxes: &[Atom], handler: &[u8]) -> Result<Option<String>, Error> {
    let clean = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        let text: String = text.chars().filter(|c| !c.is_control()).take(MOST_NAME).collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    if let Some(udta) = find(boxes, *b"udta") {
        let inner = film.children(&udta)?;
        if let Some(name) = find(&inner, *b"name") {
            return Ok(clean(&film.contents(&name, MOST_BYTES)?));
        }
    }
    let said = handler.get(24..).and_then(clean);
    Ok(said.filter(|name| !name.to_ascii_lowercase().contains("handle")))
}
