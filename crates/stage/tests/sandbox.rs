//! What a game can do to the machine it runs on, and what is left of it afterwards.

mod game;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use game::{PATIENCE, sdl, shell, until};
use playhouse_play::control::GameSpec;
use playhouse_stage::sandbox::{self, Access, Config, Error, Exit, GameProcess, Grant, Mechanism, Mount};

fn start(game: &GameSpec) -> GameProcess {
    sandbox::start(Config { game, grants: Vec::new(), time: None, groups: true }).expect("the game starts")
}

/// Runs to its end.
fn run(game: &GameSpec) -> (Exit, String) {
    let process = start(game);
    let exit = process.wait(PATIENCE).expect("it ends");
    (exit, process.last_words())
}

/// Whether a process with this word in its command line is there.
fn runs(word: &str) -> bool {
    fs::read_dir("/proc").expect("there is /proc").flatten().any(|entry| {
        fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| line.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()))
    })
}

#[test]
fn its_code_and_its_last_words_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (exit, words) = run(&shell(dir.path(), "echo first; echo 'cannot open shareware' >&2; exit 3"));
    assert_eq!((exit, words.as_str()), (Exit::Code(3), "first\ncannot open shareware"));
    let (exit, _) = run(&shell(dir.path(), "kill -SEGV $$"));
    assert_eq!(exit, Exit::Signal(libc::SIGSEGV));
    let (exit, words) = run(&shell(dir.path(), "seq 100000; echo the end"));
    assert!(exit.is_success() && words.ends_with("99999\n100000\nthe end"), "{words}");
    assert!(words.len() <= 4096);
}

#[test]
fn the_last_words_of_a_game_that_crashes_are_not_lost_in_its_buffer() {
    let dir = tempfile::tempdir().unwrap();
    let (exit, words) = run(&sdl(dir.path(), "abort", &[]));
    assert_eq!((exit, words.as_str()), (Exit::Signal(libc::SIGABRT), "cannot open shareware"));
    let (_, words) = run(&shell(dir.path(), "exec python3 -c 'import os; print(\"no level\"); os.abort()'"));
    assert!(words.starts_with("no level"), "{words}");
}

#[test]
fn daemons_that_fork_twice_die_with_their_game() {
    let dir = tempfile::tempdir().unwrap();
    let script = "(setsid sh -c '(trap \"\" TERM HUP; sleep 86399) & sleep 86398' &) ; \
                  sleep 86397 & echo ready; sleep 86396";
    let process = start(&shell(dir.path(), script));
    until("the daemons run", || ["86399", "86398", "86397", "86396"].iter().all(|word| runs(word)));
    let before = Instant::now();
    drop(process);
    assert!(before.elapsed() < Duration::from_secs(5));
    assert!(!["86399", "86398", "86397", "86396"].iter().any(|word| runs(word)), "somebody survived");

    // The same when the game ends by itself.
    let (exit, _) = run(&shell(dir.path(), "(setsid sh -c 'trap \"\" TERM; sleep 86395' &); exit 0"));
    assert!(exit.is_success() && !runs("86395"));
}

#[test]
fn a_game_that_is_stopped_can_save_first() {
    let dir = tempfile::tempdir().unwrap();
    // A wrapper as many packages have it: the shell must not die before the game that it waits for.
    let inner = "trap 'echo saved > save; exit 0' TERM; echo ready; while :; do sleep 0.05; done";
    let game = shell(dir.path(), &format!("sh -c \"{inner}\"; true"));
    let process = start(&game);
    until("it is ready", || process.last_words().contains("ready"));
    process.stop();
    assert_eq!(fs::read_to_string(game.home.join("save")).unwrap(), "saved\n");

    let process = start(&shell(dir.path(), "trap '' TERM; echo ready; while :; do sleep 0.05; done"));
    until("it is ready", || process.last_words().contains("ready"));
    assert_eq!(process.stop(), Exit::Signal(libc::SIGKILL));
}

#[test]
fn a_game_that_takes_all_memory_is_ended_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let hog = shell(dir.path(), "exec tail /dev/zero");
    for groups in [true, false] {
        let process = sandbox::start(Config { game: &hog, grants: Vec::new(), time: None, groups }).unwrap();
        let exit = process.wait(PATIENCE).expect("it ends");
        let said = process.last_words();
        // Without a group, the allocation itself may fail first, which `tail` reports.
        let failed = process.mechanism() == Mechanism::Watched && said.contains("memory");
        assert!(exit == Exit::Memory(256) || failed, "{exit:?} {said}");
    }
}

#[test]
fn a_fork_bomb_stays_small() {
    let dir = tempfile::tempdir().unwrap();
    let game = shell(dir.path(), "bomb() { bomb | bomb & }; bomb; sleep 1; echo over");
    let process = start(&game);
    if process.mechanism() == Mechanism::Watched {
        assert!(process.wait(PATIENCE).is_some());
    } else {
        until("it runs into its limit", || process.last_words().contains("fork"));
    }
    drop(process);
}

