//! What the probabilities must be, where that can be calculated: the simulation of each strategy is checked against it.

/// The probability that `draws` of `marked` + `others` things, drawn without replacement, are all marked. With fewer
/// things than draws all are drawn; of nothing at all, none is captured.
pub(crate) fn all_marked(marked: usize, others: usize, draws: usize) -> f64 {
    if others == 0 {
        return if marked > 0 { 1.0 } else { 0.0 };
    }
    (0..draws).map(|drawn| ratio(marked.saturating_sub(drawn), marked + others - drawn.min(marked))).product()
}

/// The same when the draw is from a window of `length` consecutive rows at a uniformly random place.
pub(crate) fn all_marked_in_a_window(rows: &[bool], length: usize, draws: usize) -> f64 {
    let length = length.max(draws).min(rows.len());
    let mut marked = rows[..length].iter().filter(|&&marked| marked).count();
    let mut sum = all_marked(marked, length - marked, draws);
    for (leaving, entering) in rows.iter().zip(&rows[length..]) {
        marked = marked + usize::from(*entering) - usize::from(*leaving);
        sum += all_marked(marked, length - marked, draws);
    }
    sum / as_f64(rows.len() - length + 1)
}

fn ratio(part: usize, whole: usize) -> f64 {
    as_f64(part) / as_f64(whole)
}

/// Exact: counts here are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts are below 2^53")]
pub(crate) fn as_f64(count: usize) -> f64 {
    count as f64
}
