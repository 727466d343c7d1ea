//! Finds checked-in copies of third-party libraries. Such copies do not show how
//! the team writes, and most models have read them already.
//!
//! A file is a copy
//! - if it is below a folder with one of the names in [`FOLDERS`], in upper or
//!   lower case;
//! - if it declares a class of a [`KNOWN`] library, by its root namespace or the
//!   start of its name;
//! - if it is below a folder that a known library fills: half or more of the files
//!   directly in the folder declare classes of the library. This finds the files
//!   of a library that declare no class, such as loaders and tables. The root of
//!   the project counts as no such folder.
//!
//! If more than half of a project's files declare classes of one library, the
//! project is that library, so these files are no copies.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::index::SourceFile;
use crate::php::FileFacts;

/// Names of folders that hold only third-party code.
pub const FOLDERS: [&str; 9] = [
    "third-party",
    "third_party",
    "thirdparty",
    "3rdparty",
    "3rd-party",
    "vendors",
    "extlib",
    "extlibs",
    "bower_components",
];

/// A library, and what the names of its classes have in common.
#[derive(Debug)]
pub struct KnownLibrary {
    /// The name of the library.
    pub name: &'static str,
    /// The first segments of the namespaces of its classes.
    namespaces: &'static [&'static str],
    /// The starts of the names of its classes that have no namespace.
    classes: &'static [&'static str],
}

/// Makes a [`KnownLibrary`], for a short table.
const fn known(
    name: &'static str,
    namespaces: &'static [&'static str],
    classes: &'static [&'static str],
) -> KnownLibrary {
    KnownLibrary {
        name,
        namespaces,
        classes,
    }
}

/// Libraries that are copied into projects, most of them older than Composer.
pub const KNOWN: &[KnownLibrary] = &[
    known(
        "ADOdb",
        &["ADOdb"],
        &["ADODB_", "ADOConnection", "ADORecordSet"],
    ),
    known("FPDF", &[], &["FPDF"]),
    known("GeSHi", &[], &["GeSHi"]),
    known(
        "getID3",
        &["JamesHeinrich\\GetID3"],
        &[
            "getID3",
            "getid3_",
            "AMFStream",
            "AVCSequenceParameterSetReader",
        ],
    ),
    known("Guzzle", &["GuzzleHttp"], &[]),
    known("HTML Purifier", &[], &["HTMLPurifier"]),
    known("IXR", &[], &["IXR_"]),
    known("JSMin", &[], &["JSMin"]),
    known("lessphp", &[], &["lessc"]),
    known("MagpieRSS", &[], &["MagpieRSS", "RSSCache"]),
    known("Monolog", &["Monolog"], &[]),
    known("Mustache", &["Mustache"], &["Mustache_"]),
    known("NuSOAP", &[], &["nusoap_"]),
    known("Parsedown", &[], &["Parsedown"]),
    known("PclZip", &[], &["PclZip"]),
    known(
        "PEAR",
        &[],
        &[
            "PEAR",
            "Archive_Tar",
            "Mail_mime",
            "Net_SMTP",
            "Net_Socket",
            "Services_JSON",
            "Text_Diff",
            "Text_MappedDiff",
            "Text_Exception",
        ],
    ),
    known("phpass", &[], &["PasswordHash"]),
    known("PHPExcel", &["PhpOffice"], &["PHPExcel"]),
    known(
        "PHPMailer",
        &["PHPMailer"],
        &["PHPMailer", "phpmailerException"],
    ),
    known("PHP QR Code", &[], &["QRcode", "QRencode", "QRinput"]),
    known(
        "phpseclib",
        &["phpseclib", "phpseclib3"],
        &[
            "Crypt_RSA",
            "Crypt_Hash",
            "Net_SSH2",
            "Net_SFTP",
            "Math_BigInteger",
            "File_X509",
        ],
    ),
    known("PSR interfaces", &["Psr"], &[]),
    known("Requests", &["WpOrg"], &["Requests"]),
    known("scssphp", &["ScssPhp"], &["scssc"]),
    known("Simple HTML DOM", &["simplehtmldom"], &["simple_html_dom"]),
    known("SimplePie", &["SimplePie"], &["SimplePie"]),
    known("Smarty", &["Smarty"], &["Smarty"]),
    known("Snoopy", &[], &["Snoopy"]),
    known(
        "sodium_compat",
        &["ParagonIE"],
        &["ParagonIE_", "SodiumPolyfillException"],
    ),
    known("Spyc", &[], &["Spyc"]),
    known("TCPDF", &[], &["TCPDF"]),
    known("Twig", &["Twig"], &["Twig_"]),
];

