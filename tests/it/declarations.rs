//! The linear scanner and tree-sitter agree on what files declare.
//!
//! Compares the fixtures, and the real projects whose folders `FIMD_CORPORA`
//! names, separated by colons:
//!
//! ```sh
//! FIMD_CORPORA=~/wordpress:~/mediawiki cargo test --release --test it declarations -- --nocapture
//! ```

use std::path::Path;

use crate::common::oracle::{self, Agreement};
use crate::common::skip;

fn compare(folder: &Path) -> Agreement {
    let mut agreement = Agreement::default();
    for path in oracle::php_files(folder) {
        let source = oracle::read(&path);
        let name = path.strip_prefix(folder).unwrap_or(&path);
        let facts = fimd::php::facts(&source);
        agreement.add(&name.to_string_lossy(), &source, &facts);
    }
    agreement
}

#[test]
fn agree_on_the_fixtures() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/shop");
    let agreement = compare(&fixtures);
    println!("fixtures: {agreement}");
    assert!(agreement.differences.is_empty(), "{}", agreement.first(40));
    // The numbers show that the comparison has read the fixtures.
    assert_eq!(agreement.unreadable, 1, "only Broken.php has syntax errors");
    assert!(agreement.both > 400, "{agreement}");
}

/// On real projects this is not zero, because tree-sitter's grammar reads some
/// constructs differently from PHP itself.
const TOLERATED_PER_THOUSAND: usize = 1;

#[test]
fn agree_on_real_projects() {
    let Some(corpora) = std::env::var_os("FIMD_CORPORA") else {
        skip("folders of PHP code in FIMD_CORPORA, separated by colons");
        return;
    };
    for folder in std::env::split_paths(&corpora) {
        let agreement = compare(&folder);
        println!("{}: {agreement}\n{}", folder.display(), agreement.first(40));
        assert!(agreement.both > 0, "{}: no PHP found", folder.display());
        assert!(
            agreement.differences.len() * 1000 <= agreement.both * TOLERATED_PER_THOUSAND,
            "{}: {agreement}",
            folder.display()
        );
    }
}
