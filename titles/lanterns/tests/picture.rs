//! Pictures as a window gets them.

use lanterns::scene::{BYTES, Scene};
use lanterns::sky::{Inputs, Sky};
use probe::play::Change;

const STEP: f32 = 1.0 / 60.0;
const ROW: usize = 1280;

/// Whether a part has the pixel of this number.
fn inside(part: &probe::layout::Rect, at: usize) -> bool {
    let side = |from: u32, len: u32| from as usize..(from + len) as usize;
    side(part.x, part.width).contains(&(at % ROW)) && side(part.y, part.height).contains(&(at / ROW))
}

#[test]
fn whatever_changes_from_one_picture_to_the_next_is_told_to_the_window() {
    let (mut sky, mut scene) = (Sky::new(3, 2), Scene::new());
    let (mut before, mut data) = (vec![0; BYTES], vec![0; BYTES]);
    let mut parts_told = 0;
    for step in 0_u16..900 {
        let place = (f32::from(step) * 0.011).sin() * 0.8;
        let gone = (500..540).contains(&step);
        let places = if gone { [None; 2] } else { [Some(place), (step > 300).then_some(-place)] };
        let events = sky.step(&Inputs { places, pressed: step == 60 }, STEP);
        let change = scene.paint(&sky, &events, STEP, &mut data);
        if step % 6 == 0
            && let Change::Parts(parts) = &change
        {
            parts_told += 1;
            let pixels = before.as_chunks::<4>().0.iter().zip(data.as_chunks::<4>().0);
            let untold = pixels
                .enumerate()
                .filter(|(_, (before, now))| before != now)
                .find(|(at, _)| !parts.iter().any(|part| inside(part, *at)));
            assert!(untold.is_none(), "step {step}: {untold:?} changed");
        }
        before.copy_from_slice(&data);
    }
    assert!(parts_told > 60, "{parts_told}");
}
