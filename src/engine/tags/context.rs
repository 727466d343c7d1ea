//! The cross-file context of a tag in a PHP file: the same as that of `getContext`
//! for the text without its tags, with the cursor at the place of the tag.

use super::prepare::{TagError, fim_at};
use crate::cancel::{Cancel, Cancelled};
use crate::config::ContextSources;
use crate::context::budget::DEFAULT_MAX_CONTEXT_CHARS;
use crate::context::{self, ContextRequest, MinScore};
use crate::index::Snapshot;
use crate::secrets::Secrets;
use crate::tags::{Tag, Tags};

/// A tag has no context.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// The tag cannot be run.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// The request was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A tag in a file, for [`context()`].
#[derive(Clone, Copy, Debug)]
pub struct TagSite<'a> {
    /// The key of the file, as [`ContextRequest::path`].
    pub path: &'a str,
    /// Its text.
    pub content: &'a str,
    /// A byte that the tag contains or ends right before.
    pub at: usize,
    /// The sources of the context.
    pub sources: ContextSources,
    /// Finds the secrets to replace by placeholders; none to keep them.
    pub secrets: Option<&'a Secrets>,
}

/// The context of the tag at `site`.
///
/// # Errors
/// As [`fim_at`], and once `cancel` is set.
pub fn context(
    snapshot: &Snapshot,
    site: TagSite<'_>,
    cancel: &Cancel,
) -> Result<String, ContextError> {
    let tags = Tags::parse(site.content);
    let (tag, _) = fim_at(site.content, &tags, site.at)?;
    let (content, cursor) = without_tags(site.content, &tags, tag);
    let request = ContextRequest {
        path: site.path,
        content: &content,
        cursor,
        // A tag shows the whole file unless other tags bound its window.
        window: None,
        max_chars: DEFAULT_MAX_CONTEXT_CHARS,
        min_score: MinScore::default(),
        dependencies: site.sources.dependencies,
        bm25: site.sources.bm25,
        secrets: site.secrets,
        lexed: None,
    };
    Ok(context::assemble(snapshot, &request, cancel)?.text)
}

/// Whether a file with this name has a context: only PHP files do.
#[must_use]
pub fn has_context(path: &str) -> bool {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| extension.eq_ignore_ascii_case("php"))
}

/// `text` without tags, and the place of `tag` in it, in bytes.
fn without_tags(text: &str, tags: &Tags, tag: &Tag) -> (String, usize) {
    let mut code = String::with_capacity(text.len());
    let mut cursor = 0;
    let mut from = 0;
    for other in tags.all() {
        code.push_str(&text[from..other.range.start]);
        from = other.range.end;
        if other.range == tag.range {
            cursor = code.len();
        }
    }
    code.push_str(&text[from..]);
    (code, cursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_is_where_the_tag_was() {
        let text = "<?php [[[(no)]]] $a->[[[5]]]; [[[suffix]]]$b";
        let tags = Tags::parse(text);
        let (tag, _) = fim_at(text, &tags, 22).unwrap();
        assert_eq!(
            without_tags(text, &tags, tag),
            ("<?php  $a->; $b".into(), 11)
        );
    }

    #[test]
    fn php_alone_has_a_context() {
        assert!(has_context("/a/b.PHP") && has_context("b.php"));
        assert!(!has_context("b.md") && !has_context("php"));
    }
}
