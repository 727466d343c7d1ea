//! The files that Composer's autoload rules name for classes: reads `composer.json`
//! and the PHP files that Composer generates, without running PHP. Paths are
//! relative to the folder of the project or package. Nothing here knows a disk.
//!
//! <https://getcomposer.org/doc/04-schema.md#autoload>

use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::lex::lex;
use super::token::{Token, TokenKind};

/// The rules of an autoloader: which files can declare a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Autoload {
    /// Namespace prefixes, each with its folders.
    pub psr4: Vec<(String, Vec<String>)>,
    /// Prefixes of class names, each with its folders.
    pub psr0: Vec<(String, Vec<String>)>,
    /// The files of single classes, by name in lower case.
    pub classes: FxHashMap<String, String>,
    /// Folders to be searched for classes, and files to be read for them.
    pub searched: Vec<String>,
    /// The files that are loaded whatever a program uses. They are among those to be
    /// read for classes, too.
    pub files: Vec<String>,
}

/// The types of packages that need no other program around them.
const STANDALONE: [&str; 4] = ["library", "project", "composer-plugin", "symfony-bundle"];

/// The parts of a `composer.json` that matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComposerManifest {
    /// Whether the package is a project of its own when its folder lies in another
    /// project. It is none if its type says that another program hosts it, such as
    /// `wordpress-plugin`, or if it has no autoload rules and only serves tools, by
    /// `require-dev` or `scripts`.
    pub stands_alone: bool,
    /// The autoload rules of the package.
    pub autoload: Autoload,
    /// The folder in which packages are installed.
    pub vendor: String,
    /// The packages that it requires, those for development included.
    pub required: Vec<String>,
    /// Folders of further packages. `*` stands for any folder.
    pub packages: Vec<String>,
}

impl Default for ComposerManifest {
    /// What counts for a folder without a `composer.json`.
    fn default() -> Self {
        Self {
            stands_alone: true,
            autoload: Autoload::default(),
            vendor: "vendor".to_owned(),
            packages: Vec::new(),
            required: Vec::new(),
        }
    }
}

