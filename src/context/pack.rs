//! Offers compete for the budget by expected use per character: each member,
//! function, constant and class on its own, then chunks that show usage.
//! Nothing is added just because there is room.

use std::collections::BTreeMap;

use super::members::Magic;
use super::render;
use super::{Context, Dropped, Snippet, Source};
use crate::index::Hit;
use crate::index::symbols::{ClassRef, Declared};
use crate::php::Span;

/// Below this probability an offer is left out however much room there is.
const MIN_SCORE: f32 = 0.000_15;
/// A chunk is left out if it scores below this share of the best chunk.
const MIN_CHUNK: f32 = 0.3;
/// The share of the budget that chunks may have while declarations want it.
const CHUNK_SHARE: f32 = 0.25;
/// How many left-out pieces are told of.
const MAX_DROPPED: usize = 64;

/// A declaration on offer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// Something declared in code; a class stands for its head line alone.
    Declared(Declared<'a>),
    /// A member without a declaration of its own.
    Magic(ClassRef<'a>, Magic<'a>),
}

/// A declaration on offer with its probability.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'a> {
    pub(super) piece: Piece<'a>,
    pub(super) score: f32,
}

/// One line of a file's group.
struct Line {
    text: String,
    chars: usize,
    span: Span,
    score: f32,
}

impl<'a> Piece<'a> {
    fn path(&self) -> &'a str {
        match self {
            Self::Declared(declared) => declared.path(),
            Self::Magic(class, _) => class.path,
        }
    }

    /// The class whose head it stands under, or is.
    fn class(&self) -> Option<ClassRef<'a>> {
        match *self {
            Self::Declared(Declared::Class(class) | Declared::Member(class, _))
            | Self::Magic(class, _) => Some(class),
            Self::Declared(_) => None,
        }
    }

    /// Its own line; a class has none beside its head.
    fn line(&self) -> Option<String> {
        match *self {
            Self::Declared(Declared::Class(_)) => None,
            Self::Declared(Declared::Member(class, index)) => {
                Some(format!("\t{}\n", render::member(class, index)))
            }
            Self::Declared(Declared::Function(file, item)) => {
                Some(format!("{}\n", render::function(file, item)))
            }
            Self::Declared(Declared::Constant(file, item)) => {
                Some(format!("{}\n", render::constant(file, item)))
            }
            Self::Magic(_, magic) => Some(format!("\t// {}\n", magic.line)),
        }
    }

    /// What tells it apart from every other piece.
    pub(super) fn key(&self) -> (&'a str, u32) {
        let start = match self {
            Self::Magic(_, magic) => magic.start,
            Self::Declared(Declared::Constant(file, item)) => {
                file.facts.constants[*item].name.start
            }
            Self::Declared(Declared::Member(class, item)) => {
                class.class().members[*item].name.start
            }
            Self::Declared(_) => self.span().start,
        };
        (self.path(), start)
    }

    /// Its bytes in its file.
    fn span(&self) -> Span {
        match *self {
            Self::Declared(Declared::Class(class)) => class.class().head,
            Self::Declared(Declared::Member(class, index)) => class.class().members[index].head,
            Self::Declared(Declared::Function(file, item)) => file.facts.functions[item].head,
            Self::Declared(Declared::Constant(file, item)) => file.facts.constants[item].head,
            Self::Magic(_, magic) => Span {
                start: magic.start,
                end: magic.start + magic.line.len() as u32,
            },
        }
    }
}

/// What is taken of one file.
#[derive(Default)]
struct Group {
    namespace: String,
    score: f32,
    /// Class heads by the class's number, each with its members by position.
    classes: BTreeMap<usize, (String, Vec<Line>)>,
    /// Functions and constants.
    others: Vec<Line>,
}

/// What a class costs beside its lines: ` {` and `}`, or ` {}`, and line breaks.
const CLASS_FRAME: usize = 5;

/// Packs `offers` and `chunks` into at most `max_chars` characters.
pub(super) fn pack(offers: &[Offer<'_>], chunks: &[Hit], max_chars: usize) -> Context {
    let best = chunks.first().map_or(0.0, |hit| hit.score);
    let (chunks, weak): (Vec<&Hit>, Vec<&Hit>) =
        chunks.iter().partition(|hit| hit.score >= MIN_CHUNK * best);
    let reserved = if offers.is_empty() { 1.0 } else { CHUNK_SHARE };
    let wanted: usize = chunks
        .iter()
        .map(|hit| hit.chunk.len() + hit.file.path.len())
        .sum();
    let reserved = ((max_chars as f32 * reserved) as usize).min(wanted);

    let mut packer = Packer::new(max_chars);
    let left = packer.take_offers(offers, max_chars - reserved);
    packer.take_chunks(&chunks);
    // What the chunks left goes to declarations once more.
    packer.take_left(left, max_chars);
    packer.drop_chunks(&weak, "below the relevance threshold");
    packer.finish()
}

struct Packer<'a> {
    max_chars: usize,
    used: usize,
    groups: BTreeMap<&'a str, Group>,
    chunk_text: String,
    chunk_snippets: Vec<Snippet>,
    dropped: Vec<Dropped>,
}

