//! Strings that are conventions: the name of a hook, an option, a key of an array.
//! PHP declares no such name. Code that writes a string at the same *place* tells
//! it: the same argument of the same function, a key of a variable called the same,
//! the value of the same key.

use super::span::Span;
use super::token::{Token, TokenKind};

/// Tokens before a string that are searched for what holds it.
const PLACE_TOKENS: usize = 96;
/// Levels of brackets between a string and the call that holds it.
const LEVELS: usize = 3;
/// The shortest and the longest string that can be a convention, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=64;

/// A string that may be a convention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Where it stands; see [`literal_place`].
    pub place: String,
    /// Its text without quotes.
    pub text: Span,
}

/// The strings among `tokens` that stand at a place and look like a name.
pub fn literals<'t>(source: &'t str, tokens: &'t [Token]) -> impl Iterator<Item = Literal> + 't {
    let strings = tokens.iter().enumerate();
    let strings = strings.filter(|(_, token)| token.kind == TokenKind::String);
    strings.filter_map(|(at, token)| {
        let text = contents(source, *token)?;
        if !is_conventional(text.of(source)) {
            return None;
        }
        let place = literal_place(source, tokens, at)?;
        Some(Literal { place, text })
    })
}

/// The hash by which places are compared; it depends on nothing but the place.
#[must_use]
pub fn place_hash(place: &str) -> u32 {
    xxhash_rust::xxh3::xxh3_64(place.as_bytes()) as u32
}

/// What stands between the quotes of a string token; `None` for other strings.
fn contents(source: &str, token: Token) -> Option<Span> {
    let text = token.span.of(source);
    let quoted = text.len() >= 2
        && matches!(text.as_bytes()[0], b'\'' | b'"')
        && text.as_bytes()[0] == text.as_bytes()[text.len() - 1];
    quoted.then(|| Span {
        start: token.span.start + 1,
        end: token.span.end - 1,
    })
}

/// Whether a string looks like a name: short, without blanks, with a letter.
fn is_conventional(text: &str) -> bool {
    LENGTHS.contains(&text.len())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-./:\\@|".contains(&byte))
}

/// The place of the string that is token `at`, or that would stand before it:
///
/// | place | of the string `…` in |
/// | --- | --- |
/// | `f#0` | `f('…'`, `$x->F('…'`, `X::f('…'` |
/// | `f#name` | `f(name: '…'` |
/// | `f#1[` | `f($a, ['…' => ` |
/// | `f#1[key[` | `f($a, ['key' => ['…' => ` |
/// | `x[` | `$x['…'`, `$this->x['…'` |
/// | `x=[` | `$x = ['…' =>` |
/// | `key>` | `'key' => '…'`, `$x['key'] = '…'` |
/// | `x=` | `$x === '…'` |
///
/// Names of functions are in lower case; functions that name the same things have one
/// place, such as `add_action` and `do_action`. `None` at any other place.
#[must_use]
pub fn literal_place(source: &str, tokens: &[Token], at: usize) -> Option<String> {
    let last = at.checked_sub(1)?;
    let text = |at: usize| tokens[at].span.of(source);
    let kind = |at: usize| tokens.get(at).map(|token| token.kind);
    match tokens[last].kind {
        TokenKind::DoubleArrow => key(source, tokens, last.checked_sub(1)?).map(|key| key + ">"),
        TokenKind::Punct(b'[') => match subscripted(source, tokens, last) {
            Some(name) => Some(format!("{name}[")),
            None => bracketed(source, tokens, last, LEVELS),
        },
        TokenKind::Punct(b'=') if kind(last.checked_sub(1)?)? == TokenKind::Punct(b']') => {
            key(source, tokens, last.checked_sub(2)?).map(|key| key + ">")
        }
        TokenKind::Operator if ["==", "===", "!=", "!=="].contains(&text(last)) => {
            let name = word(source, tokens, last.checked_sub(1)?)?;
            Some(format!("{name}="))
        }
        TokenKind::Punct(b'(' | b',') => bracketed(source, tokens, last, LEVELS),
        TokenKind::Punct(b':') => named_argument(source, tokens, last),
        _ => None,
    }
}

