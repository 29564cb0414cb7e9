//! A store in a bucket that goes away, dawdles, breaks off, or is the wrong one. These farms have their store in a bucket whatever the other tests use.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use rch_local::{AgentPlan, BucketPlan, Directory, Farm, FarmPlan, S3Server};
use rch_tests::fresh_bucket;
use rch_xcode_sim::Machine;

use crate::harness::{Api, Fault, Line, PROGRAM, Project, causes, rch, start, start_farm, wait_until};

const WORKER: &str = "macmini-01";
/// What an S3 server says when it has too much to do. The connection ends with it.
const SLOW_DOWN: &str = "HTTP/1.1 503 Slow Down\r\nconnection: close\r\ncontent-type: application/xml\r\ncontent-length: 43\r\n\r\n\
    <Error><Code>SlowDown</Code></Error>       ";

fn plan(bucket: BucketPlan) -> FarmPlan {
    let agent = AgentPlan::simulated(WORKER, Machine::xcode_16_2()).setting("kill_grace_seconds", 1);
    FarmPlan::new(Path::new(PROGRAM)).agent(agent).bucket(bucket)
}

/// What a program of the farm has logged.
fn log(farm: &Farm, program: &str) -> String {
    fs::read_to_string(farm.directory().join("logs").join(format!("{program}.log"))).unwrap()
}

#[test]
fn a_store_that_is_killed_in_mid_job_is_waited_for() {
    let mut server = S3Server::start(Path::new(PROGRAM), &Directory::Temporary).unwrap();
    let farm = start_farm(plan(server.bucket("rch").unwrap()));
    let project = Project::sample().simulate(&[("BUILD_SECONDS", "1")]);
    let mut running = start(&farm, project.path(), &["xcode", "run", "--action", "build"]);
    let run = running.run_id();
    Api::of(&farm).wait_for_running(&run);

    server.service().kill();
    wait_until("the agent tries to store the set", || log(&farm, WORKER).contains("backing off"));
    server.start_again().unwrap();
    let outcome = running.wait().expect(0);
    assert_eq!(outcome.document("build", "summary.json")["attempt"], 1, "no build was lost with the store");
}

#[test]
fn a_store_that_refuses_dawdles_and_breaks_off_is_asked_until_every_byte_is_right() {
    let bucket = fresh_bucket(Path::new(PROGRAM));
    let line = Line::to_url(bucket.endpoint(), |connection| match connection % 5 {
        0 => Fault::Says(SLOW_DOWN),
        1 => Fault::AnswerCut(3_000),
        2 => Fault::Slow(Duration::from_millis(2)),
        3 => Fault::RequestCut(9_000),
        _ => Fault::HalfClosed(20_000),
    });
    let farm = start_farm(plan(bucket.through(&line.url())));
    let project = Project::sample();
    let outcome = rch(&farm, project.path(), &["xcode", "verify"]).expect(0);
    assert_eq!(outcome.document("test", "summary.json")["status"], "success");
    assert!(line.connections() > 5, "each fault was met: {}", line.connections());
    let log = log(&farm, WORKER) + &log(&farm, "coordinator");
    assert!(log.contains("503 Slow Down") || log.contains("503 Service Unavailable"), "{log}");
}

/// The refusal of a farm whose store is not what it should be, with its causes.
fn refusal(plan: FarmPlan) -> String {
    causes(&plan.start().map(|_| ()).unwrap_err())
}

#[test]
fn a_bucket_that_is_not_there_and_credentials_that_are_wrong_end_the_start_with_words() {
    let bucket = fresh_bucket(Path::new(PROGRAM));
    let endpoint = bucket.endpoint().to_owned();
    let absent = refusal(plan(bucket.clone()).coordinator_setting("store", format!("s3://absent?endpoint={endpoint}")));
    assert!(absent.contains(&format!("the store s3://absent at {endpoint} could not put")), "{absent}");
    assert!(absent.contains("make the bucket, or correct its name"), "{absent}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("credentials.toml");
    fs::write(&file, bucket.credentials().replace(bucket.secret_access_key(), "canary-of-a-secret")).unwrap();
    let told = file.to_str().unwrap();
    let exposed = refusal(plan(bucket.clone()).coordinator_setting("store_credentials_file", told));
    assert!(exposed.contains(&format!("chmod 600 {told}")), "{exposed}");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let wrong = refusal(plan(bucket).coordinator_setting("store_credentials_file", told));
    assert!(wrong.contains("SignatureDoesNotMatch") && wrong.contains("check the credentials"), "{wrong}");
    assert!(![absent, exposed, wrong].iter().any(|words| words.contains("canary")));
}

#[test]
fn no_secret_of_the_store_is_in_any_log_or_answer() {
    let bucket = fresh_bucket(Path::new(PROGRAM));
    let secret = bucket.secret_access_key().to_owned();
    let line = Line::to_url(bucket.endpoint(), |connection| if connection == 0 { Fault::Says(SLOW_DOWN) } else { Fault::None });
    let agent = AgentPlan::simulated(WORKER, Machine::xcode_16_2());
    let farm = start_farm(FarmPlan::new(Path::new(PROGRAM)).agent(agent).bucket(bucket.through(&line.url())));
    let project = Project::sample();
    rch(&farm, project.path(), &["xcode", "verify"]).expect(0);
    let api = Api::of(&farm);
    let said = [log(&farm, WORKER), log(&farm, "coordinator"), api.text("/v1/readyz"), api.text("/v1/farm"), api.text("/metrics")];
    assert!(!said.iter().any(|text| text.contains(&secret)), "a secret was shown");
    assert!(fs::read_to_string(farm.directory().join("store.toml")).unwrap().contains(&secret), "the secret is what was looked for");
}