#[test]
fn without_leave_there_is_no_network() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' && echo connected");
    let mut game = shell(dir.path(), &script);
    let (exit, words) = run(&game);
    assert!(!exit.is_success() && !words.contains("connected"), "{words}");
    game.network = true;
    let (exit, words) = run(&game);
    assert!(exit.is_success() && words.contains("connected"), "{words}");
}

#[test]
fn its_home_stays_and_the_rest_is_read_only() {
    let dir = tempfile::tempdir().unwrap();
    run(&shell(dir.path(), "echo one > save; echo two > /tmp/scratch"));
    let (_, words) = run(&shell(dir.path(), "cat ~/save; cat /tmp/scratch"));
    assert!(words.starts_with("one\n") && words.contains("No such file"), "{words}");
    for path in ["/usr/x", "/etc/x", "/title/x", "/x", "/proc/sys/kernel/hostname", "/proc/sys/vm/swappiness"]
    {
        let (exit, _) = run(&shell(dir.path(), &format!("echo x > {path}")));
        assert!(!exit.is_success(), "{path} was written");
    }
    let (_, words) =
        run(&shell(dir.path(), "id -u; cat /etc/shadow; ls /root /home; ls -d /proc/[0-9]* | wc -l"));
    assert!(words.starts_with("1000\n") && words.contains("player") && !words.contains("root:"), "{words}");
}

#[test]
fn it_sees_what_it_is_granted_and_no_variable_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("files")).unwrap();
    fs::write(dir.path().join("files/level"), "e1m1").unwrap();
    fs::write(dir.path().join("shared"), "before").unwrap();
    let mut game = shell(dir.path(), "cat /title/level; echo after > /run/user/1000/shared; env");
    game.files = Some(dir.path().join("files"));
    game.env.insert("DOOMWADDIR".to_owned(), "/title".to_owned());
    let grant = Grant {
        mounts: vec![Mount {
            outside: dir.path().join("shared"),
            inside: Path::new(sandbox::RUNTIME).join("shared"),
            access: Access::Write,
        }],
        env: vec![("PULSE_SERVER".to_owned(), "unix:/x".to_owned())],
    };
    let process =
        sandbox::start(Config { game: &game, grants: vec![grant], time: None, groups: true }).unwrap();
    assert!(process.wait(PATIENCE).expect("it ends").is_success());
    let words = process.last_words();
    for line in ["e1m1", "DOOMWADDIR=/title", "PULSE_SERVER=unix:/x", "HOME=/home/player"] {
        assert!(words.contains(line), "{line} in {words}");
    }
    assert!(!words.contains("CARGO"), "{words}");
    assert_eq!(fs::read_to_string(dir.path().join("shared")).unwrap(), "after\n");
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut game = shell(dir.path(), "");
    game.title = "freedoom".to_owned();
    game.command = vec!["no-such-doom".to_owned()];
    let refused = |game: &GameSpec| {
        sandbox::start(Config { game, grants: Vec::new(), time: None, groups: true }).unwrap_err()
    };
    assert_eq!(refused(&game).to_string(), "freedoom could not start: `no-such-doom` is not installed");
    game.command = vec!["./engine".to_owned()];
    assert!(matches!(refused(&game), Error::NotInstalled { .. }));
    game.command.clear();
    assert!(matches!(refused(&game), Error::NoCommand { .. }));
}

#[test]
fn time_runs_out() {
    let dir = tempfile::tempdir().unwrap();
    let game = shell(dir.path(), "sleep 86394");
    let time = Some(Duration::from_millis(200));
    for groups in [true, false] {
        let process = sandbox::start(Config { game: &game, grants: Vec::new(), time, groups }).unwrap();
        assert_eq!(process.wait(PATIENCE), Some(Exit::Time));
        assert!(!runs("86394"));
    }
}

#[test]
fn what_it_used_is_counted() {
    let dir = tempfile::tempdir().unwrap();
    let game = shell(dir.path(), "i=0; while :; do i=$((i+1)); done");
    for groups in [true, false] {
        let process = sandbox::start(Config { game: &game, grants: Vec::new(), time: None, groups }).unwrap();
        until("it uses the processor", || process.cpu_seconds() > 0.1);
        assert!(process.rss_bytes() > 0);
        process.stop();
        assert!(process.cpu_seconds() > 0.1 && process.rss_bytes() == 0);
    }
}

#[test]
fn a_game_that_is_dropped_while_it_starts_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    // The word is in the command line of bubblewrap and of the process that it prepares as well.
    let game = shell(dir.path(), "sleep 86392; echo never");
    for groups in [true, false].repeat(20) {
        drop(sandbox::start(Config { game: &game, grants: Vec::new(), time: None, groups }).unwrap());
        assert!(!runs("sleep 86392; echo never"), "somebody survived (groups: {groups})");
    }
}
