//! Offers compete for the budget by expected use per character: each member,
//! function, constant and class on its own, then chunks that show usage.
//! Nothing is added just because there is room.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use rustc_hash::{FxBuildHasher, FxHashMap};

use super::members::Magic;
use super::render;
use super::{Context, Dropped, MinScore, Request, Snippet, Source};
use crate::cancel::{Cancel, Cancelled};
use crate::index::Hit;
use crate::index::symbols::{ClassRef, Declaration};
use crate::php::Span;
use crate::secrets::{self, Secrets};

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
    Declared(Declaration<'a>),
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
            Self::Declared(Declaration::Class(class) | Declaration::Member(class, _))
            | Self::Magic(class, _) => Some(class),
            Self::Declared(_) => None,
        }
    }

    /// Its own line; a class has none beside its head.
    fn line(&self) -> Option<String> {
        match *self {
            Self::Declared(Declaration::Class(_)) => None,
            Self::Declared(Declaration::Member(class, index)) => {
                Some(format!("\t{}\n", render::member(class, index)))
            }
            Self::Declared(Declaration::Function(file, item)) => {
                Some(format!("{}\n", render::function(file, item)))
            }
            Self::Declared(Declaration::Constant(file, item)) => {
                Some(format!("{}\n", render::constant(file, item)))
            }
            Self::Magic(_, magic) => Some(format!("\t// {}\n", magic.line)),
        }
    }

    /// What tells it apart from every other piece.
    pub(super) fn key(&self) -> (&'a str, u32) {
        let start = match self {
            Self::Magic(_, magic) => magic.start,
            Self::Declared(Declaration::Constant(file, item)) => {
                file.facts.constants[*item].name.start
            }
            Self::Declared(Declaration::Member(class, item)) => {
                class.class().members[*item].name.start
            }
            Self::Declared(_) => self.span().start,
        };
        (self.path(), start)
    }

    /// Its bytes in its file.
    fn span(&self) -> Span {
        match *self {
            Self::Declared(Declaration::Class(class)) => class.class().head,
            Self::Declared(Declaration::Member(class, index)) => class.class().members[index].head,
            Self::Declared(Declaration::Function(file, item)) => file.facts.functions[item].head,
            Self::Declared(Declaration::Constant(file, item)) => file.facts.constants[item].head,
            Self::Magic(_, magic) => Span {
                start: magic.start,
                end: magic.start + magic.line.len() as u32,
            },
        }
    }
}

/// A file that something is offered of, and what is taken of it.
struct Group<'a> {
    path: &'a str,
    /// Whether anything is taken of it.
    is_open: bool,
    namespace: String,
    score: f32,
    /// Class heads by the class's number, each with its members.
    classes: BTreeMap<usize, (String, Vec<Line>)>,
    /// Functions and constants.
    others: Vec<Line>,
}

/// What a class costs beside its lines: ` {` and `}`, or ` {}`, and line breaks.
const CLASS_FRAME: usize = 5;
/// About what a file's header costs beside its path.
const FILE_FRAME: usize = 12;

/// Packs `offers` and `chunks` into the budget of `request`.
pub(super) fn pack(
    offers: &[Offer<'_>],
    chunks: &[Hit],
    request: &Request<'_>,
    cancel: &Cancel,
) -> Result<Context, Cancelled> {
    let max_chars = request.max_chars;
    let best = chunks.first().map_or(0.0, |hit| hit.score);
    let (chunks, weak): (Vec<&Hit>, Vec<&Hit>) =
        chunks.iter().partition(|hit| hit.score >= MIN_CHUNK * best);
    let reserved = if offers.is_empty() { 1.0 } else { CHUNK_SHARE };
    let wanted: usize = chunks
        .iter()
        .map(|hit| hit.chunk.len() + hit.file.path.len())
        .sum();
    let reserved = ((max_chars as f32 * reserved) as usize).min(wanted);

    let mut packer = Packer::new(max_chars, request.secrets);
    let left = packer.take_offers(offers, request.min_score, max_chars - reserved, cancel)?;
    packer.take_chunks(&chunks);
    // What the chunks left goes to declarations once more.
    for waits in packer.take_left(left, max_chars, cancel)? {
        packer.drop_offer(waits.offer, "no room");
    }
    packer.drop_chunks(&weak, "below the relevance threshold");
    Ok(packer.finish())
}

struct Packer<'a> {
    max_chars: usize,
    used: usize,
    groups: Vec<Group<'a>>,
    chunk_text: String,
    /// The file under each header in `chunk_text`.
    chunk_files: Vec<String>,
    chunk_snippets: Vec<Snippet>,
    dropped: Vec<Dropped>,
    secrets: Option<&'a Secrets>,
    redacted: BTreeMap<&'static str, u64>,
}

