//! What llama.cpp's `/infill` shows its model of a prompt.
//!
//! Of `input_prefix` the server keeps the last tokens, at most three quarters of its
//! batch, and drops the others without a word. Of `input_extra` it keeps as many as its
//! context has room for beside one batch and twice the answer, again the last ones. It
//! does not tell the size of its batch; 2,048 tokens is its default.

use serde_json::{Value, json};

use super::ServerFeatures;
use crate::model::{CHARS_PER_TOKEN, ContextFile};

/// The server's batch, in tokens, unless its user sets another one.
const BATCH: usize = 2048;
/// The tokens that the server may need for the header of a file in `input_extra`, beside
/// the file's name.
const HEADER_TOKENS: usize = 8;
/// A prefix that is too long loses a multiple of so many characters at its start, so
/// that the cut stays where it is while somebody types.
const CUT_CHARS: usize = 1024;

/// The fields `input_extra`, `input_prefix` and `input_suffix` of a request for
/// `max_tokens` tokens.
pub(super) fn fields(
    context: &[ContextFile],
    before: &str,
    after: &str,
    max_tokens: u32,
    features: ServerFeatures,
) -> Value {
    let is_read = features.is_llama && has_room(context, max_tokens, features.context_tokens);
    if is_read {
        let extra = context
            .iter()
            .map(|file| json!({ "filename": file.path, "text": file.text }));
        return json!({
            "input_extra": Vec::from_iter(extra),
            "input_prefix": kept(before),
            "input_suffix": after,
        });
    }
    let above = context.iter().flat_map(|file| [&*file.header, &*file.text]);
    let whole: String = above.chain([before]).collect();
    // What is cut off is cut here, where it can be seen, and not at the server.
    let shown = match features.is_llama {
        true => kept(&whole),
        false => &whole,
    };
    json!({ "input_prefix": shown, "input_suffix": after })
}

/// Whether the server shows its model all of `context`.
fn has_room(context: &[ContextFile], max_tokens: u32, context_tokens: Option<usize>) -> bool {
    let Some(all) = context_tokens else {
        return true;
    };
    let needed: usize = context
        .iter()
        .map(|file| tokens(&file.path) + tokens(&file.text) + HEADER_TOKENS)
        .sum();
    let answer = usize::try_from(max_tokens).unwrap_or(usize::MAX);
    needed
        <= all
            .saturating_sub(BATCH)
            .saturating_sub(answer.saturating_mul(2))
}

/// The end of `prefix` that the server keeps, from the start of a line on.
fn kept(prefix: &str) -> &str {
    // Texts are far shorter than 2^52.
    let most = ((BATCH / 4 * 3) as f64 * CHARS_PER_TOKEN) as usize;
    let chars = prefix.chars().count();
    let excess = chars.saturating_sub(most).next_multiple_of(CUT_CHARS);
    let Some((cut, _)) = prefix.char_indices().nth(excess).filter(|_| excess > 0) else {
        return prefix;
    };
    let line = memchr::memchr(b'\n', &prefix.as_bytes()[cut - 1..]);
    &prefix[line.map_or(cut, |newline| cut + newline)..]
}

/// About how many tokens `text` has; rather too many.
fn tokens(text: &str) -> usize {
    (text.chars().count() as f64 / CHARS_PER_TOKEN).ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn llama(context_tokens: usize) -> ServerFeatures {
        ServerFeatures {
            is_llama: true,
            slots: 1,
            context_tokens: Some(context_tokens),
        }
    }

    fn context() -> [ContextFile; 1] {
        [ContextFile {
            path: "a.php".into(),
            header: "// --- a.php ---\n".into(),
            text: "class A;\n".into(),
        }]
    }

    #[test]
    fn a_context_goes_where_the_server_does_not_cut_it() {
        let fields = |features| fields(&context(), "$a", "b", 256, features);
        let extra = json!({
            "input_extra": [{ "filename": "a.php", "text": "class A;\n" }],
            "input_prefix": "$a", "input_suffix": "b",
        });
        assert_eq!(fields(llama(4096)), extra);
        let one = json!({
            "input_prefix": "// --- a.php ---\nclass A;\n$a", "input_suffix": "b",
        });
        assert_eq!(fields(llama(2048)), one, "no room for it");
        assert_eq!(fields(ServerFeatures::default()), one, "another server");
    }

    #[test]
    fn a_long_prefix_is_cut_at_a_line_that_stays() {
        let line = "0123456789012345678901234567890123456\n";
        let text = line.repeat(200);
        let cut = |typed: &str| {
            let whole = [&text, typed].concat();
            let kept = kept(&whole).len();
            whole.len() - kept
        };
        assert!(kept(&text).starts_with(line) && kept(&text).len() < 3994);
        assert_eq!(kept("short"), "short");
        let cuts: Vec<_> = ["", "a", "ab\n", "abcdefghi"].map(cut).into();
        assert!(cuts.iter().all(|one| *one == cuts[0]), "{cuts:?}");
    }
}