/// The place behind the `:` of a named argument, at token `colon`.
fn named_argument(source: &str, tokens: &[Token], colon: usize) -> Option<String> {
    let name = colon.checked_sub(1)?;
    let before = name.checked_sub(1)?;
    let is_argument = matches!(tokens[before].kind, TokenKind::Punct(b'(' | b','));
    if !is_argument || !tokens[name].is_word() {
        return None;
    }
    let (open, _) = enclosing(tokens, before)?;
    if !tokens[open].is(b'(') {
        return None;
    }
    let callee = word(source, tokens, open.checked_sub(1)?)?.to_ascii_lowercase();
    let name = tokens[name].span.of(source);
    Some(match (&*callee, name) {
        ("route", "name") => "route#0".to_owned(),
        _ => format!("{callee}#{name}"),
    })
}

/// The string at token `at` as a key.
fn key(source: &str, tokens: &[Token], at: usize) -> Option<String> {
    let token = *tokens.get(at)?;
    let is_string = token.kind == TokenKind::String;
    let span = contents(source, token).filter(|_| is_string)?;
    is_conventional(span.of(source)).then(|| span.of(source).to_owned())
}

/// The name of the variable, property, function or constant that ends at token `at`.
fn word<'t>(source: &'t str, tokens: &[Token], at: usize) -> Option<&'t str> {
    let token = tokens.get(at)?;
    match token.kind {
        TokenKind::Variable => Some(token.variable_name().of(source)),
        TokenKind::Name => token.span.of(source).rsplit('\\').next(),
        _ => None,
    }
}

/// The name of what the `[` at token `open` takes an element of.
fn subscripted(source: &str, tokens: &[Token], open: usize) -> Option<String> {
    let last = open.checked_sub(1)?;
    if tokens[last].is(b']') {
        let inner = opening(tokens, last)?;
        let key = key(source, tokens, inner + 1);
        let name = word(source, tokens, inner.checked_sub(1)?)?;
        return Some(format!("{name}[{}", key.unwrap_or_default()));
    }
    word(source, tokens, last).map(str::to_owned)
}

