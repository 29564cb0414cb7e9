//! `rch audit` and `rch doctor`: what they find, and what they end with.

use super::*;

/// A tree whose only run was fetched, from this farm.
async fn fetched() -> (TempDir, Fake) {
    let (root, fake) = (tree(), Fake::serve(farm_of_one_run(&Served::ordinary())).await);
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "xcode", "verify", "--log", "none"]).await;
    assert_eq!(ending.exit_code, 0, "{}", captured.err());
    (root, fake)
}

#[tokio::test]
async fn an_audit_says_what_is_proven_and_without_a_farm_not_whose_the_key_is() {
    let (root, fake) = fetched().await;
    let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "audit", ".rch/artifacts"]).await;
    let expected = ".rch/artifacts/run-0000001/test/job-0000001
      proven  attestation.json is signed with the key fe81..3889, in the name of the worker macmini-02
      proven  the farm home pins the key fe81..3889 for the worker macmini-02
      proven  manifest.json is the one that was signed, of job job-0000001, attempt 1
      proven  2 files in the manifest, byte for byte, and no other file is here; not fetched: result.xcresult
      proven  the job key 1fdf..14a7 is the digest of job_key_inputs.jcs: source, arguments, toolchain, destination
.rch/artifacts/run-0000001
  not proven  what run_plan.json says beyond its sets: nobody signed it
  not proven  what run_summary.json says beyond its sets: nobody signed it
";
    assert_eq!((ending.exit_code, captured.out().as_str()), (0, expected));
    let (ending, captured) = rch(root.path(), &["audit", ".rch/artifacts/run-0000001/test/job-0000001"]).await;
    let open = "  not proven  that the key fe81..3889 is the worker macmini-02's: no coordinator is configured\n";
    assert!(ending.exit_code == 0 && captured.out().contains(open), "{}", captured.out());
    let talk = captured.err();
    assert!(talk.contains("      Intact  ") && talk.contains(": the signer is not known here\n") && !talk.contains("Verified"), "{talk}");
    assert!(talk.contains("`rch login URL`"), "{talk}");
}

#[tokio::test]
async fn an_audit_misses_the_sets_that_the_run_names_and_those_without_a_seal() {
    let (root, fake) = fetched().await;
    let run = root.path().join(".rch/artifacts/run-0000001");
    let set = run.join("test/job-0000001");
    let audit = async || {
        let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "audit", ".rch/artifacts/run-0000001"]).await;
        (ending.exit_code, captured.out())
    };
    let missing = "     refuted  no signed set of test job-0000001 is here";
    fs::remove_file(set.join("attestation.json")).unwrap();
    let (code, out) = audit().await;
    assert!(code == 93 && out.contains("     refuted  attestation.json is not here") && out.contains(missing), "{out}");
    fs::remove_dir_all(&set).unwrap();
    let (code, out) = audit().await;
    assert!(code == 93 && out.contains(missing), "{out}");
    fs::remove_file(run.join("run_summary.json")).unwrap();
    let (code, out) = audit().await;
    assert!(code == 93 && out.contains(missing), "{out}");
}

#[tokio::test]
async fn an_audit_compares_sets_with_the_run_that_they_lie_in() {
    let (root, fake) = fetched().await;
    let artifacts = root.path().join(".rch/artifacts");
    let audit = async |run: &str| {
        let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "audit", &format!(".rch/artifacts/{run}")]).await;
        (ending.exit_code, captured.out())
    };
    let summary = artifacts.join("run-0000001/run_summary.json");
    let said = fs::read_to_string(&summary).unwrap();
    let plan = artifacts.join("run-0000001/run_plan.json");
    let planned = fs::read_to_string(&plan).unwrap();
    let digest = serde_json::from_str::<Value>(&said).unwrap()["jobs"][0]["manifest_sha256"].as_str().unwrap().to_owned();
    let zeros = "0".repeat(64);
    for (from, to, expected) in [
        (digest.as_str(), zeros.as_str(), "refuted  run_summary.json names the manifest 0000..0000 of job job-0000001, signed is "),
        ("run-0000001", "run-0000002", "refuted  run_summary.json is the run run-0000002, run_plan.json the run run-0000001"),
    ] {
        fs::write(&summary, said.replace(from, to)).unwrap();
        let (code, out) = audit("run-0000001").await;
        assert!(code != 0 && out.contains(expected), "{expected}: {out}");
    }
    fs::write(&summary, said.replace("job-0000001", "job-0000002")).unwrap();
    let (code, out) = audit("run-0000001").await;
    assert!(code == 0 && out.contains("not proven  no signed set of test job-0000002 is here"), "a job may not have been fetched: {out}");
    for (path, text) in [(&plan, &planned), (&summary, &said)] {
        fs::write(path, text.replace("run-0000001", "run-0000002").replace("job-0000001", "job-0000002")).unwrap();
    }
    let (code, out) = audit("run-0000001").await;
    assert!(
        code == 70 && out.contains("refuted  the set of job job-0000001 is of the run run-0000001, run_plan.json the run run-0000002"),
        "{out}"
    );
    assert!(out.contains("refuted  the run has no job job-0000001, and a set of it is here"), "{out}");
    fs::write(&plan, &planned).unwrap();
    fs::write(&summary, &said).unwrap();
    fs::rename(artifacts.join("run-0000001"), artifacts.join("01KBQ3M5T2Y8ZC4W6N0R7HXA1D")).unwrap();
    let (code, out) = audit("01KBQ3M5T2Y8ZC4W6N0R7HXA1D").await;
    assert!(code == 70 && out.contains("the directory's name the run 01KBQ3M5T2Y8ZC4W6N0R7HXA1D"), "{out}");
}

