//! Every argument of xcodebuild that is known, with its class: the specification of what the farm runs.
//!
//! Rows with a position stand in canonical order. Names and values are those of `xcodebuild -help` of Xcode 26.5 and of older versions, so
//! that the value of an argument is never read as an action.

use super::value::Value::{self, Configuration, Locale, None as Nothing, Number, OneOf, Path, Sdk, TestName, Text, YesNo};

/// What becomes of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Kept, canonical, part of the job key.
    Allow,
    /// The same, when the farm's policy names it.
    Policy,
    /// The farm's to decide: dropped and listed, never executed.
    Owned,
    /// Owned while the farm trusts macros and plug-ins, else refused.
    OwnedIfTrusted,
    /// Refused whatever a policy says.
    Deny,
}

impl Class {
    /// Its name, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Policy => "policy",
            Self::Owned | Self::OwnedIfTrusted => "owned",
            Self::Deny => "deny",
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    /// The place in canonical order, for what is kept.
    pub position: Option<u8>,
    /// The spellings, exactly; several for arguments that share everything else.
    pub names: &'static [&'static str],
    /// What follows it.
    pub value: Value,
    /// What becomes of it.
    pub class: Class,
    /// Kept: what it is for and which values it takes. Else: why it is dropped or refused.
    pub rule: &'static str,
    /// What to write instead; empty for what is kept or dropped.
    pub instead: &'static str,
    /// Whether it may stand more than once; then its values are sorted and unique.
    pub repeats: bool,
    /// Whether it means something only when tests are built or run.
    pub tests_only: bool,
    /// Arguments it cannot stand beside.
    pub excludes: &'static [&'static str],
    /// Arguments of which one must stand beside it; empty for none.
    pub needs: &'static [&'static str],
}

impl Row {
    const fn new(names: &'static [&'static str], value: Value, class: Class, rule: &'static str) -> Self {
        Self { position: None, names, value, class, rule, instead: "", repeats: false, tests_only: false, excludes: &[], needs: &[] }
    }

    const fn repeats(self) -> Self {
        Self { repeats: true, ..self }
    }

    const fn tests_only(self) -> Self {
        Self { tests_only: true, ..self }
    }

    const fn excludes(self, excludes: &'static [&'static str]) -> Self {
        Self { excludes, ..self }
    }

    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }
}

const fn allow(position: u8, names: &'static [&'static str], value: Value, rule: &'static str) -> Row {
    Row { position: Some(position), ..Row::new(names, value, Class::Allow, rule) }
}

const fn policy(position: u8, names: &'static [&'static str], value: Value, rule: &'static str) -> Row {
    Row {
        position: Some(position),
        instead: "leave it out, or ask the farm's operators to allow it (policy.arguments)",
        ..Row::new(names, value, Class::Policy, rule)
    }
}

const fn owned(names: &'static [&'static str], value: Value, rule: &'static str) -> Row {
    Row::new(names, value, Class::Owned, rule)
}

const fn trusted(names: &'static [&'static str], value: Value, rule: &'static str) -> Row {
    Row { instead: "leave it out: this farm does not trust macros and plug-ins", ..Row::new(names, value, Class::OwnedIfTrusted, rule) }
}

const fn deny(names: &'static [&'static str], value: Value, rule: &'static str, instead: &'static str) -> Row {
    Row { instead, ..Row::new(names, value, Class::Deny, rule) }
}

const ARCHS: &[&str] = &["arm64", "arm64_32", "arm64e", "armv7", "armv7k", "armv7s", "i386", "x86_64"];
const REPETITIONS: &[&str] = &["-test-iterations", "-retry-tests-on-failure", "-run-tests-until-failure"];
/// A day: no job may run longer.
const SECONDS_MAX: u32 = 86_400;

const PATHS: &str = "the farm chooses paths; results come back under .rch/artifacts";
const LOOKS: &str = "how output looks is chosen with rch --log, from the whole log";
const SLOT: &str = "the farm sizes a worker's slots";
const PACKAGES: &str = "the farm resolves packages in a phase of its own, from Package.resolved when there is one";
const TRUST: &str = "whether macros and plug-ins run unconfirmed is the farm's trust_macros_and_plugins";
const CHANGES_MACHINE: &str = "it changes the Mac it runs on";
const OPERATORS: &str = "leave it out: the operators of a worker do this";
const SHIPPING: &str = "archiving, exporting and signing for others are out of the farm's scope";
const SHIP_ELSEWHERE: &str = "leave it out, and ship from a machine that holds the certificates";
const QUERY: &str = "it asks about one machine, and the farm has many";

