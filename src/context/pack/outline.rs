//! The outline of the edited file: what it declares outside the window that the prompt
//! shows. Code names the members of its own class more than anything else, and in a long
//! file most of them are out of sight.
//!
//! The outline depends on the buffer and the window, not on the cursor, so it stays the
//! same while somebody types. It is read from the buffer, never from the index.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::render::{class_head, constant_line, file_header, function_line, member_line};
use super::state::PackingState;
use crate::context::buffer::Buffer;
use crate::context::snippet::{Context, SnippetSource};
use crate::context::weights::{CLASS_FRAME_CHARS, OUTLINE_DECLARATIONS};
use crate::index::symbols::ClassRef;
use crate::php::Span;
use crate::secrets;

/// The outline of the edited file; empty if the window shows all that it declares.
#[derive(Default)]
pub(super) struct Outline<'a> {
    path: &'a str,
    /// The head of each class, by its number in the file, with the lines of its members.
    classes: BTreeMap<usize, (String, Vec<OutlineLine>)>,
    /// Functions and constants.
    others: Vec<OutlineLine>,
}

/// A declaration in one line.
struct OutlineLine {
    text: String,
    span: Span,
}

/// A declaration that the window does not show.
#[derive(Clone, Copy)]
struct Hidden {
    place: HiddenPlace,
    name: Span,
    head: Span,
}

/// Which of the file's facts a hidden declaration is.
#[derive(Clone, Copy)]
enum HiddenPlace {
    /// A member of a class, both by number.
    Member(usize, usize),
    Function(usize),
    Constant(usize),
}

impl<'a> Outline<'a> {
    /// The outline of what `buffer` declares outside `window`, in at most `budget`
    /// characters.
    pub(super) fn new(
        buffer: &'a Buffer<'a>,
        window: &Range<usize>,
        budget: usize,
        state: &mut PackingState<'_>,
    ) -> Self {
        let mut outline = Self {
            path: buffer.path,
            ..Self::default()
        };
        let mut room = budget.saturating_sub(file_header(buffer.path).chars().count());
        let all = room;
        for hidden in by_use(buffer, window) {
            if !outline.take(buffer, hidden, &mut room, state) {
                break;
            }
        }
        if room < all {
            state.used += budget - room;
        }
        outline
    }

    /// Takes the declaration if it fits into `room` characters.
    fn take(
        &mut self,
        buffer: &'a Buffer<'a>,
        hidden: Hidden,
        room: &mut usize,
        state: &mut PackingState<'_>,
    ) -> bool {
        let (text, facts) = (buffer.content, &buffer.facts);
        let class = |item| ClassRef {
            path: buffer.path,
            text,
            facts,
            item,
        };
        let mut line = match hidden.place {
            HiddenPlace::Member(item, index) => member_line(class(item), index),
            HiddenPlace::Function(item) => function_line(text, facts, item),
            HiddenPlace::Constant(item) => constant_line(text, facts, item),
        };
        let found = state.secrets.map_or_else(Vec::new, |all| all.find(&line));
        if !found.is_empty() {
            line = secrets::replace(&line, 0..line.len(), &found).into_owned();
        }
        let mut cost = line.chars().count();
        let mut head = None;
        if let HiddenPlace::Member(item, _) = hidden.place
            && !self.classes.contains_key(&item)
        {
            let text = class_head(class(item));
            cost += text.chars().count() + CLASS_FRAME_CHARS;
            head = Some((item, text));
        }
        if cost > *room {
            return false;
        }
        *room -= cost;
        state.count_redacted(&found);
        if let Some((item, text)) = head {
            self.classes.insert(item, (text, Vec::new()));
        }
        let line = OutlineLine {
            text: line,
            span: hidden.head,
        };
        match hidden.place {
            HiddenPlace::Member(item, _) => {
                if let Some((_, lines)) = self.classes.get_mut(&item) {
                    lines.push(line);
                }
            }
            HiddenPlace::Function(_) | HiddenPlace::Constant(_) => self.others.push(line),
        }
        true
    }

    /// Appends the outline to `context`.
    pub(super) fn write(self, context: &mut Context) {
        if self.classes.is_empty() && self.others.is_empty() {
            return;
        }
        context.text.push_str(&file_header(self.path));
        context.files.push(self.path.to_owned());
        for (head, lines) in self.classes.into_values() {
            context.text.push_str(&head);
            context.text.push_str(" {\n");
            write_lines(self.path, lines, context);
            context.text.push_str("}\n");
        }
        write_lines(self.path, self.others, context);
    }
}

/// Appends the lines in the order of the file.
fn write_lines(path: &str, mut lines: Vec<OutlineLine>, context: &mut Context) {
    lines.sort_by_key(|line| line.span.start);
    for line in lines {
        context.show(&line.text, (path, line.span), SnippetSource::Outline, 1.0);
    }
}

/// The declarations of `buffer` that `window` does not show: those that the file uses
/// most come first, and of those that it uses alike the ones near the window.
fn by_use(buffer: &Buffer<'_>, window: &Range<usize>) -> Vec<Hidden> {
    let mut all = hidden(buffer, window);
    let mut uses: FxHashMap<&str, u32> = FxHashMap::default();
    for declared in &all {
        uses.insert(declared.name.of(buffer.content), 0);
    }
    for reference in &buffer.facts.references {
        let name = reference.name().of(buffer.content);
        if let Some(count) = uses.get_mut(name) {
            *count += 1;
        }
    }
    // By powers of two: one more use while somebody types seldom changes the order.
    let rank = |declared: &Hidden| {
        let count = uses.get(declared.name.of(buffer.content)).copied();
        let at = declared.name.start as usize;
        let distance = window
            .start
            .saturating_sub(at)
            .max(at.saturating_sub(window.end));
        (Reverse((count.unwrap_or(0) + 1).ilog2()), distance)
    };
    all.sort_by_cached_key(rank);
    all.truncate(OUTLINE_DECLARATIONS);
    all
}

/// The declarations of `buffer` whose names stand outside `window`, in their order.
fn hidden(buffer: &Buffer<'_>, window: &Range<usize>) -> Vec<Hidden> {
    let facts = &buffer.facts;
    let mut all = Vec::new();
    let mut add = |place, name: Span, head: Span| {
        let is_shown = window.start <= name.start as usize && name.end as usize <= window.end;
        if !is_shown && !name.is_empty() {
            all.push(Hidden { place, name, head });
        }
    };
    for (item, class) in facts.classes.iter().enumerate() {
        if class.name.is_empty() {
            continue;
        }
        for (index, member) in class.members.iter().enumerate() {
            add(HiddenPlace::Member(item, index), member.name, member.head);
        }
    }
    for (item, function) in facts.functions.iter().enumerate() {
        add(HiddenPlace::Function(item), function.name, function.head);
    }
    for (item, constant) in facts.constants.iter().enumerate() {
        add(HiddenPlace::Constant(item), constant.name, constant.head);
    }
    all
}
