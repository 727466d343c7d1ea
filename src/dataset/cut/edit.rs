//! What a commit changed in one file, place by place.

use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};

/// The difference between two texts: the places at which lines were removed, added or
/// both, from the top.
#[derive(Debug)]
pub(in crate::dataset) struct LineEdits<'t> {
    before: Vec<&'t str>,
    after: Vec<&'t str>,
    places: Vec<Place>,
}

/// The lines that one place had and has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    before: Range<usize>,
    after: Range<usize>,
}

/// What a place adds to a text that has it applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::dataset) struct Addition {
    /// The bytes of the added lines.
    pub(in crate::dataset) added: Range<usize>,
    /// The text of the lines that they replace.
    pub(in crate::dataset) removed: String,
}

impl<'t> LineEdits<'t> {
    /// Compares the texts line by line. Of equal ways to place an addition, the one that
    /// fits the indentation counts.
    pub(in crate::dataset) fn new(before: &'t str, after: &'t str) -> Self {
        let [before, after] =
            [before, after].map(|text| text.split_inclusive('\n').collect::<Vec<_>>());
        let mut input = InternedInput::default();
        input.update_before(before.iter().copied());
        input.update_after(after.iter().copied());
        let mut diff = Diff::compute(Algorithm::Histogram, &input);
        diff.postprocess_lines(&input);
        let lines = |range: Range<u32>| range.start as usize..range.end as usize;
        let places = diff.hunks().map(|hunk| Place {
            before: lines(hunk.before),
            after: lines(hunk.after),
        });
        Self {
            places: places.collect(),
            before,
            after,
        }
    }

    /// The number of places.
    pub(in crate::dataset) fn places(&self) -> usize {
        self.places.len()
    }

    /// The text before the edits with the first `count` places applied, and what each of
    /// these places adds to it.
    pub(in crate::dataset) fn applied(&self, count: usize) -> (String, Vec<Addition>) {
        let mut text = String::new();
        let mut additions = Vec::new();
        let mut line = 0;
        for Place { before, after } in self.places.iter().take(count) {
            text.extend(self.before[line..before.start].iter().copied());
            let start = text.len();
            text.extend(self.after[after.clone()].iter().copied());
            additions.push(Addition {
                added: start..text.len(),
                removed: self.before[before.clone()].concat(),
            });
            line = before.end;
        }
        text.extend(self.before[line..].iter().copied());
        (text, additions)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("a\n"),
            Just("  b;\r\n"),
            Just("{\n"),
            Just("}\n"),
            Just("\n"),
            Just("no end"),
        ];
        prop::collection::vec(line, 0..30).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn all_places_make_the_text_after_and_none_the_text_before(
            before in lines(),
            after in lines(),
        ) {
            let edits = LineEdits::new(&before, &after);
            prop_assert_eq!(edits.applied(0).0, &*before);
            let (text, additions) = edits.applied(edits.places());
            prop_assert_eq!(&text, &after);
            prop_assert_eq!(additions.len(), edits.places());
            for count in 0..=edits.places() {
                let (text, additions) = edits.applied(count);
                let (all, _) = edits.applied(edits.places());
                if let Some(last) = additions.last() {
                    // What is applied stands as it does in the end.
                    prop_assert_eq!(&text[..last.added.end], &all[..last.added.end]);
                }
            }
        }
    }

    #[test]
    fn a_new_method_is_added_as_a_whole() {
        let before = "class A\n{\n    function a()\n    {\n        return 1;\n    }\n}\n";
        let new = "\n    function b()\n    {\n        return 2;\n    }\n";
        let after = before.replace("    }\n}\n", &format!("    }}\n{new}}}\n"));
        let edits = LineEdits::new(before, &after);
        let (text, additions) = edits.applied(1);
        assert_eq!(edits.places(), 1);
        assert_eq!(&text[additions[0].added.clone()], new);
        assert_eq!(additions[0].removed, "");
    }
}
