//! The text after `-destination`.

use std::fmt;

use super::platform::{Platform, UnknownPlatform};
use crate::id::InvalidId;
use crate::requirement::Version;

/// The longest destination that is read, in bytes; the longest recorded one has 78.
const BYTES_MAX: usize = 1024;

/// What a destination asks for. Absent parts are left to the worker; an absent platform is that of the device type's family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationSpec {
    /// No device: build only.
    pub generic: bool,
    /// The platform, when the text says it. Always present when `generic`.
    pub platform: Option<Platform>,
    /// The device's or device type's name, as written; compare without case.
    pub name: Option<String>,
    /// The version of the operating system.
    pub os: OsRequest,
    /// Such as `arm64`.
    pub arch: Option<String>,
    /// Such as `Mac Catalyst`; `variant=macos` is none.
    pub variant: Option<String>,
    /// A UDID. It means nothing on another machine: whoever knows it turns it into name and OS, all others refuse it.
    pub id: Option<String>,
}

/// The version a destination asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OsRequest {
    /// The newest the Xcode supports: `OS=latest`, or no `OS` at all, as for xcodebuild itself.
    #[default]
    Latest,
    /// This version.
    Version(Version),
}

/// What sort of destination is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DestinationKind {
    /// No device.
    Generic(Platform),
    /// The worker itself.
    Mac,
    /// A simulator of this platform.
    Simulator(Platform),
    /// A device on a desk, which the farm has none of.
    Device(Platform),
    /// Whatever platform the name's device type, or the id's device, belongs to.
    Open,
}

/// Why a text is no destination. The reader of the message wrote the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationError {
    /// Nothing that could be a destination.
    #[error("{found:?} is not a destination: expected key=value pairs joined by commas, such as \"platform=iOS Simulator,name=iPhone 16\"")]
    NotPairs {
        /// The text.
        found: String,
    },
    /// A key that xcodebuild does not know.
    #[error("{key:?} is not a key of a destination: expected platform, name, OS, arch, variant or id{}", hint(.key))]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// The same key again.
    #[error("{key} is given twice: write it once")]
    Repeated {
        /// The key.
        key: String,
    },
    /// A key without a value.
    #[error("{key} has no value: write one or leave the key out")]
    NoValue {
        /// The key.
        key: String,
    },
    /// A platform that does not exist.
    #[error(transparent)]
    Platform(#[from] UnknownPlatform),
    /// An `OS` that is no version.
    #[error("OS={found} is not a version: write OS=latest, or one such as OS=18.2")]
    Os {
        /// The value.
        found: String,
        /// What a version is.
        source: InvalidId,
    },
    /// An `arch` that is no architecture.
    #[error("arch={found} is not an architecture: write arm64 or x86_64, or leave it out")]
    Arch {
        /// The value.
        found: String,
    },
    /// Generic, but of which platform?
    #[error("a generic destination needs its platform: write \"generic/platform=iOS\"")]
    GenericWithoutPlatform,
    /// Generic, and yet a device is described.
    #[error("a generic destination names no device, but {key} is given: leave {key} out, or leave \"generic/\" out")]
    GenericWith {
        /// The key.
        key: &'static str,
    },
    /// Nothing says which device is meant.
    #[error("nothing says which device is meant: add platform=…, name=… or both")]
    Nothing,
    /// Longer than any real one.
    #[error("a destination of {bytes} bytes is longer than the {BYTES_MAX} that are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Line feeds, escapes and the like.
    #[error("the destination holds the control character {found:?}: remove it")]
    Control {
        /// The character.
        found: char,
    },
}

const KEYS: [&str; 6] = ["platform", "name", "OS", "arch", "variant", "id"];

fn hint(key: &str) -> String {
    KEYS.iter().find(|known| known.eq_ignore_ascii_case(key)).map_or_else(String::new, |known| format!(" (write {known})"))
}

