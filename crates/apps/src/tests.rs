//! What a module may not do, each with a small one that does it, and what is said then.

use playhouse_media::time::Timestamp;
use playhouse_sense::geometry::Point;
use playhouse_sense::observation::{Direction, What};
use playhouse_sense::settings::{Line, Settings, Zone};

use crate::limits::{EVENTS_PER_CALL, EVENTS_PER_MINUTE, LARGEST_MODULE, LINES_PER_CALL, LONGEST_LINE};
use crate::{App, Emitted, Names, Refused, Said, Stopped, Told};

const ABI: &str = r#"(func (export "playhouse_abi") (result i32) i32.const 1)"#;
const MEMORY: &str = r#"(memory (export "memory") 1)"#;
const ALLOC: &str = r#"(func (export "alloc") (param i32) (result i32) i32.const 1024)"#;
const OBSERVE: &str = r#"(func (export "observe") (param i32 i32))"#;
const EMIT: &str = r#"(import "playhouse" "emit" (func $emit (param i32 i32 f64)))"#;
const LOG: &str = r#"(import "playhouse" "log" (func $log (param i32 i32)))"#;

const START: Timestamp = Timestamp::from_micros(1_000_000);

fn open(parts: &[&str]) -> Result<App, Refused> {
    App::open(&wat::parse_str(format!("(module {})", parts.join("\n"))).unwrap())
}

fn refusal(parts: &[&str]) -> String {
    open(parts).unwrap_err().to_string()
}

