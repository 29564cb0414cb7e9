//! The server's configuration file, and what the server says when it has started.

use std::path::Path;

/// Whether JetStream syncs before it acknowledges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// `sync_interval: always`: what is acknowledged survives a power cut.
    #[default]
    Synced,
    /// The server's own default, two minutes: a farm must say that it is degraded.
    ServerDefault,
}

/// Whether the server has JetStream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Storage {
    /// It has.
    #[default]
    JetStream,
    /// It has not: a farm must refuse it.
    None,
}

/// What the configuration file says.
#[derive(Clone, Debug)]
pub(crate) struct NatsConfig<'a> {
    /// Where JetStream keeps its files.
    pub(crate) store: &'a Path,
    /// The ports; 0 lets the system choose.
    pub(crate) ports: Ports,
    /// Whether acknowledged means on disk.
    pub(crate) durability: Durability,
    /// Whether there is JetStream.
    pub(crate) storage: Storage,
}

/// Where the server listens, on the loopback address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ports {
    /// For clients.
    pub(crate) client: u16,
    /// For monitoring over HTTP.
    pub(crate) monitor: u16,
}

impl NatsConfig<'_> {
    /// The file's text. Everybody on this machine is one user, `farm`, of one account, `RCH`, into which the system account lends
    /// the one service by which a coordinator learns whether acknowledged means on disk.
    pub(crate) fn text(&self) -> String {
        let port = |port: u16| if port == 0 { "-1".to_owned() } else { port.to_string() };
        let sync = match self.durability {
            Durability::Synced => "\n  sync_interval: always",
            Durability::ServerDefault => "",
        };
        let (server, account) = match self.storage {
            Storage::JetStream => {
                (format!("\njetstream {{\n  store_dir: \"{}\"{sync}\n}}\n", self.store.display()), "\n    jetstream: enabled")
            }
            Storage::None => (String::new(), ""),
        };
        format!(
            r#"# Written by rch-local at each start; changes are lost.
server_name: rch-local
listen: "127.0.0.1:{client}"
http: "127.0.0.1:{monitor}"
{server}
system_account: SYS
no_auth_user: farm
accounts {{
  SYS {{
    exports: [{{ service: "$SYS.REQ.SERVER.PING.JSZ", response_type: stream }}]
  }}
  RCH {{{account}
    users: [{{ user: farm }}]
    imports: [{{ service: {{ account: SYS, subject: "$SYS.REQ.SERVER.PING.JSZ" }}, to: "rch.sys.jsz" }}]
  }}
}}
"#,
            client = port(self.ports.client),
            monitor = port(self.ports.monitor),
        )
    }
}

/// Collects the ports from what the server prints while it starts; they are known when it says that it is ready.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    ports: Ports,
}

impl Announced {
    /// Reads one more line; the ports once the server is ready.
    pub(crate) fn line(&mut self, line: &str) -> Option<Ports> {
        if let Some(port) = port_after(line, "Listening for client connections on ") {
            self.ports.client = port;
        } else if let Some(port) = port_after(line, "Starting http monitor on ") {
            self.ports.monitor = port;
        }
        (line.ends_with("Server is ready") && self.ports.client != 0).then_some(self.ports)
    }
}

fn port_after(line: &str, words: &str) -> Option<u16> {
    let (_, address) = line.split_once(words)?;
    address.rsplit_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(durability: Durability, storage: Storage) -> String {
        NatsConfig { store: Path::new("/scratch/nats"), ports: Ports { client: 4222, monitor: 0 }, durability, storage }.text()
    }

    #[test]
    fn the_file_says_what_was_asked_for() {
        let usual = config(Durability::Synced, Storage::JetStream);
        for wanted in ["127.0.0.1:4222", "127.0.0.1:-1", "sync_interval: always", "store_dir: \"/scratch/nats\"", "to: \"rch.sys.jsz\""] {
            assert!(usual.contains(wanted), "{wanted} is not in\n{usual}");
        }
        assert!(!config(Durability::ServerDefault, Storage::JetStream).contains("sync_interval"));
        assert!(!config(Durability::Synced, Storage::None).contains("jetstream"));
    }

    #[test]
    fn the_ports_are_known_once_the_server_is_ready() {
        let mut announced = Announced::default();
        assert_eq!(announced.line("[7] 2026/11/22 10:28:21 [INF] Starting http monitor on 127.0.0.1:43001"), None);
        assert_eq!(announced.line("[7] 2026/11/22 10:28:21 [INF] Listening for client connections on 127.0.0.1:39923"), None);
        let ready = announced.line("[7] 2026/11/22 10:28:21 [INF] Server is ready");
        assert_eq!(ready, Some(Ports { client: 39923, monitor: 43001 }));
    }
}
