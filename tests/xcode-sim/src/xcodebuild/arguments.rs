//! The command line: which words are actions, which take a value, and which are build settings.

use std::collections::{BTreeMap, BTreeSet};

use super::error::XcodebuildError;

/// Options that take the next word.
const VALUED: &[&str] = &[
    "workspace",
    "project",
    "scheme",
    "target",
    "configuration",
    "sdk",
    "arch",
    "destination",
    "destination-timeout",
    "derivedDataPath",
    "resultBundlePath",
    "resultBundleVersion",
    "resultStreamPath",
    "clonedSourcePackagesDirPath",
    "packageCachePath",
    "packageFingerprintPolicy",
    "packageSigningEntityPolicy",
    "packageAuthorizationProvider",
    "scmProvider",
    "testPlan",
    "testProductsPath",
    "xctestrun",
    "xcconfig",
    "jobs",
    "toolchain",
    "only-testing",
    "skip-testing",
    "only-test-configuration",
    "skip-test-configuration",
    "enableCodeCoverage",
    "enableAddressSanitizer",
    "enableThreadSanitizer",
    "enableUndefinedBehaviorSanitizer",
    "enablePerformanceTestsDiagnostics",
    "collect-test-diagnostics",
    "parallel-testing-enabled",
    "parallel-testing-worker-count",
    "maximum-parallel-testing-workers",
    "maximum-concurrent-test-simulator-destinations",
    "maximum-concurrent-test-device-destinations",
    "test-iterations",
    "test-repetition-relaunch-enabled",
    "test-timeouts-enabled",
    "default-test-execution-time-allowance",
    "maximum-test-execution-time-allowance",
    "testLanguage",
    "testRegion",
];

/// Options that stand alone.
const PLAIN: &[&str] = &[
    "quiet",
    "verbose",
    "json",
    "hideShellScriptEnvironment",
    "showBuildTimingSummary",
    "parallelizeTargets",
    "allowProvisioningUpdates",
    "allowProvisioningDeviceRegistration",
    "skipUnavailableActions",
    "retry-tests-on-failure",
    "run-tests-until-failure",
    "disableAutomaticPackageResolution",
    "onlyUsePackageVersionsFromResolvedFile",
    "skipPackageUpdates",
    "disablePackageRepositoryCache",
    "skipPackagePluginValidation",
    "skipMacroValidation",
    "skipPackageSignatureValidation",
    "alltargets",
];

/// What is asked instead of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Version,
    ShowSdks,
    List,
    ShowDestinations,
    ResolvePackages,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Build,
    Test,
    BuildForTesting,
    TestWithoutBuilding,
}

impl Action {
    /// Whether tests are compiled or run.
    pub(crate) const fn is_about_tests(self) -> bool {
        match self {
            Self::Build => false,
            Self::Test | Self::BuildForTesting | Self::TestWithoutBuilding => true,
        }
    }
}

/// A command line, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    pub(crate) query: Option<Query>,
    pub(crate) action: Option<Action>,
    pub(crate) clean: bool,
    /// Build settings, as given.
    pub(crate) settings: Vec<(String, String)>,
    values: BTreeMap<&'static str, Vec<String>>,
    plain: BTreeSet<&'static str>,
}

impl Arguments {
    pub(crate) fn parse(words: &[String]) -> Result<Self, XcodebuildError> {
        let mut arguments = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some(option) => arguments.take_option(option, &mut words)?,
                None => arguments.take_word(word)?,
            }
        }
        Ok(arguments)
    }

    fn take_option<'a>(&mut self, option: &str, words: &mut impl Iterator<Item = &'a String>) -> Result<(), XcodebuildError> {
        let query = match option {
            "version" => Some(Query::Version),
            "showsdks" => Some(Query::ShowSdks),
            "list" => Some(Query::List),
            "showdestinations" => Some(Query::ShowDestinations),
            "resolvePackageDependencies" => Some(Query::ResolvePackages),
            _ => None,
        };
        if query.is_some() {
            self.query = query;
            return Ok(());
        }
        if let Some(name) = PLAIN.iter().find(|name| **name == option) {
            self.plain.insert(name);
            return Ok(());
        }
        // `-only-testing:Target/Class` is the same as `-only-testing Target/Class`.
        let (name, joined) = match option.split_once(':') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        if let Some(name) = VALUED.iter().find(|valued| **valued == name) {
            let value = joined.or_else(|| words.next().cloned());
            let value = value.ok_or_else(|| XcodebuildError::NoValue(option.to_owned()))?;
            self.values.entry(name).or_default().push(value);
            return Ok(());
        }
        // `-Name=value` sets a user default.
        if option.contains('=') {
            return Ok(());
        }
        Err(XcodebuildError::InvalidOption(option.to_owned()))
    }

    fn take_word(&mut self, word: &str) -> Result<(), XcodebuildError> {
        if let Some((key, value)) = word.split_once('=') {
            self.settings.push((key.to_owned(), value.to_owned()));
            return Ok(());
        }
        let action = match word {
            "clean" => {
                self.clean = true;
                return Ok(());
            }
            "build" => Action::Build,
            "test" => Action::Test,
            "build-for-testing" => Action::BuildForTesting,
            "test-without-building" => Action::TestWithoutBuilding,
            _ => return Err(XcodebuildError::UnknownAction(word.to_owned())),
        };
        // `build test` is `test`, which builds anyway.
        if self.action.is_none_or(|earlier| earlier == Action::Build) {
            self.action = Some(action);
        }
        Ok(())
    }

    /// The last value given for an option.
    pub(crate) fn value(&self, option: &str) -> Option<&str> {
        self.values(option).last().map(String::as_str)
    }

    /// Every value given for an option.
    pub(crate) fn values(&self, option: &str) -> &[String] {
        self.values.get(option).map_or(&[], Vec::as_slice)
    }

    /// Whether an option that stands alone was given.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.plain.contains(option)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn parse(line: &str) -> Result<Arguments, XcodebuildError> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn values_settings_and_actions_are_told_apart() {
        let arguments = parse("test -scheme App -only-testing:AppTests/A -only-testing AppTests/B -quiet CODE_SIGNING_ALLOWED=NO").unwrap();
        assert_eq!(arguments.action, Some(Action::Test));
        assert_eq!(arguments.value("scheme"), Some("App"));
        assert_eq!(arguments.values("only-testing"), ["AppTests/A", "AppTests/B"]);
        assert!(arguments.has("quiet"));
        assert_eq!(arguments.settings, [("CODE_SIGNING_ALLOWED".into(), "NO".into())]);
    }

    #[test]
    fn building_and_testing_is_testing() {
        let arguments = parse("clean build test").unwrap();
        assert_eq!(arguments.action, Some(Action::Test));
        assert!(arguments.clean);
    }

    #[test]
    fn an_unknown_option_is_refused() {
        let error = parse("build -dry-run").unwrap_err();
        assert_eq!(error.to_string(), "invalid option '-dry-run'");
    }
}
