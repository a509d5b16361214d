//! The house stands as ARCHITECTURE.md draws it: who may depend on whom, and under which licences.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde::Deserialize;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    license: Option<String>,
    dependencies: Vec<Dependency>,
    features: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
    features: Vec<String>,
    optional: bool,
}

/// Of the platform that is built for: a fresh machine has fetched the packages of no other, and nothing is fetched
/// here.
fn metadata() -> Metadata {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline", "--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON")
}

/// What each crate of the workspace may use of the others, in the program itself (tests may use more).
const ALLOWED: [(&str, &[&str]); 23] = [
    ("playhouse-media", &[]),
    ("playhouse-play", &["playhouse-media"]),
    ("playhouse-sense", &["playhouse-media"]),
    ("playhouse-apps", &["playhouse-media", "playhouse-sense"]),
    ("playhouse-agent", &["playhouse-apps", "playhouse-infer", "playhouse-media", "playhouse-sense"]),
    ("playhouse-watch", &["playhouse-media"]),
    ("playhouse-broker", &[]),
    ("playhouse-codec", &["playhouse-media"]),
    ("playhouse-infer", &["playhouse-sense"]),
    ("playhouse-library", &["playhouse-media", "playhouse-watch"]),
    ("playhouse-ingest", &["playhouse-live", "playhouse-media"]),
    ("playhouse-live", &["playhouse-media"]),
    ("playhouse-stage", &["playhouse-media", "playhouse-play"]),
    ("playhouse-net", &["playhouse-media", "playhouse-play"]),
    ("playhouse-store", &["playhouse-media", "playhouse-play"]),
    (
        "playhouse-server",
        &[
            "playhouse-broker",
            "playhouse-infer",
            "playhouse-library",
            "playhouse-live",
            "playhouse-media",
            "playhouse-play",
            "playhouse-sense",
            "playhouse-store",
            "playhouse-watch",
        ],
    ),
    ("playhouse-joystick", &[]),
    ("playhouse-testkit", &["playhouse-media", "playhouse-play"]),
    (
        "playhouse",
        &[
            "playhouse-agent",
            "playhouse-codec",
            "playhouse-ingest",
            "playhouse-live",
            "playhouse-media",
            "playhouse-net",
            "playhouse-play",
            "playhouse-sense",
            "playhouse-server",
            "playhouse-stage",
            "playhouse-store",
        ],
    ),
    (
        "bench",
        &[
            "playhouse-agent",
            "playhouse-infer",
            "playhouse-library",
            "playhouse-media",
            "playhouse-sense",
            "playhouse-testkit",
            "playhouse-watch",
            "probe",
        ],
    ),
    ("lantern", &[]),
    ("lanterns", &["playhouse-media", "probe"]),
    ("probe", &["playhouse-media"]),
];

/// What is pure must not be able to touch the world: none of these may be among its dependencies.
const WORLD: [&str; 9] =
    ["tokio", "rustix", "libc", "sqlx", "axum", "smithay", "str0m", "ffmpeg-next", "mio"];
const PURE: [&str; 3] = ["playhouse-media", "playhouse-play", "playhouse-watch"];

#[test]
fn dependence_runs_one_way() {
    let metadata = metadata();
    let allowed = BTreeMap::from(ALLOWED);
    let mut wrong = Vec::new();
    for package in members(&metadata) {
        let Some(may) = allowed.get(package.name.as_str()) else {
            wrong.push(format!("`{}` is not in ARCHITECTURE.md's map", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind.as_deref() != Some("dev")) {
            if dependency.path.is_some() && !may.contains(&dependency.name.as_str()) {
                wrong.push(format!("`{}` must not depend on `{}`", package.name, dependency.name));
            }
            if PURE.contains(&package.name.as_str()) && WORLD.contains(&dependency.name.as_str()) {
                wrong
                    .push(format!("`{}` is pure and must not depend on `{}`", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Crops leave an agent only where somebody builds it for that by name: nothing of ours asks for it, by default or otherwise.
#[test]
fn the_program_is_built_without_pictures_unless_it_is_asked_for() {
    const SENDS: (&str, &str) = ("playhouse-agent", "pictures");
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in members(&metadata) {
        let sends = |feature: &String| feature.rsplit('/').next() == Some(SENDS.1);
        if package.features.get("default").is_some_and(|default| default.iter().any(sends)) {
            wrong.push(format!("`{}` sends pictures by default", package.name));
        }
        for dependency in &package.dependencies {
            let asks = dependency.features.iter().any(|feature| feature == SENDS.1);
            if dependency.name == SENDS.0 && !dependency.optional && asks {
                wrong.push(format!("`{}` asks `{}` for pictures", package.name, dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_is_licensed_permissively() {
    const PERMISSIVE: [&str; 15] = [
        "MIT",
        "MIT-0",
        "Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "0BSD",
        "Unicode-3.0",
        "CC0-1.0",
        "Unlicense",
        "WTFPL",
        "BSL-1.0",
        "CDLA-Permissive-2.0",
    ];
    let metadata = metadata();
    let ours: BTreeSet<&str> = metadata.workspace_members.iter().map(String::as_str).collect();
    let foreign = metadata.packages.iter().filter(|package| !ours.contains(package.id.as_str()));
    let wrong: Vec<String> = foreign
        .filter(|package| {
            let licence = package.license.as_deref().unwrap_or("none").replace('/', " OR ");
            !satisfied(&licence, &PERMISSIVE)
        })
        .map(|package| format!("{}: {:?}", package.name, package.license))
        .collect();
    assert!(wrong.is_empty(), "not permissively licensed:\n{}", wrong.join("\n"));
}

/// Whether an SPDX expression can be met: one of an OR, all of an AND. Parentheses group.
fn satisfied(expression: &str, known: &[&str]) -> bool {
    let expression = expression.trim();
    if known.contains(&expression) {
        return true;
    }
    if let Some((left, right)) = split_outside(expression, " OR ") {
        return satisfied(left, known) || satisfied(right, known);
    }
    if let Some((left, right)) = split_outside(expression, " AND ") {
        return satisfied(left, known) && satisfied(right, known);
    }
    expression
        .strip_prefix('(')
        .and_then(|e| e.strip_suffix(')'))
        .is_some_and(|inner| satisfied(inner, known))
}

fn split_outside<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let mut depth = 0_i32;
    for (at, character) in text.char_indices() {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 && text[at..].starts_with(separator) {
            return Some((&text[..at], &text[at + separator.len()..]));
        }
    }
    None
}

fn members(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id))
}

#[test]
fn licence_expressions_are_read_as_spdx_has_them() {
    let known = ["MIT", "Apache-2.0", "ISC"];
    assert!(satisfied("MIT OR GPL-3.0-only", &known));
    assert!(satisfied("(MIT OR GPL-3.0-only) AND ISC", &known));
    assert!(!satisfied("MIT AND GPL-3.0-only", &known));
    assert!(!satisfied("none", &known));
}
