//! What deciding costs, at two sizes of farm: a placement (a claim, the end of the job, and the offer that follows), a submission,
//! the choice of a worker with its evidence, a tick.
//!
//! All goes through `decide`, `apply` and `settle`, as the leader calls them. Signing an attestation is the agent's work, and checking it is
//! done before a command is made, by as many threads as there are: neither is timed. Times are those of the processor, so that they mean the same on a busy machine.

mod farm;

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use farm::Farm;

/// Workers and queued jobs.
const SIZES: [(usize, usize); 2] = [(10, 100), (1_000, 100_000)];

fn placements(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("placement");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(4));
    for (workers, jobs) in SIZES {
        let mut farm = Farm::queued(workers, jobs);
        group.bench_function(BenchmarkId::from_parameter(format!("{workers}x{jobs}")), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| farm.place()).sum());
        });
    }
    group.finish();
}

fn submissions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("submission");
    group.throughput(Throughput::Elements(1)).sample_size(10).measurement_time(Duration::from_secs(2));
    for (workers, jobs) in SIZES {
        let mut farm = Farm::queued(workers, jobs);
        group.bench_function(BenchmarkId::from_parameter(format!("{workers}x{jobs}")), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| farm.submit()).sum());
        });
    }
    group.finish();
}

fn selections(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("selection");
    group.throughput(Throughput::Elements(1)).sample_size(20).measurement_time(Duration::from_secs(2));
    for workers in [10, 1_000] {
        let mut farm = Farm::queued(workers, workers);
        group.bench_function(BenchmarkId::from_parameter(workers), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| farm.select()).sum());
        });
    }
    group.finish();
}

fn ticks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    group.sample_size(20).measurement_time(Duration::from_secs(2));
    for (workers, jobs) in SIZES {
        let mut farm = Farm::queued(workers, jobs);
        group.bench_function(BenchmarkId::from_parameter(format!("{workers}x{jobs}")), |bencher| {
            bencher.iter_custom(|iterations| (0..iterations).map(|_| farm.tick()).sum());
        });
    }
    group.finish();
}

criterion_group!(benches, placements, submissions, selections, ticks);
criterion_main!(benches);
