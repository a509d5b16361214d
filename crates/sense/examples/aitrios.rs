//! Reads and writes what devices of AITRIOS tell, for a judge: `aitrios write|read|tensor|report WIDTH HEIGHT`.
//!
//! Takes standard input and answers on standard output. `write` makes metadata of a JSON list of detections, `read` and
//! `tensor` the reverse of metadata and of an output tensor; `report` says what a report says, and writes it again.

use std::io::{Read as _, Write as _};

use playhouse_sense::aitrios::{self, LARGEST, Report, Size, tensor};
use playhouse_sense::detection::{Detection, Label};
use playhouse_sense::geometry::Rect;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

type Failed = Box<dyn std::error::Error>;

/// A detection in JSON.
#[derive(Serialize, Deserialize)]
struct Thing {
    label: Label,
    score: f32,
    #[serde(flatten)]
    place: Rect,
}

fn things(found: &[Detection]) -> Result<Value, Failed> {
    let things = found.iter().map(|&Detection { place, label, score }| Thing { label, score, place });
    Ok(serde_json::to_value(things.collect::<Vec<_>>())?)
}

fn report(bytes: &[u8], size: Size) -> Result<Value, Failed> {
    let report = Report::read(bytes, size)?;
    let written: Value = serde_json::from_slice(&report.write(size)?)?;
    let inferences =
        report.inferences.iter().map(|one| Ok(json!({"at": one.at, "found": things(&one.found)?})));
    let inferences = inferences.collect::<Result<Vec<_>, Failed>>()?;
    Ok(json!({"device": report.device, "model": report.model, "inferences": inferences, "written": written}))
}

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, width, height] = arguments.as_slice() else {
        return Err("aitrios write|read|tensor|report WIDTH HEIGHT".into());
    };
    let size = (width.parse()?, height.parse()?);
    let mut bytes = Vec::new();
    // JSON of as many detections as fit into metadata is several times as long.
    std::io::stdin().take(16 * LARGEST as u64).read_to_end(&mut bytes)?;
    let answer = match verb.as_str() {
        "write" => {
            let things: Vec<Thing> = serde_json::from_slice(&bytes)?;
            let found = things.iter().map(|&Thing { label, score, place }| Detection { place, label, score });
            aitrios::write(&found.collect::<Vec<_>>(), size)
        }
        "read" => things(&aitrios::read(&bytes, size)?)?.to_string().into_bytes(),
        "tensor" => things(&tensor::read(&bytes)?)?.to_string().into_bytes(),
        "report" => report(&bytes, size)?.to_string().into_bytes(),
        verb => return Err(format!("unknown: {verb}").into()),
    };
    Ok(std::io::stdout().write_all(&answer)?)
}
