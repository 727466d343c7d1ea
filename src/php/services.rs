//! The ids of services with their classes, as the YAML files of Symfony and Drupal
//! state them. Reads lines, not all of YAML: block style with one key a line, and
//! `{ class: X }` on the line of an id. Anything else states nothing.
//!
//! <https://symfony.com/doc/current/service_container.html>

/// A service as one file states it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceEntry {
    /// Its id; often the name of a class.
    pub id: String,
    /// The fully qualified name of its class; empty if none is stated.
    pub class: String,
    /// The id of the service that it is another name of; empty for none.
    pub alias: String,
}

/// The services that a YAML file states, in its order.
#[must_use]
pub fn services(yaml: &str) -> Vec<ServiceEntry> {
    let mut entries: Vec<ServiceEntry> = Vec::new();
    let mut is_inside = false;
    // The blanks in front of the ids, and of the keys of the last one.
    let (mut of_ids, mut of_keys) = (None, None);
    for line in yaml.lines() {
        let body = line.trim();
        if body.is_empty() || body.starts_with('#') {
            continue;
        }
        let blanks = line.len() - line.trim_start().len();
        let Some((key, value)) = key_and_value(body) else {
            continue;
        };
        if blanks == 0 {
            is_inside = key == "services";
            of_ids = None;
        } else if is_inside && blanks == *of_ids.get_or_insert(blanks) {
            let mut entry = ServiceEntry {
                id: key,
                ..ServiceEntry::default()
            };
            of_keys = None;
            match value.strip_prefix('{') {
                Some(keys) => keys
                    .split([',', '}'])
                    .filter_map(|key| key_and_value(key.trim()))
                    .for_each(|(key, value)| state(&mut entry, &key, value)),
                None if unquoted(value).starts_with('@') => state(&mut entry, "alias", value),
                None => {}
            }
            entries.push(entry);
        } else if is_inside
            && blanks == *of_keys.get_or_insert(blanks)
            && let Some(entry) = entries.last_mut()
        {
            state(entry, &key, value);
        }
    }
    entries.retain(|entry| !entry.id.starts_with('_'));
    entries
}

/// Notes what the key of a service says.
fn state(entry: &mut ServiceEntry, key: &str, value: &str) {
    let value = unquoted(value);
    match key {
        "class" if !value.contains('%') => {
            entry.class = value.trim_start_matches('\\').to_owned();
        }
        "alias" => entry.alias = value.trim_start_matches('@').to_owned(),
        _ => {}
    }
}

/// The key and the value of `key: value`; the value may be empty.
fn key_and_value(text: &str) -> Option<(String, &str)> {
    let (key, rest) = match text.chars().next()? {
        quote @ ('\'' | '"') => {
            let end = text[1..].find(quote)? + 2;
            (unquoted(&text[..end]), text[end..].trim_start())
        }
        _ => {
            let is_end = |&(at, _): &(usize, _)| {
                let behind = text.as_bytes().get(at + 1);
                behind.is_none_or(u8::is_ascii_whitespace)
            };
            let (colon, _) = text.match_indices(':').find(is_end)?;
            (text[..colon].to_owned(), &text[colon..])
        }
    };
    let value = rest.strip_prefix(':')?;
    let value = value.split(" #").next().unwrap_or(value);
    Some((key, value.trim()))
}

/// The text of a scalar.
fn unquoted(text: &str) -> String {
    let of = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    match (of('\''), of('"')) {
        (Some(text), _) => text.to_owned(),
        (_, Some(text)) => text.replace("\\\\", "\\"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_classes_and_aliases() {
        let yaml = r#"
parameters:
    a.b: { class: No }
services:
    # the defaults
    _defaults:
        class: No
    App\Mailer: ~
    mailer:
        class: App\Mailer # the class
        arguments:
            class: No
    "mail.alias":
        alias: 'mailer'
    short: '@mailer'
    flow: { class: "App\\Flow", arguments: ['@mailer'] }
    App\Service\: { resource: '../src/' }
    dynamic: { class: '%a.class%' }
    - broken
  other: x
last:
    no: { class: No }
"#;
        let listed: Vec<_> = services(yaml)
            .into_iter()
            .map(|entry| format!("{}={}@{}", entry.id, entry.class, entry.alias))
            .collect();
        assert_eq!(
            listed,
            [
                "App\\Mailer=@",
                "mailer=App\\Mailer@",
                "mail.alias=@mailer",
                "short=@mailer",
                "flow=App\\Flow@",
                "App\\Service\\=@",
                "dynamic=@",
            ]
        );
        for odd in [
            "services: [",
            "services:\n\t'",
            "services:\n  'a: b\n  \":",
            "{",
        ] {
            assert!(services(odd).len() < 2, "{odd}");
        }
    }
}
