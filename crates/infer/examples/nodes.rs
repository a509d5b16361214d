//! Runs the cases that `tests/foreign/nodes.py` wrote, and counts which come out right.
//!
//! `nodes FOLDER KNOWN`, where the file KNOWN names the cases that are known to fail, one a line with the reason behind it.
//! Ends with 1 where another one fails, or one of those does not.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use playhouse_infer::Kind;
use playhouse_infer::runtime::{self, Output};
use serde_json::Value;

type Failed = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args().skip(1);
    let (folder, known) = arguments.next().zip(arguments.next()).ok_or("nodes FOLDER KNOWN")?;
    let known = std::fs::read_to_string(known)?;
    let known: BTreeSet<&str> = known
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let mut names: Vec<_> =
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Failed>>()?;
    names.sort();
    let mut operators: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut passed, mut failed, mut wrong) = (0, 0, 0);
    for path in &names {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let told: Value = serde_json::from_slice(&std::fs::read(path.join("case.json"))?)?;
        let operator = operators.entry(told["operator"].as_str().unwrap_or_default().to_owned()).or_default();
        operator.1 += 1;
        let verdict = case(path, &told);
        match &verdict {
            Ok(()) => {
                passed += 1;
                operator.0 += 1;
            }
            Err(error) => {
                failed += 1;
                if !known.contains(name.as_str()) {
                    println!("{name}: {error}");
                }
            }
        }
        if verdict.is_ok() == known.contains(name.as_str()) {
            wrong += 1;
            if verdict.is_ok() {
                println!("{name}: passes, and is said to be known to fail");
            }
        }
    }
    let whole = operators.values().filter(|(passed, all)| passed == all).count();
    println!(
        "ONNX node cases: {passed} passed, {failed} known or new failures; {whole} of {} operators whole",
        operators.len()
    );
    if wrong > 0 || passed == 0 {
        Err(format!("{wrong} cases did not come out as known").into())
    } else {
        Ok(())
    }
}

/// Runs one case.
fn case(path: &Path, told: &Value) -> Result<(), Failed> {
    let bytes = std::fs::read(path.join("model.onnx"))?;
    let mut network = runtime::open(Kind::Rten, &bytes, 1)?;
    let outputs = network.run(&lengths(&told["shape"]), &numbers(&path.join("input"))?)?;
    let wanted = told["outputs"].as_array().ok_or("no outputs")?;
    if outputs.len() != wanted.len() {
        return Err(format!("{} outputs where {} are wanted", outputs.len(), wanted.len()).into());
    }
    let tolerance = |name: &str| told[name].as_f64().unwrap_or_default();
    for (n, (Output { shape, values }, wanted)) in outputs.iter().zip(wanted).enumerate() {
        if *shape != lengths(wanted) {
            return Err(format!("the shape {shape:?} where {wanted} is wanted").into());
        }
        let right = numbers(&path.join(format!("output{n}")))?;
        for (is, right) in values.iter().zip(&right) {
            let (is, right) = (f64::from(*is), f64::from(*right));
            let near = (is - right).abs() <= tolerance("atol").max(1e-5) + tolerance("rtol") * right.abs();
            if !(near || is.is_nan() && right.is_nan() || is.to_bits() == right.to_bits()) {
                return Err(format!("{is} where {right} is right").into());
            }
        }
    }
    Ok(())
}

fn lengths(value: &Value) -> Vec<usize> {
    let length = |length: &Value| length.as_u64().and_then(|length| usize::try_from(length).ok());
    value.as_array().into_iter().flatten().filter_map(length).collect()
}

fn numbers(path: &Path) -> Result<Vec<f32>, Failed> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}
