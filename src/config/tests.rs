//! Reading settings files, valid and faulty.

use super::*;
use crate::model::ContextStyle;
use crate::secrets::InContext;

fn load(text: &str) -> Result<Settings, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.toml");
    fs::write(&file, text).unwrap();
    Settings::load(Some(&file)).map_err(|error| {
        let folder = format!("{}/", folder.path().display());
        error.to_string().replace(&folder, "")
    })
}

#[test]
fn what_is_not_set_keeps_its_default() {
    let mut settings = load("").unwrap();
    let file = settings.file.take();
    assert_eq!(settings.endpoint.place, EndpointPlace::File(file));
    settings.endpoint.place = EndpointPlace::default();
    assert_eq!(settings, Settings::default());
    for text in [
        "# mine\n[limits]\nmax_files = 5 # few\nmax_clients = 1_0\n",
        "limits = { max_files = 5, max_clients = 10 }",
        "limits.max_files = 5\nlimits.max_clients = 10",
    ] {
        let limits = load(text).unwrap().limits;
        let expected = Limits {
            max_files: 5,
            max_clients: 10,
            ..Limits::default()
        };
        assert_eq!(limits, expected, "{text}");
    }
}

#[test]
fn families_of_ones_own_are_added() {
    let text = "[models.own]\nprefix = '<P>'\nsuffix = '<S>'\nmiddle = '<M>'\nend = '<E>'\n\
                [models.own.repo]\nfile = '{path}: {code}'\n";
    let families = load(text).unwrap().families;
    let own = families.get("own").unwrap();
    assert_eq!(
        own.part_tokens().collect::<Vec<_>>(),
        ["<P>", "<S>", "<M>", "<E>"]
    );
    assert!(own.mixes_formats());
    assert_eq!(own.repo.as_ref().unwrap().file, "{path}: {code}");
    for (wrong, said) in [
        (
            text.replace("end = '<E>'", ""),
            "s.toml:1: models.own: missing field `end`",
        ),
        (
            text.replace("'<M>'", "''"),
            "s.toml:1: models.own: middle: ",
        ),
        (
            text.replace("'<S>'", "5"),
            "s.toml:3: models.own.suffix: expected a string, found integer",
        ),
        (
            text.replace("suffix", "sufix"),
            "s.toml:3: models.own.sufix: unknown; expected one of name, order, ",
        ),
        (
            "[models]\nown = 1".into(),
            "s.toml:2: models.own: expected a section, found integer",
        ),
        ("models = 1".into(), "s.toml:1: models: expected a section"),
    ] {
        let error = load(&wrong).unwrap_err();
        assert!(error.starts_with(said), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn secrets_can_be_kept() {
    let secrets = |text| load(text).unwrap().context.secrets;
    assert_eq!(secrets("[limits]\nmax_files = 5"), InContext::Redact);
    assert_eq!(secrets("[context]\nsecrets = 'redact'"), InContext::Redact);
    assert_eq!(secrets("context.secrets = 'keep'"), InContext::Keep);
}

#[test]
fn an_endpoint_has_a_family_and_may_have_tokens_of_its_own() {
    let endpoint = load("").unwrap().endpoint;
    let place = endpoint.place.clone();
    assert_eq!(
        endpoint,
        Endpoint {
            place,
            ..Endpoint::default()
        }
    );
    assert_eq!(endpoint.url, "http://127.0.0.1:8080");
    assert_eq!(endpoint.family.name, "qwen2.5-coder");
    assert_eq!(endpoint.family.middle, "<|fim_middle|>");
    let endpoint = load(
        "[endpoint]\nurl = 'https://example.com/v1/completions'\nkind = 'ollama'\n\
         model = 'm'\napi_key = 'sk-1'\nfamily = 'own'\nfim_suffix = '<X>'\n\
         temperature = 1\ntop_p = 0.5\nconnect_timeout_ms = 1\n\
         first_byte_timeout_ms = 2\nidle_timeout_ms = 3\ntotal_timeout_ms = 4\nallow_remote_endpoints = true\n\
         [models.own]\nprefix = '<P>'\nsuffix = '<S>'\nmiddle = '<M>'\nend = '<E>'\n",
    );
    let endpoint = endpoint.unwrap().endpoint;
    assert_eq!(endpoint.url, "https://example.com/v1/completions");
    assert_eq!(endpoint.kind, EndpointKind::Ollama);
    assert_eq!(endpoint.model.as_deref(), Some("m"));
    let family = &endpoint.family;
    assert_eq!([&*family.prefix, &*family.suffix], ["<P>", "<X>"]);
    assert_eq!(
        (endpoint.temperature, endpoint.top_p),
        (Some(1.0), Some(0.5))
    );
    assert_eq!(endpoint.connect_timeout_ms, 1);
    assert_eq!(endpoint.first_byte_timeout_ms, 2);
    assert_eq!(endpoint.idle_timeout_ms, 3);
    assert_eq!(endpoint.total_timeout_ms, 4);
    assert!(endpoint.allow_remote_endpoints);
    let key = endpoint.api_key.as_ref().unwrap();
    assert_eq!(key.reveal(), "sk-1");
    assert_eq!(format!("{key}"), "(hidden)");
    assert!(!format!("{endpoint:?}").contains("sk-1"));
}

#[test]
fn repository_style_needs_a_server_that_is_sent_the_tokens() {
    let styled = |endpoint: &str| {
        load(&format!(
            "[completion]\ncontext_style = 'repo'\n[endpoint]\n{endpoint}"
        ))
    };
    let completion = styled("").unwrap().completion;
    assert_eq!(completion.context_style, ContextStyle::Repo);
    for (endpoint, says) in [
        (
            "family = 'codellama'",
            "the family codellama has no tokens for repositories",
        ),
        ("kind = 'infill'", "a server that puts its own tokens"),
        (
            "kind = 'ollama'\nmodel = 'm'",
            "a server that puts its own tokens",
        ),
    ] {
        let said = styled(endpoint).unwrap_err();
        let at = "s.toml:2: completion.context_style: ";
        assert!(said.starts_with(at) && said.contains(says), "{said}");
    }
}

#[test]
fn tags_and_the_editor_have_settings() {
    let settings = load("").unwrap();
    assert_eq!(settings.tags.languages, ["plaintext", "markdown", "fimpad"]);
    assert_eq!(settings.tags.log_runs, 10);
    assert_eq!(settings.editor, EditorSettings::default());
    let tags = load(
        "[tags]\nlanguages = []\ncontext = true\nstrip_inner = true\n\
         keep_partial = true\nlog_runs = 0\n",
    );
    let expected = TagSettings {
        languages: Vec::new(),
        context: true,
        strip_inner: true,
        keep_partial: true,
        log_runs: 0,
    };
    assert_eq!(tags.unwrap().tags, expected);
    let editor = load(
        "[editor]\nfont = 'A'\nfont_size = 6\neditor_padding = 1\n\
         line_number_padding = 2\nfg_color = 'red'\nbg_color = '#fff'\n\
         caret_color = 'sky blue'\nselection_color = 'Gray50'\nscroll_speed = 3\n\
         spell_lang = 'en'\n",
    );
    let some = |text: &str| Some(text.to_owned());
    let expected = EditorSettings {
        font: some("A"),
        font_size: Some(6),
        editor_padding: Some(1),
        line_number_padding: Some(2),
        fg_color: some("red"),
        bg_color: some("#fff"),
        caret_color: some("sky blue"),
        selection_color: some("Gray50"),
        scroll_speed: Some(3),
        spell_lang: some("en"),
    };
    assert_eq!(editor.unwrap().editor, expected);
}

#[test]
fn every_key_sets_a_limit_of_its_own() {
    let keys = [
        "max_files",
        "max_file_bytes",
        "max_project_bytes",
        "max_message_bytes",
        "max_buffer_bytes",
        "max_context_chars",
        "max_clients",
    ];
    for (number, key) in keys.iter().enumerate() {
        let text = format!("[limits]\n{key} = {}\n", number + 1);
        let set = format!("{:?}", load(&text).unwrap().limits);
        assert!(set.contains(&format!(" {key}: {}", number + 1)), "{set}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn what_is_wrong_is_named_with_its_line() {
    for (text, said) in [
        ("a", "s.toml:1: not TOML: "),
        (
            "a = 1",
            "s.toml:1: a: unknown; expected [limits], [files], [context], [models.NAME], ",
        ),
        ("\n\n[limits]\nmax_files = \n", "s.toml:4: not TOML: "),
        (
            "\n[limit]\nmax_files = 1",
            "s.toml:2: limit: unknown; expected [limits], [files], [context], ",
        ),
        (
            "limits = 5",
            "s.toml:1: limits: expected a section, found integer",
        ),
        (
            "limits = [5]",
            "s.toml:1: limits: expected a section, found array",
        ),
        (
            "[context]\nsecret = \"keep\"",
            "s.toml:2: context.secret: unknown; expected one of secrets, enabled_sources",
        ),
        (
            "[context]\nsecrets = \"drop\"",
            "s.toml:2: context.secrets: expected \"redact\" or \"keep\", found \"drop\"",
        ),
        (
            "[context]\nsecrets = false",
            "s.toml:2: context.secrets: expected \"redact\" or \"keep\", found false",
        ),
        (
            "[limits]\n\nmax_flies = 1",
            "s.toml:3: limits.max_flies: unknown; expected one of max_files, ",
        ),
        (
            "[limits]\nmax_files = \"5\"",
            "s.toml:2: limits.max_files: expected an integer of 1 or more, found \"5\"",
        ),
        (
            "[limits]\nmax_clients = 0",
            "s.toml:2: limits.max_clients: expected an integer of 1 or more, found 0",
        ),
        (
            "[endpoint]\nurl = 'ftp://x'",
            "s.toml:2: endpoint.url: expected http://HOST or https://HOST, found \"ftp://x\"",
        ),
        (
            "[endpoint]\n\nkind = 'openai'",
            "s.toml:3: endpoint.kind: expected \"completions\", \"infill\" or \"ollama\", found",
        ),
        (
            "[endpoint]\nfamily = 'nobody'",
            "s.toml:2: endpoint.family: expected one of qwen2.5-coder, ",
        ),
        (
            "endpoint.temperature = 2.5",
            "s.toml:1: endpoint.temperature: expected a number from 0 to 2, found 2.5",
        ),
        (
            "endpoint.idle_timeout_ms = 0",
            "s.toml:1: endpoint.idle_timeout_ms: expected an integer from 1 to 3600000, found 0",
        ),
        (
            "endpoint.api_key = 12345",
            "s.toml:1: endpoint.api_key: expected a string with something in it",
        ),
        (
            "endpoint.allow_remote = true",
            "s.toml:1: endpoint.allow_remote: unknown; expected one of url, kind, ",
        ),
        (
            "tags.languages = ['a', 1]",
            "s.toml:1: tags.languages: expected an array of strings, found array",
        ),
        (
            "tags.log_runs = -1",
            "s.toml:1: tags.log_runs: expected an integer from 0 to 1000, found -1",
        ),
        (
            "editor.fg_color = 'rde'",
            "s.toml:1: editor.fg_color: expected #rgb, #rrggbb, #rrrgggbbb, ",
        ),
        (
            "editor.font_size = 5",
            "s.toml:1: editor.font_size: expected an integer from 6 to 72, found 5",
        ),
        (
            "[limits]\nmax_clients = -3",
            "s.toml:2: limits.max_clients: expected an integer of 1 or more, found -3",
        ),
    ] {
        let error = load(text).unwrap_err();
        assert!(error.starts_with(said), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(!error.contains("12345"), "{error}");
    }
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("missing.toml");
    let error = Settings::load(Some(&file)).unwrap_err().to_string();
    assert!(error.contains("missing.toml: No such file"), "{error}");
}
