//! The catalogue: folders of titles, read again when they change.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use playhouse_play::manifest::{MAX_LEN, Manifest};

/// Titles that are read at most: a folder with more is a mistake, not a catalogue.
const MOST: usize = 2_000;

/// How old the list may be before the folders are looked at again.
const FRESH: Duration = Duration::from_secs(1);

/// Where Debian writes down what is installed.
const DPKG: &str = "/var/lib/dpkg/info";

/// Pictures that a title's folder can hold, best first.
const COVERS: [&str; 4] = ["cover.webp", "cover.png", "cover.jpg", "cover.svg"];

/// A title as its folder has it.
#[derive(Clone, Debug)]
pub(crate) struct Title {
    /// The folder's name.
    pub(crate) id: String,
    pub(crate) folder: PathBuf,
    /// The title's own picture.
    pub(crate) cover: Option<PathBuf>,
    /// The manifest, or the sentence that says what is wrong with it.
    pub(crate) manifest: Result<Manifest, String>,
    /// What is missing on this machine.
    pub(crate) missing: Option<Missing>,
}

/// What a title needs and this machine has not got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    /// The program or the packages.
    pub(crate) what: String,
    /// The command that installs it, where one is known.
    pub(crate) install: Option<String>,
}

/// All titles by id.
type Titles = BTreeMap<String, Title>;

/// The folders of titles.
#[derive(Debug)]
pub(crate) struct Catalogue {
    folders: Vec<PathBuf>,
    programs: Vec<PathBuf>,
    known: Mutex<Option<(Instant, Arc<Titles>)>>,
    /// Manifests that were read already: they are read again when the file changes.
    read: Mutex<BTreeMap<PathBuf, Read>>,
}

#[derive(Clone, Debug)]
struct Read {
    modified: Option<SystemTime>,
    len: u64,
    manifest: Result<Manifest, String>,
}

impl Catalogue {
    /// The titles in these folders, whose programs are looked for in `programs`.
    pub(crate) fn new(folders: Vec<PathBuf>, programs: Vec<PathBuf>) -> Self {
        Self { folders, programs, known: Mutex::default(), read: Mutex::default() }
    }

    /// All titles. Looks at the folders where the last look is some time ago.
    pub(crate) fn titles(&self) -> Arc<Titles> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match known {
            Some((at, titles)) if at.elapsed() < FRESH => titles,
            _ => self.rescan(),
        }
    }

    /// Looks at the folders now.
    pub(crate) fn rescan(&self) -> Arc<Titles> {
        let mut titles = Titles::new();
        for folder in &self.folders {
            let folder = &fs::canonicalize(folder).unwrap_or_else(|_| folder.clone());
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::warn!(folder = %folder.display(), %error, "a folder of titles could not be read");
                    continue;
                }
            };
            for entry in entries.filter_map(Result::ok).take(MOST) {
                let Ok(id) = entry.file_name().into_string() else { continue };
                let file = entry.path().join("title.toml");
                if id.starts_with('.') || titles.contains_key(&id) || !file.is_file() {
                    continue;
                }
                titles.insert(id.clone(), self.title(id, entry.path(), &file));
            }
        }
        let titles = Arc::new(titles);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), titles.clone()));
        titles
    }

    fn title(&self, id: String, folder: PathBuf, file: &Path) -> Title {
        let manifest = self.manifest(&id, file);
        let missing = manifest.as_ref().ok().and_then(|manifest| missing(manifest, &folder, &self.programs));
        let cover = COVERS.iter().map(|name| folder.join(name)).find(|cover| cover.is_file());
        Title { id, folder, cover, manifest, missing }
    }

    fn manifest(&self, id: &str, file: &Path) -> Result<Manifest, String> {
        let unreadable = |error: std::io::Error| format!("title.toml of `{id}` could not be read: {error}");
        let state = fs::metadata(file).map_err(unreadable)?;
        let (modified, len) = (state.modified().ok(), state.len());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(file).filter(|known| known.modified == modified && known.len == len) {
            return known.manifest.clone();
        }
        let mut text = String::new();
        // One byte more than is allowed shows that there are too many.
        let limit = MAX_LEN as u64 + 1;
        let manifest = File::open(file)
            .and_then(|file| file.take(limit).read_to_string(&mut text))
            .map_err(unreadable)
            .and_then(|_| Manifest::parse(id, &text).map_err(|error| error.to_string()));
        if read.len() >= MOST {
            read.clear();
        }
        read.insert(file.to_owned(), Read { modified, len, manifest: manifest.clone() });
        manifest
    }
}

