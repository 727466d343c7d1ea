use proptest::prelude::*;

use super::*;
use crate::tags::{Fault, TagKind, Tags};

fn allowed() -> AllowedValues {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    AllowedValues {
        fonts: names(&["DejaVu Sans", "TkFixedFont", "Ubuntu Sans"]),
        spell_languages: names(&["de_DE", "en_GB", "en_US"]),
        remote_endpoints: false,
        key_server: None,
    }
}

fn config(tag: &str) -> Result<Config, Fault> {
    match Tags::parse(tag).all() {
        [tag] => match &tag.kind {
            TagKind::Config(config) => Ok(config.clone()),
            TagKind::Invalid(fault) => Err(fault.clone()),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn checked(tag: &str) -> Result<Vec<SettingChange>, Vec<EntryError>> {
    check(&config(tag).unwrap(), &allowed())
}

/// The value of the one entry `key:"value"`, or what is wrong with it.
fn one(key: &str, value: &str) -> Result<SettingValue, String> {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    match checked(&format!("[[[{{{key}:\"{value}\"}}]]]")) {
        Ok(changes) => Ok(changes[0].value.clone()),
        Err(wrong) => Err(wrong[0].to_string()),
    }
}

fn text(text: &str) -> Result<SettingValue, String> {
    Ok(SettingValue::Text(text.into()))
}

/// Section 5.1: the example of the specification.
#[test]
fn the_example_of_the_specification_is_right() {
    let changes = checked(
        r##"[[[{font:"Ubuntu Sans"; fontSize:"24"; bgColor:"#141414"; fgColor:"#f5f5f5"}]]]"##,
    );
    let changes = changes.unwrap();
    let changes: Vec<_> = changes.iter().map(|it| (it.key, &it.value)).collect();
    let text = |text: &str| SettingValue::Text(text.into());
    assert_eq!(
        changes,
        [
            (ConfigKey::Font, &text("Ubuntu Sans")),
            (ConfigKey::FontSize, &SettingValue::Integer(24)),
            (ConfigKey::BgColor, &text("#141414")),
            (ConfigKey::FgColor, &text("#f5f5f5")),
        ]
    );
}

/// Section 5.1: inline or multiline, and a last `;` is allowed.
#[test]
fn a_tag_may_have_several_lines() {
    let tag = "[[[\n  {\n    fontSize : \"9\" ;\n    scrollSpeed:\"3\";\n  }\n]]]";
    assert_eq!(checked(tag).unwrap().len(), 2);
}

/// Section 5.2: every key, and `fontFamily` for `font`.
#[test]
fn every_key_takes_what_its_window_takes() {
    for (key, value) in [
        ("endpoint", "http://127.0.0.1:8080/v1/completions"),
        ("temperature", "0.7"),
        ("topP", "0.95"),
        ("fimPrefix", "<PRE> "),
        ("fimSuffix", ""),
        ("fimMiddle", "<MID>"),
        ("font", "TkFixedFont"),
        ("fontFamily", "DejaVu Sans"),
        ("fontSize", "12"),
        ("editorPadding", "0"),
        ("lineNumberPadding", "200"),
        ("fgColor", "#fff"),
        ("bgColor", "alice blue"),
        ("caretColor", "LightGoldenrod1"),
        ("selectionColor", "#123456789abc"),
        ("scrollSpeed", "10"),
        ("spellLang", "en_GB"),
    ] {
        assert!(one(key, value).is_ok(), "{key}: {:?}", one(key, value));
    }
    let keys = ConfigKey::ALL.len();
    assert_eq!(keys, 16, "one for each name above but fontFamily");
}

/// Section 5.2, the last sentence; 5.3: values are quoted; unknown and double
/// keys. The language itself refuses them, so nothing can be applied.
#[test]
fn what_is_no_entry_makes_no_tag() {
    for (tag, at, said) in [
        (r#"[[[{open_maximized:"1"}]]]"#, 4, "open_maximized"),
        (
            r#"[[[{fontSize:"9"; open_maximized:"1"}]]]"#,
            18,
            "open_maximized",
        ),
        ("[[[{fontSize:24}]]]", 13, "quotes"),
        ("[[[{font:TkFixedFont}]]]", 9, "quotes"),
        (r#"[[[{fontsize:"24"}]]]"#, 4, "unknown setting fontsize"),
        (
            r#"[[[{allow_remote_endpoints:"true"}]]]"#,
            4,
            "unknown setting",
        ),
        (
            r#"[[[{allowRemoteEndpoints:"true"}]]]"#,
            4,
            "unknown setting",
        ),
        (r#"[[[{fontSize:"9"; fontSize:"9"}]]]"#, 18, "twice"),
        (
            r#"[[[{font:"a"; fontFamily:"b"}]]]"#,
            14,
            "font is set twice",
        ),
        (
            r#"[[[{fontFamily:"a"; font:"b"}]]]"#,
            20,
            "font is set twice",
        ),
        ("[[[{}]]]", 4, "a setting"),
    ] {
        let fault = config(tag).unwrap_err();
        assert!(fault.message.contains(said), "{tag}: {fault:?}");
        assert_eq!(fault.at, at, "{tag}: {fault:?}");
    }
}

/// Section 5.3: numbers have bounds.
#[test]
fn numbers_have_bounds() {
    for (key, right, wrong) in [
        (
            "temperature",
            &["0", "2", "2.0", "1e-1", " 0.5 "][..],
            &["-0.1", "2.01", "", "hot", "NaN", "inf", "0,5", "1.0.0"][..],
        ),
        ("topP", &["0", "1", ".5"], &["1.0001", "-1", "NaN", "50%"]),
        (
            "fontSize",
            &["6", "72", " 12 "],
            &["5", "73", "300", "12.5", "-12", "12pt", ""],
        ),
        (
            "editorPadding",
            &["0", "200"],
            &["201", "-1", "1e1", "99999999999999999999"],
        ),
        ("lineNumberPadding", &["0", "200"], &["201", "-1"]),
        ("scrollSpeed", &["1", "10"], &["0", "11", "fast"]),
    ] {
        for value in right {
            assert!(one(key, value).is_ok(), "{key} {value}");
        }
        for value in wrong {
            let said = one(key, value).unwrap_err();
            assert!(said.starts_with(&format!("{key}: expected a")), "{said}");
            assert!(
                said.ends_with(&format!("found {:?}", value.trim())),
                "{said}"
            );
        }
    }
    assert_eq!(one("temperature", "0.5"), Ok(SettingValue::Number(0.5)));
    assert_eq!(
        one("fontSize", "100").unwrap_err(),
        r#"fontSize: expected an integer from 6 to 72, found "100""#
    );
}

/// Section 5.3: colours as Tk has them.
#[test]
fn colours_are_those_of_tk() {
    for key in ["fgColor", "bgColor", "caretColor", "selectionColor"] {
        assert_eq!(one(key, "Sky Blue"), text("Sky Blue"));
        let said = one(key, "light steal blue").unwrap_err();
        assert!(
            said.ends_with(r#"found "light steal blue"; did you mean "light steel blue"?"#),
            "{said}"
        );
        let said = one(key, "#12345").unwrap_err();
        assert!(said.contains("#rrrgggbbb"), "{said}");
    }
}

/// Section 5.3: fonts and languages are those that there are.
#[test]
fn fonts_and_languages_are_those_that_there_are() {
    assert_eq!(one("font", "ubuntu sans"), text("Ubuntu Sans"));
    assert_eq!(one("spellLang", "en-us"), text("en_US"));
    assert_eq!(
        one("font", "Ubunto Sans").unwrap_err(),
        r#"font: expected a font that is installed, found "Ubunto Sans"; did you mean "Ubuntu Sans"?"#
    );
    assert_eq!(
        one("spellLang", "fr_FR").unwrap_err(),
        r#"spellLang: expected a language with a dictionary that is installed, found "fr_FR""#
    );
    let none = check(
        &config(r#"[[[{font:"Times";spellLang:"en"}]]]"#).unwrap(),
        &AllowedValues::default(),
    );
    for wrong in none.unwrap_err() {
        assert!(wrong.what.ends_with("; none is installed"), "{wrong}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn another_machine_needs_a_permission() {
    let here = [
        "http://127.0.0.1:8080",
        "http://127.9.9.9/v1",
        "http://localhost:11434/",
        "https://LOCALHOST",
        "http://[::1]:8080",
        "http://2130706433",
    ];
    let elsewhere = [
        "http://example.com",
        "https://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://192.168.0.1:8080",
        "http://0.0.0.0:8080",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://example.com\\@127.0.0.1",
    ];
    let permitted = AllowedValues {
        remote_endpoints: true,
        ..allowed()
    };
    let keyed = |url: &str| AllowedValues {
        key_server: Some(server_url(url).unwrap()),
        ..permitted.clone()
    };
    let with_key = keyed("https://models.mine:8443/v1");
    let entry = |url: &str| {
        let url = url.replace('\\', "\\\\");
        config(&format!(r#"[[[{{endpoint:"{url}"}}]]]"#)).unwrap()
    };
    for url in here {
        assert_eq!(one("endpoint", url), text(url));
    }
    for url in elsewhere {
        let said = one("endpoint", url).unwrap_err();
        assert!(said.contains(" is not this machine; "), "{said}");
        assert!(said.contains("allow_remote_endpoints = true"), "{said}");
        assert!(check(&entry(url), &permitted).is_ok(), "{url}");
        let said = check(&entry(url), &with_key).unwrap_err()[0].to_string();
        assert!(
            said.contains(" the key that is meant for https://models.mine:8443; "),
            "{said}"
        );
    }
    assert!(check(&entry("https://models.mine:8443"), &with_key).is_ok());
    for url in [
        "https://models.mine",
        "http://models.mine:8443",
        "http://localhost:1",
    ] {
        assert!(check(&entry(url), &with_key).is_err(), "{url}");
    }
    // Every port of this machine may be another program, of another user even.
    let local = keyed("http://localhost:8080");
    assert!(check(&entry("http://localhost:8080/v1"), &local).is_ok());
    for url in [
        "http://localhost:8081",
        "http://127.0.0.1:8080",
        "https://localhost:8080",
    ] {
        assert!(check(&entry(url), &local).is_err(), "{url}");
    }
    for (wrong, expected) in [
        ("", "expected http://HOST"),
        ("localhost:8080", "expected http://HOST"),
        ("127.0.0.1:8080", "expected http://HOST"),
        ("file:///etc/passwd", "expected http://HOST"),
        ("http://", "expected http://HOST"),
        ("http://u:pass@127.0.0.1", "without a user and a password"),
        (
            "http://127.0.0.1@example.com",
            "without a user and a password",
        ),
        ("http://127.0.0.1/?a=b", "without ? and #"),
        ("http://127.0.0.1/#a", "without ? and #"),
    ] {
        for allowed in [&allowed(), &permitted] {
            let said = check(&entry(wrong), allowed).unwrap_err()[0].to_string();
            assert!(said.contains(expected), "{wrong}: {said}");
            assert!(!said.contains("pass@"), "{said}");
        }
    }
}

/// Every invalid entry is reported with its position.
#[test]
fn every_fault_is_told_with_its_place() {
    let tag = r#"[[[{fontSize:"5"; topP:"0.5"; scrollSpeed:"0"}]]]"#;
    let wrong = checked(tag).unwrap_err();
    let places: Vec<_> = wrong
        .iter()
        .map(|it| (it.key, &tag[it.at..it.at + 3]))
        .collect();
    assert_eq!(
        places,
        [
            (ConfigKey::FontSize, r#""5""#),
            (ConfigKey::ScrollSpeed, r#""0""#)
        ]
    );
}

proptest! {
    /// Nothing panics, and what is right is within its bounds.
    #[test]
    fn any_value_is_right_or_told(key in 0..ConfigKey::ALL.len(), value in "\\PC{0,20}") {
        let key = ConfigKey::ALL[key];
        let entry = ConfigEntry { key, value, at: 0 };
        match super::value(&entry, &allowed()) {
            Ok(SettingValue::Number(number)) => prop_assert!((0.0..=2.0).contains(&number)),
            Ok(SettingValue::Integer(number)) => prop_assert!(number <= 200),
            Ok(SettingValue::Text(_)) => {}
            Err(what) => prop_assert_eq!(what.lines().count(), 1),
        }
    }
}
