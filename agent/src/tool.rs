//! Runs one of Apple's tools and reads its answer.
//!
//! Owns how a tool is found, which environment it gets, and that it never hangs the agent: each call runs in a process group of
//! its own, has a timeout after which the whole group is killed, and a bound on its output. Knows nothing of what the answers mean.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::FusedFuture as _;
use nix::sys::signal::Signal;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use crate::config::Config;
use crate::process_group::ProcessGroup;

/// Where the tools of every POSIX system are; scripts of a build expect them.
const SYSTEM_PATH: [&str; 4] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
/// The largest recorded answer (a full `simctl list`) is under 1 MB.
const OUTPUT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A grandchild may hold the pipe open after the tool has exited.
const PIPE_GRACE: Duration = Duration::from_secs(5);

/// Where the tools are, and the environment they share.
#[derive(Debug, Clone)]
pub(crate) struct Tools {
    tool_path: Vec<PathBuf>,
    home: PathBuf,
}

/// What a tool said.
#[derive(Debug, Clone)]
pub(crate) struct ToolOutput {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Why a tool gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ToolError {
    #[error("{tool} is in none of the directories of tool_path: {searched}")]
    NotFound { tool: String, searched: String },
    #[error("cannot run {tool}")]
    Failed { tool: String, source: std::io::Error },
    #[error("{tool} did not answer within {} s", timeout.as_secs())]
    Timeout { tool: String, timeout: Duration },
    #[error("{tool} said: {message} ({status})")]
    Refused { tool: String, status: ExitStatus, message: String },
}

impl Tools {
    /// The tools of a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self { tool_path: config.tool_path.clone(), home: config.home.clone() }
    }

    /// The program of this name: the first hit in the tool path.
    pub(crate) fn find(&self, tool: &str) -> Result<PathBuf, ToolError> {
        self.tool_path.iter().map(|dir| dir.join(tool)).find(|path| path.is_file()).ok_or_else(|| ToolError::NotFound {
            tool: tool.to_owned(),
            searched: self.tool_path.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(", "),
        })
    }

    /// The tool path followed by the system's directories, as a value of `PATH`.
    pub(crate) fn search_path(&self) -> String {
        let mut dirs: Vec<&Path> = self.tool_path.iter().map(PathBuf::as_path).collect();
        for dir in SYSTEM_PATH {
            if !dirs.contains(&Path::new(dir)) {
                dirs.push(Path::new(dir));
            }
        }
        dirs.iter().map(|dir| dir.display().to_string()).collect::<Vec<_>>().join(":")
    }

    /// Runs `tool` with `arguments`, with the Xcode of `developer_dir` when one is given, and reads what it says.
    ///
    /// # Cancel safety
    /// Dropping the future kills the tool.
    pub(crate) async fn run(&self, call: Call<'_>) -> Result<ToolOutput, ToolError> {
        let program = self.find(call.tool)?;
        let name = || call.describe();
        let failed = |source| ToolError::Failed { tool: name(), source };
        let mut command = Command::new(program);
        command.args(call.arguments).env_clear().envs(self.environment(call.developer_dir));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(failed)?;
        let group = KilledOnDrop(child.id().and_then(ProcessGroup::led_by));
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let pipes = (child.stdout.take(), child.stderr.take());
        let status = async {
            let reading = async { tokio::join!(read_into(pipes.0, &mut stdout), read_into(pipes.1, &mut stderr)) }.fuse();
            tokio::pin!(reading);
            let status = tokio::select! {
                status = child.wait() => status,
                _ = &mut reading => child.wait().await,
            };
            if !reading.is_terminated() {
                let _ = tokio::time::timeout(PIPE_GRACE, reading).await;
            }
            status
        };
        let status = tokio::time::timeout(call.timeout, status).await;
        drop(group);
        match status {
            Ok(status) => Ok(ToolOutput { status: status.map_err(failed)?, stdout: text(&stdout), stderr: text(&stderr) }),
            Err(_) => Err(ToolError::Timeout { tool: name(), timeout: call.timeout }),
        }
    }

    /// As [`Self::ask`], for a tool that every POSIX system has in its own directories.
    pub(crate) async fn ask_system(&self, call: Call<'_>) -> Result<String, ToolError> {
        let system = Self { tool_path: SYSTEM_PATH.map(PathBuf::from).to_vec(), home: self.home.clone() };
        system.ask(call).await
    }