/// An offer that waits for room.
struct Waiting<'a> {
    offer: Offer<'a>,
    /// Which of [`Packer::groups`] it belongs to.
    group: usize,
    /// About how many characters it takes; what it takes exactly is known once
    /// it is written.
    chars: usize,
}

impl<'a> Packer<'a> {
    fn new(max_chars: usize, secrets: Option<&'a Secrets>) -> Self {
        Self {
            secrets,
            redacted: BTreeMap::new(),
            max_chars,
            used: 0,
            groups: Vec::new(),
            chunk_text: String::new(),
            chunk_files: Vec::new(),
            chunk_snippets: Vec::new(),
            dropped: Vec::new(),
        }
    }

    /// Takes the offers with the most expected use per character while they
    /// fit into `budget`; returns those that did not fit.
    fn take_offers(
        &mut self,
        offers: &[Offer<'a>],
        min_score: MinScore,
        budget: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Waiting<'a>>, Cancelled> {
        let mut waiting = Vec::with_capacity(offers.len());
        let mut numbers: FxHashMap<&str, usize> = FxHashMap::default();
        for &offer in offers {
            let chars = offer.piece.span().len().min(render::MAX_SIGNATURE);
            if offer.score < min_score.0 {
                self.drop_offer(offer, "below the relevance threshold");
                continue;
            }
            let path = offer.piece.path();
            let group = *numbers.entry(path).or_insert_with(|| {
                self.groups.push(Group {
                    path,
                    is_open: false,
                    namespace: String::new(),
                    score: 0.0,
                    classes: BTreeMap::new(),
                    others: Vec::new(),
                });
                self.groups.len() - 1
            });
            waiting.push(Waiting {
                offer,
                group,
                chars,
            });
        }
        self.take_left(waiting, budget, cancel)
    }

    fn take_left(
        &mut self,
        mut waiting: Vec<Waiting<'a>>,
        budget: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Waiting<'a>>, Cancelled> {
        let budget = budget.min(self.max_chars);
        // Opening a group makes its other members cheaper, so densities are
        // found anew after each round of the best few.
        loop {
            cancel.check()?;
            let mut order: Vec<(f32, usize)> = waiting
                .iter()
                .enumerate()
                .map(|(index, waits)| (self.density(waits), index))
                .collect();
            order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            order.truncate((order.len() / 4).max(8));
            let mut taken = vec![false; waiting.len()];
            for (_, index) in order {
                taken[index] = self.take(&waiting[index], budget);
            }
            let before = waiting.len();
            let mut taken = taken.into_iter();
            waiting.retain(|_| !taken.next().unwrap_or(false));
            if waiting.len() == before {
                return Ok(waiting);
            }
        }
    }

    /// Expected use per character, judged by lengths in the source.
    fn density(&self, waits: &Waiting<'a>) -> f32 {
        let Waiting {
            offer,
            group,
            chars,
        } = waits;
        let group = &self.groups[*group];
        let mut opening = 0;
        if !group.is_open {
            opening += group.path.len() + FILE_FRAME;
        }
        if let Some(class) = offer.piece.class()
            && !group.classes.contains_key(&class.item)
        {
            opening += class.class().head.len().min(render::MAX_SIGNATURE) + CLASS_FRAME;
        }
        // What opens a group serves those that follow too.
        offer.score / (chars + opening / 2 + 8) as f32
    }

    /// Takes the offer if it fits.
    fn take(&mut self, waits: &Waiting<'a>, budget: usize) -> bool {
        let Offer { piece, score } = waits.offer;
        let group = &mut self.groups[waits.group];
        let mut line = piece.line();
        let mut hidden = Vec::new();
        if let (Some(secrets), Some(line)) = (self.secrets, &mut line) {
            hidden = secrets.find(line);
            if !hidden.is_empty() {
                *line = secrets::replace(line, 0..line.len(), &hidden).into_owned();
            }
        }
        let chars = line.as_deref().map_or(0, |line| line.chars().count());
        let mut cost = chars;
        let namespace = (!group.is_open).then(|| namespace_line(&piece));
        if let Some(namespace) = &namespace {
            let header = render::file_header(group.path);
            cost += header.chars().count() + namespace.chars().count();
        }
        let class = piece.class().map(|class| class.item);
        let is_new = |item: &usize| !group.classes.contains_key(item);
        let head = piece
            .class()
            .filter(|class| is_new(&class.item))
            .map(render::class_head);
        if let Some(head) = &head {
            cost += head.chars().count() + CLASS_FRAME;
        }
        if self.used + cost > budget {
            return false;
        }
        self.used += cost;
        for secret in hidden {
            *self.redacted.entry(secret.kind).or_default() += 1;
        }
        group.is_open = true;
        group.score = group.score.max(score);
        if let Some(namespace) = namespace {
            group.namespace = namespace;
        }
        if let (Some(item), Some(head)) = (class, head) {
            group.classes.insert(item, (head, Vec::new()));
        }
        let line = line.map(|text| Line {
            text,
            chars,
            span: piece.span(),
            score,
        });
        match class.and_then(|item| group.classes.get_mut(&item)) {
            Some((_, lines)) => lines.extend(line),
            None => group.others.extend(line),
        }
        true
    }

    fn take_chunks(&mut self, chunks: &[&'a Hit]) {
        let mut seen: Vec<Vec<u64>> = Vec::new();
        for hit in chunks {
            let text = hit.chunk.of(&hit.file.text).trim_end();
            let words = words(text);
            if seen.iter().any(|other| is_like(other, &words)) {
                self.drop_chunks(&[hit], "like a chunk that is there");
                continue;
            }
            let header = render::file_header(&hit.file.path);
            let head = header.chars().count();
            let start = hit.chunk.start as usize;
            let hidden = self
                .secrets
                .map_or(&[][..], |secrets| hit.file.secrets(secrets));
            let mut body = String::new();
            let mut chars = head;
            let (mut lines, mut end) = (0, start);
            for line in text.split_inclusive('\n') {
                let line_end = end + line.len();
                // A secret of several lines takes one.
                let covered = secrets::cut(hidden, end).map_or(end, |secret| secret.range.end);
                let shown =
                    secrets::replace(&hit.file.text, covered.min(line_end)..line_end, hidden);
                let ended = shown.ends_with('\n') || line_end == start + text.len();
                let shown = shown.strip_suffix('\n').unwrap_or(&shown);
                let shown = shown.strip_suffix('\r').unwrap_or(shown);
                let line_chars = shown.chars().count();
                if self.used + chars + line_chars + 1 > self.max_chars {
                    break;
                }
                chars += line_chars + usize::from(ended);
                body.push_str(shown);
                if ended {
                    body.push('\n');
                }
                lines += 1;
                end = line_end;
            }
            let whole = end == start + text.len();
            if !whole && !body.is_empty() && !body.ends_with('\n') {
                // Cut behind the first line of a secret, whose line break went with it.
                body.push('\n');
                chars += 1;
            }
            if body.trim().is_empty() || !whole && lines < 3 {
                self.drop_chunks(&[hit], "no room");
                continue;
            }
            self.used += chars;
            for secret in secrets::within(hidden, start..end) {
                *self.redacted.entry(secret.kind).or_default() += 1;
            }
            self.chunk_text.push_str(&header);
            self.chunk_text.push_str(&body);
            self.chunk_files.push(hit.file.path.to_string());
            self.chunk_snippets.push(Snippet {
                path: hit.file.path.to_string(),
                start,
                end: start + text[..end - start].trim_end().len(),
                source: Source::Bm25,
                score: hit.score,
                chars,
            });
            seen.push(words);
        }
    }

    fn drop_offer(&mut self, offer: Offer<'_>, reason: &'static str) {
        let span = offer.piece.span();
        let chars = span.len().min(render::MAX_SIGNATURE);
        let source = Source::Dependency;
        self.drop(offer.piece.path(), span, source, offer.score, chars, reason);
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
            redacted: self.redacted,
            ..Context::default()
        };
        let mut groups = self.groups;
        groups.retain(|group| group.is_open);
        groups.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.path.cmp(b.path)));
        for group in groups {
            let path = group.path;
            context.text.push_str(&render::file_header(path));
            context.files.push(path.to_owned());
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
        context.files.extend(self.chunk_files);
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
            Piece::Declared(declared @ Declaration::Function(..)) => {
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

/// The hashes of the words of a chunk, ascending.
fn words(text: &str) -> Vec<u64> {
    let words = text.split_whitespace();
    let mut words: Vec<u64> = words.map(|word| FxBuildHasher.hash_one(word)).collect();
    words.sort_unstable();
    words
}

/// Whether two chunks, given as their [`words`], are near duplicates: nine in
/// ten of the words of the shorter stand in the other too.
fn is_like(a: &[u64], b: &[u64]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.len() * 10 < long.len() * 8 {
        return false;
    }
    let mut rest = long.iter().copied().peekable();
    let is_shared = |word: &&u64| {
        while rest.next_if(|other| other < *word).is_some() {}
        rest.peek() == Some(*word)
    };
    let shared = short.iter().filter(is_shared).count();
    shared * 10 >= short.len() * 9
}
