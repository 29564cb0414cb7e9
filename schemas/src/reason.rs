//! The one table of reasons: each code with its kind, exit code, retry class and sentence. RPC, HTTP, evidence and summaries all read it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of failure ended a job; decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureKind {
    /// The invocation is not allowed.
    ClassifierRejected,
    /// The coordinator is out of reach, or the caller is not authorised.
    Connect,
    /// Bytes could not be moved.
    Transfer,
    /// The farm could not run the job.
    Executor,
    /// xcodebuild ran and failed.
    Xcodebuild,
    /// The XcodeBuildMCP backend failed.
    Mcp,
    /// Artifacts are missing or corrupt.
    Artifacts,
    /// Cancelled by a person, or superseded.
    Cancelled,
    /// No capacity within the queue timeout.
    WorkerBusy,
    /// No worker can ever do it.
    WorkerIncompatible,
    /// The tree cannot be bundled.
    Bundler,
    /// A signature or a pinned key does not verify.
    Attestation,
}

impl FailureKind {
    /// All kinds, in the order of their exit codes.
    pub const ALL: [Self; 12] = [
        Self::ClassifierRejected,
        Self::Connect,
        Self::Transfer,
        Self::Executor,
        Self::Xcodebuild,
        Self::Mcp,
        Self::Artifacts,
        Self::Cancelled,
        Self::WorkerBusy,
        Self::WorkerIncompatible,
        Self::Bundler,
        Self::Attestation,
    ];

    /// The exit code of `rch` for a job that ended so.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::ClassifierRejected => 10,
            Self::Connect => 20,
            Self::Transfer => 30,
            Self::Executor => 40,
            Self::Xcodebuild => 50,
            Self::Mcp => 60,
            Self::Artifacts => 70,
            Self::Cancelled => 80,
            Self::WorkerBusy => 90,
            Self::WorkerIncompatible => 91,
            Self::Bundler => 92,
            Self::Attestation => 93,
        }
    }

    /// When a job ends so, in a clause for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::ClassifierRejected => "the invocation is not allowed",
            Self::Connect => "the coordinator is out of reach, or does not accept the caller",
            Self::Transfer => "bytes could not be moved",
            Self::Executor => "the farm could not run the job",
            Self::Xcodebuild => "xcodebuild ran and failed",
            Self::Mcp => "the XcodeBuildMCP backend failed",
            Self::Artifacts => "artifacts are missing or corrupt",
            Self::Cancelled => "a person cancelled it, or a newer run took its place",
            Self::WorkerBusy => "no worker became free in time",
            Self::WorkerIncompatible => "no worker of the farm can ever do it",
            Self::Bundler => "the tree cannot be sent as it is",
            Self::Attestation => "a signature or a pinned key does not verify",
        }
    }

    /// The word of the contract, such as `XCODEBUILD`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClassifierRejected => "CLASSIFIER_REJECTED",
            Self::Connect => "CONNECT",
            Self::Transfer => "TRANSFER",
            Self::Executor => "EXECUTOR",
            Self::Xcodebuild => "XCODEBUILD",
            Self::Mcp => "MCP",
            Self::Artifacts => "ARTIFACTS",
            Self::Cancelled => "CANCELLED",
            Self::WorkerBusy => "WORKER_BUSY",
            Self::WorkerIncompatible => "WORKER_INCOMPATIBLE",
            Self::Bundler => "BUNDLER",
            Self::Attestation => "ATTESTATION",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Exit codes of `rch` that belong to no failure kind.
pub mod exit {
    /// Everything asked for succeeded.
    pub const SUCCESS: u8 = 0;
    /// Internal error, or local I/O failed.
    pub const INTERNAL: u8 = 1;
    /// Usage or configuration.
    pub const USAGE: u8 = 2;
    /// No such run or job.
    pub const NOT_FOUND: u8 = 3;

    /// All of them, each with when `rch` exits with it.
    pub const ALL: [(u8, &str); 4] = [
        (SUCCESS, "everything that was asked for succeeded"),
        (INTERNAL, "an internal error, or local input and output failed"),
        (USAGE, "the command line, the configuration or the request is not valid; nothing ran"),
        (NOT_FOUND, "there is no such run or job"),
    ];
}

/// Whether a failed attempt is worth another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RetryClass {
    /// Another attempt is allowed and counts towards the limit.
    Again,
    /// A refusal: another worker is asked, nothing is used up.
    Elsewhere,
    /// The outcome stands.
    Never,
}

