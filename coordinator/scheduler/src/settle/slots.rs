//! Who gets the free slots: the first in the lines of their workers, those of the classes among them.
//!
//! A slot goes to whoever is first of all that its worker could take. When that is a job for which the worker was chosen, it is offered. When
//! it is one that any worker of its class may take, the first such job of all lines chooses among the workers that have a slot: each of them has
//! nobody before it, or that one would be first. So no order within a line is ever broken, and nobody waits beside a free slot.

use rch_schemas::wire::http::{Intake, Liveness};

use super::Settling;
use crate::event::Event;
use crate::job::Job;
use crate::judgement::{Candidate, Judgement};
use crate::queue::{Agenda, Turn};
use crate::run::Run;
use crate::select::{Want, choose, judge_again, would_take};
use crate::worker::{Worker, liveness};

/// A job's place among all that wait: the band it counts as of, and its turn there.
type Place = (usize, Turn);

impl Settling<'_> {
    /// Judges the classes in whose lines jobs stand, where the fleet has changed since.
    pub(super) fn judge_classes(&self) -> Vec<Event> {
        let state = self.state;
        let unjudged = state.classes().filter(|class| state.judgement_of_class(class).is_none());
        let first = unjudged.filter_map(|class| state.class_line(class, self.stamp.tick).next());
        let asked = first.filter_map(|(_, turn)| state.at(turn)).filter_map(|(run, job)| Some((run, run.requirement(job.destination)?)));
        let judged = asked.filter_map(|(run, requirement)| judge_again(state, &requirement, run.protocol_version));
        judged.map(|judgement| Event::FleetJudged { judgement }).collect()
    }

    /// The next offers, or none when nobody who waits can be given a slot.
    pub(super) fn give_slots(&self, agenda: &mut Agenda) -> Vec<Event> {
        let (mut offered, mut first, mut idle) = (Vec::new(), None, Vec::new());
        for worker in agenda.workers().filter_map(|name| self.state.workers.get(name)) {
            let (own, of_class) = self.look(worker);
            if own.is_empty() && of_class.is_none() {
                idle.push(worker.name.clone());
            }
            offered.extend(own);
            first = first.into_iter().chain(of_class).min();
        }
        for worker in &idle {
            agenda.worker_looked_at(worker);
        }
        if offered.is_empty() {
            offered = first.map_or_else(Vec::new, |(_, turn)| self.bind(turn));
        }
        if offered.is_empty() {
            agenda.workers_looked_at();
        }
        offered
    }

    /// Offers of a worker's free slots to those for whom it was chosen, up to the first who may go elsewhere, and that one's place.
    fn look(&self, worker: &Worker) -> (Vec<Event>, Option<Place>) {
        let free = self.free_slots(worker);
        if free == 0 {
            return (Vec::new(), None);
        }
        let of_class = self.first_of_classes(worker);
        let own = self.state.own_line(worker, self.stamp.tick);
        let before = own.take_while(|place| of_class.is_none_or(|first| *place < first)).take(free);
        let offers = before.filter_map(|(_, turn)| self.state.at(turn)).filter_map(|(_, job)| offer(worker, job)).collect();
        (offers, of_class)
    }

    /// The first job that a worker could take of the lines of all its classes.
    fn first_of_classes(&self, worker: &Worker) -> Option<Place> {
        if worker.intake != Intake::Open {
            return None;
        }
        let judgements = self.state.classes().filter_map(|class| self.state.judgement_of_class(class));
        let firsts = judgements.filter_map(|judgement| {
            let candidate = judgement.candidate(&worker.name)?;
            let mut line = self.state.class_line(&judgement.class(), self.stamp.tick);
            line.find(|(_, turn)| self.would_take((judgement, candidate), *turn))
        });
        firsts.min()
    }

    fn would_take(&self, of: (&Judgement, &Candidate), turn: Turn) -> bool {
        let Some((run, job)) = self.state.at(turn) else { return false };
        would_take(&self.fleet(), want(run, job), of)
    }

    /// Chooses a worker for the job whose turn it is, and offers it.
    fn bind(&self, turn: Turn) -> Vec<Event> {
        let Some((run, job)) = self.state.at(turn) else { return Vec::new() };
        let Ok(choice) = choose(&self.fleet(), want(run, job)) else { return Vec::new() };
        let offered = self.state.workers.get(&choice.made.selection.worker).and_then(|worker| offer(worker, job));
        let selected = Event::WorkerSelected { selection: Box::new(choice.made.selection) };
        offered.map_or_else(Vec::new, |offered| vec![selected, offered])
    }

    fn free_slots(&self, worker: &Worker) -> usize {
        let online = liveness(worker, self.observed, &self.state.config, self.stamp.tick) == Liveness::Online;
        if online && self.observed.hearing_since.is_some() { worker.free_slots() } else { 0 }
    }
}

fn want<'a>(run: &'a Run, job: &Job) -> Want<'a> {
    Want { run, destination: job.destination, revision: run.revision + 1 }
}

/// An offer of a job to a worker as it is now.
fn offer(worker: &Worker, job: &Job) -> Option<Event> {
    let session = worker.session.as_ref()?;
    Some(Event::AttemptOffered {
        job_id: job.job_id.clone(),
        attempt: job.next_attempt(),
        worker: worker.name.clone(),
        session: session.id.clone(),
    })
}
