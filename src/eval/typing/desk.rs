//! A session: what its buffers hold at each request.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::TypedFile;
use super::pauses::pauses;

/// Somebody types two methods of one file and one of another.
#[derive(Clone, Debug)]
pub struct TypingSession {
    /// Its requests, in order.
    pub steps: Vec<TypingStep>,
}

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypingStep {
    /// The key of the file.
    pub path: String,
    /// The text of its buffer.
    pub content: String,
    /// The cursor, in bytes.
    pub cursor: usize,
    /// The name that is typed next on the line, if another file declares it and the
    /// buffer does not hold it.
    pub name: Option<String>,
    /// Whether the cursor has come from another method or another file.
    pub has_moved: bool,
    /// The byte at which the body of its method begins.
    pub body: usize,
}

/// A file whose methods are written one after the other.
struct Buffer<'a> {
    typed: &'a TypedFile<'a>,
    /// The methods that the session writes, by their numbers in the file.
    bodies: Vec<usize>,
    /// How many bytes of each stand there.
    written: Vec<usize>,
}

impl<'a> Buffer<'a> {
    /// A buffer from which the bodies of `bodies` are cut.
    fn new(typed: &'a TypedFile<'a>, bodies: Vec<usize>) -> Self {
        let written = vec![0; bodies.len()];
        Self {
            typed,
            bodies,
            written,
        }
    }

    /// The text of method number `which` of this buffer.
    fn text(&self, which: usize) -> &'a str {
        let body = &self.typed.bodies[self.bodies[which]];
        &self.typed.file.text[body.start..body.end]
    }

    /// Types method number `which` up to byte `to`.
    fn type_on(
        &mut self,
        which: usize,
        to: usize,
        rng: &mut ChaCha8Rng,
        steps: &mut Vec<TypingStep>,
    ) {
        let moments = pauses(self.text(which), self.written[which], to, rng);
        for (number, written) in moments.into_iter().enumerate() {
            self.written[which] = written;
            steps.push(self.step(which, number == 0));
        }
        self.written[which] = to;
    }

    /// The request at the end of what is written of method number `which`.
    fn step(&self, which: usize, has_moved: bool) -> TypingStep {
        let TypedFile { file, bodies } = self.typed;
        let mut order: Vec<usize> = (0..self.bodies.len()).collect();
        order.sort_by_key(|which| bodies[self.bodies[*which]].start);
        let (mut content, mut from) = (String::new(), 0);
        let (mut start, mut cursor) = (0, 0);
        for one in order {
            let body = &bodies[self.bodies[one]];
            content.push_str(&file.text[from..body.start]);
            let begun = content.len();
            content.push_str(&self.text(one)[..self.written[one]]);
            from = body.end;
            if one == which {
                (start, cursor) = (begun, content.len());
            }
        }
        content.push_str(&file.text[from..]);
        TypingStep {
            path: file.path.to_string(),
            content,
            cursor,
            name: self.next_name(which),
            has_moved,
            body: start,
        }
    }

    /// The name that is typed next on the line of method number `which`.
    fn next_name(&self, which: usize) -> Option<String> {
        let written = self.written[which];
        let names = &self.typed.bodies[self.bodies[which]].names;
        let mut ahead = names.iter().filter(|(at, name)| at + name.len() > written);
        let (at, name) = ahead.next()?;
        let between = self.text(which).get(written..(*at).max(written))?;
        (!between.contains('\n')).then(|| name.clone())
    }
}

/// The session that types in `first` and `second`. `hash` seeds its pauses.
pub(super) fn session(
    hash: blake3::Hash,
    first: &TypedFile<'_>,
    second: &TypedFile<'_>,
) -> TypingSession {
    let mut rng = ChaCha8Rng::from_seed(*hash.as_bytes());
    let with_names = |file: &TypedFile<'_>| {
        let with = file.bodies.iter().filter(|body| !body.names.is_empty());
        with.count()
    };
    let draw = |from: usize, to: usize, rng: &mut ChaCha8Rng| rng.random_range(from..to);
    // Bodies with names stand first.
    let most = with_names(first).clamp(2, first.bodies.len());
    let one = draw(0, most, &mut rng);
    let other = (one + draw(1, most, &mut rng)) % most;
    let of_second = with_names(second).clamp(1, second.bodies.len());
    let elsewhere = draw(0, of_second, &mut rng);
    let mut here = Buffer::new(first, vec![one, other]);
    let mut there = Buffer::new(second, vec![elsewhere]);
    let mut steps = Vec::new();
    // Half of one method, another one, a method of another file, and the rest.
    let half = line_end_behind_half(here.text(0));
    here.type_on(0, half, &mut rng, &mut steps);
    here.type_on(1, here.text(1).len(), &mut rng, &mut steps);
    there.type_on(0, there.text(0).len(), &mut rng, &mut steps);
    here.type_on(0, here.text(0).len(), &mut rng, &mut steps);
    if let Some(start) = steps.first_mut() {
        start.has_moved = false;
    }
    TypingSession { steps }
}

/// The first end of a line behind the middle of `text`.
fn line_end_behind_half(text: &str) -> usize {
    let half = text.floor_char_boundary(text.len() / 2);
    let line = memchr::memchr(b'\n', &text.as_bytes()[half..]);
    line.map_or(text.len(), |newline| half + newline)
}

#[cfg(test)]
mod tests {
    use super::super::sessions;
    use crate::eval::tests::snapshot;

    const LIBRARY: (&str, &str) = (
        "lib.php",
        "<?php namespace Lib; class Basket { function addItem() {} function total() {} }",
    );

    fn class(name: &str) -> String {
        format!(
            "<?php\nclass {name}\n{{\n    function one($b)\n    {{\n        $b->addItem(1);\n        \
             f();\n        return 1;\n    }}\n\n    function two($b)\n    {{\n        g();\n        \
             h($b);\n        return $b->total();\n    }}\n}}\n"
        )
    }

    #[test]
    fn a_session_writes_the_files_as_they_are() {
        let (a, b) = (class("A"), class("B"));
        let files = [LIBRARY, ("a.php", &*a), ("b.php", &*b)];
        let snapshot = snapshot(&files);
        let all = sessions(&snapshot, 3, 5, &|_| true);
        assert_eq!(all.len(), 1, "two files have methods to type");
        let steps = &all[0].steps;
        let last = steps.last().unwrap();
        assert!(files.contains(&(&*last.path, &*last.content)), "{last:?}");
        let moves = steps.iter().filter(|step| step.has_moved).count();
        assert_eq!(moves, 3, "{steps:?}");
        for step in steps {
            assert!(
                step.content[..step.body].trim_end().ends_with('{'),
                "{step:?}"
            );
            // What is typed next is not in the buffer, but for what is typed of it.
            if let Some(name) = &step.name {
                let (before, behind) = step.content.split_at(step.cursor);
                assert!(!super::super::holds_word(behind, name), "{step:?}");
                assert!(!super::super::holds_word(before, name), "{step:?}");
            }
        }
        assert!(steps.iter().any(|step| step.name.is_some()));
        let again = sessions(&snapshot, 3, 5, &|_| true);
        assert_eq!(again[0].steps, *steps);
        let other = sessions(&snapshot, 4, 5, &|_| true);
        assert_ne!(other[0].steps, *steps);
    }
}
