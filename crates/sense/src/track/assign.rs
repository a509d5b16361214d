//! Who belongs to whom at the least cost altogether: the Hungarian method with potentials (Kuhn 1955; in O(n³) after
//! Jonker and Volgenant 1987).

/// The cost of a pair that must not be.
pub(super) const NEVER: f32 = 1e6;

/// For each row the column that it is given, so that the sum of the costs is least. `costs` is row by row; a row may get
/// none, where there are fewer columns or all that is left is [`NEVER`].
pub(super) fn assign(costs: &[f32], rows: usize, columns: usize) -> Vec<Option<usize>> {
    debug_assert_eq!(costs.len(), rows * columns);
    let mut given = vec![None; rows];
    if rows == 0 || columns == 0 {
        return given;
    }
    // The method wants no more rows than columns.
    let turned = rows > columns;
    let (n, m) = if turned { (columns, rows) } else { (rows, columns) };
    let cost = |row: usize, column: usize| {
        f64::from(if turned { costs[column * columns + row] } else { costs[row * columns + column] })
    };
    for (column, row) in solve(n, m, cost).into_iter().enumerate() {
        let Some(row) = row else { continue };
        let (row, column) = if turned { (column, row) } else { (row, column) };
        if costs[row * columns + column] < NEVER {
            given[row] = Some(column);
        }
    }
    given
}

/// For each of `m` columns the row that it is given. Rows and columns are counted from 1 within; 0 stands for none.
fn solve(n: usize, m: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<Option<usize>> {
    let mut row_potential = vec![0.0_f64; n + 1];
    let mut column_potential = vec![0.0_f64; m + 1];
    let mut owner = vec![0_usize; m + 1];
    let mut way = vec![0_usize; m + 1];
    for row in 1..=n {
        owner[0] = row;
        let mut column = 0;
        let mut least = vec![f64::INFINITY; m + 1];
        let mut used = vec![false; m + 1];
        loop {
            used[column] = true;
            let (at, mut delta, mut next) = (owner[column], f64::INFINITY, 0);
            for other in (1..=m).filter(|&other| !used[other]) {
                let reduced = cost(at - 1, other - 1) - row_potential[at] - column_potential[other];
                if reduced < least[other] {
                    (least[other], way[other]) = (reduced, column);
                }
                if least[other] < delta {
                    (delta, next) = (least[other], other);
                }
            }
            for other in 0..=m {
                if used[other] {
                    row_potential[owner[other]] += delta;
                    column_potential[other] -= delta;
                } else {
                    least[other] -= delta;
                }
            }
            column = next;
            if owner[column] == 0 {
                break;
            }
        }
        while column != 0 {
            let before = way[column];
            owner[column] = owner[before];
            column = before;
        }
    }
    owner[1..].iter().map(|row| row.checked_sub(1)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn total(costs: &[f32], columns: usize, given: &[Option<usize>]) -> f32 {
        given.iter().enumerate().filter_map(|(row, column)| Some(costs[row * columns + (*column)?])).sum()
    }

    /// The least sum by trying everything.
    fn least(costs: &[f32], rows: usize, columns: usize, row: usize, taken: u32, idle: usize) -> f32 {
        if row == rows {
            return 0.0;
        }
        let free = (0..columns).filter(|column| taken >> column & 1 == 0);
        let best = free.map(|column| {
            costs[row * columns + column] + least(costs, rows, columns, row + 1, taken | 1 << column, idle)
        });
        let mut best = best.fold(f32::INFINITY, f32::min);
        if idle > 0 {
            best = best.min(least(costs, rows, columns, row + 1, taken, idle - 1));
        }
        best
    }

    proptest! {
        #[test]
        fn nobody_finds_a_cheaper_assignment(rows in 1_usize..6, columns in 1_usize..6, seed in prop::collection::vec(0_u16..1000, 36)) {
            let costs: Vec<f32> = (0..rows * columns).map(|n| f32::from(seed[n]) / 100.0).collect();
            let given = assign(&costs, rows, columns);
            let mut taken: Vec<_> = given.iter().flatten().collect();
            prop_assert_eq!(taken.len(), rows.min(columns));
            taken.sort_unstable();
            taken.dedup();
            prop_assert_eq!(taken.len(), rows.min(columns));
            let best = least(&costs, rows, columns, 0, 0, rows.saturating_sub(columns));
            prop_assert!((total(&costs, columns, &given) - best).abs() < 1e-3);
        }
    }

    #[test]
    fn a_pair_that_must_not_be_is_not() {
        assert_eq!(assign(&[NEVER, 1.0, NEVER, NEVER], 2, 2), [Some(1), None]);
        assert_eq!(assign(&[], 0, 3), []);
        assert_eq!(assign(&[], 2, 0), [None, None]);
    }
}