#[tokio::test]
async fn an_audit_refutes_what_was_changed_and_believes_nothing_that_rests_on_it() {
    let (root, fake) = fetched().await;
    let set = root.path().join(".rch/artifacts/run-0000001/test/job-0000001");
    let audit = async || {
        let (ending, captured) = rch(root.path(), &["--coordinator", fake.url.as_str(), "audit", ".rch/artifacts/run-0000001"]).await;
        (ending.exit_code, captured.out())
    };
    fs::write(set.join("build.log"), "** BUILD FAILED **\n").unwrap();
    let (code, out) = audit().await;
    assert!(code == 70 && out.contains("     refuted  the artifacts do not match their manifest: build.log has other content\n"), "{out}");
    let manifest = fs::read_to_string(set.join("manifest.json")).unwrap();
    fs::write(set.join("manifest.json"), manifest + " ").unwrap();
    let (code, out) = audit().await;
    assert!(code == 70 && out.contains("     refuted  manifest.json has the digest ") && !out.contains("byte for byte"), "{out}");
    let (_, captured) = rch(root.path(), &["--json", "audit", ".rch/artifacts/run-0000001/test/job-0000001"]).await;
    let last: Value = serde_json::from_str(captured.out().lines().last().unwrap()).unwrap();
    let claims = &last["event"]["document"]["sets"][0]["claims"];
    let of = |index: usize| (claims[index]["standing"].clone(), claims[index].get("reason").cloned());
    assert_eq!((of(0), of(1)), ((json!("proven"), None), (json!("not_proven"), None)), "{claims}");
    assert_eq!(of(2), (json!("refuted"), Some(json!("INTEGRITY_MISMATCH"))), "{claims}");
    let attestation = fs::read_to_string(set.join("attestation.json")).unwrap();
    fs::write(set.join("attestation.json"), attestation.replace("job-0000001", "job-0000002")).unwrap();
    let (code, out) = audit().await;
    assert!(
        code == 93 && out.contains("     refuted  attestation.json is not signed as it says") && !out.contains("      proven  "),
        "{out}"
    );
    let (ending, _) = rch(root.path(), &["audit", "App.xcodeproj"]).await;
    assert_eq!(ending.exit_code, 3);
}

#[tokio::test]
async fn a_doctor_looks_at_everything_and_ends_as_the_first_failure_would() {
    let (root, fake) = (tree(), Fake::serve(farm_of_one_run(&Served::ordinary())).await);
    let (ending, captured) = rch(root.path(), &["doctor"]).await;
    let found = captured.out();
    let words: Vec<&str> = found.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!((ending.exit_code, words), (2, vec!["ok", "ok", "fail", "ok", "warn", "ok"]), "{found}");
    fs::remove_dir_all(root.path().join("App.xcodeproj")).unwrap();
    let (ending, captured) = rch(root.path(), &["--json", "--coordinator", fake.url.as_str(), "doctor"]).await;
    let last: Value = serde_json::from_str(captured.out().lines().last().unwrap()).unwrap();
    let checks = last["event"]["document"]["checks"].as_array().unwrap();
    let health = |what: &str| checks.iter().find(|check| check["what"] == what).map(|check| check["health"].clone());
    assert_eq!((health("coordinator"), health("bundle")), (Some(json!("ok")), Some(json!("fail"))), "{last}");
    assert_ne!(ending.exit_code, 0);
}