/// The opening bracket of the closing one at token `close`.
fn opening(tokens: &[Token], close: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in (close.saturating_sub(PLACE_TOKENS)..=close).rev() {
        match tokens[at].kind {
            TokenKind::Punct(b')' | b']' | b'}') => depth += 1,
            TokenKind::Punct(b'(' | b'[' | b'{') => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// The place behind token `last`, a `(`, `[` or `,` inside brackets. `levels` bounds
/// how far the place is followed outwards.
fn bracketed(source: &str, tokens: &[Token], last: usize, levels: usize) -> Option<String> {
    let (mut end, mut suffix) = (last, String::new());
    for _ in 0..levels {
        let (open, argument) = enclosing(tokens, end)?;
        let before = open.checked_sub(1)?;
        let is_array =
            tokens[open].is(b'[') || tokens[before].span.of(source).eq_ignore_ascii_case("array");
        if !is_array {
            let callee = word(source, tokens, before)?.to_ascii_lowercase();
            let is_attribute = before
                .checked_sub(1)
                .is_some_and(|at| tokens[at].kind == TokenKind::AttributeOpen);
            // The first argument of Symfony's attribute is the path, not the name.
            if is_attribute && argument == 0 && callee == "route" {
                return Some(format!("route#path{suffix}"));
            }
            let callee = namesake(&callee, argument);
            return Some(format!("{callee}#{argument}{suffix}"));
        }
        suffix.insert(0, '[');
        let outside = if tokens[open].is(b'[') {
            before
        } else {
            before.checked_sub(1)?
        };
        match tokens[outside].kind {
            TokenKind::Punct(b'=') => {
                let name = word(source, tokens, outside.checked_sub(1)?)?;
                return Some(format!("{name}={suffix}"));
            }
            TokenKind::DoubleArrow => {
                let at = outside.checked_sub(1)?;
                suffix.insert_str(0, &key(source, tokens, at)?);
                end = at.checked_sub(1)?;
            }
            TokenKind::Punct(b'(' | b',') => end = outside,
            _ => return None,
        }
    }
    None
}

/// The function that stands for all those whose argument number `argument` names the
/// same things as that of `callee`, by the manuals of PHP, WordPress, Laravel and
/// Symfony. For
/// example, `add_action` names a hook that a call of `do_action` names.
fn namesake(callee: &str, argument: usize) -> &str {
    match (argument, callee) {
        (
            0,
            "add_action"
            | "did_action"
            | "do_action_ref_array"
            | "doing_action"
            | "has_action"
            | "remove_action"
            | "remove_all_actions",
        ) => "do_action",
        (
            0,
            "add_filter"
            | "apply_filters_ref_array"
            | "did_filter"
            | "doing_filter"
            | "has_filter"
            | "remove_filter"
            | "remove_all_filters",
        ) => "apply_filters",
        (0, "add_option" | "delete_option" | "update_option") => "get_option",
        (0, "add_site_option" | "delete_site_option" | "update_site_option") => "get_site_option",
        (0, "set_transient" | "delete_transient") => "get_transient",
        (0, "remove_theme_mod" | "set_theme_mod") => "get_theme_mod",
        (1, "add_post_meta" | "delete_post_meta" | "update_post_meta") => "get_post_meta",
        (1, "add_user_meta" | "delete_user_meta" | "update_user_meta") => "get_user_meta",
        (1, "add_term_meta" | "delete_term_meta" | "update_term_meta") => "get_term_meta",
        (0, "register_post_type" | "post_type_exists" | "get_post_type_object") => "post_type",
        (0, "register_taxonomy" | "taxonomy_exists" | "get_taxonomy" | "get_terms") => "taxonomy",
        (
            0,
            "wp_add_inline_script"
            | "wp_dequeue_script"
            | "wp_enqueue_script"
            | "wp_localize_script"
            | "wp_script_is",
        ) => "wp_register_script",
        (0, "wp_add_inline_style" | "wp_dequeue_style" | "wp_enqueue_style" | "wp_style_is") => {
            "wp_register_style"
        }
        (0, "name" | "to_route" | "routeis" | "redirecttoroute" | "generateurl") => "route",
        (0, "defined" | "constant") => "define",
        (0, "ini_set") => "ini_get",
        (0, "putenv" | "env") => "getenv",
        _ => callee,
    }
}

/// The bracket that is open behind token `last`, and the number of commas between
/// them.
fn enclosing(tokens: &[Token], last: usize) -> Option<(usize, usize)> {
    let (mut depth, mut commas) = (0_usize, 0);
    for at in (last.saturating_sub(PLACE_TOKENS)..=last).rev() {
        match tokens[at].kind {
            TokenKind::Punct(b')' | b']' | b'}') => depth += 1,
            TokenKind::Punct(b'(' | b'[') if depth == 0 => return Some((at, commas)),
            TokenKind::Punct(b'{' | b';') if depth == 0 => return None,
            TokenKind::Punct(b'(' | b'[' | b'{') => depth -= 1,
            TokenKind::Punct(b',') if depth == 0 => commas += 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::php::lex::lex;

    /// The strings of `code` with their places.
    fn listed(code: &str) -> Vec<String> {
        let source = format!("<?php {code}");
        let tokens = lex(&source);
        let found = literals(&source, &tokens);
        found
            .map(|found| format!("{} {}", found.place, found.text.of(&source)))
            .collect()
    }

    #[test]
    fn a_string_knows_what_holds_it() {
        for (code, expected) in [
            (
                "add_Action('init', 'go')",
                ["do_action#0 init", "add_action#1 go"].as_slice(),
            ),
            ("$x->get(f(1, 2), \"a.b\");", &["get#1 a.b"]),
            ("new N\\Field('title')", &["field#0 title"]),
            ("$this->opts['size']", &["opts[ size"]),
            ("$a['one']['two']", &["a[ one", "a[one[ two"]),
            (
                "$x = ['k1' => 1, 'k2' => 'val']",
                &["x=[ k1", "x=[ k2", "k2> val"],
            ),
            ("f($y, array('k1' => 'v1'))", &["f#1[ k1", "k1> v1"]),
            ("f(['out' => ['in' => 1]])", &["f#0[ out", "f#0[out[ in"]),
            ("f($a, by: 'name', x: $b ? c : 'd')", &["f#by name"]),
            (
                "#[Route('/a', name: 'home')] f(); redirectToRoute('home')",
                &["route#path /a", "route#0 home", "route#0 home"],
            ),
            ("$x['type'] = 'text'", &["x[ type", "type> text"]),
            ("$type !== 'post'", &["type= post"]),
            ("echo 'hello'; f('two words', '12', '')", &[]),
        ] {
            assert_eq!(listed(code), expected, "{code}");
        }
    }
}
