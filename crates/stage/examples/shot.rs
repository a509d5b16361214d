//! Runs a program on a stage for some seconds, says how many frames it made, and writes its last picture.
//!
//! ```text
//! cargo run --release -p playhouse-stage --example shot -- \
//!     [--size 1280x720] [--rate 60] [--seconds 10] [--x11] [--out shot.ppm] [--key 3000:28]... [--to 3000:640:360]... \
//!     [--by 3000:10:0]... [--click 3000:272]... PROGRAM [ARGUMENT]...
//! ```
//!
//! `--key` presses the key of an evdev code at so many milliseconds and lets it go 100 ms later, `--click` does the
//! same with a button; `--to` and `--by` move the pointer.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use playhouse_media::frame::{Damage, Size};
use playhouse_media::time::Timestamp;
use playhouse_stage::compositor::{self, Compositor, Config, Frame, GameInput};

#[derive(Default)]
struct Seen {
    frames: u64,
    rectangles: usize,
    pixels: u64,
    size: Option<Size>,
    picture: Vec<u8>,
    intervals: Vec<Duration>,
    last: Option<Instant>,
}

type Fault = Box<dyn std::error::Error>;

struct Wish {
    config: Config,
    span: Duration,
    out: String,
    inputs: Vec<(u64, GameInput)>,
    command: Vec<String>,
}

fn wish() -> Result<Wish, Fault> {
    let runtime = std::env::temp_dir().join(format!("playhouse-shot-{}", std::process::id()));
    let mut wish = Wish {
        config: Config { size: Size::new(1280, 720), rate: 60, runtime, xwayland: false },
        span: Duration::from_secs(10),
        out: "shot.ppm".into(),
        inputs: Vec::new(),
        command: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1).peekable();
    while let Some(name) = arguments.next_if(|argument| argument.starts_with("--")) {
        if name == "--x11" {
            wish.config.xwayland = true;
            continue;
        }
        let value = arguments.next().ok_or("an option without a value")?;
        let numbers: Vec<i32> = value.split([':', 'x']).filter_map(|part| part.parse().ok()).collect();
        let at = u64::try_from(numbers.first().copied().unwrap_or(0))?;
        match (name.as_str(), numbers.as_slice()) {
            ("--size", &[width, height]) => {
                wish.config.size = Size::new(width.try_into()?, height.try_into()?);
            }
            ("--rate", &[number]) => wish.config.rate = number.try_into()?,
            ("--seconds", &[number]) => wish.span = Duration::from_secs(number.try_into()?),
            ("--out", _) => wish.out = value,
            ("--key", &[_, code]) => {
                let code = code.try_into()?;
                wish.inputs.push((at, GameInput::Key { code, pressed: true }));
                wish.inputs.push((at + 100, GameInput::Key { code, pressed: false }));
            }
            ("--click", &[_, code]) => {
                let code = code.try_into()?;
                wish.inputs.push((at, GameInput::Button { code, pressed: true }));
                wish.inputs.push((at + 100, GameInput::Button { code, pressed: false }));
            }
            ("--to", &[_, x, y]) => wish.inputs.push((at, GameInput::PointerTo { x: x.into(), y: y.into() })),
            ("--by", &[_, x, y]) => {
                wish.inputs.push((at, GameInput::PointerBy { dx: x.into(), dy: y.into() }));
            }
            _ => return Err(format!("{name} {value}: see the head of the source").into()),
        }
    }
    wish.inputs.sort_by_key(|(at, _)| *at);
    wish.command = arguments.collect();
    Ok(wish)
}

fn main() -> Result<(), Fault> {
    let wish = wish()?;
    std::fs::create_dir_all(&wish.config.runtime)?;
    let seen = Arc::new(Mutex::new(Seen::default()));
    let sink = seen.clone();
    let began = Instant::now();
    let compositor = compositor::start(
        wish.config.clone(),
        Box::new(move |frame: &mut Frame<'_>| {
            if let Ok(mut seen) = sink.lock() {
                seen.see(frame);
            }
        }),
        Box::new(move |event| println!("{:7.3} s {event:?}", began.elapsed().as_secs_f64())),
    )?;
    println!("{:7.3} s the stage is there", began.elapsed().as_secs_f64());
    let mut game = start(&wish, &compositor)?;
    let handle = compositor.handle();
    let mut next = wish.inputs.into_iter().peekable();
    let mut seq = 0;
    while began.elapsed() < wish.span && game.try_wait()?.is_none() {
        while let Some((_, input)) = next.next_if(|(at, _)| Duration::from_millis(*at) <= began.elapsed()) {
            seq += 1;
            handle.input(input, seq, Timestamp::ZERO);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let status = game.try_wait()?;
    // Taken before the game ends, and its window with it.
    let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
    if status.is_none() {
        game.kill()?;
        game.wait()?;
    }
    println!("{:7.3} s the program ended: {status:?}", began.elapsed().as_secs_f64());
    drop(compositor);
    std::fs::remove_dir_all(&wish.config.runtime)?;
    seen.report(&wish.out)
}

fn start(wish: &Wish, compositor: &Compositor) -> Result<Child, Fault> {
    let (program, arguments) = wish.command.split_first().ok_or("no program")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY");
    match compositor.x_display() {
        Some(display) => command.env("DISPLAY", format!(":{display}")).env("SDL_VIDEODRIVER", "x11"),
        None => command
            .env("WAYLAND_DISPLAY", compositor.wayland_display())
            .env("SDL_VIDEODRIVER", "wayland")
            .env("SDL_FRAMEBUFFER_ACCELERATION", "opengl"),
    };
    Ok(command.env("XDG_RUNTIME_DIR", &wish.config.runtime).spawn()?)
}

impl Seen {
    fn see(&mut self, frame: &mut Frame<'_>) {
        let now = Instant::now();
        if let Some(last) = self.last.replace(now) {
            self.intervals.push(now - last);
        }
        self.frames += 1;
        self.rectangles += frame.damage.len();
        self.pixels += frame.damage.iter().map(|d| u64::from(d.width) * u64::from(d.height)).sum::<u64>();
        self.size = Some(frame.size);
        self.picture.clear();
        let read = frame.pixels.read(Damage::whole(frame.size), &mut |strip| {
            for row in strip.data.chunks(strip.stride).take(strip.area.height as usize) {
                self.picture.extend_from_slice(&row[..strip.area.width as usize * 4]);
            }
        });
        if let Err(error) = read {
            println!("a frame was left out: {error}");
        }
    }

    fn report(mut self, out: &str) -> Result<(), Fault> {
        self.intervals.sort();
        let at =
            |part: usize| self.intervals.get(self.intervals.len() * part / 100).copied().unwrap_or_default();
        let frames = self.frames.max(1);
        println!(
            "{} frames, intervals p1 {:?} p50 {:?} p99 {:?}, {} pixels and {} rectangles of damage each",
            self.frames,
            at(1),
            at(50),
            at(99),
            self.pixels / frames,
            self.rectangles as u64 / frames
        );
        if let Some(size) = self.size {
            let mut picture = format!("P6\n{} {}\n255\n", size.width, size.height).into_bytes();
            picture.extend(self.picture.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]));
            std::fs::write(out, picture)?;
            println!("the last picture is in {out}");
        }
        Ok(())
    }
}
