//! `-destination`: which simulator or platform is meant, of those this machine has.

use std::fmt;

use crate::developer::{Developer, Installation};
use crate::exit::Exit;
use crate::fingerprint::uuid_from;
use crate::machine::{Machine, Platform, Runtime, version_key};
use crate::simctl::{Simulator, Store};

/// What is built for and tested on.
#[derive(Clone, Debug)]
pub(crate) struct Destination {
    pub(crate) platform: Platform,
    pub(crate) architecture: String,
    /// The simulator; `None` for a Mac and for generic destinations.
    pub(crate) simulator: Option<SimulatorDestination>,
    pub(crate) is_generic: bool,
}

/// A simulator that was found.
#[derive(Clone, Debug)]
pub(crate) struct SimulatorDestination {
    pub(crate) udid: String,
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) version: String,
    pub(crate) build: String,
}

/// A destination as it is asked for: "platform=iOS Simulator,name=iPhone 16,OS=latest".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Specifier {
    is_generic: bool,
    platform: Option<String>,
    id: Option<String>,
    name: Option<String>,
    system: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

/// A destination this machine has, as `-showdestinations` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    platform: Platform,
    architecture: Option<String>,
    variant: Option<&'static str>,
    id: Option<String>,
    system: Option<String>,
    name: String,
    /// A stand-in for devices that are not there: "Any iOS Device".
    is_placeholder: bool,
}

/// No destination, or none that tests can run on; the text is xcodebuild's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestinationError {
    #[error(
        "Unable to find a {what} matching the provided destination specifier:\n\t\t{specifier}\n\n{reason}\tAvailable \
         destinations for the \"{scheme}\" scheme:\n{rows}"
    )]
    NoMatch { what: &'static str, specifier: String, reason: &'static str, scheme: String, rows: String },
    #[error(
        "Unable to find a destination matching the provided destination specifier:\n\t\t{specifier}\n\n\tIneligible \
         destinations for the \"{scheme}\" scheme:\n\t\t{{ platform:{platform}, \
         id:dvtdevice-DVTiPhonePlaceholder-iphoneos:placeholder, name:Any {platform} Device, error:{system} is not \
         installed. To use with Xcode, first download and install the platform }}"
    )]
    NotInstalled { specifier: String, scheme: String, platform: &'static str, system: String },
    #[error("Unknown destination platform in \"{0}\".")]
    Malformed(String),
    #[error("simulated Xcode: {0}")]
    Simulators(#[from] crate::simctl::SimctlError),
}

impl DestinationError {
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::NoMatch { .. } | Self::NotInstalled { .. } => Exit::SOFTWARE,
            Self::Malformed(_) => Exit::USAGE,
            Self::Simulators(error) => error.exit(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{{ platform:{}", self.platform.destination_name())?;
        let members =
            [("arch", self.architecture.as_deref()), ("variant", self.variant), ("id", self.id.as_deref()), ("OS", self.system.as_deref())];
        for (name, value) in members {
            if let Some(value) = value {
                write!(formatter, ", {name}:{value}")?;
            }
        }
        write!(formatter, ", name:{} }}", self.name)
    }
}

impl Specifier {
    /// Values may hold commas: a comma counts only before a key.
    fn parse(text: &str) -> Result<Self, DestinationError> {
        const KEYS: [&str; 6] = ["platform", "id", "name", "OS", "arch", "variant"];
        let malformed = || DestinationError::Malformed(text.to_owned());
        let plain = text.strip_prefix("generic/");
        let mut parts: Vec<(String, String)> = Vec::new();
        for piece in plain.unwrap_or(text).split(',') {
            match piece.split_once('=') {
                Some((key, value)) if KEYS.contains(&key.trim()) => {
                    parts.push((key.trim().to_owned(), value.to_owned()));
                }
                Some(_) | None => {
                    let (_, value) = parts.last_mut().ok_or_else(malformed)?;
                    value.push(',');
                    value.push_str(piece);
                }
            }
        }
        let part = |key: &str| parts.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone());
        Ok(Self {
            is_generic: plain.is_some(),
            platform: part("platform"),
            id: part("id"),
            name: part("name"),
            system: part("OS"),
            architecture: part("arch"),
            variant: part("variant"),
        })
    }

    /// As xcodebuild repeats it in its messages.
    fn echo(&self) -> String {
        let generic = self.is_generic.then(|| "1".to_owned());
        let system = self.system.clone().or_else(|| self.name.as_ref().map(|_| "latest".to_owned()));
        let members = [
            ("generic", &generic),
            ("platform", &self.platform),
            ("arch", &self.architecture),
            ("variant", &self.variant),
            ("id", &self.id),
            ("OS", &system),
            ("name", &self.name),
        ];
        let shown: Vec<String> = members.into_iter().filter_map(|(name, value)| Some(format!("{name}:{}", value.as_ref()?))).collect();
        format!("{{ {} }}", shown.join(", "))
    }

    fn wants(&self, row: &Row) -> bool {
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found.is_some_and(|found| found.eq_ignore_ascii_case(wanted)))
        };
        let system = match self.system.as_deref() {
            None | Some("latest") => true,
            Some(wanted) => row.system.as_deref() == Some(wanted),
        };
        let platform = self.platform.as_deref().and_then(Platform::named);
        (self.platform.is_none() || platform == Some(row.platform))
            && system
            && same(&self.id, row.id.as_deref())
            && same(&self.name, Some(&row.name))
            // An Xcode that lists no architectures takes any that the machine has.
            && (row.architecture.is_none() || same(&self.architecture, row.architecture.as_deref()))
            && (self.variant.is_none() || same(&self.variant, row.variant))
    }
}

