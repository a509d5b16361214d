//! The `AVCDecoderConfigurationRecord` of H.264 (ISO/IEC 14496-15, section 5.3.3.1).

use crate::annexb::Sps;

/// Profiles whose record says which chroma and depth they use.
const WITH_CHROMA: [u8; 4] = [100, 110, 122, 144];

/// The parameter sets of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Bytes of the length before each NAL unit: 1, 2 or 4.
    pub length_size: usize,
    /// Sequence parameter sets, NAL units.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets, NAL units.
    pub pps: Vec<Vec<u8>>,
}

/// Reads a record; none where it is cut off.
pub fn read(record: &[u8]) -> Option<Record> {
    let (&[version, _, _, _, length, count], rest) = record.split_first_chunk::<6>()?;
    if version != 1 {
        return None;
    }
    let mut rest = rest;
    let sps = sets(&mut rest, count & 0x1F)?;
    let (&count, behind) = rest.split_first()?;
    rest = behind;
    let pps = sets(&mut rest, count)?;
    Some(Record { length_size: usize::from(length & 3) + 1, sps, pps })
}

fn sets(rest: &mut &[u8], count: u8) -> Option<Vec<Vec<u8>>> {
    (0..count).map(|_| super::hevc::unit(rest)).collect()
}

/// Writes a record, with lengths of four bytes; none where the first sequence parameter set is not one, or there is
/// no picture parameter set.
pub fn write(sps: &[Vec<u8>], pps: &[Vec<u8>]) -> Option<Vec<u8>> {
    let first = Sps::parse(sps.first()?)?;
    let counts = (u8::try_from(sps.len()).ok().filter(|&n| n < 32)?, u8::try_from(pps.len()).ok()?);
    if pps.is_empty() {
        return None;
    }
    let mut record = vec![1, first.profile, first.constraints, first.level, 0xFF, 0xE0 | counts.0];
    for unit in sps {
        super::hevc::put_unit(&mut record, unit)?;
    }
    record.push(counts.1);
    for unit in pps {
        super::hevc::put_unit(&mut record, unit)?;
    }
    if WITH_CHROMA.contains(&first.profile) {
        let [luma, chroma] = first.depths;
        record.extend([
            0xFC | first.chroma,
            0xF8 | luma.saturating_sub(8),
            0xF8 | chroma.saturating_sub(8),
            0,
        ]);
    }
    Some(record)
}
