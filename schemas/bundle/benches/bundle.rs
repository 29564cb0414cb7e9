//! How fast a tree becomes a bundle, beside the commands that everybody has: `tar c | sha256sum` and `git status`.
//!
//! One checkout of 10,000 files and 200 MB is made in the directory for temporary files. The comparison takes turns, so that whatever else the machine does
//! falls on both; criterion's figures follow. Everything is in the page cache, for us and for the controls.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use criterion::Criterion;
use rch_bundle::pack::{Earlier, Packed, pack, pack_since};
use rch_bundle::tree::{Options, walk};
use rch_schemas::Timestamp;

const SOURCES: u64 = 9_900;
const IMAGES: u64 = 100;
const TURNS: usize = 9;

fn main() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("checkout");
    let kept = place.path().join("earlier");
    make_checkout(&root);
    let before = cold(&root);
    println!("{} files, {} MB of tar, {} chunks", before.tree().files(), before.size() / 1_000_000, before.chunks().len());
    println!("peak memory of a cold pass: {}", peak_memory(|| drop(black_box(cold(&root)))));
    // What was written a moment ago is not believed; an hour later it is.
    let later = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap() + Duration::from_hours(1);
    let earlier = before.remember(Timestamp::from_unix_ms(later.as_millis().try_into().unwrap())).unwrap();
    fs::write(&kept, earlier.encode()).unwrap();

    let changed = root.join("Modules/Feature12/Sources/Group10/File5000.swift");
    compare("cold pass / tar c | sha256sum (aim 1.0)", || drop(black_box(cold(&root))), || tar(&root));
    compare("warm pass, unchanged / git status (aim 2.0)", || drop(black_box(warm(&root, &kept))), || git_status(&root));
    let original = fs::read_to_string(&changed).unwrap();
    fs::write(&changed, original.replacen('\n', "\nlet added = true\n", 1)).unwrap();
    let known: HashSet<_> = before.chunks().iter().collect();
    let new = warm(&root, &kept).chunks().iter().filter(|chunk| !known.contains(chunk)).count();
    println!("one file changed: {new} new chunks (aim 4)");
    compare("one file changed / cold pass", || drop(black_box(warm(&root, &kept))), || drop(black_box(cold(&root))));

    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .configure_from_args();
    criterion.bench_function("one file changed", |bencher| bencher.iter(|| warm(&root, &kept)));
    fs::write(&changed, original).unwrap();
    criterion.bench_function("cold", |bencher| bencher.iter(|| cold(&root)));
    criterion.bench_function("cold control: tar c | sha256sum", |bencher| bencher.iter(|| tar(&root)));
    criterion.bench_function("warm", |bencher| bencher.iter(|| warm(&root, &kept)));
    criterion.bench_function("warm control: git status", |bencher| bencher.iter(|| git_status(&root)));
    criterion.final_summary();
}

fn cold(root: &Path) -> Packed {
    pack(&walk(root, &Options::default()).unwrap()).unwrap()
}

/// All that a client does for a tree it knows: read what it kept, list, compare.
fn warm(root: &Path, kept: &Path) -> Packed {
    let earlier = Earlier::decode(&fs::read(kept).unwrap()).unwrap();
    pack_since(&walk(root, &Options::default()).unwrap(), Some(&earlier)).unwrap()
}

fn tar(root: &Path) {
    shell(root, "tar c --exclude=.git . | sha256sum");
}

fn git_status(root: &Path) {
    shell(root, "git -c core.fsmonitor=false status --porcelain");
}

fn shell(root: &Path, line: &str) {
    let status = Command::new("sh").args(["-c", line]).current_dir(root).stdout(Stdio::null()).status().unwrap();
    assert!(status.success(), "{line}: {status}");
}

/// Both take turns; the medians, and the median of the ratios.
fn compare(what: &str, ours: impl Fn(), control: impl Fn()) {
    let time = |act: &dyn Fn()| {
        let started = Instant::now();
        act();
        started.elapsed().as_secs_f64()
    };
    let turns: Vec<_> = (0..TURNS).map(|_| (time(&ours), time(&control))).collect();
    let median = |of: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = turns.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[TURNS / 2]
    };
    let (ours, control, ratio) = (median(|turn| turn.0), median(|turn| turn.1), median(|turn| turn.0 / turn.1));
    println!("{what}: {:.1} ms / {:.1} ms = {ratio:.2}", 1e3 * ours, 1e3 * control);
}

/// A line or image is a draw of xorshift64*: the same checkout everywhere.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn source(&mut self, lines: u64) -> String {
        let mut text = String::new();
        for line in 0..lines {
            writeln!(text, "    let value{line} = model.items[{}].{:x}", self.next() % 1_000, self.next() >> 40).unwrap();
        }
        text
    }
}

fn make_checkout(root: &Path) {
    let mut draw = Draw(7);
    for index in 0..SOURCES {
        let directory = root.join(format!("Modules/Feature{:02}/Sources/Group{:02}", index / 400, index / 20 % 20));
        fs::create_dir_all(&directory).unwrap();
        // Most files are small and some are long, 14 KB on average.
        let lines = 20 + draw.next() % 400 + if index % 10 == 0 { 1_500 } else { 0 };
        let name = directory.join(format!("File{index}.swift"));
        fs::write(name, format!("struct File{index} {{\n{}}}\n", draw.source(lines))).unwrap();
    }
    fs::create_dir_all(root.join("Resources")).unwrap();
    for index in 0..IMAGES {
        let words = 25_000 + draw.next() % 50_000;
        let bytes: Vec<u8> = (0..words).flat_map(|_| draw.next().to_le_bytes()).collect();
        fs::write(root.join(format!("Resources/image{index}.png")), bytes).unwrap();
    }
    fs::write(root.join(".gitignore"), "build/\nDerivedData/\n*.log\n").unwrap();
    let identity = "-c user.name=bench -c user.email=bench@example.org";
    shell(root, &format!("git init --quiet && git add --all && git {identity} commit --quiet -m all"));
}

/// The most memory that this process had while `act` ran; Linux says so.
fn peak_memory(act: impl FnOnce()) -> String {
    // 5 resets the peak (proc_pid_clear_refs(5)).
    let reset = fs::write("/proc/self/clear_refs", "5");
    act();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).filter(|_| reset.is_ok());
    peak.map_or_else(|| "not known on this system".to_owned(), |peak| peak.trim().to_owned())
}