/// Every destination of this machine, real ones first.
pub(crate) fn rows(installation: &Installation, developer: Developer<'_>, simulators: &[Simulator]) -> Vec<Row> {
    let machine = &installation.machine;
    let mut rows = Vec::new();
    for simulator in simulators {
        let Some(runtime) = machine.runtime(&simulator.runtime) else {
            continue;
        };
        let architectures = if developer.xcode.lists_architectures {
            runtime.architectures.iter().map(|name| Some(name.clone())).collect()
        } else {
            vec![None]
        };
        rows.extend(architectures.into_iter().map(|architecture| simulator_row(simulator, runtime, architecture)));
    }
    let own_id = uuid_from(&[&machine.name, "mac"]);
    for architecture in mac_architectures(machine) {
        rows.push(Row {
            platform: Platform::Macos,
            architecture: Some((*architecture).to_owned()),
            variant: None,
            id: Some(own_id.clone()),
            system: None,
            name: "My Mac".to_owned(),
            is_placeholder: false,
        });
    }
    rows.extend(developer.xcode.sdks.iter().map(|sdk| placeholder(sdk.platform)));
    rows
}

fn simulator_row(simulator: &Simulator, runtime: &Runtime, architecture: Option<String>) -> Row {
    Row {
        platform: runtime.platform,
        architecture,
        variant: None,
        id: Some(simulator.udid.clone()),
        system: Some(runtime.version.clone()),
        name: simulator.name.clone(),
        is_placeholder: false,
    }
}

fn mac_architectures(machine: &Machine) -> &'static [&'static str] {
    if machine.architecture == "arm64" { &["arm64", "x86_64"] } else { &["x86_64"] }
}

fn placeholder(platform: Platform) -> Row {
    let name = platform.destination_name();
    let (kind, name) = match platform.device_platform() {
        _ if platform == Platform::Macos => (None, "Any Mac".to_owned()),
        Some(_) => (Some("DVTiOSDeviceSimulatorPlaceholder"), format!("Any {name} Device")),
        None if platform == Platform::Ios => (Some("DVTiPhonePlaceholder"), format!("Any {name} Device")),
        None => (Some("DVTiOSDevicePlaceholder"), format!("Any {name} Device")),
    };
    Row {
        platform,
        architecture: None,
        variant: None,
        id: kind.map(|kind| format!("dvtdevice-{kind}-{}:placeholder", platform.sdk_name())),
        system: None,
        name,
        is_placeholder: true,
    }
}

/// What a command's destination is, and every row that matched it when that was more than one.
pub(crate) struct Resolved {
    pub(crate) destination: Destination,
    pub(crate) ambiguous: Vec<Row>,
}

/// A command's words about its destination.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) destination: Option<&'a str>,
    pub(crate) sdk: Option<&'a str>,
    pub(crate) scheme: &'a str,
}

/// Finds the destination that is asked for.
pub(crate) fn resolve(asked: Asked<'_>, installation: &Installation, developer: Developer<'_>) -> Result<Resolved, DestinationError> {
    let machine = &installation.machine;
    let store = Store::new(machine, installation.state.clone());
    let all = rows(installation, developer, &store.read()?);
    let specifier = match asked.destination {
        Some(text) => Specifier::parse(text)?,
        None => Specifier {
            is_generic: true,
            platform: Some(asked.sdk.and_then(Platform::named).unwrap_or(Platform::Ios).destination_name().to_owned()),
            ..Specifier::default()
        },
    };
    let platform = specifier.platform.as_deref().and_then(Platform::named);
    if specifier.is_generic {
        return generic(&specifier, platform, machine, developer, asked);
    }
    let mut matching: Vec<&Row> =
        all.iter().filter(|row| specifier.wants(row) && (!row.is_placeholder || specifier.id.is_some())).collect();
    if specifier.id.is_none() {
        let newest = matching.iter().filter_map(|row| row.system.as_deref().map(version_key)).max();
        matching.retain(|row| row.system.as_deref().map(version_key) == newest);
    }
    let Some(first) = matching.first() else {
        return Err(no_match(&specifier, &all, asked.scheme));
    };
    let destination = destination_of(first, &specifier, &store)?;
    let ambiguous = if matching.len() > 1 { matching.into_iter().cloned().collect() } else { Vec::new() };
    Ok(Resolved { destination, ambiguous })
}

