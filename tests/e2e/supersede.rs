//! `--supersede`: a newer push takes the place of the older one.

use crate::harness::{Api, Project, rch, shared, start};

#[test]
fn a_newer_run_of_a_label_takes_the_place_of_the_one_that_builds_and_both_say_so() {
    let (farm, api) = (shared(), Api::of(shared()));
    let words = ["xcode", "run", "--action", "build", "--supersede", "pr-7"];
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "600")]);
    let mut older = start(farm, project.path(), &words);
    let older_id = older.run_id();
    api.wait_for_running(&older_id);
    let second = Project::sample();
    let newer = rch(farm, second.path(), &words).expect(0);
    let newer_id = newer.result()["run_id"].as_str().unwrap().to_owned();
    let older = older.wait().expect(80);
    let said = format!("build was superseded by run {newer_id}");
    let ended = api.get(&format!("/v1/runs/{older_id}")).unwrap();
    assert_eq!(
        (&ended["superseded_by"], &ended["jobs"][0]["outcome"]["failure_subkind"]),
        (&newer_id.as_str().into(), &"SUPERSEDED".into())
    );
    assert!(older.lines.iter().any(|line| line.to_string().contains(&said)), "{:?}", older.lines);
    let taken = format!("run {older_id} is cancelled: this one takes its place");
    assert!(newer.lines.iter().any(|line| line.to_string().contains(&taken)), "{:?}", newer.lines);
}