/// An app that does this whenever it is told something; its memory has a name at 0.
fn doing(what: &str) -> App {
    let observe =
        format!(r#"(func $observe (export "observe") (param $place i32) (param $length i32) {what})"#);
    let name = r#"(data (i32.const 0) "length")"#;
    open(&[EMIT, LOG, MEMORY, name, ABI, ALLOC, &observe]).unwrap()
}

fn done(what: &str) -> Result<Said, Stopped> {
    doing(what).observe(START, b"{}")
}

fn stop(what: &str) -> Stopped {
    done(what).unwrap_err()
}

const SAY: &str = "(call $emit (i32.const 0) (i32.const 6) (f64.const 4))";

#[test]
fn a_module_says_figures_and_lines() {
    let said = done(&format!("{SAY} (call $log (local.get $place) (local.get $length))")).unwrap();
    assert_eq!(said.events, [Emitted { name: "length".into(), value: 4.0 }]);
    assert_eq!(said.lines, ["{}"]);
    assert_eq!(doing("").tick(START, 5), Ok(Said::default()), "it need not know of time");
}

#[test]
fn a_module_that_was_stopped_is_not_called_again() {
    let mut app = doing(
        "i32.const 0 i32.load8_u i32.eqz (if (then unreachable)) (i32.store8 (i32.const 0) (i32.const 0))",
    );
    assert_eq!(app.observe(START, b"{}"), Ok(Said::default()));
    let stopped = app.observe(START, b"{}").unwrap_err();
    assert!(matches!(&stopped, Stopped::Trap(why) if why.contains("unreachable")), "{stopped}");
    assert_eq!(app.observe(START, b"{}"), Err(stopped.clone()));
    assert_eq!(app.tick(START, 5), Err(stopped));
}

#[test]
fn a_module_that_runs_away_is_stopped() {
    assert_eq!(stop("(loop $again br $again)"), Stopped::Fuel);
    assert_eq!(stop("(call $observe (local.get $place) (local.get $length))"), Stopped::Deep);
    let start = "(func $start (loop $again br $again)) (start $start)";
    let refused = open(&[MEMORY, ABI, ALLOC, OBSERVE, start]).unwrap_err();
    assert_eq!(refused, Refused::Start(Stopped::Fuel));
    // What one instruction moves costs as much as many.
    let fill = "(loop $again (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) br $again)";
    assert_eq!(stop(fill), Stopped::Fuel);
}

#[test]
fn a_module_that_is_busy_all_the_time_is_stopped() {
    // A good part of what a call may take.
    let count = "(local $n i32) (loop $again (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $n) (i32.const 400000))))";
    let calls = |apart_us: u64| {
        let mut app = doing(count);
        (0..400).find_map(|call| app.observe(Timestamp::from_micros(call * apart_us), b"{}").err())
    };
    assert_eq!(calls(100_000), Some(Stopped::Minute));
    assert_eq!(calls(10_000_000), None, "within its time it goes on for ever");
}

#[test]
fn a_module_that_wants_too_much_memory_is_stopped() {
    assert_eq!(stop("(drop (memory.grow (i32.const 256)))"), Stopped::Memory);
    assert!(done("(drop (memory.grow (i32.const 255)))").is_ok(), "16 MiB are there");
    let large = r#"(memory (export "memory") 257)"#;
    let refused = open(&[large, ABI, ALLOC, OBSERVE]).unwrap_err();
    assert_eq!(refused, Refused::Start(Stopped::Memory));
    let table = "(table 10001 funcref)";
    assert_eq!(open(&[MEMORY, table, ABI, ALLOC, OBSERVE]).unwrap_err(), Refused::Start(Stopped::Table));
}

#[test]
fn a_module_that_points_beyond_its_memory_is_stopped() {
    assert_eq!(stop("(call $emit (i32.const 65530) (i32.const 7) (f64.const 1))"), Stopped::Place("`emit`"));
    assert_eq!(stop("(call $emit (i32.const -1) (i32.const -1) (f64.const 1))"), Stopped::Place("`emit`"));
    assert_eq!(stop("(call $log (i32.const 0) (i32.const 65537))"), Stopped::Place("`log`"));
    for place in [65_535, -1, i32::MIN] {
        let alloc = format!(r#"(func (export "alloc") (param i32) (result i32) i32.const {place})"#);
        let mut app = open(&[MEMORY, ABI, &alloc, OBSERVE]).unwrap();
        assert_eq!(app.observe(START, b"{}"), Err(Stopped::Place("`alloc`")), "{place}");
    }
    let nothing = r#"(func (export "alloc") (param i32) (result i32) i32.const 0)"#;
    let trap = r#"(func (export "observe") (param i32 i32) unreachable)"#;
    let mut app = open(&[MEMORY, ABI, nothing, trap]).unwrap();
    assert_eq!(app.observe(START, b"{}"), Ok(Said::default()), "it has no room, and is not told");
}

#[test]
fn a_module_that_says_nonsense_or_too_much_is_stopped() {
    assert_eq!(
        stop("(call $emit (i32.const 0) (i32.const 6) (f64.const nan))"),
        Stopped::Figure("length".into())
    );
    assert_eq!(
        stop("(call $emit (i32.const 0) (i32.const 6) (f64.const inf))"),
        Stopped::Figure("length".into())
    );
    assert_eq!(stop("(call $emit (i32.const 0) (i32.const 0) (f64.const 1))"), Stopped::Name);
    assert_eq!(stop("(call $emit (i32.const 0) (i32.const 61) (f64.const 1))"), Stopped::Name);
    let not_utf8 = "(i32.store8 (i32.const 0) (i32.const 255))";
    assert_eq!(stop(&format!("{not_utf8} {SAY}")), Stopped::Name);
    assert_eq!(done(&SAY.repeat(EVENTS_PER_CALL)).unwrap().events.len(), EVENTS_PER_CALL);
    assert_eq!(stop(&SAY.repeat(EVENTS_PER_CALL + 1)), Stopped::Often);
    let mut app = doing(SAY);
    for _ in 0..EVENTS_PER_MINUTE {
        app.observe(START, b"{}").unwrap();
    }
    assert_eq!(app.observe(START, b"{}"), Err(Stopped::Flood));
}

#[test]
fn long_lines_are_cut_and_many_are_passed_over() {
    let line = "(call $log (i32.const 0) (i32.const 65536))";
    let said = done(&line.repeat(LINES_PER_CALL + 3)).unwrap();
    assert_eq!(said.lines.len(), LINES_PER_CALL);
    assert!(said.lines.iter().all(|line| line.len() == LONGEST_LINE));
}

#[test]
fn what_is_no_app_is_refused_by_a_sentence() {
    assert!(
        App::open(b"rubbish").unwrap_err().to_string().starts_with("it is no WebAssembly module that runs")
    );
    let long = App::open(&vec![0; LARGEST_MODULE + 1]).unwrap_err();
    assert_eq!(long.to_string(), "it has 4194305 bytes, and a module has 4 MiB at most");
    let old = r#"(func (export "playhouse_abi") (result i32) i32.const 7)"#;
    let old = refusal(&[MEMORY, old, ALLOC, OBSERVE]);
    assert_eq!(old, "it is made for version 7 of the interface of apps, and this agent knows version 1");
    assert_eq!(refusal(&[MEMORY, ALLOC, OBSERVE]), "it does not export `playhouse_abi() -> i32`");
    assert_eq!(refusal(&[MEMORY, ABI, OBSERVE]), "it does not export `alloc(length: i32) -> i32`");
    assert_eq!(refusal(&[MEMORY, ABI, ALLOC]), "it does not export `observe(place: i32, length: i32)`");
    assert_eq!(refusal(&[ABI, ALLOC, OBSERVE]), "it does not export its `memory`");
    let tick = r#"(func (export "tick") (param i32))"#;
    let tick = refusal(&[MEMORY, ABI, ALLOC, OBSERVE, tick]);
    assert_eq!(tick, "it does not export its `tick` as `tick(now_ms: i64)`");
}

#[test]
fn a_module_whose_many_bytes_of_code_are_no_function_is_refused() {
    // A section of code (10) of 1001 bytes that holds no function.
    let mut bytes = b"\0asm\x01\0\0\0\x0a\xe9\x07\0".to_vec();
    bytes.resize(bytes.len() + 1000, 0);
    assert!(matches!(App::open(&bytes), Err(Refused::Module(_))));
}

#[test]
fn nothing_but_two_functions_can_be_imported() {
    let wasi = r#"(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))"#;
    let refused = refusal(&[wasi, MEMORY, ABI, ALLOC, OBSERVE]);
    assert!(
        refused.starts_with("it imports `wasi_snapshot_preview1.fd_write`, which is not offered"),
        "{refused}"
    );
    let memory = r#"(import "playhouse" "memory" (memory 1))"#;
    assert!(refusal(&[memory, ABI, ALLOC, OBSERVE]).starts_with("it imports `playhouse.memory`"));
    let emit = r#"(import "playhouse" "emit" (func (param i32 i32 f32)))"#;
    let shape = "it imports `playhouse.emit` as something else than `(name: i32, length: i32, value: f64)`";
    assert_eq!(refusal(&[emit, MEMORY, ABI, ALLOC, OBSERVE]), shape);
}

#[test]
fn an_observation_is_told_as_the_api_has_it_with_names() {
    let at = |x, y| Point { x, y };
    let corners = vec![at(0.1, 0.1), at(0.9, 0.1), at(0.5, 0.9)];
    let settings = Settings {
        lines: vec![Line { id: 4, name: "Door".into(), from: at(0.5, 0.0), to: at(0.5, 1.0) }],
        zones: vec![Zone { id: 2, name: "Queue \"A\"".into(), corners, dwell_ms: None }],
        ..Settings::default()
    };
    let names = Names::of(&settings, vec!["person".into()]);
    let told = |what: What| {
        Told::of(1_796_069_400_000, &what, &names).map(|told| String::from_utf8(told.to_json()).unwrap())
    };
    let entered = told(What::Entered { zone: 2, track: 7, label: 0 }).unwrap();
    assert_eq!(
        entered,
        r#"{"at":1796069400000,"kind":"entered","zone_name":"Queue \"A\"","label_name":"person","what":{"Entered":{"zone":2,"track":7,"label":0}}}"#
    );
    let crossed = told(What::Crossed { line: 4, track: 7, label: 9, direction: Direction::In }).unwrap();
    assert_eq!(
        crossed,
        r#"{"at":1796069400000,"kind":"crossed","line_name":"Door","what":{"Crossed":{"line":4,"track":7,"label":9,"direction":"in"}}}"#
    );
    let app = What::App { app: "queue".into(), name: "length".into(), value: 1.0 };
    assert_eq!(told(app), None, "apps do not hear each other");
}
