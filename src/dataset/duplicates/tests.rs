//! What examples and contexts must tell apart.

use proptest::prelude::*;

use super::middles::SHORT_MIDDLE;
use super::{example_key, near_contains};
use crate::dataset::words;

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
        let held = near_contains(&format!("{a} {b} {c}"), &b);
        prop_assert!(held || words::tokens(&b).count() < SHORT_MIDDLE);
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
        assert_eq!(near_contains(&context, middle), expected, "{context}");
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
        assert_eq!(near_contains(context, middle), expected, "{middle}");
    }
}