/// The files of one project that are copies.
#[derive(Debug, Default)]
pub(in crate::dataset) struct VendoredCopies<'a> {
    /// The library of each file that declares a class of one, by key.
    files: FxHashMap<&'a str, &'static str>,
    /// The library that fills a folder, by the folder's key.
    folders: FxHashMap<&'a str, &'static str>,
}

impl<'a> VendoredCopies<'a> {
    /// Finds the copies among `files`, all of the project.
    pub(in crate::dataset) fn new(files: impl Iterator<Item = &'a Arc<SourceFile>>) -> Self {
        let mut of: Vec<(&str, Option<&'static str>)> = Vec::new();
        for file in files {
            of.push((&file.path, library(&file.text, &file.facts)));
        }
        let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
        for name in of.iter().filter_map(|(_, name)| *name) {
            *counts.entry(name).or_default() += 1;
        }
        let files = of.len();
        let is_copy = |name: &&'static str| counts[*name] * 2 <= files;
        let mut folders: BTreeMap<&str, (usize, BTreeMap<&'static str, usize>)> = BTreeMap::new();
        for (path, name) in &of {
            let (all, libraries) = folders.entry(folder(path)).or_default();
            *all += 1;
            if let Some(name) = name.filter(&is_copy) {
                *libraries.entry(name).or_default() += 1;
            }
        }
        let filled = |(folder, (all, libraries)): (&'a str, (usize, BTreeMap<_, usize>))| {
            let most = libraries.into_iter().find(|(_, files)| files * 2 >= all);
            most.filter(|_| !folder.is_empty())
                .map(|(name, _)| (folder, name))
        };
        Self {
            folders: folders.into_iter().filter_map(filled).collect(),
            files: of
                .into_iter()
                .filter_map(|(path, name)| Some((path, name.filter(&is_copy)?)))
                .collect(),
        }
    }

    /// The reason why the file with the key `path` is a copy, if it is one.
    pub(in crate::dataset) fn objection(&self, path: &str) -> Option<String> {
        let library = || {
            let folders = std::iter::successors(Some(folder(path)), |at| {
                (!at.is_empty()).then(|| folder(at))
            });
            let filled = folders.filter_map(|folder| self.folders.get(folder)).next();
            self.files.get(path).or(filled)
        };
        let by_name = folder(path)
            .split('/')
            .find(|part| FOLDERS.iter().any(|name| part.eq_ignore_ascii_case(name)));
        by_name
            .map(|part| format!("vendored: {}/", part.to_ascii_lowercase()))
            .or_else(|| library().map(|name| format!("vendored: {name}")))
    }
}

/// The key of the folder that holds the file or folder `path`; empty for the root.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The first known library of which a file declares a class.
fn library(text: &str, facts: &FileFacts) -> Option<&'static str> {
    facts.classes.iter().find_map(|class| {
        let name = class.name.of(text);
        let namespace = facts.namespaces[usize::from(class.namespace)].name.of(text);
        let of = |known: &&KnownLibrary| {
            let mut roots = known.namespaces.iter();
            if namespace.is_empty() {
                known.classes.iter().any(|start| name.starts_with(start))
            } else {
                roots.any(|root| {
                    namespace
                        .strip_prefix(root)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('\\'))
                })
            }
        };
        KNOWN.iter().find(of).map(|known| known.name)
    })
}
