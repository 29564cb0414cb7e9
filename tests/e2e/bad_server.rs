//! NATS servers and messages that a farm must not trust.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use rch_local::{AgentPlan, Durability, FarmPlan, Storage};
use rch_xcode_sim::Machine;

use crate::harness::{Api, Nats, PROGRAM, Project, causes, rch, start_farm};

fn plan() -> FarmPlan {
    FarmPlan::new(Path::new(PROGRAM)).agent(AgentPlan::simulated("macmini-01", Machine::xcode_16_2()))
}

/// The refusal of a farm that must not start, with its causes.
fn refusal(plan: FarmPlan) -> String {
    causes(&plan.start().map(|_| ()).unwrap_err())
}

#[test]
fn a_server_without_jetstream_is_refused_by_name() {
    let refusal = refusal(plan().storage(Storage::None));
    assert!(refusal.contains("coordinator") && refusal.contains("JetStream"), "{refusal}");
}

#[test]
fn a_server_that_is_too_old_is_refused_by_its_version() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || speak_like_an_old_server(connection));
        }
    });
    // A farm lays out the files; only the server's address is another.
    let farm = start_farm(plan());
    let config = farm.directory().join("coordinator.toml");
    let output = Command::new(farm.bin().join("rch-coordinator"))
        .args(["--config".as_ref(), config.as_os_str(), "--nats-url".as_ref(), url.as_ref()])
        .args(["--listen", "127.0.0.1:0", "--data-dir"])
        .arg(farm.directory().join("another"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!output.status.success() && said.contains("2.9.10") && said.contains("2.12"), "{said}");
}

/// Greets as 2.9.10 does, and answers pings for as long as somebody asks.
fn speak_like_an_old_server(mut connection: std::net::TcpStream) {
    let info = r#"{"server_id":"OLD","server_name":"old","version":"2.9.10","proto":1,"go":"go1.19","host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576,"jetstream":true}"#;
    let _ = write!(connection, "INFO {info}\r\n");
    let lines = BufReader::new(connection.try_clone().unwrap()).lines();
    for line in lines.map_while(Result::ok) {
        if line == "PING" {
            let _ = write!(connection, "PONG\r\n");
        }
    }
}

#[test]
fn a_server_that_does_not_sync_works_and_is_called_degraded_everywhere() {
    let farm = start_farm(plan().durability(Durability::ServerDefault));
    let api = Api::of(&farm);
    assert_eq!(api.get("/v1/farm").unwrap()["durability"], "degraded");
    let health = api.get("/v1/readyz").unwrap();
    assert_eq!((&health["ready"], &health["durability"]), (&true.into(), &"degraded".into()));
    assert!(health["problems"].to_string().contains("sync_interval"), "{health}");
    assert!(api.text("/v1/metrics").contains("rch_durability_degraded 1"));

    let project = Project::sample();
    let status = farm.rch(project.path()).arg("status").output().unwrap();
    assert!(String::from_utf8_lossy(&status.stdout).contains("sync_interval"), "{status:?}");
    rch(&farm, project.path(), &["xcode", "run", "--action", "build"]).expect(0);
}

#[test]
fn foreign_messages_on_every_subject_are_dropped_and_counted_and_harm_nothing() {
    let farm = start_farm(plan());
    let (api, nats) = (Api::of(&farm), Nats::of(&farm));
    let truncated = br#"{"protocol_version":1,"op":"report","request_id":"0123456789","payload":{"session":"#;
    let messages = [truncated.as_slice(), br#"{"hello":"world"}"#, b"\xff\xfe\x00", b""];
    let to_coordinator = ["rch.v1.report.macmini-01", "rch.v1.heartbeat.macmini-01"];
    let to_agent = ["rch.v1.state.macmini-01", "rch.v1.control.macmini-01", "rch.v1.jobs.macmini-01.somebody-elses.1"];
    for subject in to_coordinator.into_iter().chain(to_agent).chain(["rch.v1.output.macmini-01.somebody-elses.1"]) {
        for message in messages {
            nats.publish(subject, message);
        }
    }

    let project = Project::sample();
    rch(&farm, project.path(), &["xcode", "run", "--action", "build"]).expect(0);
    let metrics = api.text("/v1/metrics");
    for carrier in ["report", "heartbeat"] {
        let counted = format!("rch_messages_dropped_total{{carrier=\"{carrier}\"}} {}", messages.len());
        assert!(metrics.contains(&counted), "{counted} is not in\n{metrics}");
    }
    let log = fs::read_to_string(farm.directory().join("logs/macmini-01.log")).unwrap();
    for subject in to_agent {
        assert!(log.lines().any(|line| line.contains("WARN") && line.contains(subject)), "nothing is said of {subject} in\n{log}");
    }
}
