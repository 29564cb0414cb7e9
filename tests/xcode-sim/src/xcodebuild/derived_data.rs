//! DerivedData: products, and what was compiled already, so that a second build compiles what changed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::fingerprint::fingerprint;
use crate::machine::Platform;
use crate::project::Target;

/// A DerivedData folder and what is known of its contents.
#[derive(Debug)]
pub(crate) struct DerivedData {
    pub(crate) path: PathBuf,
    /// "Debug-iphonesimulator".
    products_folder: String,
    record: Record,
}

/// Which contents of each file were compiled, per target, configuration and platform.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    #[serde(default)]
    compiled: BTreeMap<String, String>,
}

impl DerivedData {
    /// Opens or makes the folder. A record that cannot be read counts as none: everything is compiled again.
    pub(crate) fn open(path: &Path, configuration: &str, platform: Platform) -> io::Result<Self> {
        let derived = Self { path: path.to_owned(), products_folder: platform.products_folder(configuration), record: Record::default() };
        fs::create_dir_all(derived.products())?;
        fs::create_dir_all(derived.intermediates())?;
        fs::create_dir_all(path.join("Logs/Build"))?;
        fs::create_dir_all(path.join("Logs/Test"))?;
        let record = fs::read(derived.record_path()).ok();
        let record = record.and_then(|text| serde_json::from_slice(&text).ok());
        Ok(Self { record: record.unwrap_or_default(), ..derived })
    }

    /// Forgets what was compiled and removes products and intermediates: `clean`.
    pub(crate) fn clean(&mut self) -> io::Result<()> {
        self.record = Record::default();
        fs::remove_dir_all(self.path.join("Build"))?;
        fs::create_dir_all(self.products())?;
        fs::create_dir_all(self.intermediates())
    }

    pub(crate) fn all_products(&self) -> PathBuf {
        self.path.join("Build/Products")
    }

    /// "Build/Products/Debug-iphonesimulator".
    pub(crate) fn products(&self) -> PathBuf {
        self.all_products().join(&self.products_folder)
    }

    fn intermediates(&self) -> PathBuf {
        self.path.join("Build/Intermediates.noindex")
    }

    /// Where a target's objects are.
    pub(crate) fn objects(&self, target: &Target, architecture: &str) -> PathBuf {
        self.intermediates()
            .join(format!("{}.build/{}/{}.build/Objects-normal/{architecture}", target.project, self.products_folder, target.name))
    }

    fn record_path(&self) -> PathBuf {
        self.intermediates().join("rch-xcode-sim.json")
    }

    /// Whether these contents of a file were compiled before.
    pub(crate) fn is_compiled(&self, target: &Target, file: &Path, contents: &[u8]) -> bool {
        self.record.compiled.get(&self.key(target, file)) == Some(&digest(contents))
    }

    pub(crate) fn note_compiled(&mut self, target: &Target, file: &Path, contents: &[u8]) {
        let key = self.key(target, file);
        self.record.compiled.insert(key, digest(contents));
    }

    fn key(&self, target: &Target, file: &Path) -> String {
        let Target { project, name, .. } = target;
        format!("{project}/{name}/{}: {}", self.products_folder, file.display())
    }

    /// Writes the record; a build that is interrupted keeps what it compiled.
    pub(crate) fn save(&self) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(&self.record).expect("a record has only string keys");
        let fresh = self.record_path().with_extension("new");
        fs::write(&fresh, text)?;
        fs::rename(fresh, self.record_path())
    }

    /// Puts a target's product where the real one would be: a folder with a label in place of a program.
    pub(crate) fn make_product(&self, target: &Target) -> io::Result<PathBuf> {
        let product = self.products().join(&target.product);
        let is_folder = Path::new(&target.product).extension().is_some_and(|ending| ending != "a" && ending != "o");
        if !is_folder {
            fs::write(&product, LABEL)?;
            return Ok(product);
        }
        fs::create_dir_all(&product)?;
        fs::write(product.join(&target.name), LABEL)?;
        fs::write(product.join("Info.plist"), info_plist(&target.name))?;
        Ok(product)
    }
}

const LABEL: &str = "Simulated Xcode: this is not a program.\n";

fn digest(contents: &[u8]) -> String {
    format!("{:032x}", fingerprint(contents))
}

fn info_plist(name: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n<dict>\n\t<key>CFBundleName</key>\n\t\
         <string>{name}</string>\n</dict>\n</plist>\n"
    )
}