/// What a reason ends, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    /// A job, with this kind.
    Job(FailureKind),
    /// No job: the answer to one message, on which `rch` exits with this code.
    Message(u8),
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $ends:expr, $retry:ident, $sentence:literal;)*) => {
        /// A code that says why: a job's subkind, a worker's verdict, or the error of one message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Reason {
            $(
                #[doc = $sentence]
                #[serde(rename = $code)]
                $name,
            )*
        }

        impl Reason {
            /// Every reason, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as it stands in documents and messages.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// One sentence for people.
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }

            /// Whether another attempt is worth it.
            pub fn retry_class(self) -> RetryClass {
                match self { $(Self::$name => RetryClass::$retry,)* }
            }

            fn ends(self) -> Ends {
                match self { $(Self::$name => $ends,)* }
            }
        }
    };
}

use FailureKind as Kind;

reasons! {
    // The invocation.
    ArgumentDenied = "ARGUMENT_DENIED", Ends::Job(Kind::ClassifierRejected), Never, "an argument of the invocation is not allowed";
    // Reaching the farm.
    Unreachable = "UNREACHABLE", Ends::Job(Kind::Connect), Never, "the coordinator is out of reach";
    Unauthorized = "UNAUTHORIZED", Ends::Job(Kind::Connect), Never, "the farm does not accept this token";
    // Moving bytes.
    Transfer = "TRANSFER", Ends::Job(Kind::Transfer), Again, "bytes could not be moved";
    SourceMissing = "SOURCE_MISSING", Ends::Job(Kind::Transfer), Never, "chunks of the source are missing in the store";
    SourceCorrupt = "SOURCE_CORRUPT", Ends::Job(Kind::Transfer), Never, "the source does not have the digest it was sent under";
    // The farm could not run it.
    TimeoutOverall = "TIMEOUT_OVERALL", Ends::Job(Kind::Executor), Never, "the job ran longer than timeouts.overall_seconds";
    TimeoutIdle = "TIMEOUT_IDLE", Ends::Job(Kind::Executor), Never, "the job was silent longer than timeouts.idle_log_seconds";
    TimeoutDeadline = "TIMEOUT_DEADLINE", Ends::Job(Kind::Executor), Never, "the coordinator's last deadline for the attempt passed";
    WorkerLost = "WORKER_LOST", Ends::Job(Kind::Executor), Again, "the worker was lost while it ran the job";
    Interrupted = "INTERRUPTED", Ends::Job(Kind::Executor), Again, "the attempt was interrupted on its worker";
    SimulatorBoot = "SIMULATOR_BOOT", Ends::Job(Kind::Executor), Again, "the simulator did not boot";
    CoresimulatorDown = "CORESIMULATOR_DOWN", Ends::Job(Kind::Executor), Again, "CoreSimulator is not working on the worker";
    RunnerLaunch = "RUNNER_LAUNCH", Ends::Job(Kind::Executor), Again, "the test runner could not be launched";
    PackageResolution = "PACKAGE_RESOLUTION", Ends::Job(Kind::Executor), Again, "Swift packages could not be resolved";
    DiskFull = "DISK_FULL", Ends::Job(Kind::Executor), Elsewhere, "the worker's disk is full";
    License = "LICENSE", Ends::Job(Kind::Executor), Elsewhere, "the Xcode licence is not agreed to on the worker";
    DeveloperDir = "DEVELOPER_DIR", Ends::Job(Kind::Executor), Elsewhere, "the worker's developer directory is not usable";
    PlatformMissing = "PLATFORM_MISSING", Ends::Job(Kind::Executor), Elsewhere, "the platform is not installed on the worker";
    SdkMissing = "SDK_MISSING", Ends::Job(Kind::Executor), Elsewhere, "the SDK is not there on the worker";
    DestinationAmbiguous = "DESTINATION_AMBIGUOUS", Ends::Job(Kind::Executor), Never, "xcodebuild chose among several matching destinations";
    Signing = "SIGNING", Ends::Job(Kind::Executor), Never, "code signing was asked for, and the farm does not sign";
    SandboxDenied = "SANDBOX_DENIED", Ends::Job(Kind::Executor), Never, "the user-script sandbox denied an access";
    ProtocolError = "PROTOCOL_ERROR", Ends::Job(Kind::Executor), Never, "the two sides computed different things from the same inputs";
    Internal = "INTERNAL", Ends::Job(Kind::Executor), Again, "an internal error of the farm";
    // xcodebuild ran and failed.
    Compile = "COMPILE", Ends::Job(Kind::Xcodebuild), Never, "the compiler reported errors";
    Link = "LINK", Ends::Job(Kind::Xcodebuild), Never, "the linker reported errors";
    ScriptPhase = "SCRIPT_PHASE", Ends::Job(Kind::Xcodebuild), Never, "a script phase failed";
    TestFailed = "TEST_FAILED", Ends::Job(Kind::Xcodebuild), Never, "tests failed";
    TestCrash = "TEST_CRASH", Ends::Job(Kind::Xcodebuild), Never, "the app or the test runner crashed";
    NoTestsRun = "NO_TESTS_RUN", Ends::Job(Kind::Xcodebuild), Never, "no test ran";
    BuildFailed = "BUILD_FAILED", Ends::Job(Kind::Xcodebuild), Never, "xcodebuild failed, and its log gives no narrower reason";
    // Artifacts.
    IntegrityMismatch = "INTEGRITY_MISMATCH", Ends::Job(Kind::Artifacts), Never, "artifacts do not match their manifest";
    ArtifactsMissing = "ARTIFACTS_MISSING", Ends::Job(Kind::Artifacts), Never, "artifacts that the job owes are missing";
    ArtifactsGone = "ARTIFACTS_GONE", Ends::Job(Kind::Artifacts), Never, "the artifacts are no longer kept";
    // Cancelled.
    CancelledByUser = "CANCELLED", Ends::Job(Kind::Cancelled), Never, "cancelled";
    Superseded = "SUPERSEDED", Ends::Job(Kind::Cancelled), Never, "a newer run of the same label took its place";
    // Capacity.
    Busy = "BUSY", Ends::Job(Kind::WorkerBusy), Elsewhere, "the worker has no free slot";
    TimeoutQueue = "TIMEOUT_QUEUE", Ends::Job(Kind::WorkerBusy), Never, "no worker became free within timeouts.queue_seconds";
    // No worker can ever do it; also the verdicts of selection.
    NoWorkers = "NO_WORKERS", Ends::Job(Kind::WorkerIncompatible), Never, "the farm knows no worker";
    TagMissing = "TAG_MISSING", Ends::Job(Kind::WorkerIncompatible), Never, "the worker lacks a required tag";
    NotNamed = "NOT_NAMED", Ends::Job(Kind::WorkerIncompatible), Never, "another worker was asked for by name";
    NotEnrolled = "NOT_ENROLLED", Ends::Job(Kind::WorkerIncompatible), Never, "the worker's key is not the one pinned in the inventory";
    FeatureMissing = "FEATURE_MISSING", Ends::Job(Kind::WorkerIncompatible), Never, "the worker's agent lacks a required feature";
    ProtocolDrift = "PROTOCOL_DRIFT", Ends::Job(Kind::WorkerIncompatible), Elsewhere, "the worker's agent does not speak the run's protocol version";
    ToolchainChanged = "TOOLCHAIN_CHANGED", Ends::Job(Kind::WorkerIncompatible), Elsewhere, "the worker's toolchain changed after it was chosen";
    NoSuchXcode = "NO_SUCH_XCODE", Ends::Job(Kind::WorkerIncompatible), Never, "the worker has no Xcode that satisfies the requirement";
    NoSuchDestination = "NO_SUCH_DESTINATION", Ends::Job(Kind::WorkerIncompatible), Never, "the worker cannot provide the destination";
    ToolMissing = "TOOL_MISSING", Ends::Job(Kind::WorkerIncompatible), Never, "the worker lacks a required tool";
    OtherKey = "OTHER_KEY", Ends::Job(Kind::WorkerIncompatible), Never, "the worker would give the job another key";
    ProductsElsewhere = "PRODUCTS_ELSEWHERE", Ends::Job(Kind::WorkerIncompatible), Never, "the products to be tested lie on another worker";
    LimitExceeded = "LIMIT_EXCEEDED", Ends::Job(Kind::WorkerIncompatible), Never, "the source is larger than the worker accepts";
    CapabilitiesStale = "CAPABILITIES_STALE", Ends::Job(Kind::WorkerIncompatible), Never, "the worker's capabilities are older than probe_ttl_seconds";
    Offline = "OFFLINE", Ends::Job(Kind::WorkerIncompatible), Never, "the worker is not online";
    Draining = "DRAINING", Ends::Job(Kind::WorkerIncompatible), Never, "the worker is draining";
    Quarantined = "QUARANTINED", Ends::Job(Kind::WorkerIncompatible), Never, "the worker is quarantined";
    // The tree cannot be bundled.
    SizeExceeded = "SIZE_EXCEEDED", Ends::Job(Kind::Bundler), Never, "the tree is larger than allowed";
    EscapingSymlink = "ESCAPING_SYMLINK", Ends::Job(Kind::Bundler), Never, "a symbolic link leaves the tree";
    NameCollision = "NAME_COLLISION", Ends::Job(Kind::Bundler), Never, "two names are one on a Mac's file system";
    UnsupportedFile = "UNSUPPORTED_FILE", Ends::Job(Kind::Bundler), Never, "the tree holds something that is neither file, directory nor symbolic link";
    FileChanged = "FILE_CHANGED", Ends::Job(Kind::Bundler), Never, "a file kept changing while it was read";
    PodsMissing = "PODS_MISSING", Ends::Job(Kind::Bundler), Never, "the workspace needs Pods/, which is not in the bundle";
    LfsPointer = "LFS_POINTER", Ends::Job(Kind::Bundler), Never, "a file is a Git LFS pointer, not its content";
    SubmoduleEmpty = "SUBMODULE_EMPTY", Ends::Job(Kind::Bundler), Never, "a submodule is not checked out";
    ProjectMissing = "PROJECT_MISSING", Ends::Job(Kind::Bundler), Never, "the project or workspace is not in the tree";
    SchemeNotShared = "SCHEME_NOT_SHARED", Ends::Job(Kind::Bundler), Never, "the scheme is not shared, so no other machine can see it";
    // Signatures.
    SignatureInvalid = "SIGNATURE_INVALID", Ends::Job(Kind::Attestation), Never, "a signature does not verify";
    KeyNotPinned = "KEY_NOT_PINNED", Ends::Job(Kind::Attestation), Never, "the signing key is not pinned";
    // Answers to one message; they end no job.
    InvalidRequest = "INVALID_REQUEST", Ends::Message(exit::USAGE), Never, "the request is not valid";
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", Ends::Message(exit::USAGE), Never, "the request is too large";
    NotFound = "NOT_FOUND", Ends::Message(exit::NOT_FOUND), Never, "there is no such thing";
    Conflict = "CONFLICT", Ends::Message(exit::USAGE), Never, "the request id was used for another request";
    Stale = "STALE", Ends::Message(exit::INTERNAL), Never, "the message is of an attempt or session that no longer counts";
    DuplicateWorker = "DUPLICATE_WORKER", Ends::Message(exit::INTERNAL), Never, "two machines use the same worker name";
    OutcomeUnknown = "OUTCOME_UNKNOWN", Ends::Message(20), Never, "it is not known whether the request took effect; repeat it with the same request id";
    UnsupportedProtocol = "UNSUPPORTED_PROTOCOL", Ends::Message(91), Never, "no protocol version is common to both sides";
    Overloaded = "OVERLOADED", Ends::Message(90), Never, "the farm cannot take more requests now";
}