/// An offer that waits for room.
struct Waiting<'a> {
    offer: Offer<'a>,
    line: Option<String>,
    chars: usize,
    /// What opening its file takes, in characters.
    file_chars: usize,
    /// What opening its class takes, in characters.
    class_chars: usize,
}

impl<'a> Packer<'a> {
    fn new(max_chars: usize) -> Self {
        Self {
            max_chars,
            used: 0,
            groups: BTreeMap::new(),
            chunk_text: String::new(),
            chunk_snippets: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Takes the offers with the most expected use per character while they
    /// fit into `budget`; returns those that did not fit.
    fn take_offers(&mut self, offers: &[Offer<'a>], budget: usize) -> Vec<Waiting<'a>> {
        let mut waiting = Vec::new();
        for &offer in offers {
            let line = offer.piece.line();
            let chars = line.as_deref().map_or(0, |line| line.chars().count());
            if offer.score < MIN_SCORE {
                self.drop_offer(offer, chars, "below the relevance threshold");
                continue;
            }
            let header = render::file_header(offer.piece.path()).chars().count();
            let file_chars = header + namespace_line(&offer.piece).chars().count();
            let head = offer.piece.class().map(render::class_head);
            let class_chars = head.map_or(0, |head| head.chars().count() + CLASS_FRAME);
            waiting.push(Waiting {
                offer,
                line,
                chars,
                file_chars,
                class_chars,
            });
        }
        self.take_left(waiting, budget)
    }

    fn take_left(&mut self, mut waiting: Vec<Waiting<'a>>, budget: usize) -> Vec<Waiting<'a>> {
        // Opening a group makes its other members cheaper, so densities are
        // found anew after each round of the best few.
        loop {
            let mut order: Vec<(f32, usize)> = waiting
                .iter()
                .enumerate()
                .map(|(index, waits)| {
                    let cost = waits.chars + self.opening(waits) / 2;
                    (waits.offer.score / (cost + 8) as f32, index)
                })
                .collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let round = (order.len() / 4).max(8);
            let mut taken = vec![false; waiting.len()];
            for &(_, index) in &order[..round.min(order.len())] {
                let waits = &waiting[index];
                let cost = waits.chars + self.opening(waits);
                if self.used + cost <= budget.min(self.max_chars) {
                    self.used += cost;
                    self.take(&waiting[index]);
                    taken[index] = true;
                }
            }
            let before = waiting.len();
            let mut index = 0;
            waiting.retain(|_| {
                index += 1;
                !taken[index - 1]
            });
            if waiting.len() == before {
                return waiting;
            }
        }
    }

    /// What has to be written before the piece's own line, in characters.
    fn opening(&self, waits: &Waiting<'a>) -> usize {
        let piece = &waits.offer.piece;
        let Some(group) = self.groups.get(piece.path()) else {
            return waits.file_chars + waits.class_chars;
        };
        match piece.class() {
            Some(class) if !group.classes.contains_key(&class.item) => waits.class_chars,
            _ => 0,
        }
    }

    fn take(&mut self, waits: &Waiting<'a>) {
        let Offer { piece, score } = waits.offer;
        let namespace = namespace_line(&piece);
        let group = self.groups.entry(piece.path()).or_insert_with(|| Group {
            namespace,
            ..Group::default()
        });
        group.score = group.score.max(score);
        let line = waits.line.clone().map(|text| Line {
            text,
            chars: waits.chars,
            span: piece.span(),
            score,
        });
        let Some(class) = piece.class() else {
            group.others.extend(line);
            return;
        };
        let entry = group
            .classes
            .entry(class.item)
            .or_insert_with(|| (render::class_head(class), Vec::new()));
        entry.1.extend(line);
    }

    fn take_chunks(&mut self, chunks: &[&'a Hit]) {
        let mut seen: Vec<Vec<&str>> = Vec::new();
        for hit in chunks {
            let text = hit.chunk.of(&hit.file.text).trim_end();
            let words: Vec<&str> = text.split_whitespace().collect();
            if seen.iter().any(|other| is_like(other, &words)) {
                self.drop_chunks(&[hit], "like a chunk that is there");
                continue;
            }
            let header = render::file_header(&hit.file.path);
            let head = header.chars().count();
            let mut body = String::new();
            let mut chars = head;
            for line in text.lines() {
                let line_chars = line.chars().count() + 1;
                if self.used + chars + line_chars > self.max_chars {
                    break;
                }
                chars += line_chars;
                body.push_str(line);
                body.push('\n');
            }
            let whole = body.len() >= text.len();
            if body.trim().is_empty() || !whole && body.lines().count() < 3 {
                self.drop_chunks(&[hit], "no room");
                continue;
            }
            self.used += chars;
            self.chunk_text.push_str(&header);
            self.chunk_text.push_str(&body);
            let start = hit.chunk.start as usize;
            self.chunk_snippets.push(Snippet {
                path: hit.file.path.to_string(),
                start,
                end: start + body.trim_end().len().min(hit.chunk.len()),
                source: Source::Bm25,
                score: hit.score,
                chars,
            });
            seen.push(words);
        }
    }

    fn drop_offer(&mut self, offer: Offer<'_>, chars: usize, reason: &'static str) {
        let span = offer.piece.span();
        let path = offer.piece.path();
        let source = Source::Dependency;
        self.drop(path, span, source, offer.score, chars, reason);
    }

    fn drop_chunks(&mut self, chunks: &[&Hit], reason: &'static str) {
        for hit in chunks {
            let chars = hit.chunk.of(&hit.file.text).chars().count();
            self.drop(
                &hit.file.path,
                hit.chunk,
                Source::Bm25,
                hit.score,
                chars,
                reason,
            );
        }
    }

    fn drop(
        &mut self,
        path: &str,
        span: Span,
        source: Source,
        score: f32,
        chars: usize,
        reason: &'static str,
    ) {
        let snippet = Snippet {
            path: path.to_owned(),
            start: span.start as usize,
            end: span.end as usize,
            source,
            score,
            chars,
        };
        self.dropped.push(Dropped { snippet, reason });
    }

    fn finish(self) -> Context {
        let mut context = Context {
            dropped: self.dropped,
            ..Context::default()
        };
        let mut groups: Vec<(&str, Group)> = self.groups.into_iter().collect();
        groups.sort_by(|a, b| b.1.score.total_cmp(&a.1.score).then(a.0.cmp(b.0)));
        for (path, group) in groups {
            context.text.push_str(&render::file_header(path));
            context.text.push_str(&group.namespace);
            let add = |context: &mut Context, mut lines: Vec<Line>| {
                lines.sort_by_key(|line| line.span.start);
                for line in lines {
                    context.text.push_str(&line.text);
                    context.snippets.push(Snippet {
                        path: path.to_owned(),
                        start: line.span.start as usize,
                        end: line.span.end as usize,
                        source: Source::Dependency,
                        score: line.score,
                        chars: line.chars,
                    });
                }
            };
            for (head, lines) in group.classes.into_values() {
                context.text.push_str(&head);
                if lines.is_empty() {
                    context.text.push_str(" {}\n");
                } else {
                    context.text.push_str(" {\n");
                    add(&mut context, lines);
                    context.text.push_str("}\n");
                }
            }
            add(&mut context, group.others);
        }
        context.text.push_str(&self.chunk_text);
        context.snippets.extend(self.chunk_snippets);
        context
            .dropped
            .sort_by(|a, b| b.snippet.score.total_cmp(&a.snippet.score));
        context.dropped.truncate(MAX_DROPPED);
        context
    }
}

/// `namespace X;` for a piece that stands in one.
fn namespace_line(piece: &Piece<'_>) -> String {
    let namespace = match piece.class() {
        Some(class) => class.scope().namespace().to_owned(),
        None => match piece {
            Piece::Declared(declared @ Declared::Function(..)) => {
                let full = declared.full_name().unwrap_or_default();
                full.rsplit_once('\\')
                    .map_or_else(String::new, |(ns, _)| ns.to_owned())
            }
            _ => String::new(),
        },
    };
    if namespace.is_empty() {
        String::new()
    } else {
        format!("namespace {namespace};\n")
    }
}

/// Whether two chunks are near duplicates: of the words of the shorter, nine
/// in ten stand in the other at the same place or nearby.
fn is_like(a: &[&str], b: &[&str]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() * 10 < long.len() * 8 {
        return false;
    }
    let mut words = long.to_vec();
    words.sort_unstable();
    let shared = short
        .iter()
        .filter(|word| words.binary_search(word).is_ok())
        .count();
    shared * 10 >= short.len() * 9
}
