use std::os::unix::fs::symlink;
use std::thread;

use proptest::prelude::*;

use super::*;
use crate::config::{ApplyError, EditorResources, apply};

const WRITTEN: &str = "\
# Mine.
[limits] # not much
max_files = 5 # few

# How it looks.
[editor]
# I like it small.
font_size = 9 # points
fg_color = 'black'   # on white

[endpoint]
url = \"http://127.0.0.1:9\" # mine
";

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("fimd/settings.toml")
    }

    /// One with this settings file.
    fn with(text: impl AsRef<[u8]>) -> Self {
        let home = Self::new();
        fs::create_dir(home.file().parent().unwrap()).unwrap();
        fs::write(home.file(), text).unwrap();
        home
    }

    fn text(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn apply(&self, tag: &str) -> Result<Settings, ApplyError> {
        let resources = EditorResources {
            fonts: Some(vec!["Ubuntu Sans".into()]),
            spell_languages: Some(vec!["en_GB".into()]),
        };
        apply(&self.file(), None, tag, 0, resources).map(|(_, settings)| settings)
    }

    /// The names in the file's folder.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.file().parent().unwrap()).unwrap();
        let mut names: Vec<_> = names
            .map(|name| name.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn a_file_is_made_for_its_owner_alone() {
    let home = Home::new();
    let settings = home
        .apply(r#"[[[{fontSize:"24";font:"ubuntu sans"}]]]"#)
        .unwrap();
    assert_eq!(settings.editor.font_size, Some(24));
    assert_eq!(
        home.text(),
        "[editor]\nfont_size = 24\nfont = \"Ubuntu Sans\"\n"
    );
    assert_eq!(home.names(), ["settings.toml"]);
    let mode = fs::metadata(home.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn comments_order_and_mode_stay() {
    let home = Home::with(WRITTEN);
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o640)).unwrap();
    let tag =
        r##"[[[{fontSize:"12"; topP:"0.5"; endpoint:"http://localhost:1"; bgColor:"#fff"}]]]"##;
    home.apply(tag).unwrap();
    let expected = WRITTEN
        .replace("font_size = 9", "font_size = 12")
        .replace("# on white\n", "# on white\nbg_color = \"#fff\"\n")
        .replace("127.0.0.1:9", "localhost:1")
        .replace("# mine\n", "# mine\ntop_p = 0.5\n");
    assert_eq!(home.text(), expected);
    let mode = fs::metadata(home.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn sections_of_any_form_are_changed_in_their_place() {
    for (text, changed) in [
        (
            "editor = { font_size = 9, fg_color = 'red' } # e\n",
            "editor = { font_size = 12, fg_color = 'red' } # e\n",
        ),
        (
            "editor.font_size = 9 # e\nlimits.max_files = 5\n",
            "editor.font_size = 12 # e\nlimits.max_files = 5\n",
        ),
        (
            "limits.max_files = 5\n",
            "limits.max_files = 5\n\n[editor]\nfont_size = 12\n",
        ),
        ("\n# nothing\n", "\n# nothing\n\n[editor]\nfont_size = 12\n"),
        (
            "[limits] # few\nmax_files = 5\n# the end\n",
            "[limits] # few\nmax_files = 5\n# the end\n\n[editor]\nfont_size = 12\n",
        ),
    ] {
        let home = Home::with(text);
        home.apply(r#"[[[{fontSize:"12"}]]]"#).unwrap();
        assert_eq!(home.text(), changed);
    }
}

#[test]
fn what_is_set_already_is_not_written() {
    let home = Home::with(WRITTEN);
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let before = inode(&home.file());
    home.apply(r#"[[[{fontSize:"9"}]]]"#).unwrap();
    assert_eq!(
        (home.text().as_str(), inode(&home.file())),
        (WRITTEN, before)
    );
}

#[test]
fn a_link_stays_one() {
    let home = Home::with("");
    let dotfiles = home.0.path().join("dotfiles.toml");
    fs::remove_file(home.file()).unwrap();
    symlink("../dotfiles.toml", home.file()).unwrap();
    for size in ["12", "13"] {
        home.apply(&format!(r#"[[[{{fontSize:"{size}"}}]]]"#))
            .unwrap();
        assert!(fs::symlink_metadata(home.file()).unwrap().is_symlink());
        let text = fs::read_to_string(&dotfiles).unwrap();
        assert_eq!(text, format!("[editor]\nfont_size = {size}\n"));
    }
    fs::remove_file(home.file()).unwrap();
    symlink("settings.toml", home.file()).unwrap();
    let error = home.apply(r#"[[[{fontSize:"12"}]]]"#).unwrap_err();
    assert!(matches!(error, ApplyError::File(_)), "{error}");
}

#[test]
fn a_corrupt_file_is_set_aside_and_nothing_of_it_lost() {
    for corrupt in [
        &b"[editor\nfont_size = 9"[..],
        b"font_size = \xff\n",
        b"\0\0\0",
    ] {
        let home = Home::with(corrupt);
        let error = Settings::load(Some(&home.file())).unwrap_err().to_string();
        assert!(
            error.contains("settings.toml:1: ") || error.contains("UTF-8"),
            "{error}"
        );
        // A tag that cannot be applied changes nothing at all.
        home.apply(r#"[[[{fontSize:"5"}]]]"#).unwrap_err();
        assert_eq!(home.names(), ["settings.toml"]);
        fs::write(home.0.path().join("fimd/settings.toml.corrupt-1"), "older").unwrap();
        let (applied, settings) = apply(
            &home.file(),
            None,
            r#"[[[{fontSize:"12"}]]]"#,
            0,
            EditorResources::default(),
        )
        .unwrap();
        assert_eq!(settings.editor.font_size, Some(12));
        assert_eq!(home.text(), "[editor]\nfont_size = 12\n");
        let aside = home.0.path().join("fimd/settings.toml.corrupt-2");
        assert_eq!(fs::read(&aside).unwrap(), corrupt);
        let said = applied.set_aside.unwrap();
        let end = format!("; set aside as {}", aside.display());
        assert!(
            said.contains("settings.toml:1: not TOML: ") && said.ends_with(&end),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1);
    }
}

#[test]
fn a_server_starts_in_spite_of_a_corrupt_file() {
    let home = Home::with("[editor");
    let (settings, said) = Settings::load_or_set_aside(Some(&home.file())).unwrap();
    assert_eq!(settings.file, Some(home.file()));
    assert_eq!(settings.editor, Settings::default().editor);
    assert!(said.unwrap().ends_with("settings.toml.corrupt-1"));
    assert_eq!(home.names(), ["settings.toml.corrupt-1"]);
    // A file that is TOML but has a fault stays in its place.
    let home = Home::with("[editor]\nfont_size = 100\n");
    let error = Settings::load_or_set_aside(Some(&home.file())).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("settings.toml:2: editor.font_size: "),
        "{error}"
    );
    assert_eq!(home.names(), ["settings.toml"]);
}

#[test]
fn a_file_that_is_wrong_is_not_written() {
    let wrong = "[editor]\nfont_siez = 9\n";
    let home = Home::with(wrong);
    let error = home
        .apply(r#"[[[{fontSize:"12"}]]]"#)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("settings.toml:2: editor.font_siez: unknown; "),
        "{error}"
    );
    assert!(error.ends_with("; nothing was changed"), "{error}");
    assert_eq!(home.text(), wrong);
}

#[test]
fn the_permission_is_that_of_the_file() {
    let tag = r#"[[[{endpoint:"https://example.com/v1"}]]]"#;
    let home = Home::with(WRITTEN);
    let error = home.apply(tag).unwrap_err().to_string();
    assert!(
        error.starts_with("1:14: endpoint: example.com is not this machine; "),
        "{error}"
    );
    assert_eq!(home.text(), WRITTEN);
    let permitted = format!("{WRITTEN}allow_remote_endpoints = true\n");
    let home = Home::with(&permitted);
    let settings = home.apply(tag).unwrap();
    assert_eq!(settings.endpoint.url, "https://example.com/v1");
    assert_eq!(
        home.text(),
        permitted.replace("http://127.0.0.1:9", "https://example.com/v1")
    );
    // A tag cannot make fimd send the API key to another server.
    let keyed = format!("{permitted}api_key = 'mine'\n");
    let home = Home::with(&keyed);
    let error = home.apply(tag).unwrap_err().to_string();
    assert!(
        error.contains(
            "https://example.com would be sent the key that is meant for http://127.0.0.1:9"
        ),
        "{error}"
    );
    assert_eq!(home.text(), keyed);
    // Nor to another port of this machine.
    let error = home.apply(r#"[[[{endpoint:"http://127.0.0.1:10"}]]]"#);
    let error = error.unwrap_err().to_string();
    assert!(error.contains("would be sent the key"), "{error}");
    assert_eq!(home.text(), keyed);
}

/// The temporary file of a writer that has crashed before renaming.
#[test]
fn a_temporary_file_of_a_crash_is_replaced() {
    let home = Home::with(WRITTEN);
    fs::write(with_ending(&home.file(), ".new"), "[edit").unwrap();
    assert!(Settings::load(Some(&home.file())).is_ok());
    home.apply(r#"[[[{fontSize:"12"}]]]"#).unwrap();
    assert_eq!(home.text(), WRITTEN.replace("= 9 ", "= 12 "));
    assert_eq!(home.names(), ["settings.toml"]);
}

#[test]
fn those_who_write_at_once_lose_nothing() {
    let home = Home::new();
    let keys = [
        "fontSize",
        "editorPadding",
        "lineNumberPadding",
        "scrollSpeed",
    ];
    thread::scope(|scope| {
        for key in keys {
            let home = &home;
            scope.spawn(move || {
                for value in 6..=10 {
                    home.apply(&format!("[[[{{{key}:\"{value}\"}}]]]")).unwrap();
                }
            });
        }
    });
    let settings = Settings::load(Some(&home.file())).unwrap();
    let editor = settings.editor;
    assert_eq!(
        [
            editor.font_size,
            editor.editor_padding,
            editor.line_number_padding,
            editor.scroll_speed
        ],
        [Some(10); 4]
    );
}

#[test]
fn every_setting_has_a_place_of_its_own() {
    let mut changes: Vec<_> = ConfigKey::ALL
        .iter()
        .map(|&key| SettingChange {
            key,
            value: SettingValue::Text(key.name().into()),
        })
        .collect();
    let text = edited("", &changes).unwrap();
    for key in ConfigKey::ALL {
        assert_eq!(
            text.matches(&format!(" = {:?}\n", key.name())).count(),
            1,
            "{text}"
        );
    }
    changes.reverse();
    assert_eq!(edited(&text, &changes).unwrap(), text);
}

/// A valid or an invalid entry.
fn entry() -> impl Strategy<Value = (bool, String)> {
    let right = |text: &'static str| Just((true, text.to_owned()));
    let wrong = |text: &'static str| Just((false, text.to_owned()));
    prop_oneof![
        right(r#"temperature:"0.5""#),
        right(r##"bgColor:"#123""##),
        right(r#"font:"Ubuntu Sans""#),
        right(r#"spellLang:"en_GB""#),
        right(r#"fimPrefix:"a\"b]]] \\ \n""#),
        (6..=72u8).prop_map(|size| (true, format!("fontSize:\"{size}\""))),
        wrong(r#"topP:"2""#),
        wrong(r#"caretColor:"reddish""#),
        wrong(r#"scrollSpeed:3"#),
        wrong(r#"endpoint:"http://example.com""#),
        wrong(r#"open_maximized:"1""#),
        wrong(r#"mystery:"1""#),
    ]
}

fn comment() -> impl Strategy<Value = String> {
    "[ -~\u{e4}]{0,12}".prop_map(|text| format!("# {text}\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// With an invalid entry, the file is unchanged. Without, every comment and
    /// every other setting is still there.
    #[test]
    fn a_tag_is_applied_whole_or_not_at_all(
        entries in prop::collection::vec(entry(), 1..6),
        comments in prop::array::uniform4(comment()),
    ) {
        let [a, b, c, d] = &comments;
        let text = format!(
            "{a}[limits] {b}{c}max_files = 5 {d}{a}[editor]\n{b}fg_color = 'red' {c}{d}"
        );
        let home = Home::with(&text);
        let names: Vec<_> = entries.iter().map(|(_, entry)| entry.split(':').next()).collect();
        let is_double = names.iter().enumerate().any(|(at, name)| names[..at].contains(name));
        let is_right = !is_double && entries.iter().all(|(is_right, _)| *is_right);
        let entries: Vec<_> = entries.into_iter().map(|(_, entry)| entry).collect();
        let applied = home.apply(&format!("[[[{{{}}}]]]", entries.join("; ")));
        prop_assert_eq!(applied.is_ok(), is_right, "{:?}", applied.err());
        if is_right {
            let changed = home.text();
            let kept: Vec<_> = text.lines().filter(|line| !changed.contains(line)).collect();
            prop_assert!(kept.is_empty(), "{kept:?} not in {changed}");
            let settings = applied.unwrap();
            prop_assert_eq!(settings.limits.max_files, 5);
            prop_assert_eq!(settings.editor.fg_color.as_deref(), Some("red"));
        } else {
            prop_assert_eq!(home.text(), text);
        }
        prop_assert_eq!(home.names(), ["settings.toml"]);
    }
}
