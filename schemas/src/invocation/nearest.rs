//! The known word that a mistyped one was meant to be.

/// The candidate that differs least from `word`, when it differs little: up to one letter in four, and at most three.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    /// Nobody mistypes a longer word, and the distance is quadratic.
    const LENGTH_MAX: usize = 64;
    if word.len() > LENGTH_MAX {
        return None;
    }
    let far = (word.len() / 4).clamp(1, 3);
    candidates
        .into_iter()
        // Lengths tell most of them apart for nothing: a line may have thousands of words that nobody knows.
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= far && *candidate != word)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= far)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be changed, added, removed or swapped with their neighbour; without regard to case, in bytes.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (left.to_ascii_lowercase().into_bytes(), right.to_ascii_lowercase().into_bytes());
    let mut above_last = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for i in 1..=left.len() {
        let mut row = vec![i; right.len() + 1];
        for j in 1..=right.len() {
            let changed = above[j - 1] + usize::from(left[i - 1] != right[j - 1]);
            row[j] = changed.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                row[j] = row[j].min(above_last[j - 2] + 1);
            }
        }
        above_last = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised_and_another_word_is_not() {
        for (word, expected) in [
            ("-shceme", Some("-scheme")),
            ("-Scheme", Some("-scheme")),
            ("-showBuildSettingsn", Some("-showBuildSettings")),
            ("-scheme", None),
            ("-enableMemoryValidation", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, ["-scheme", "-showBuildSettings", "-sdk"]), expected, "{word}");
        }
    }
}
