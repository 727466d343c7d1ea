//! How many holes each file gives, so that no folder and no templates make up most of a
//! project's examples.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::cancel::{Cancel, Cancelled};
use crate::php::lex::{self, TokenKind};

/// A file is a template if at least this percentage of its bytes is HTML.
const TEMPLATE_PERCENT: usize = 25;
/// The most of a project's examples that are from templates, as a share.
const TEMPLATES: f64 = 0.1;
/// The most of a project's examples that are from one folder, as a share.
const ONE_FOLDER: f64 = 0.25;
/// In a project with fewer folders than this, a folder may give more.
const FOLDERS: usize = 8;

/// How many holes each of `files` gives, the paths and texts of one project, as a multiple
/// of the usual number: fewer if it is one of many templates, or in a folder that is too
/// large beside the others.
pub(super) fn densities(files: &[(&str, &str)], cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
    let are_templates: Vec<bool> = files
        .par_iter()
        .map(|(_, text)| cancel.check().map(|()| is_template(text)))
        .collect::<Result<_, _>>()?;
    let bytes = files.iter().map(|(_, text)| text.len() as f64);
    let (mut templates, mut others) = (0.0, 0.0);
    for (bytes, is_template) in bytes.clone().zip(&are_templates) {
        *if *is_template {
            &mut templates
        } else {
            &mut others
        } += bytes;
    }
    let of_template = capped(templates, others, TEMPLATES);
    let mut densities: Vec<f64> = are_templates
        .into_iter()
        .map(|is_template| if is_template { of_template } else { 1.0 })
        .collect();
    let mut folders: BTreeMap<&str, f64> = BTreeMap::new();
    for (((path, _), bytes), density) in files.iter().zip(bytes).zip(&densities) {
        *folders.entry(folder(path)).or_default() += bytes * density;
    }
    let all: f64 = folders.values().sum();
    if folders.len() >= FOLDERS {
        for ((path, _), density) in files.iter().zip(&mut densities) {
            let own = folders[folder(path)];
            *density *= capped(own, all - own, ONE_FOLDER);
        }
    }
    Ok(densities)
}

/// The folder of the file `path`.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The density with which `own` bytes give no more than `share` of the examples, if
/// `others` give the rest; 1 if they do not anyway, or if there are no others.
fn capped(own: f64, others: f64, share: f64) -> f64 {
    let most = others * share / (1.0 - share);
    match own > most && others > 0.0 {
        true => most / own,
        false => 1.0,
    }
}

/// Whether `text` is HTML to a large part.
fn is_template(text: &str) -> bool {
    let is_code_alone = text.starts_with("<?php") && !text.contains("?>");
    if is_code_alone {
        return false;
    }
    let html = lex::lex(text)
        .iter()
        .filter(|token| token.kind == TokenKind::Html)
        .map(|token| token.span.len())
        .sum::<usize>();
    html * 100 >= text.len() * TEMPLATE_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, String)]) -> Vec<f64> {
        let files = files.iter().map(|(path, text)| (*path, text.as_str()));
        densities(&files.collect::<Vec<_>>(), &Cancel::default()).unwrap()
    }

    #[test]
    fn templates_give_a_tenth() {
        let code = format!("<?php\n{}", "f($a);\n".repeat(1000));
        let template = format!("{}<?= $a ?>\n", "<b>text</b>\n".repeat(600));
        let [code_bytes, bytes] = [code.len() as f64, template.len() as f64];
        let found = of(&[("a.php", code), ("b.php", template.clone())]);
        assert_eq!(found[0], 1.0);
        assert!((found[1] * bytes - code_bytes / 9.0).abs() < 1.0);
        // Nothing else gives examples here.
        assert_eq!(of(&[("b.php", template)]), [1.0]);
    }

    #[test]
    fn a_folder_gives_a_quarter_at_most() {
        let text = |lines| format!("<?php\n{}", "f($a);\n".repeat(lines));
        let folders = ["a/x", "b/x", "c/x", "d/x", "e/x", "f/x", "g/x"];
        let mut files: Vec<_> = folders.map(|path| (path, text(100))).to_vec();
        files.push(("lang/x", text(9000)));
        let found = of(&files);
        assert!(found[..7].iter().all(|density| *density == 1.0));
        let others: f64 = files[..7].iter().map(|(_, text)| text.len() as f64).sum();
        assert!((found[7] * files[7].1.len() as f64 - others / 3.0).abs() < 1.0);
        assert_eq!(of(&files[4..]), [1.0; 4]);
    }
}