impl Reason {
    /// The failure kind of a job that ends for this reason; `None` for the answer to a message, which ends no job.
    pub fn kind(self) -> Option<FailureKind> {
        match self.ends() {
            Ends::Job(kind) => Some(kind),
            Ends::Message(_) => None,
        }
    }

    /// The exit code of `rch` when this is the last word.
    pub fn exit_code(self) -> u8 {
        match self.ends() {
            Ends::Job(kind) => kind.exit_code(),
            Ends::Message(code) => code,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_serialize_as_they_read() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).expect("a reason serializes"), reason.code());
        }
    }

    #[test]
    fn exit_codes_are_those_of_the_contract() {
        let codes: Vec<_> = FailureKind::ALL.iter().map(|kind| kind.exit_code()).collect();
        assert_eq!(codes, [10, 20, 30, 40, 50, 60, 70, 80, 90, 91, 92, 93]);
    }

    #[test]
    fn only_infrastructure_is_retried() {
        for reason in Reason::ALL {
            if reason.retry_class() == RetryClass::Again {
                assert!(matches!(reason.kind(), Some(FailureKind::Executor | FailureKind::Transfer)), "{reason}");
            }
        }
    }

    #[test]
    fn sentences_are_one_line_in_lower_case_or_a_proper_name() {
        for reason in Reason::ALL {
            let sentence = reason.sentence();
            assert!(!sentence.contains('\n') && !sentence.ends_with('.'), "{sentence}");
        }
    }
}
