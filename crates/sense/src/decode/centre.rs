//! Our own layout: peaks of certainty over cells, and how far the edges are from there.

use super::{Decoder, Tensor};
use crate::detection::Detection;

/// Where a cell is surer than those around it, something is. The shape has been checked.
pub(super) fn read(decoder: &Decoder, output: &Tensor<'_>) -> Vec<Detection> {
    let (rows, columns) = (output.shape[2], output.shape[3]);
    let cells = rows * columns;
    let (scores, edges) = output.values.split_at(decoder.labels * cells);
    let mut found = Vec::new();
    for (label, scores) in scores.chunks_exact(cells).enumerate() {
        for (cell, &score) in scores.iter().enumerate().filter(|(_, score)| **score >= decoder.score) {
            let (row, column) = (cell / columns, cell % columns);
            if !peak(scores, rows, columns, (row, column)) {
                continue;
            }
            let edge = |n: usize| edges[n * cells + cell];
            let (x, y) = (column as f32 + 0.5, row as f32 + 0.5);
            let place = [
                (x - edge(0)) / columns as f32,
                (y - edge(1)) / rows as f32,
                (x + edge(2)) / columns as f32,
                (y + edge(3)) / rows as f32,
            ];
            found.extend(decoder.detection(place, label, score));
        }
    }
    found
}

/// Whether no cell around is surer; of equals the first is the peak.
fn peak(scores: &[f32], rows: usize, columns: usize, (row, column): (usize, usize)) -> bool {
    let own = row * columns + column;
    (row.saturating_sub(1)..(row + 2).min(rows)).all(|y| {
        (column.saturating_sub(1)..(column + 2).min(columns)).all(|x| {
            let other = y * columns + x;
            scores[other] < scores[own]
                || (scores[other] <= scores[own] && other >= own)
                || scores[other].is_nan()
        })
    })
}