impl DestinationSpec {
    /// Reads the text after `-destination`.
    ///
    /// # Errors
    /// [`DestinationError`], whose text says what to write instead. A UDID and a physical device are no errors here: they mean something
    /// to xcodebuild, and who refuses them knows what to offer.
    pub fn parse(text: &str) -> Result<Self, DestinationError> {
        if let Some(found) = text.chars().find(|c| c.is_control()) {
            return Err(DestinationError::Control { found });
        }
        let text = text.trim();
        if text.len() > BYTES_MAX {
            return Err(DestinationError::TooLong { bytes: text.len() });
        }
        let (generic, pairs) = text.strip_prefix("generic/").map_or((false, text), |rest| (true, rest));
        Parts::read(pairs)?.into_spec(generic)
    }

    /// What sort of destination is asked for.
    pub fn kind(&self) -> DestinationKind {
        match self.platform {
            None => DestinationKind::Open,
            Some(platform) if self.generic => DestinationKind::Generic(platform),
            Some(platform) if platform.is_simulator() => DestinationKind::Simulator(platform),
            Some(platform) if platform.is_device() => DestinationKind::Device(platform),
            Some(_) => DestinationKind::Mac,
        }
    }

    /// Whether the request leaves the operating system's version or the device's name to the farm; the pinned mode refuses that.
    pub fn leaves_choice(&self) -> bool {
        match self.kind() {
            DestinationKind::Generic(_) | DestinationKind::Mac => false,
            DestinationKind::Simulator(_) | DestinationKind::Device(_) | DestinationKind::Open => {
                self.name.is_none() || self.os == OsRequest::Latest
            }
        }
    }
}

/// The values by key, before they are understood.
#[derive(Default)]
struct Parts<'a> {
    platform: Option<&'a str>,
    name: Option<&'a str>,
    os: Option<&'a str>,
    arch: Option<&'a str>,
    variant: Option<&'a str>,
    id: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Result<Self, DestinationError> {
        let mut parts = Self::default();
        for (key, value) in pairs(text)? {
            let slot = match key {
                "platform" => &mut parts.platform,
                "name" => &mut parts.name,
                "OS" => &mut parts.os,
                "arch" => &mut parts.arch,
                "variant" => &mut parts.variant,
                "id" => &mut parts.id,
                _ => return Err(DestinationError::UnknownKey { key: key.to_owned() }),
            };
            if value.is_empty() {
                return Err(DestinationError::NoValue { key: key.to_owned() });
            }
            if slot.replace(value).is_some() {
                return Err(DestinationError::Repeated { key: key.to_owned() });
            }
        }
        Ok(parts)
    }

    fn into_spec(self, generic: bool) -> Result<DestinationSpec, DestinationError> {
        let placeholder = self.id.and_then(placeholder_of_id).or_else(|| self.name.and_then(placeholder_of_name));
        let mut spec = DestinationSpec {
            generic: generic || placeholder.is_some(),
            platform: self.platform.map(str::parse).transpose()?,
            name: self.name.map(str::to_owned),
            os: self.os.map_or(Ok(OsRequest::Latest), read_os)?,
            arch: self.arch.map(read_arch).transpose()?,
            variant: self.variant.and_then(read_variant),
            id: self.id.map(str::to_owned),
        };
        if let Some(platform) = placeholder {
            // The placeholder's name and id only say that no device is meant.
            spec.platform = spec.platform.or(Some(platform));
            (spec.name, spec.id) = (None, None);
        }
        if spec.platform == Some(Platform::MacOs) {
            // "My Mac" is what Xcode calls whatever Mac it runs on.
            spec.name.take_if(|name| name == "My Mac");
        }
        spec.check()
    }
}

