//! The bundle on disk.

use std::fs;
use std::io;
use std::path::Path;

use super::record::Record;
use crate::clock::Moment;
use crate::fingerprint::{fingerprint, letters};

/// Our document, in the bundle's data folder.
const DOCUMENT: &str = "Data/rch-xcode-sim.json";

/// Makes the folder of a bundle whose run has only started.
pub(crate) fn begin_bundle(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path.join("Data"))
}

/// Completes a bundle. `Info.plist` comes last: a bundle that has one is whole.
pub(crate) fn write_bundle(path: &Path, record: &Record) -> io::Result<()> {
    begin_bundle(path)?;
    let text = serde_json::to_string_pretty(record).expect("a record has only string keys");
    let root = format!("0~{}", letters(&text));
    fs::write(path.join("Data").join(format!("data.{root}")), fingerprint(text.as_bytes()).to_be_bytes())?;
    fs::write(path.join("Data").join(format!("refs.{root}")), [0_u8])?;
    fs::write(path.join(DOCUMENT), text)?;
    fs::write(path.join("Info.plist"), info_plist(&root))
}

/// A whole bundle's record. A bundle without `Info.plist` has none.
pub(super) fn read_bundle(path: &Path) -> Option<Record> {
    if !path.join("Info.plist").is_file() {
        return None;
    }
    serde_json::from_slice(&fs::read(path.join(DOCUMENT)).ok()?).ok()
}

/// The members of a real bundle's list.
fn info_plist(root: &str) -> String {
    let created = Moment::now().iso_form();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
	<key>dateCreated</key>
	<date>{created}</date>
	<key>externalLocations</key>
	<array/>
	<key>rootId</key>
	<dict>
		<key>hash</key>
		<string>{root}</string>
	</dict>
	<key>storage</key>
	<dict>
		<key>backend</key>
		<string>fileBacked2</string>
		<key>compression</key>
		<string>standard</string>
	</dict>
	<key>version</key>
	<dict>
		<key>major</key>
		<integer>3</integer>
		<key>minor</key>
		<integer>53</integer>
	</dict>
</dict>
</plist>
"#
    )
}
