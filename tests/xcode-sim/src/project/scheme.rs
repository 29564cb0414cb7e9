//! Shared schemes: what an action builds and tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::xml::{Event, events};

/// A reference to a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The project or package it is in, relative to the scheme's base: "App.xcodeproj"; empty for a package here.
    pub(crate) container: String,
}

/// A target of the build action.
#[derive(Clone, Debug)]
pub(crate) struct BuildEntry {
    pub(crate) target: Reference,
    pub(crate) for_running: bool,
    pub(crate) for_testing: bool,
}

/// A target of the test action.
#[derive(Clone, Debug)]
pub(crate) struct TestEntry {
    pub(crate) target: Reference,
    /// Tests that are left out: "Class/testX()".
    pub(crate) skipped_tests: Vec<String>,
}

/// A test plan a scheme uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlanReference {
    pub(crate) path: PathBuf,
    pub(crate) is_default: bool,
}

/// A scheme.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scheme {
    pub(crate) name: String,
    /// What "container:" paths are relative to.
    pub(crate) base: PathBuf,
    pub(crate) build: Vec<BuildEntry>,
    pub(crate) tests: Vec<TestEntry>,
    pub(crate) plans: Vec<PlanReference>,
    /// The configuration of the launch and of the test action.
    pub(crate) run_configuration: Option<String>,
    pub(crate) test_configuration: Option<String>,
}

/// The schemes shared in a container (a workspace, project or package folder), by name.
pub(crate) fn shared_schemes(container: &Path, base: &Path) -> Vec<Scheme> {
    let Ok(entries) = fs::read_dir(container.join("xcshareddata/xcschemes")) else {
        return Vec::new();
    };
    let mut schemes: Vec<Scheme> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "xcscheme"))
        .filter_map(|path| {
            let text = fs::read(&path).ok()?;
            let name = path.file_stem()?.to_string_lossy().into_owned();
            Some(read_scheme(&String::from_utf8_lossy(&text), name, base))
        })
        .collect();
    schemes.sort_by(|left, right| left.name.cmp(&right.name));
    schemes
}

fn read_scheme(text: &str, name: String, base: &Path) -> Scheme {
    let mut reader = Reader {
        scheme: Scheme { name, base: base.to_owned(), ..Scheme::default() },
        action: String::new(),
        attributes: BTreeMap::new(),
        skipped_testable: false,
    };
    for event in events(text) {
        if let Event::Start { name, attributes } = event {
            reader.start(&name, attributes);
        }
    }
    reader.scheme
}

struct Reader {
    scheme: Scheme,
    /// The action the reading is in.
    action: String,
    /// The attributes of the last build entry.
    attributes: BTreeMap<String, String>,
    skipped_testable: bool,
}

impl Reader {
    fn start(&mut self, element: &str, attributes: BTreeMap<String, String>) {
        let is = |name: &str, value: &str| attributes.get(name).is_some_and(|found| found == value);
        match element {
            "BuildAction" | "TestAction" | "LaunchAction" | "ProfileAction" | "AnalyzeAction" | "ArchiveAction" => {
                element.clone_into(&mut self.action);
                let configuration = attributes.get("buildConfiguration").cloned();
                match element {
                    "TestAction" => self.scheme.test_configuration = configuration,
                    "LaunchAction" => self.scheme.run_configuration = configuration,
                    _ => {}
                }
            }
            // Scripts before and after an action also name a target; it is not built for that.
            "PreActions" | "PostActions" | "MacroExpansion" | "CodeCoverageTargets" => {
                self.action = format!("{} {element}", self.action);
            }
            "BuildActionEntry" => self.attributes = attributes,
            "BuildActionEntries" => "BuildAction".clone_into(&mut self.action),
            "Testables" => "TestAction".clone_into(&mut self.action),
            "TestableReference" => self.skipped_testable = is("skipped", "YES"),
            "TestPlanReference" => {
                let path = attributes.get("reference").map(|path| path.trim_start_matches("container:").to_owned());
                self.scheme
                    .plans
                    .extend(path.map(|path| PlanReference { path: self.scheme.base.join(path), is_default: is("default", "YES") }));
            }
            "Test" if self.action == "TestAction" => {
                if let (Some(entry), Some(test)) = (self.scheme.tests.last_mut(), attributes.get("Identifier")) {
                    entry.skipped_tests.push(test.clone());
                }
            }
            "BuildableReference" => self.reference(&attributes),
            _ => {}
        }
    }

    fn reference(&mut self, attributes: &BTreeMap<String, String>) {
        let text = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        let target = Reference {
            id: text("BlueprintIdentifier"),
            name: text("BlueprintName"),
            container: text("ReferencedContainer").trim_start_matches("container:").to_owned(),
        };
        let wants = |purpose: &str| self.attributes.get(purpose).is_none_or(|value| value == "YES");
        match self.action.as_str() {
            "BuildAction" => {
                self.scheme.build.push(BuildEntry { target, for_running: wants("buildForRunning"), for_testing: wants("buildForTesting") });
            }
            "TestAction" if !self.skipped_testable => self.scheme.tests.push(TestEntry { target, skipped_tests: Vec::new() }),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_testables_plans_and_configurations_are_read() {
        let text = r#"<Scheme>
          <BuildAction><PreActions><ExecutionAction><ActionContent><EnvironmentBuildable>
            <BuildableReference BlueprintIdentifier = "P" BlueprintName = "Pre" ReferencedContainer = "container:A.xcodeproj"/>
          </EnvironmentBuildable></ActionContent></ExecutionAction></PreActions>
          <BuildActionEntries>
            <BuildActionEntry buildForTesting = "YES" buildForRunning = "NO">
              <BuildableReference BlueprintIdentifier = "1" BlueprintName = "Tests" ReferencedContainer = "container:A.xcodeproj"/>
            </BuildActionEntry>
          </BuildActionEntries></BuildAction>
          <TestAction buildConfiguration = "Debug">
            <TestPlans><TestPlanReference reference = "container:All.xctestplan" default = "YES"/></TestPlans>
            <Testables>
              <TestableReference skipped = "NO">
                <BuildableReference BlueprintIdentifier = "2" BlueprintName = "T" ReferencedContainer = "container:"/>
                <SkippedTests><Test Identifier = "C/testX()"/></SkippedTests>
              </TestableReference>
              <TestableReference skipped = "YES">
                <BuildableReference BlueprintIdentifier = "3" BlueprintName = "U" ReferencedContainer = "container:"/>
              </TestableReference>
            </Testables>
          </TestAction>
          <LaunchAction buildConfiguration = "Release"><BuildableProductRunnable>
            <BuildableReference BlueprintIdentifier = "4" BlueprintName = "App" ReferencedContainer = "container:"/>
          </BuildableProductRunnable></LaunchAction>
        </Scheme>"#;
        let scheme = read_scheme(text, "S".into(), Path::new("/tree"));
        assert_eq!(scheme.build.len(), 1);
        assert_eq!(scheme.build[0].target.name, "Tests");
        assert!(!scheme.build[0].for_running);
        assert_eq!(scheme.tests.len(), 1);
        assert_eq!(scheme.tests[0].skipped_tests, ["C/testX()"]);
        assert_eq!(scheme.plans[0].path, Path::new("/tree/All.xctestplan"));
        assert_eq!(scheme.run_configuration.as_deref(), Some("Release"));
        assert_eq!(scheme.test_configuration.as_deref(), Some("Debug"));
    }
}