fn destination_of(row: &Row, specifier: &Specifier, store: &Store<'_>) -> Result<Destination, DestinationError> {
    let machine = store.machine;
    let wanted = row.architecture.clone().or_else(|| specifier.architecture.clone());
    let simulator = match (&row.id, row.platform.is_simulator() && !row.is_placeholder) {
        (Some(udid), true) => Some(store.find(udid)?),
        (Some(_), false) | (None, _) => None,
    };
    let simulator = simulator.and_then(|simulator| {
        let runtime = machine.runtime(&simulator.runtime)?;
        let model = machine.device_type(&simulator.device_type).map(|kind| kind.name.clone());
        Some(SimulatorDestination {
            model: model.unwrap_or_else(|| simulator.name.clone()),
            udid: simulator.udid,
            name: simulator.name,
            version: runtime.version.clone(),
            build: runtime.build.clone(),
        })
    });
    Ok(Destination {
        platform: row.platform,
        architecture: wanted.unwrap_or_else(|| machine.architecture.clone()),
        is_generic: row.is_placeholder,
        simulator,
    })
}

/// A generic destination needs its SDK, and a platform whose runtime is installed: without one even generic builds
/// are refused.
fn generic(
    specifier: &Specifier,
    platform: Option<Platform>,
    machine: &Machine,
    developer: Developer<'_>,
    asked: Asked<'_>,
) -> Result<Resolved, DestinationError> {
    let found = platform.and_then(|platform| developer.sdk_of(platform));
    let Some(sdk) = found else {
        return Err(no_match(specifier, &[], asked.scheme));
    };
    let runs_it = |runtime: &Runtime| {
        runtime.unavailable.is_none() && (runtime.platform == sdk.platform || runtime.platform.device_platform() == Some(sdk.platform))
    };
    if sdk.platform != Platform::Macos && !machine.runtimes.iter().any(runs_it) {
        let device = sdk.platform.device_platform().unwrap_or(sdk.platform);
        return Err(DestinationError::NotInstalled {
            specifier: specifier.echo(),
            scheme: asked.scheme.to_owned(),
            platform: device.destination_name(),
            system: format!("{} {}", device.destination_name(), sdk.version),
        });
    }
    Ok(Resolved {
        destination: Destination {
            platform: sdk.platform,
            architecture: specifier.architecture.clone().unwrap_or_else(|| machine.architecture.clone()),
            simulator: None,
            is_generic: true,
        },
        ambiguous: Vec::new(),
    })
}

fn no_match(specifier: &Specifier, rows: &[Row], scheme: &str) -> DestinationError {
    let by_name = specifier.name.is_some() && specifier.id.is_none();
    let (what, reason) = if by_name {
        ("device", "\tThe requested device could not be found because no available devices matched the request.\n\n")
    } else {
        ("destination", "")
    };
    DestinationError::NoMatch {
        what,
        specifier: specifier.echo(),
        reason,
        scheme: scheme.to_owned(),
        rows: rows.iter().fold(String::new(), |text, row| text + "\t\t" + &row.to_string() + "\n"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn commas_belong_to_names_unless_a_key_follows() {
        let specifier = Specifier::parse("platform=iOS Simulator,name=iPhone, the big one (a,b),OS=18.2").unwrap();
        assert_eq!(specifier.name.as_deref(), Some("iPhone, the big one (a,b)"));
        assert_eq!(specifier.system.as_deref(), Some("18.2"));
        assert!(Specifier::parse("generic/platform=iOS").unwrap().is_generic);
        assert!(Specifier::parse("iPhone").is_err());
    }

    #[test]
    fn a_specifier_is_repeated_as_xcodebuild_does() {
        let named = Specifier::parse("platform=iOS Simulator,name=iPhone 16").unwrap();
        assert_eq!(named.echo(), "{ platform:iOS Simulator, OS:latest, name:iPhone 16 }");
        let generic = Specifier::parse("generic/platform=iOS").unwrap();
        assert_eq!(generic.echo(), "{ generic:1, platform:iOS }");
    }
}
