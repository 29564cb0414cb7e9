//! The alarm for a fleet that falls silent at once: nobody is lost, and somebody must look.

use rch_schemas::WorkerName;

use crate::health::{Board, Source};
use crate::metrics;

/// Workers that are named in the alarm.
const NAMED: usize = 3;

/// Whether the alarm rings.
pub(super) struct Silence {
    board: Board,
    rings: bool,
}

impl Silence {
    /// It does not ring.
    pub(super) fn new(board: Board) -> Self {
        Self { board, rings: false }
    }

    /// Says who is silent too long and is not lost, since they are so many; of how many workers.
    pub(super) fn tell(&mut self, silent: &[&WorkerName], workers: usize) {
        ::metrics::gauge!(metrics::WORKERS_SILENT_TOGETHER).set(u32::try_from(silent.len()).map_or(f64::MAX, f64::from));
        let problem = (!silent.is_empty()).then(|| problem(silent, workers));
        match (&problem, self.rings) {
            (Some(problem), false) => tracing::error!(problem, "many workers are silent at once, none is lost for ten minutes"),
            (None, true) => tracing::info!("no longer are many workers silent at once"),
            (Some(_), true) | (None, false) => {}
        }
        self.rings = problem.is_some();
        self.board.set(Source::Workers, problem);
    }
}

fn problem(silent: &[&WorkerName], workers: usize) -> String {
    let named: Vec<_> = silent.iter().take(NAMED).map(|name| name.as_str()).collect();
    let others = if silent.len() > NAMED { format!(" and {} more", silent.len() - NAMED) } else { String::new() };
    format!(
        "{} of {workers} workers fell silent at once: {}{others}; they are lost only after ten minutes more, so see first whether the network or NATS is what is broken",
        silent.len(),
        named.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_alarm_names_a_few_and_ends_with_the_silence() {
        let (board, names) = (Board::new(), ["mac-1", "mac-2", "mac-3", "mac-4"].map(|name| name.parse().expect("a name")));
        let mut silence = Silence::new(board.clone());
        silence.tell(&names.iter().collect::<Vec<_>>(), 8);
        let [problem] = board.problems().try_into().expect("one problem");
        assert!(problem.starts_with("4 of 8 workers fell silent at once: mac-1, mac-2, mac-3 and 1 more; "), "{problem}");
        silence.tell(&[], 8);
        assert!(board.problems().is_empty());
    }
}
