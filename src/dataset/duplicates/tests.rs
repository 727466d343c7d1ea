//! What examples and contexts must tell apart.

use proptest::prelude::*;

use super::middles::MiddlePattern;
use super::{HoleText, MiddleRule, example_key, near_contains};

/// A hole with nothing around it.
fn alone(middle: &str) -> HoleText<'_> {
    HoleText {
        before: "",
        middle,
        after: "",
    }
}

/// A PHP file of `statements`, each its number.
pub(super) fn php(statements: impl IntoIterator<Item = u32>) -> String {
    let lines = statements
        .into_iter()
        .map(|n| format!("$var{n} = call{n}($a{n}, 'text{n}');\n"));
    format!("<?php\n{}", lines.collect::<String>())
}

proptest! {
    #[test]
    fn any_texts_can_be_compared(a in "\\PC{0,80}", b in "\\PC{0,80}", c in "\\PC{0,80}") {
        let hole = HoleText { before: &a, middle: &b, after: &c };
        let text = [&*a, &b, &c].concat();
        let held = near_contains(&text, hole);
        prop_assert!(held || MiddlePattern::new(hole).0 == MiddleRule::Exempt);
        prop_assert_eq!(example_key(&a, &b, &c), example_key(&format!(" {a}"), &b, &format!("{c}\n")));
    }
}

#[test]
fn an_example_is_its_middle_and_what_is_near() {
    let prefix = php(0..20);
    let suffix = php(30..50);
    let key = example_key(&prefix, "return $total + 1;", &suffix);
    let same = [
        (
            prefix.replace('\n', "\n    "),
            "return  $total + 1;\n".to_owned(),
            suffix.clone(),
        ),
        (
            php(5..20),
            "return $total + 1;".to_owned(),
            suffix[..200].to_owned(),
        ),
    ];
    for (prefix, middle, suffix) in same {
        assert_eq!(example_key(&prefix, &middle, &suffix), key);
    }
    let other = [
        (prefix.clone(), "return $total + 2;", suffix.clone()),
        (php(0..19), "return $total + 1;", suffix.clone()),
        (prefix.clone(), "return $total + 1;", php(31..50)),
    ];
    for (prefix, middle, suffix) in other {
        assert_ne!(example_key(&prefix, middle, &suffix), key);
    }
}

#[test]
fn a_context_gives_away_what_it_holds_or_nearly_holds() {
    let middle = "foreach ($rows as $row) {\n    $total += $row->price * $row->count;\n    $this->log($row);\n}\nreturn $total;";
    let around = |text: &str| format!("{}\n{text}\n{}", php(0..40), php(50..90));
    for (context, expected) in [
        (around(middle), true),
        (around(&middle.replace('\n', "\n\t\t")), true),
        (around(&middle.replace("$total +=", "$sum +=")), true),
        (
            around("foreach ($rows as $row) {\n    $total += $row->price * $row->count;\n}"),
            false,
        ),
        (
            around(
                "foreach ($lines as $line) {\n    $sum += $line->price * $line->count;\n    $this->log($line);\n}\nreturn $sum;",
            ),
            false,
        ),
        (around(""), false),
        (String::new(), false),
        // All of it, but spread over much else.
        (middle.lines().map(around).collect(), false),
    ] {
        assert_eq!(
            near_contains(&context, alone(middle)),
            expected,
            "{context}"
        );
    }
}

#[test]
fn a_short_middle_is_given_away_only_if_it_says_something() {
    let context = "return $this->name;\n$client->sendInvoice($customer);";
    for (middle, expected) in [
        ("$client->sendInvoice($customer);", true),
        ("$client -> sendInvoice( $customer );", true),
        ("$client->sendInvoice($customers);", false),
        ("return $this->name;", false),
        ("", false),
    ] {
        assert_eq!(near_contains(context, alone(middle)), expected, "{middle}");
    }
}

#[test]
fn any_other_short_middle_is_given_away_only_with_what_is_around_it() {
    let before = "    $this->name = $name;\n    $this->rate = compute($rate, 3);\n    ";
    let after = "\n}\n\npublic function rate(): float\n{\n    return $this->rate;\n}\n";
    let around = |middle: &str| [before, middle, after].concat();
    let hole = |middle| HoleText {
        before,
        middle,
        after,
    };
    let middle = "return $this->name;";
    for (text, expected) in [
        (around(middle), true),
        (around(middle).replace('\n', "\n\t"), true),
        (middle.repeat(9), false),
        (around("return $this->names;"), false),
        // What is farther away does not matter.
        (around(middle).replace("$this->name = $name;", ""), true),
        (around(middle).replace("compute", "count"), false),
        (around(middle).replace("float", "int"), false),
    ] {
        assert_eq!(near_contains(&text, hole(middle)), expected, "{text}");
    }
    // A hole that begins inside a word counts with the whole word.
    let inside = HoleText {
        before: &[before, "return $this->na"].concat(),
        middle: "me;",
        after,
    };
    assert!(near_contains(&around(middle), inside));
    assert!(!near_contains(&around("return $this->time;"), inside));
}