impl DestinationSpec {
    fn check(self) -> Result<Self, DestinationError> {
        if !self.generic {
            let named = self.platform.is_some() || self.name.is_some() || self.id.is_some();
            return if named { Ok(self) } else { Err(DestinationError::Nothing) };
        }
        let device =
            [("name", self.name.is_some()), ("id", self.id.is_some()), ("OS", self.os != OsRequest::Latest), ("arch", self.arch.is_some())];
        if let Some((key, _)) = device.into_iter().find(|(_, given)| *given) {
            return Err(DestinationError::GenericWith { key });
        }
        if self.platform.is_some() { Ok(self) } else { Err(DestinationError::GenericWithoutPlatform) }
    }
}

/// Splits at `,key=` only: names hold commas, and a variant may be `Designed for [iPad,iPhone]`.
fn pairs(text: &str) -> Result<Vec<(&str, &str)>, DestinationError> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices(',').map(|(at, _)| at + 1).filter(|at| key_of(&text[*at..]).is_some())).collect();
    let ends = starts.iter().skip(1).map(|start| start - 1).chain(std::iter::once(text.len()));
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| {
            let pair = &text[*start..end];
            let key = key_of(pair).ok_or_else(|| DestinationError::NotPairs { found: text.chars().take(120).collect() })?;
            let value = pair.split_once('=').map_or("", |(_, value)| value);
            Ok((key, value.trim()))
        })
        .collect()
}

/// The key a text begins with, when a key and `=` begin it. People write a space after the comma.
fn key_of(text: &str) -> Option<&str> {
    let (key, _) = text.trim_start().split_once('=')?;
    (!key.is_empty() && key.bytes().all(|b| b.is_ascii_alphabetic())).then_some(key)
}

fn read_os(text: &str) -> Result<OsRequest, DestinationError> {
    if text.eq_ignore_ascii_case("latest") {
        return Ok(OsRequest::Latest);
    }
    text.parse().map(OsRequest::Version).map_err(|source| DestinationError::Os { found: text.to_owned(), source })
}

fn read_arch(text: &str) -> Result<String, DestinationError> {
    let valid = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if valid { Ok(text.to_owned()) } else { Err(DestinationError::Arch { found: text.to_owned() }) }
}

fn read_variant(text: &str) -> Option<String> {
    const CATALYST: &str = "Mac Catalyst";
    match text {
        _ if text.eq_ignore_ascii_case("macos") => None,
        _ if text.eq_ignore_ascii_case(CATALYST) => Some(CATALYST.to_owned()),
        _ => Some(text.to_owned()),
    }
}

/// The platform of `dvtdevice-DVTiPhonePlaceholder-iphoneos:placeholder`.
fn placeholder_of_id(id: &str) -> Option<Platform> {
    let (_, sdk) = id.strip_prefix("dvtdevice-")?.strip_suffix(":placeholder")?.rsplit_once('-')?;
    Platform::of_sdk(sdk)
}

/// The platform of `Any iOS Simulator Device`, `Generic iOS Device` (Xcode 8) or `Any Mac`.
fn placeholder_of_name(name: &str) -> Option<Platform> {
    if name == "Any Mac" {
        return Some(Platform::MacOs);
    }
    name.strip_prefix("Any ").or_else(|| name.strip_prefix("Generic "))?.strip_suffix(" Device")?.parse().ok()
}

impl fmt::Display for DestinationSpec {
    /// The canonical text: reading it gives the same request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let os = match &self.os {
            OsRequest::Latest => None,
            OsRequest::Version(version) => Some(version.as_str()),
        };
        let pairs = [
            ("platform", self.platform.map(Platform::as_str)),
            ("arch", self.arch.as_deref()),
            ("variant", self.variant.as_deref()),
            ("name", self.name.as_deref()),
            ("OS", os),
            ("id", self.id.as_deref()),
        ];
        f.write_str(if self.generic { "generic/" } else { "" })?;
        for (index, (key, value)) in pairs.into_iter().filter_map(|(key, value)| Some((key, value?))).enumerate() {
            write!(f, "{}{key}={value}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