/// The program of a manifest: in its own folder, which a game sees as `/title`, or in one of the folders of programs.
fn program(manifest: &Manifest, folder: &Path, programs: &[PathBuf]) -> Option<PathBuf> {
    let name = manifest.command.first()?;
    let candidates = if let Some(own) = name.strip_prefix("./").or(name.strip_prefix("/title/")) {
        vec![folder.join(own)]
    } else if name.contains('/') {
        vec![PathBuf::from(name)]
    } else {
        programs.iter().map(|programs| programs.join(name)).collect()
    };
    candidates.into_iter().find(|path| path.is_file())
}

/// What a title needs and this machine has not got.
fn missing(manifest: &Manifest, folder: &Path, programs: &[PathBuf]) -> Option<Missing> {
    let install = || {
        (!manifest.packages.is_empty()).then(|| format!("sudo apt install {}", manifest.packages.join(" ")))
    };
    let Some(program) = program(manifest, folder, programs) else {
        let name = manifest.command.first().map_or("", String::as_str);
        return Some(Missing { what: format!("the program `{name}`"), install: install() });
    };
    // Only what Debian installed can be asked of Debian: a program of one's own may bring its data along.
    let debian =
        program.starts_with("/usr") && !program.starts_with("/usr/local") && Path::new(DPKG).is_dir();
    let absent: Vec<&str> = manifest
        .packages
        .iter()
        .map(String::as_str)
        .filter(|package| debian && !installed(package))
        .collect();
    match absent.as_slice() {
        [] => None,
        [one] => Some(Missing { what: format!("the package `{one}`"), install: install() }),
        many => Some(Missing { what: format!("the packages {}", many.join(", ")), install: install() }),
    }
}

/// Whether Debian has a package: its list of check sums is there while it is installed, also where the package has
/// one for each architecture.
fn installed(package: &str) -> bool {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let name = |suffix: &str| Path::new(DPKG).join(format!("{package}{suffix}.md5sums"));
    name("").exists() || name(&format!(":{architecture}")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house(titles: &[(&str, &str)]) -> (tempfile::TempDir, Catalogue) {
        let folder = tempfile::tempdir().unwrap();
        for (id, text) in titles {
            fs::create_dir_all(folder.path().join(id)).unwrap();
            fs::write(folder.path().join(id).join("title.toml"), text).unwrap();
        }
        let programs = folder.path().join(".bin");
        fs::create_dir_all(&programs).unwrap();
        fs::write(programs.join("game"), "").unwrap();
        let catalogue = Catalogue::new(vec![folder.path().to_owned()], vec![programs]);
        (folder, catalogue)
    }

    const GOOD: &str = "name = \"Good\"\nsummary = \"\"\nhost = \"x11\"\ncommand = [\"game\"]\n";

    #[test]
    fn a_bad_manifest_is_a_title_that_says_what_is_wrong() {
        let (_folder, catalogue) = house(&[("good", GOOD), ("bad", "name = 3"), ("Odd Name", GOOD)]);
        let titles = catalogue.titles();
        assert!(titles["good"].manifest.is_ok());
        assert_eq!(titles["good"].missing, None);
        assert!(titles["bad"].manifest.as_ref().unwrap_err().contains("title.toml of `bad`, line 1"));
        assert!(titles["Odd Name"].manifest.as_ref().unwrap_err().contains("Odd Name"));
    }

    #[test]
    fn a_missing_program_names_the_package() {
        let text = GOOD.replace("\"game\"", "\"absent\"") + "packages = [\"freedoom\", \"chocolate-doom\"]\n";
        let (_folder, catalogue) = house(&[("doom", &text)]);
        let missing = catalogue.titles()["doom"].missing.clone().unwrap();
        assert_eq!(missing.what, "the program `absent`");
        assert_eq!(missing.install.as_deref(), Some("sudo apt install freedoom chocolate-doom"));
    }

    #[test]
    fn a_corrected_manifest_is_read_again() {
        let (folder, catalogue) = house(&[("doom", "nonsense")]);
        assert!(catalogue.titles()["doom"].manifest.is_err());
        fs::write(folder.path().join("doom/title.toml"), GOOD).unwrap();
        assert!(catalogue.rescan()["doom"].manifest.is_ok());
        fs::remove_dir_all(folder.path().join("doom")).unwrap();
        assert!(!catalogue.rescan().contains_key("doom"));
    }

    #[test]
    fn a_program_of_its_own_lies_in_the_titles_folder() {
        let text = GOOD.replace("\"game\"", "\"./own\"");
        let (folder, catalogue) = house(&[("mine", &text)]);
        assert!(catalogue.titles()["mine"].missing.is_some());
        fs::write(folder.path().join("mine/own"), "").unwrap();
        assert_eq!(catalogue.rescan()["mine"].missing, None);
    }

    #[test]
    fn a_huge_manifest_is_not_read_whole() {
        let (_folder, catalogue) = house(&[("huge", &"#".repeat(MAX_LEN + 100))]);
        assert!(catalogue.titles()["huge"].manifest.as_ref().unwrap_err().contains("bytes"));
    }
}
