//! What is laid is read again, and what is none is refused.

use playhouse_sense::cascade::Shot;
use playhouse_sense::geometry::Rect;
use playhouse_sense::picture::Picture;

use super::{HEIGHT, Mosaic, Unread, WIDTH, read};

fn shot(cell: usize, place: Rect) -> Shot {
    Shot { track: 1, place, cell, last: false }
}

/// A picture that is red on the left and blue on the right.
fn halves() -> Picture {
    let pixel = |at: usize| if at % 64 < 32 { [250, 0, 0] } else { [0, 0, 250] };
    Picture::new(64, 48, (0..64 * 48).flat_map(pixel).collect()).expect("as many pixels as it says")
}

fn middle(mosaic: &Picture, cell: usize) -> [u8; 3] {
    let at = ((60 + cell / 2 * 120) * 320 + 80 + cell % 2 * 160) * 3;
    mosaic.rgb()[at..at + 3].try_into().expect("three parts")
}

#[test]
fn each_crop_is_in_its_cell() {
    let left = Rect { left: 0.0, top: 0.0, right: 0.5, bottom: 1.0 };
    let right = Rect { left: 0.5, top: 0.0, right: 1.0, bottom: 1.0 };
    let mut mosaic = Mosaic::default();
    mosaic.lay(&shot(0, left), &halves());
    mosaic.lay(&shot(3, right), &halves());
    // No cell, and no picture.
    mosaic.lay(&shot(4, right), &halves());
    mosaic.lay(&shot(1, right), &Picture::black(0, 0));
    let jpeg = mosaic.jpeg().unwrap();
    assert!(jpeg.len() < 16 * 1024, "{}", jpeg.len());
    let read = read(&jpeg).unwrap();
    let [one, two, three, four] = [0, 1, 2, 3].map(|cell| middle(&read, cell));
    assert!(one[0] > 200 && one[2] < 60 && four[2] > 200 && four[0] < 60, "{one:?} {four:?}");
    assert!(two.iter().chain(&three).all(|part| *part < 9), "{two:?} {three:?}");
}

#[test]
fn places_at_the_very_edge_are_crops_of_a_pixel() {
    let mut mosaic = Mosaic::default();
    for place in [
        Rect { left: 1.0, top: 1.0, right: 1.0, bottom: 1.0 },
        Rect { left: 0.9, top: 0.5, right: 0.1, bottom: 0.4 },
        Rect { left: f32::NAN, top: -3.0, right: 7.0, bottom: f32::NAN },
    ] {
        mosaic.lay(&shot(2, place), &halves());
    }
}

#[test]
fn what_is_no_mosaic_is_refused_in_words() {
    assert!(read(b"rubbish").unwrap_err().to_string().starts_with("this is no JPEG picture"));
    let jpeg = |width, height| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(width, height).write_to(&mut bytes, image::ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    };
    assert!(matches!(read(&jpeg(WIDTH, HEIGHT - 1)), Err(Unread::Size(320, 239))));
    assert!(matches!(read(&jpeg(4000, 4000)), Err(Unread::Jpeg(_))));
    let whole = jpeg(WIDTH, HEIGHT);
    for cut in (0..whole.len()).step_by(7) {
        // Some decoders fill in what is missing; none may fail otherwise.
        drop(read(&whole[..cut]));
    }
}
