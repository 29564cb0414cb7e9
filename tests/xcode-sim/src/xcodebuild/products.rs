//! What is kept of built tests, so that they can be run later without building: `build-for-testing`, then
//! `test-without-building`. It lies beside the products, in place of real test bundles, with a `.xctestrun` beside it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::subject::Subject;
use crate::project::{Source, TargetKind, names_test};
use crate::swift::{SwiftTests, TestMethod, discover, discover_objective_c};

/// The file's name in a products folder.
const FILE: &str = "rch-xcode-sim-tests.json";

/// Built tests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TestProducts {
    /// "workspace", "project" or "package", and its name.
    pub(crate) kind: String,
    pub(crate) container: String,
    pub(crate) scheme: String,
    pub(crate) configuration: String,
    /// The test plan's name, when there is one.
    pub(crate) test_plan: Option<String>,
    pub(crate) bundles: Vec<TestBundle>,
}

/// A test bundle and its tests.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TestBundle {
    pub(crate) target: String,
    pub(crate) is_ui: bool,
    pub(crate) tests: Vec<TestMethod>,
}

impl TestProducts {
    /// Finds the tests of a scheme's bundles. Files that cannot be read were reported by the build.
    pub(super) fn of(subject: &Subject) -> Self {
        let plan = &subject.plan;
        let bundles = plan.testables.iter().map(|testable| {
            let target = &plan.targets[testable.target];
            let mut found = SwiftTests::default();
            for source in &target.sources {
                let text = fs::read(source.path()).unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                match source {
                    Source::Swift(path) => discover(&text, path, &mut found),
                    Source::Clang(path) => discover_objective_c(&text, path, &mut found),
                }
            }
            let mut tests = found.into_tests();
            tests.retain(|test| {
                let id = test.identifier();
                let is_named = |names: &[String]| names.iter().any(|name| names_test(name, &id));
                !is_named(&testable.skipped) && (testable.selected.is_empty() || is_named(&testable.selected))
            });
            TestBundle { target: target.name.clone(), is_ui: target.kind == TargetKind::UiTests, tests }
        });
        Self {
            kind: subject.kind.clone(),
            container: subject.name.clone(),
            configuration: plan.configuration.clone(),
            scheme: plan.scheme.clone(),
            test_plan: plan.tested_by.clone(),
            bundles: bundles.collect(),
        }
    }

    /// Keeps them in `folder`, and a `.xctestrun` of this name beside them.
    pub(crate) fn save(&self, folder: &Path, run_name: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let text = serde_json::to_vec_pretty(self).expect("test products have only string keys");
        fs::write(folder.join(FILE), text)?;
        let run = folder.join(format!("{run_name}.xctestrun"));
        let plist = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n\t\
                     <key>__xctestrun_metadata__</key>\n\t<dict>\n\t\t<key>FormatVersion</key>\n\t\t\
                     <integer>1</integer>\n\t</dict>\n</dict>\n</plist>\n";
        fs::write(&run, plist)?;
        Ok(run)
    }

    /// The tests kept in `folder`, when there are any.
    pub(crate) fn load(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(folder.join(FILE)).ok()?).ok()
    }
}