impl ComposerManifest {
    /// Whether the package in `folder`, relative to the folder of this one, belongs to
    /// this one: it is installed there, or the autoload rules of this one name a
    /// folder that holds it.
    #[must_use]
    pub fn takes_in(&self, folder: &str) -> bool {
        let Autoload {
            psr4,
            psr0,
            searched,
            ..
        } = &self.autoload;
        let of_prefixes = psr4.iter().chain(psr0).flat_map(|(_, folders)| folders);
        let mut loaded = of_prefixes.chain(searched).chain([&self.vendor]);
        loaded.any(|above| {
            let above = above.trim_start_matches("./").trim_end_matches('/');
            // The folder itself, "", would take in every package of a monorepo.
            let rest = folder.strip_prefix(above).filter(|_| !above.is_empty());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// Reads a `composer.json`.
///
/// # Errors
/// If it is no JSON object. Parts of another shape than Composer's are ignored.
pub fn manifest(json: &str) -> Result<ComposerManifest, serde_json::Error> {
    let raw: ManifestJson = serde_json::from_str(json)?;
    let mut autoload = Autoload::default();
    for section in [raw.autoload, raw.autoload_dev] {
        autoload.psr4.extend(section.psr4.into_rules());
        autoload.psr0.extend(section.psr0.into_rules());
        let files = section.files.into_vec();
        autoload.searched.extend(section.classmap.into_vec());
        autoload.searched.extend(files.iter().cloned());
        autoload.files.extend(files);
    }
    let repositories = match raw.repositories {
        serde_json::Value::Array(all) => all,
        serde_json::Value::Object(all) => all.into_iter().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    };
    let is_hosted = raw
        .r#type
        .as_str()
        .is_some_and(|t| !STANDALONE.contains(&t));
    let sections = [&raw.require, &raw.require_dev];
    let required = sections
        .into_iter()
        .filter_map(|section| section.as_object());
    let required = required
        .flat_map(|section| section.keys().cloned())
        .collect();
    let has_tools = !raw.require_dev.is_null() || !raw.scripts.is_null();
    let packages = repositories.iter().filter(|r| r["type"] == "path");
    let vendor = raw.config["vendor-dir"].as_str().unwrap_or("vendor");
    Ok(ComposerManifest {
        stands_alone: !(is_hosted || has_tools && autoload == Autoload::default()),
        autoload,
        required,
        vendor: vendor.trim_end_matches('/').to_owned(),
        packages: packages
            .filter_map(|repository| Some(repository["url"].as_str()?.to_owned()))
            .collect(),
    })
}

#[derive(Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[derive(Default)]
struct ManifestJson {
    autoload: AutoloadJson,
    autoload_dev: AutoloadJson,
    config: serde_json::Value,
    repositories: serde_json::Value,
    require: serde_json::Value,
    require_dev: serde_json::Value,
    scripts: serde_json::Value,
    r#type: serde_json::Value,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AutoloadJson {
    #[serde(rename = "psr-4")]
    psr4: PrefixMap,
    #[serde(rename = "psr-0")]
    psr0: PrefixMap,
    classmap: PathList,
    files: PathList,
}

/// Prefixes with their folders. PHP writes an empty map as `[]`.
#[derive(Deserialize)]
#[serde(untagged)]
enum PrefixMap {
    Map(std::collections::BTreeMap<String, PathList>),
    Other(serde::de::IgnoredAny),
}

impl Default for PrefixMap {
    fn default() -> Self {
        Self::Map(std::collections::BTreeMap::new())
    }
}

impl PrefixMap {
    fn into_rules(self) -> Vec<(String, Vec<String>)> {
        match self {
            Self::Map(map) => map
                .into_iter()
                .map(|(prefix, paths)| (prefix, paths.into_vec()))
                .collect(),
            Self::Other(_) => Vec::new(),
        }
    }
}

/// One path or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum PathList {
    One(String),
    Many(Vec<String>),
    Other(serde::de::IgnoredAny),
}

impl Default for PathList {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl PathList {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(path) => vec![path],
            Self::Many(paths) => paths,
            Self::Other(_) => Vec::new(),
        }
    }
}

/// Reads the array that a generated `vendor/composer/autoload_*.php` returns: each key
/// with its paths, in order. `folder` is the folder of the file. Paths that are no
/// plain expressions are ignored.
#[must_use]
pub fn generated(source: &str, folder: &str) -> Vec<(String, Vec<String>)> {
    let tokens = lex(source);
    let mut reader = AutoloadReader {
        source,
        tokens: &tokens,
        at: 0,
        folder,
        variables: FxHashMap::default(),
    };
    reader.run()
}

/// Reads the tokens of a generated file.
struct AutoloadReader<'a> {
    source: &'a str,
    tokens: &'a [Token],
    at: usize,
    folder: &'a str,
    variables: FxHashMap<&'a str, String>,
}

impl<'a> AutoloadReader<'a> {
    fn run(&mut self) -> Vec<(String, Vec<String>)> {
        let mut entries: Vec<(String, Vec<String>)> = Vec::new();
        let mut returns = false;
        while let Some(&token) = self.tokens.get(self.at) {
            match token.kind {
                TokenKind::Return => returns = true,
                // `'key' =>`
                TokenKind::String if returns && self.kind(1) == Some(TokenKind::DoubleArrow) => {
                    entries.push((self.string(token), Vec::new()));
                    self.at += 1;
                }
                // `$vendorDir = dirname(__DIR__);`
                TokenKind::Variable if !returns && self.kind(1) == Some(TokenKind::Punct(b'=')) => {
                    self.at += 2;
                    if let Some(path) = self.path() {
                        self.variables.insert(token.span.of(self.source), path);
                    }
                    continue;
                }
                TokenKind::Variable | TokenKind::String | TokenKind::Name if returns => {
                    match self.path() {
                        Some(path) => {
                            let path = path.trim_start_matches('/').to_owned();
                            if let Some((_, paths)) = entries.last_mut() {
                                paths.push(path);
                            }
                        }
                        // The element begins like a path but is none.
                        None => self.skip_element(),
                    }
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
        entries.retain(|(_, paths)| !paths.is_empty());
        entries
    }

    /// Moves to the next `,`, `;` or closing bracket.
    fn skip_element(&mut self) {
        self.at += 1;
        while let Some(kind) = self.kind(0)
            && !matches!(kind, TokenKind::Punct(b',' | b';' | b')' | b']'))
        {
            self.at += 1;
        }
    }

    fn kind(&self, ahead: usize) -> Option<TokenKind> {
        self.tokens.get(self.at + ahead).map(|token| token.kind)
    }

    /// Reads `a . b . c` as a path; `None` for anything else.
    fn path(&mut self) -> Option<String> {
        let mut path = self.operand()?;
        while self.kind(0) == Some(TokenKind::Punct(b'.')) {
            self.at += 1;
            path.push_str(&self.operand()?);
        }
        Some(path)
    }

    /// Reads a string, a variable, `__DIR__` or `dirname(…)` of these.
    fn operand(&mut self) -> Option<String> {
        let mut levels = 0_usize;
        while self.word().eq_ignore_ascii_case("dirname") {
            self.at += 1;
            self.expect(b'(')?;
            levels += 1;
        }
        let token = *self.tokens.get(self.at)?;
        let word = token.span.of(self.source);
        let mut path = match token.kind {
            TokenKind::String => self.string(token),
            TokenKind::Variable => self.variables.get(word)?.clone(),
            TokenKind::Name if word == "__DIR__" => self.folder.to_owned(),
            // `array(` opens a list of paths.
            _ => return None,
        };
        self.at += 1;
        for _ in 0..levels {
            self.expect(b')')?;
            path.truncate(path.rfind('/').unwrap_or(0));
        }
        Some(path)
    }

    fn word(&self) -> &'a str {
        let token = self.tokens.get(self.at);
        token.map_or("", |token| token.span.of(self.source))
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        let is_next = self.kind(0) == Some(TokenKind::Punct(byte));
        self.at += usize::from(is_next);
        is_next.then_some(())
    }

    /// The value of a string in single quotes, in which Composer writes all strings.
    fn string(&self, token: Token) -> String {
        let text = token.span.of(self.source);
        let text = text.get(1..text.len().max(2) - 1).unwrap_or("");
        let mut value = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let escaped = (c == '\\').then(|| chars.next_if(|&next| matches!(next, '\\' | '\'')));
            value.push(escaped.flatten().unwrap_or(c));
        }
        value
    }
}

impl Autoload {
    /// The files that can declare the class with the fully qualified name `name`, in the
    /// order in which an autoloader tries them.
    pub fn candidates(&self, name: &str) -> impl Iterator<Item = String> + use<> {
        let class = self.classes.get(&name.to_ascii_lowercase()).cloned();
        let mut psr4: Vec<(usize, String)> = Vec::new();
        for (prefix, folders) in &self.psr4 {
            if let Some(rest) = name.strip_prefix(&**prefix) {
                let file = format!("{}.php", rest.replace('\\', "/"));
                psr4.extend(
                    folders
                        .iter()
                        .map(|folder| (prefix.len(), join(folder, &file))),
                );
            }
        }
        // The longest prefix comes first.
        psr4.sort_by_key(|&(length, _)| std::cmp::Reverse(length));
        let mut psr0: Vec<(usize, String)> = Vec::new();
        for (prefix, folders) in &self.psr0 {
            if name.starts_with(&**prefix) {
                let (namespace, short) = name.rsplit_once('\\').unwrap_or(("", name));
                let short = format!("{}.php", short.replace('_', "/"));
                let file = join(&namespace.replace('\\', "/"), &short);
                psr0.extend(
                    folders
                        .iter()
                        .map(|folder| (prefix.len(), join(folder, &file))),
                );
            }
        }
        psr0.sort_by_key(|&(length, _)| std::cmp::Reverse(length));
        class
            .into_iter()
            .chain(psr4.into_iter().chain(psr0).map(|(_, path)| path))
    }