/// The table. `-destination` and the action are handled by name; every other row by its columns alone.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    allow(0, &["build", "test", "build-for-testing", "test-without-building"], Nothing, "exactly one; none means build, and build test means test"),
    owned(&["clean"], Nothing, "every job has fresh products; a cached result is used only if it came from a clean build"),
    allow(1, &["-workspace"], Path(".xcworkspace"), "relative to the tree; from the config when absent").excludes(&["-project"]),
    allow(1, &["-project"], Path(".xcodeproj"), "relative to the tree; from the config when absent").excludes(&["-workspace"]),
    allow(2, &["-scheme"], Text, "a shared scheme; from the config when absent"),
    allow(3, &["-configuration"], Configuration, "in exact case; the scheme's own when absent"),
    allow(4, &["-sdk"], Sdk, "a platform, such as iphonesimulator; must agree with the destination"),
    owned(&["-destination"], Text, "resolved on the worker; several mean several jobs"),
    policy(5, &["-arch"], OneOf(ARCHS), "must agree with the destination's arch").repeats(),
    allow(6, &["-testPlan"], Text, "a test plan of the scheme").tests_only(),
    allow(7, &["-only-testing"], TestName, "tests to run; after : or as the next word").repeats(),
    allow(8, &["-skip-testing"], TestName, "tests to leave out; after : or as the next word").repeats(),
    allow(9, &["-only-test-configuration"], Text, "configurations of the test plan to run").repeats(),
    allow(10, &["-skip-test-configuration"], Text, "configurations of the test plan to leave out").repeats(),
    allow(11, &["-enableCodeCoverage"], YesNo, "whether coverage is gathered"),
    allow(12, &["-parallel-testing-enabled"], YesNo, "whether tests run in clones of the device"),
    allow(13, &["-test-iterations"], Number(1, 100), "how often each test runs at most"),
    allow(14, &["-retry-tests-on-failure"], Nothing, "repeats a test until it passes").excludes(&["-run-tests-until-failure"]),
    allow(15, &["-run-tests-until-failure"], Nothing, "repeats a test until it fails").excludes(&["-retry-tests-on-failure"]),
    allow(16, &["-test-repetition-relaunch-enabled"], YesNo, "whether each repetition has a process of its own").needs(REPETITIONS),
    allow(17, &["-test-timeouts-enabled"], YesNo, "whether a single test may time out"),
    allow(18, &["-default-test-execution-time-allowance"], Number(1, SECONDS_MAX), "seconds for a test; under the job's timeout"),
    allow(19, &["-maximum-test-execution-time-allowance"], Number(1, SECONDS_MAX), "seconds for a test at most; under the job's timeout"),
    allow(20, &["-enableAddressSanitizer"], YesNo, "the address sanitizer"),
    allow(21, &["-enableThreadSanitizer"], YesNo, "the thread sanitizer"),
    allow(22, &["-enableUndefinedBehaviorSanitizer"], YesNo, "the undefined behaviour sanitizer"),
    allow(23, &["-testLanguage"], Locale, "the language tests run in"),
    allow(24, &["-testRegion"], Locale, "the region tests run in"),
    allow(25, &["-skipUnavailableActions"], Nothing, "skips what the scheme cannot do"),
    allow(26, &["-enablePerformanceTestsDiagnostics"], YesNo, "traces of performance tests"),
    allow(27, &["-collect-test-diagnostics"], OneOf(&["on-failure", "never"]), "whether a failure collects a sysdiagnose, which takes minutes"),
    policy(28, &["-xcconfig"], Path(".xcconfig"), "it overrides even the command line, so no file of settings can be corrected afterwards"),
    policy(29, &["-packageFingerprintPolicy"], OneOf(&["warn", "strict"]), "how a changed package is met"),
    policy(29, &["-packageSigningEntityPolicy"], OneOf(&["warn", "strict"]), "how a package of another signer is met"),

    owned(&["-derivedDataPath", "-resultBundlePath", "-resultBundleVersion", "-resultStreamPath", "-clonedSourcePackagesDirPath", "-packageCachePath"], Text, PATHS),
    owned(&["-quiet", "-verbose", "-json", "-hideShellScriptEnvironment", "-showBuildTimingSummary"], Nothing, LOOKS),
    owned(&["-jobs", "-destination-timeout", "-parallel-testing-worker-count", "-maximum-parallel-testing-workers",
        "-maximum-concurrent-test-simulator-destinations", "-maximum-concurrent-test-device-destinations"], Text, SLOT),
    owned(&["-parallelizeTargets"], Nothing, SLOT),
    owned(&["-disableAutomaticPackageResolution", "-onlyUsePackageVersionsFromResolvedFile", "-skipPackageUpdates", "-disablePackageRepositoryCache"], Nothing, PACKAGES),
    owned(&["-scmProvider", "-packageAuthorizationProvider"], Text, PACKAGES),
    trusted(&["-skipMacroValidation", "-skipPackagePluginValidation", "-skipPackageSignatureValidation"], Nothing, TRUST),

    deny(&["-target"], Text, "targets have no destination and no tests, and write into the tree", "share a scheme that builds the target, and write -scheme"),
    deny(&["-alltargets"], Nothing, "targets have no destination and no tests, and write into the tree", "share a scheme that builds them, and write -scheme"),
    deny(&["-toolchain"], Text, "it chooses which programs run", "leave it out: the Xcode of [toolchain] is used"),
    deny(&["-xctestrun"], Text, "such a file names paths and variables of the machine that made it", "write build-for-testing and test-without-building as two actions of one run"),
    deny(&["-testProductsPath"], Text, "the farm chooses paths", "write build-for-testing and test-without-building as two actions of one run"),
    deny(&["archive", "install", "installsrc", "installhdrs"], Nothing, SHIPPING, "write build, and ship from a machine that holds the certificates"),
    deny(&["docbuild"], Nothing, "documentation is out of the farm's scope", "write build, and make the documentation elsewhere"),
    deny(&["analyze"], Nothing, "the static analyzer is not offered yet", "write build RUN_CLANG_STATIC_ANALYZER=YES"),
    deny(&["-archivePath", "-exportPath", "-exportOptionsPlist", "-exportFormat", "-exportProvisioningProfile", "-exportSigningIdentity", "-exportInstallerIdentity"],
        Text, SHIPPING, SHIP_ELSEWHERE),
    deny(&["-exportArchive", "-exportNotarizedApp", "-exportWithOriginalSigningIdentity"], Nothing, SHIPPING, SHIP_ELSEWHERE),
    deny(&["-exportLocalizations", "-importLocalizations", "-includeScreenshots", "-mergeImport"], Nothing,
        "it writes into the tree, and trees do not come back", "run it with xcodebuild on your Mac"),
    deny(&["-localizationPath", "-exportLanguage", "-defaultLanguage"], Text, "it writes into the tree, and trees do not come back", "run it with xcodebuild on your Mac"),
    deny(&["-allowProvisioningUpdates", "-allowProvisioningDeviceRegistration"], Nothing, "it speaks to Apple in somebody's name", "leave it out: simulators and CODE_SIGNING_ALLOWED=NO need no profile"),
    deny(&["-authenticationKeyPath", "-authenticationKeyID", "-authenticationKeyIssuerID"], Text, "it speaks to Apple in somebody's name", "leave it out: simulators and CODE_SIGNING_ALLOWED=NO need no profile"),
    deny(&["-defaultPackageRegistryURL", "-packageDependencySCMToRegistryTransformation"], Text, "where packages come from is set up on the workers", "leave it out, or ask the farm's operators for the registry"),
    deny(&["-resolvePackageDependencies"], Nothing, PACKAGES, "leave it out: a build resolves first"),
    deny(&["-create-xcframework", "-allow-internal-distribution"], Nothing, SHIPPING, "build the frameworks here, and put them together elsewhere"),
    deny(&["-framework", "-library", "-headers", "-output", "-debug-symbols", "-archive"], Text, SHIPPING, "build the frameworks here, and put them together elsewhere"),
    deny(&["-downloadPlatform", "-downloadComponent", "-importPlatform", "-importComponent", "-importPath", "-deleteComponent", "-buildVersion",
        "-architectureVariant", "-platform", "-osVersion", "-modelCode", "-architecture"], Text, CHANGES_MACHINE, OPERATORS),
    deny(&["-downloadAllPlatforms", "-runFirstLaunch", "-checkFirstLaunchStatus", "-checkForNewerComponents", "-prepareDeviceSupport", "-license"], Nothing, CHANGES_MACHINE, OPERATORS),
    deny(&["-list", "-showTestPlans"], Nothing, "it asks about the tree, which is with you", "write rch xcode init"),
    deny(&["-enumerate-tests"], Nothing, "it runs nothing", "write rch xcode init for targets, or run it with xcodebuild on your Mac"),
    deny(&["-test-enumeration-style", "-test-enumeration-format", "-test-enumeration-output-path"], Text, "it runs nothing", "write rch xcode init for targets, or run it with xcodebuild on your Mac"),
    deny(&["-showsdks", "-version"], Nothing, QUERY, "write rch workers show NAME"),
    deny(&["-showComponent"], Text, QUERY, "write rch workers show NAME"),
    deny(&["-find", "-find-executable", "-find-library"], Text, QUERY, "run it with xcrun on your Mac"),
    deny(&["-showdestinations"], Nothing, QUERY, "write rch workers show NAME"),
    deny(&["-showBuildSettings", "-showBuildSettingsForIndex"], Nothing, QUERY, "run it with xcodebuild on your Mac"),
    deny(&["-dry-run", "-n"], Nothing, "xcodebuild no longer has it", "write --dry-run before the other arguments: rch xcodebuild --dry-run"),
    deny(&["-help", "--help", "-h", "-usage"], Nothing, "it is a question to xcodebuild", "write rch xcodebuild --help"),
    deny(&["--"], Nothing, "xcodebuild has no end of options", "leave it out"),
];

/// The row of an argument or action.
pub(super) fn find(name: &str) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.names.contains(&name))
}

/// All spellings of all rows.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|row| row.names.iter().copied())
}
