//! Waiting in words: a place in a line, an estimate with its basis, what stands before.

use std::time::Duration;

use rch_schemas::Action;
use rch_schemas::document::Priority;
use rch_schemas::wire::http::{EstimateBasis, RunningJob, WaitEstimate, Waiting};

use super::amount::{count, duration};
use super::table::table;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// `next`, `2nd`, `3rd`.
pub(crate) fn place(ahead: u32) -> String {
    let number = u64::from(ahead) + 1;
    match (number, number % 100, number % 10) {
        (1, ..) => "next".to_owned(),
        (_, 11..=13, _) => format!("{number}th"),
        (_, _, 1) => format!("{number}st"),
        (_, _, 2) => format!("{number}nd"),
        (_, _, 3) => format!("{number}rd"),
        _ => format!("{number}th"),
    }
}

/// `under 1 min`, `about 4 min`, `about 1h 20m`.
pub(crate) fn left_to_wait(time: Duration) -> String {
    if time < MINUTE { "under 1 min".to_owned() } else { roughly(time) }
}

/// The same of an estimate.
pub(crate) fn about(estimate: &WaitEstimate) -> String {
    left_to_wait(Duration::from_millis(estimate.wait_ms))
}

/// `about 40 s`, `about 3 min`, `about 1h 20m`.
pub(crate) fn roughly(time: Duration) -> String {
    let seconds = time.as_secs();
    match time {
        time if time <= Duration::from_secs(50) => format!("about {} s", seconds.next_multiple_of(10).max(10)),
        time if time < HOUR => format!("about {} min", ((seconds + 30) / 60).max(1)),
        _ => format!("about {}h {:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

/// `23 earlier builds of this scheme`.
pub(crate) fn basis(estimate: &WaitEstimate, action: Action) -> String {
    let samples = u64::from(estimate.samples);
    match estimate.basis {
        EstimateBasis::OwnScheme => {
            let noun = match action {
                Action::Build | Action::BuildForTesting => "earlier build",
                Action::Test | Action::TestWithoutBuilding => "earlier test run",
            };
            format!("{} of this scheme", count(samples, noun))
        }
        EstimateBasis::Schemes => format!("{} of the schemes before it", count(samples, "earlier job")),
        EstimateBasis::Actions => format!("{}, some of other schemes: not all before it were measured", count(samples, "earlier job")),
    }
}

/// `6m 12s`, `40 s`: a time that passes.
pub(crate) fn elapsed(milliseconds: u64) -> String {
    let time = Duration::from_millis(milliseconds);
    if time < MINUTE { format!("{} s", time.as_secs()) } else { duration(time) }
}

/// `01KBQ58J..M2`: enough of an id to type its beginning.
pub(crate) fn short(id: &str) -> String {
    match (id.get(..8), id.get(id.len().saturating_sub(2)..)) {
        (Some(first), Some(last)) if id.len() > 12 => format!("{first}..{last}"),
        _ => id.to_owned(),
    }
}

/// The band's word.
pub(crate) fn word(priority: Priority) -> &'static str {
    match priority {
        Priority::Interactive => "interactive",
        Priority::Normal => "normal",
        Priority::Batch => "batch",
    }
}

/// Why a job waits, in a line of a table: `3rd for macmini-02, about 4 min; macmini-05 is equal and idle`, or, where no worker was chosen
/// ahead, `2nd in line, waits for a free slot of any of macmini-02, macmini-05`.
pub(crate) fn because(waiting: &Waiting) -> String {
    let Some(ahead) = waiting.ahead else { return waiting.detail.clone() };
    let Some(worker) = &waiting.worker else { return format!("{} in line, {}", place(ahead), waiting.detail) };
    let estimate = waiting.estimate.as_ref().map_or_else(String::new, |estimate| {
        let wait = Duration::from_millis(estimate.wait_ms);
        format!(", {}", if ahead == 0 { roughly(wait) } else { left_to_wait(wait) })
    });
    let idle: Vec<&str> = waiting.idle.iter().map(rch_schemas::WorkerName::as_str).collect();
    let idle = match idle.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} is equal and idle"),
        several => format!("; {} are equal and idle", and(several)),
    };
    format!("{} for {worker}{estimate}{idle}", place(ahead))
}

/// What stands before a job, and who could take it at once.
pub(crate) fn details(waiting: &Waiting) -> Vec<String> {
    let mut lines = slots(&waiting.slots);
    lines.extend(waiting.jobs_ahead.iter().map(|job| {
        let (id, waited) = (short(job.job_id.as_str()), elapsed(job.waited_ms));
        format!("ahead    {id} {}, {}, {waited}", job.requester, word(job.priority))
    }));
    let unnamed = u64::from(waiting.ahead.unwrap_or(0)).saturating_sub(waiting.jobs_ahead.len() as u64);
    if unnamed > 0 {
        lines.push(format!("         {} more", super::grouped(unnamed)));
    }
    if !waiting.idle.is_empty() {
        let idle: Vec<&str> = waiting.idle.iter().map(rch_schemas::WorkerName::as_str).collect();
        lines.push(format!("{} could start now; deterministic mode ignores load", and(&idle)));
        lines.push("to allow it: worker_selection.mode = \"adaptive\" in .rch/xcode.toml".to_owned());
    }
    lines
}

/// A line for each job that runs: `slot 1   test   PhotoApp   ci-main   6m 12s, about 40 s left`.
fn slots(running: &[RunningJob]) -> Vec<String> {
    let row = |(number, job): (usize, &RunningJob)| {
        let left = job.left_ms.map_or_else(String::new, |left| format!(", {} left", roughly(Duration::from_millis(left))));
        let who = job.requester.clone().unwrap_or_default();
        [format!("slot {number} "), job.action.to_string(), job.project.clone(), who, format!("{}{left}", elapsed(job.running_ms))]
    };
    let rows: Vec<[String; 5]> = (1..).zip(running).map(row).collect();
    table(["", "", "", "", ""], &[], &rows).split_off(1)
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn and(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_come_is_told_no_more_exactly_than_it_is_known() {
        let told = [0, 9, 31, 40, 54, 55, 89, 90, 236, 3_599, 4_830].map(|seconds| roughly(Duration::from_secs(seconds)));
        let expected = [
            "about 10 s",
            "about 10 s",
            "about 40 s",
            "about 40 s",
            "about 1 min",
            "about 1 min",
            "about 1 min",
            "about 2 min",
            "about 4 min",
            "about 60 min",
            "about 1h 20m",
        ];
        assert_eq!(told, expected);
        assert_eq!([left_to_wait(Duration::from_secs(59)), left_to_wait(MINUTE)], ["under 1 min", "about 1 min"]);
    }

    #[test]
    fn a_place_is_an_ordinal_and_an_id_is_cut_where_it_can_still_be_typed() {
        assert_eq!([0, 1, 2, 3, 10, 20, 110].map(place), ["next", "2nd", "3rd", "4th", "11th", "21st", "111th"]);
        assert_eq!([short("01KBQ58J3F7W2P9D5H0VXS6NM2"), short("job-0000001")], ["01KBQ58J..M2", "job-0000001"]);
        assert_eq!([and(&["a"]), and(&["a", "b"]), and(&["a", "b", "c"])], ["a", "a and b", "a, b and c"]);
    }
}