    /// These rules, with `folder` in front of every path.
    #[must_use]
    pub fn below(mut self, folder: &str) -> Self {
        let place = |path: &mut String| *path = join(folder, path);
        for (_, paths) in self.psr4.iter_mut().chain(&mut self.psr0) {
            paths.iter_mut().for_each(place);
        }
        self.classes.values_mut().for_each(place);
        self.searched
            .iter_mut()
            .chain(&mut self.files)
            .for_each(place);
        self
    }

    /// Adds the rules of `other` behind these.
    pub fn extend(&mut self, other: Self) {
        self.psr4.extend(other.psr4);
        self.psr0.extend(other.psr0);
        let mut classes = other.classes;
        classes.extend(std::mem::take(&mut self.classes));
        self.classes = classes;
        self.searched.extend(other.searched);
        self.files.extend(other.files);
    }
}

/// `path` in `folder`, without a doubled slash or a leading `./`.
fn join(folder: &str, path: &str) -> String {
    let folder = folder.trim_end_matches('/');
    let path = path.strip_prefix("./").unwrap_or(path);
    match (folder.strip_prefix("./").unwrap_or(folder), path) {
        ("" | ".", path) => path.trim_start_matches('/').to_owned(),
        (folder, "" | ".") => folder.to_owned(),
        (folder, path) => format!("{folder}/{}", path.trim_start_matches('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(autoload: &Autoload, name: &str) -> Vec<String> {
        autoload.candidates(name).collect()
    }

    #[test]
    fn a_manifest_says_where_classes_are() {
        let manifest = manifest(
            r#"{"autoload": {
                "psr-4": {"App\\": "src/", "App\\Deep\\": ["deep", "./more/"], "": "any"},
                "psr-0": {"Old_": "lib/", "Ns\\": "ns"},
                "classmap": ["legacy/"], "files": ["f.php"]
            }, "autoload-dev": {"psr-4": [], "classmap": ["t"]},
            "config": {"vendor-dir": "lib/vendor/"},
            "repositories": [{"type": "path", "url": "../packages/*"}, {"packagist.org": false}]}"#,
        )
        .unwrap();
        let autoload = &manifest.autoload;
        assert_eq!(
            candidates(autoload, "App\\Deep\\A\\B"),
            [
                "deep/A/B.php",
                "more/A/B.php",
                "src/Deep/A/B.php",
                "any/App/Deep/A/B.php"
            ]
        );
        assert_eq!(candidates(autoload, "Old_A_B")[1], "lib/Old/A/B.php");
        assert_eq!(candidates(autoload, "Ns\\A\\B_C")[1], "ns/Ns/A/B/C.php");
        assert_eq!(autoload.searched, ["legacy/", "f.php", "t"]);
        assert_eq!(manifest.vendor, "lib/vendor");
        assert_eq!(manifest.packages, ["../packages/*"]);
        assert_eq!(
            autoload.clone().below("p").searched,
            ["p/legacy/", "p/f.php", "p/t"]
        );
    }

    #[test]
    fn a_manifest_of_odd_shape_is_read_as_far_as_it_goes() {
        assert!(manifest("[1").is_err());
        let odd = manifest(r#"{"autoload": {"psr-4": 1, "files": {"a": 2}}, "repositories": 3}"#);
        assert_eq!(odd.unwrap().autoload, Autoload::default());
    }

    #[test]
    fn generated_arrays_are_read_without_php() {
        let source = r"<?php
            // autoload_psr4.php @generated by Composer
            $vendorDir = dirname(__DIR__);
            $baseDir = dirname($vendorDir);
            return array(
                'It\'s\\A\\' => array($vendorDir . '/a/src', $baseDir . '/a'),
                'B' => $vendorDir . '/b.php',
                'C' => [$baseDir . '/c', f($x), __DIR__ . '/d'],
                'D' => $unknown . '/d.php',
                'E' => '/e' .";
        let entries = generated(source, "vendor/composer");
        let entries: Vec<_> = entries
            .iter()
            .map(|(key, paths)| format!("{key}: {}", paths.join(", ")))
            .collect();
        assert_eq!(
            entries,
            [
                "It's\\A\\: vendor/a/src, a",
                "B: vendor/b.php",
                "C: c, vendor/composer/d",
            ]
        );
    }
}
