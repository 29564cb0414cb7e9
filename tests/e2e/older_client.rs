//! Clients of yesterday and of tomorrow in front of today's farm, by what they put on the wire.

use rch_schemas::RequestId;
use serde_json::{Value, json};

use crate::harness::{Api, Double, Project, rch_at, shared};

/// The body of `POST /v1/runs` as 0.1 has it: these members, and no others. Request id and recipe are of the test.
const RELEASED: &str = include_str!("../fixtures/releases/0.1/post_runs.json");
/// What a client of 0.1 reads of the answer.
const READ: [&str; 13] = [
    "/run_id",
    "/ledger_seq",
    "/run/state",
    "/run/seq",
    "/run/accepted_at",
    "/run/plan/schema_id",
    "/run/plan/run_id",
    "/run/plan/destinations/0/asked/asked",
    "/run/plan/steps/0/jobs/0/job_id",
    "/run/jobs/0/job_id",
    "/run/jobs/0/state",
    "/run/jobs/0/attempt",
    "/run/jobs/0/duration_ms",
];

/// A request as 0.1 writes it, for a tree whose chunks the farm has.
fn released(request_id: &str) -> Value {
    let (farm, project) = (shared(), Project::sample());
    let double = Double::of(farm, |_| ());
    rch_at(farm, double.url(), project.path(), &["xcode", "run", "--action", "build"]).expect(0);
    let sent: Value = serde_json::from_slice(&double.asked("POST /v1/runs")[0]).unwrap();
    let mut body: Value = serde_json::from_str(RELEASED).unwrap();
    let recipe = &sent["recipe"];
    let members = ["schema_version", "schema_id", "created_at", "sha256", "size", "chunking", "chunks"];
    body["recipe"] = members.iter().map(|name| ((*name).to_owned(), recipe[name].clone())).collect();
    body["request_id"] = request_id.parse::<RequestId>().unwrap().as_str().into();
    body
}

/// Follows an accepted run to its end.
fn ended(api: &Api, accepted: &Value) -> Value {
    api.wait_for_run(accepted["run_id"].as_str().unwrap(), |run| !run["exit_code"].is_null())
}

#[test]
fn a_client_of_the_first_release_is_served_by_todays_farm() {
    let api = Api::of(shared());
    let body = released("e2e-older-client");
    let accepted = api.post("/v1/runs", &body);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    for pointer in READ {
        assert!(accepted.body.pointer(pointer).is_some(), "{pointer} is not in {}", accepted.body);
    }
    assert_eq!(api.post("/v1/runs", &body).status, 200, "the same again is the same run");
    let run = ended(&api, &accepted.body);
    assert_eq!((&run["state"], &run["exit_code"]), (&"SUCCEEDED".into(), &0.into()));
    let job = run["jobs"][0]["job_id"].as_str().unwrap();
    assert!(api.text(&format!("/v1/jobs/{job}/log?cursor=1:0")).contains("BUILD SUCCEEDED"));
    assert!(api.get(&format!("/v1/jobs/{job}/artifacts/manifest.json")).is_ok());
}

#[test]
fn a_client_that_shares_no_protocol_is_refused_naming_both_and_which_side_to_upgrade() {
    let api = Api::of(shared());
    let body = released("e2e-no-protocol");
    let cases = [
        (
            json!({ "min": 0, "max": 0 }),
            "rch 0.1.0 speaks protocol 0, the farm speaks 1",
            "upgrade rch to version 0.1.0, which the farm has, or newer",
        ),
        (
            json!({ "min": 2, "max": 3 }),
            "rch 0.1.0 speaks protocol 2 to 3, the farm speaks 1",
            "upgrade the farm's coordinator, which has version 0.1.0, or use an older rch",
        ),
    ];
    for (range, said, fix) in cases {
        let mut whole = body.clone();
        whole["protocol"] = range.clone();
        // One whose body is of another time altogether is told the same.
        let foreign = json!({ "rch_version": "0.1.0", "protocol": range, "workflow": { "graph": [] } });
        for path in ["/v1/runs", "/v1/selection"] {
            for body in [&whole, &foreign] {
                let refused = api.post(path, body);
                assert_eq!((refused.status, refused.kind.as_str()), (422, "application/problem+json"));
                let problem = &refused.body;
                assert_eq!(
                    (problem["code"].as_str(), problem["detail"].as_str(), problem["fix"].as_str()),
                    (Some("UNSUPPORTED_PROTOCOL"), Some(said), Some(fix))
                );
            }
        }
    }
}

#[test]
fn a_newer_client_that_still_speaks_our_protocol_is_served_whatever_else_it_says() {
    let api = Api::of(shared());
    let mut body = released("e2e-newer-client");
    body["protocol"] = json!({ "min": 1, "max": 7, "preferred": 6 });
    body["rch_version"] = "9.4.0".into();
    for pointer in [
        "",
        "/recipe",
        "/recipe/chunks/0",
        "/steps/0",
        "/destinations/0",
        "/options",
        "/options/timeouts",
        "/options/cache",
        "/effective_config",
    ] {
        body.pointer_mut(pointer).unwrap()["since_version_9"] = json!({ "nested": [1, null] });
    }
    let accepted = api.post("/v1/runs", &body);
    assert_eq!(accepted.status, 202, "{accepted:?}");
    assert_eq!(ended(&api, &accepted.body)["exit_code"], 0);
}

#[test]
fn what_a_newer_client_wants_and_nobody_here_can_do_is_refused_naming_the_member() {
    let api = Api::of(shared());
    let body = released("e2e-newer-wishes");
    let wishes = [
        (
            "/options/priority",
            json!("urgent"),
            "options.priority: unknown variant `urgent`, expected one of `interactive`, `normal`, `batch`",
        ),
        ("/options/backend", json!("bazel"), "options.backend: unknown variant `bazel`, expected `xcodebuild` or `mcp`"),
        ("/destinations/0/mode", json!("nearest"), "destinations[0].mode: unknown variant `nearest`, expected `constraints` or `pinned`"),
        (
            "/recipe/schema_id",
            json!("rch-xcode/recipe@2"),
            "recipe.schema_id: expected schema_id rch-xcode/recipe@1, found rch-xcode/recipe@2",
        ),
    ];
    for (pointer, wish, said) in wishes {
        let mut body = body.clone();
        *body.pointer_mut(pointer).unwrap() = wish;
        let refused = api.post("/v1/runs", &body);
        assert_eq!((refused.status, refused.kind.as_str()), (422, "application/problem+json"), "{refused:?}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.starts_with(said), "{detail}");
    }
}