    /// As [`Self::run`], but a tool that leaves with an error is one; the answer is its standard output.
    pub(crate) async fn ask(&self, call: Call<'_>) -> Result<String, ToolError> {
        let name = call.describe();
        let output = self.run(call).await?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(ToolError::Refused { tool: name, status: output.status, message: output.complaint() })
    }

    fn environment(&self, developer_dir: Option<&str>) -> BTreeMap<&'static str, String> {
        let mut environment =
            BTreeMap::from([("PATH", self.search_path()), ("HOME", self.home.display().to_string()), ("LANG", "en_US.UTF-8".to_owned())]);
        if let Some(dir) = developer_dir {
            environment.insert("DEVELOPER_DIR", dir.to_owned());
        }
        environment
    }
}

/// One call of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The program's name.
    pub(crate) tool: &'a str,
    /// Its arguments.
    pub(crate) arguments: &'a [&'a str],
    /// The Xcode it is to use; the selected one when absent.
    pub(crate) developer_dir: Option<&'a str>,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

impl Call<'_> {
    /// The tool with its first words, for messages.
    fn describe(&self) -> String {
        let words = self.arguments.iter().take(3).copied();
        std::iter::once(self.tool).chain(words).collect::<Vec<_>>().join(" ")
    }
}

impl ToolOutput {
    /// The first line that says what is wrong, wherever the tool wrote it.
    pub(crate) fn complaint(&self) -> String {
        let lines = || self.stderr.lines().chain(self.stdout.lines()).map(str::trim).filter(|line| !line.is_empty());
        let line = lines().find(|line| line.contains("error")).or_else(|| lines().next()).unwrap_or("nothing");
        line.chars().take(300).collect()
    }

    /// Standard output and error together.
    pub(crate) fn all_text(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// Ends whatever a tool left behind.
struct KilledOnDrop(Option<ProcessGroup>);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            group.signal(Signal::SIGKILL);
        }
    }
}

/// Reads to the end, or as far as allowed; the bound on time is the caller's.
async fn read_into(stream: Option<impl AsyncRead + Unpin>, bytes: &mut Vec<u8>) {
    if let Some(stream) = stream {
        // An error ends the answer where it stands; what that means shows when it is parsed.
        let _ = stream.take(OUTPUT_BYTES_MAX).read_to_end(bytes).await;
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    fn tools() -> Tools {
        Tools { tool_path: vec![PathBuf::from("/nonexistent"), PathBuf::from("/bin")], home: PathBuf::from("/home/of-the-agent") }
    }

    async fn shell(script: &str, timeout: Duration) -> Result<ToolOutput, ToolError> {
        tools().run(Call { tool: "sh", arguments: &["-c", script], developer_dir: Some("/Xcode.app"), timeout }).await
    }

    #[tokio::test]
    async fn a_tool_sees_our_variables_and_no_others() {
        let output =
            shell("echo $DEVELOPER_DIR $HOME ${CARGO_MANIFEST_DIR-none}; echo oops >&2; exit 3", Duration::from_secs(30)).await.unwrap();
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("/Xcode.app /home/of-the-agent none\n", "oops\n"));
        assert_eq!(output.status.code(), Some(3));
    }

    #[tokio::test]
    async fn a_tool_that_hangs_is_killed_with_everything_it_started() {
        let started = tempfile::NamedTempFile::new().unwrap();
        let script = format!("(echo $$ >{0}; exec sleep 1000) & wait", started.path().display());
        let error = shell(&script, Duration::from_millis(300)).await.unwrap_err();
        assert!(error.to_string().starts_with("sh -c"), "{error}");
        let group: u32 = std::fs::read_to_string(started.path()).unwrap().trim().parse().unwrap();
        let group = ProcessGroup::led_by(group).unwrap();
        // Killed, but perhaps not yet reaped by whoever inherited it.
        while group.is_alive() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_missing_tool_says_where_it_was_looked_for() {
        let call = Call { tool: "xcodebuild-nowhere", arguments: &[], developer_dir: None, timeout: Duration::from_secs(1) };
        let error = tools().run(call).await.unwrap_err().to_string();
        assert_eq!(error, "xcodebuild-nowhere is in none of the directories of tool_path: /nonexistent, /bin");
    }

    #[test]
    fn the_search_path_ends_in_the_system_s_directories_once_each() {
        assert_eq!(tools().search_path(), "/nonexistent:/bin:/usr/bin:/usr/sbin:/sbin");
    }
}
