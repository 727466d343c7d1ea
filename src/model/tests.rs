use std::ops::Range;

use super::render::fill;
use super::*;

fn parts() -> (String, Vec<String>) {
    let files = ["a.php", "b.php"].map(str::to_owned);
    let context = "// --- a.php ---\nA\n// --- not a file ---\n// --- b.php ---\nB\n";
    (context.to_owned(), files.into())
}

fn each(render: impl Fn(&Family, &PromptParts<'_>) -> String) -> String {
    let (context, files) = parts();
    let parts = PromptParts {
        context: &context,
        files: &files,
        repo: "shop",
        path: "c.php",
        prefix: "P",
        suffix: "S",
    };
    let families = Families::default();
    let lines = families.iter().map(|family| {
        let text = render(family, &parts);
        format!("{}: {text}", family.name)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_family_has_its_own_order_and_tokens() {
    let text = each(|family, parts| {
        let parts = PromptParts {
            context: "C\n",
            ..*parts
        };
        let text = family
            .example(&parts, "M", family.format(), ContextStyle::Comment)
            .text;
        format!("{text:?}")
    });
    insta::assert_snapshot!(text);
}

#[test]
fn families_that_have_the_prefix_first_can_have_the_suffix_first_too() {
    let text = each(|family, parts| {
        if !family.mixes_formats() {
            return "has no other order".into();
        }
        let parts = PromptParts {
            context: "C\n",
            ..*parts
        };
        let text = family.example(&parts, "M", FimFormat::Spm, ContextStyle::Comment);
        format!("{:?}", text.text)
    });
    insta::assert_snapshot!(text);
}

#[test]
fn files_of_a_repository_are_told_apart_by_each_familys_tokens() {
    let text = each(|family, parts| match &family.repo {
        None => "has no form".into(),
        Some(_) => {
            let text = family.example(parts, "M", family.format(), ContextStyle::Repo);
            format!("{:?}", text.text)
        }
    });
    insta::assert_snapshot!(text);
}

#[test]
fn an_example_is_its_prompt_the_middle_and_the_end() {
    for style in [ContextStyle::Comment, ContextStyle::Repo] {
        for format in [FimFormat::Psm, FimFormat::Spm] {
            each(|family, parts| {
                let prompt = family.prompt(parts, format, style).text;
                let example = family.example(parts, "M", format, style);
                assert_eq!(example.text, format!("{prompt}M{}", family.end));
                let of = |range: &Range<usize>| &example.text[range.clone()];
                assert_eq!(of(&example.prefix), "P");
                assert_eq!(of(&example.suffix), "S");
                assert_eq!(of(&example.middle), "M");
                assert!(of(&example.context).contains("// --- not a file ---\n"));
                if style == ContextStyle::Comment {
                    assert_eq!(of(&example.context), parts.context);
                }
                String::new()
            });
        }
    }
}

#[test]
fn a_value_is_not_filled_in_again() {
    assert_eq!(
        fill("{x}{path}: {code}{", "r", "{code}", "{repo}"),
        "{x}{code}: {repo}{"
    );
}

#[test]
fn a_family_of_ones_own_must_make_sense() {
    let own = |change: fn(&mut Family)| {
        let mut families = Families::default();
        let mut family = families.get("starcoder2").unwrap().clone();
        family.name = "own".into();
        change(&mut family);
        let added = families.add(family).map_err(|error| error.to_string());
        added.map(|()| families)
    };
    let families = own(|_| ()).unwrap();
    assert_eq!(families.iter().last().unwrap().name, "own");
    assert!(
        families
            .names(|f| f.repo.is_some())
            .ends_with("mellum, own")
    );
    for (wrong, said) in [
        (
            own(|family| family.end = " ".into()),
            "end: expected a marker",
        ),
        (
            own(|family| family.middle.clear()),
            "middle: expected a marker",
        ),
        (
            own(|family| family.stops = vec!["x".into()]),
            "two characters",
        ),
        (
            own(|family| family.repo = Some(RepoLayout::default())),
            "repo.file: expected",
        ),
    ] {
        let error = wrong.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}
