//! Several detections of one thing become one: non-maximum suppression.

use crate::detection::Detection;

/// Keeps, of those with one label that overlap by more than `most` (intersection over union), the first: they come in sorted
/// from the surest to the least sure.
pub fn suppress(found: &mut Vec<Detection>, most: f32) {
    let mut kept: Vec<Detection> = Vec::with_capacity(found.len());
    for detection in found.iter() {
        let again =
            |other: &Detection| other.label == detection.label && other.place.iou(&detection.place) > most;
        if !kept.iter().any(again) {
            kept.push(*detection);
        }
    }
    *found = kept;
}
