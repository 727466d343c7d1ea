//! Every number by which the query, the ranking and the packing choose, with
//! its unit and the measurement that set it.
//!
//! Recall is written `ident / def`: the share of holes whose next name, or its
//! definition, the context holds. `fimd eval context` measures it. Unless a
//! comment says otherwise, a figure is the average over six projects (300
//! identifier holes each, 4096 characters, BM25 on). Figures "without" a signal
//! are from one series, made while queries still searched for all of their
//! terms; with every signal it gave .879 / .867. "No measurement recorded"
//! means that the history has none: measure before you rely on such a number.
//!
//! Two groups of numbers live elsewhere. `infer/limits.rs` bounds the work of
//! type inference, and `index/bm25.rs` holds the parameters of BM25.

mod packing;

pub(super) use packing::*;

// ---------------------------------------------------------------------------
// The request
// ---------------------------------------------------------------------------

/// The default relevance threshold, a probability. Over six projects, `ident` / `def` of
/// identifiers (300 holes each) and the mean characters were .927 / .923 and 3,222 with
/// 0.001, .933 / .929 and 3,506 with 0.0007; of statements (120 holes) .766 / .756 and
/// 3,434 with 0.001, .783 / .774 and 3,743 with 0.0007, .739 / .724 and 3,013 with
/// 0.0015. With one more name in a hundred costing 300 to 500 characters, 0.001 holds more
/// than contexts of 3,523 characters did before, and is shorter.
pub(super) const DEFAULT_MIN_SCORE: f32 = 0.001;

/// Factor by which the threshold is raised where probabilities are shares of a mixture,
/// times the probability of the likeliest name; the threshold never falls. On cacti,
/// `ident` of identifiers was .860 with a threshold of 0.014 of the likeliest name and
/// .830 with 0.04.
pub(super) const RELATIVE_SCORE: f32 = 7.0;

/// Factor for the threshold in an empty body, which needs many names at once.
pub(super) const BODY_THRESHOLD: f32 = 0.5;

// ---------------------------------------------------------------------------
// The buffer: how much of a large file is read
// ---------------------------------------------------------------------------

/// Bytes read at the head of a large file, where imports stand. No measurement
/// recorded.
pub(super) const HEAD_BYTES: usize = 16 << 10;
/// Bytes read before the cursor. No measurement recorded.
pub(super) const BEFORE_BYTES: usize = 48 << 10;
/// Bytes read after the cursor's line. No measurement recorded.
pub(super) const AFTER_BYTES: usize = 16 << 10;

// ---------------------------------------------------------------------------
// The query for chunks
// ---------------------------------------------------------------------------

/// Bytes before the cursor whose terms enter the query. No measurement
/// recorded.
pub(super) const QUERY_BEFORE_BYTES: usize = 1200;
/// Bytes after the cursor's line whose terms enter the query. No measurement
/// recorded.
pub(super) const QUERY_AFTER_BYTES: usize = 400;
/// Terms of a query. It was 64, then 32; with 28 terms that were all searched
/// for, `ident` was .854 (average of four projects).
pub(super) const QUERY_TERMS: usize = 28;
/// Terms of a query that the index searches for: those with the highest
/// weight · idf. `ident`, average of four projects: .854 with all 28, .870
/// with 16, .864 with 12, .852 with 8. The cost of a search grows with them.
pub(super) const SEARCHED_TERMS: usize = 16;
/// Weight of a term on the cursor's line, before the cursor. No measurement
/// recorded.
pub(super) const TERM_BEFORE: f32 = 2.0;
/// How fast [`TERM_BEFORE`] falls: a term `n` lines above the cursor has the
/// weight `TERM_BEFORE / (1 + n · TERM_BEFORE_DECAY)`. No measurement recorded.
pub(super) const TERM_BEFORE_DECAY: f32 = 0.15;
/// Weight of a term in the identifier that is being typed. No measurement
/// recorded.
pub(super) const TERM_TYPED: f32 = 2.0;
/// Weight of a term on the first line after the cursor's. No measurement
/// recorded.
pub(super) const TERM_AFTER: f32 = 0.7;
/// How fast [`TERM_AFTER`] falls per line, like [`TERM_BEFORE_DECAY`]. No
/// measurement recorded.
pub(super) const TERM_AFTER_DECAY: f32 = 0.2;
/// Share of its weight that a further occurrence adds to a term. No
/// measurement recorded.
pub(super) const TERM_REPEATED: f32 = 0.25;

// ---------------------------------------------------------------------------
// The ranking: how the signals mix
// ---------------------------------------------------------------------------

/// Shares of the signals in the ranking, as probabilities that sum to 1. A
/// signal that finds nothing leaves its share unused.
///
/// What each signal is worth, as the recall that is left without it: types
/// .836 / .822, receivers .877 / .864, chunks .857 / .783, similar files
/// .789 / .761. Without reach recall rises to .882 / .869; that signal serves
/// whole statements, which these holes do not measure. No measurement of
/// other shares is recorded.
pub(super) struct SignalShares {
    /// Members of the receiver's type, or methods of the parent class.
    pub(super) types: f32,
    /// Members used on receivers of the same name.
    pub(super) receivers: f32,
    /// Names used in similar chunks.
    pub(super) chunks: f32,
    /// Names used in similar files.
    pub(super) similar_files: f32,
    /// Names that the variables in reach, the imports and the included files
    /// give.
    pub(super) reach: f32,
    /// Classes of the folder, and names used in methods of the same name.
    pub(super) nearby: f32,
    /// Functions and classes named by words near the cursor.
    pub(super) words: f32,
}

/// Behind `->` or `::`, where the receiver's type is known.
pub(super) const MEMBER_OF_KNOWN_TYPE: SignalShares = SignalShares {
    types: 0.6,
    receivers: 0.15,
    chunks: 0.15,
    similar_files: 0.1,
    reach: 0.0,
    nearby: 0.0,
    words: 0.0,
};
/// Behind `->` or `::`, where it is not known.
pub(super) const MEMBER_OF_UNKNOWN_TYPE: SignalShares = SignalShares {
    types: 0.0,
    receivers: 0.35,
    chunks: 0.35,
    similar_files: 0.3,
    reach: 0.0,
    nearby: 0.0,
    words: 0.0,
};
/// Where a method is being declared in a class with known parents or siblings.
pub(super) const METHOD_OF_KNOWN_PARENT: SignalShares = SignalShares {
    types: 0.7,
    receivers: 0.0,
    chunks: 0.15,
    similar_files: 0.15,
    reach: 0.0,
    nearby: 0.0,
    words: 0.0,
};
/// Everywhere else.
pub(super) const ELSEWHERE: SignalShares = SignalShares {
    types: 0.0,
    receivers: 0.0,
    chunks: 0.35,
    similar_files: 0.3,
    reach: 0.1,
    nearby: 0.13,
    words: 0.12,
};

/// At the start of an empty body.
pub(super) const EMPTY_BODY: SignalShares = SignalShares {
    types: 0.0,
    receivers: 0.0,
    chunks: 0.2,
    similar_files: 0.2,
    reach: 0.35,
    nearby: 0.2,
    words: 0.05,
};

/// How evidence for a name adds up to the logarithm of its odds, where an expression or
/// an empty body begins and nothing is typed.
///
/// The numbers were fitted by logistic regression to the names of 240 bodies and 219
/// statements of wordpress, mediawiki and symfony (seed 11) that their file writes nowhere
/// else. Of the names with a probability from 0.004 to 0.008, from 0.016 to 0.03 and from
/// 0.06 to 0.12, .005, .026 and .117 were used in the body, and .008, .025 and .116 in the
/// statement. The 60 likeliest names held .701 of those asked for in bodies and .750 in
/// statements; .667 and .735 by a mixture of the same signals. Fitted to two projects, the
/// weights held .70 of the third's on average. Popularity among the files of the folder,
/// and members used on receivers called like the properties of `$this`, added nothing.
pub(super) struct EvidenceWeights {
    /// Of the signals chunks, similar files, reach, nearby and words, times
    /// `ln(1 + EVIDENCE_SCALE · share)`, where the share is that of the name in what the
    /// signal gives.
    pub(super) signals: [f32; 5],
    /// Times the square root of the greatest share.
    pub(super) best: f32,
    /// Times `ln(1 + users)`, where so many files of the project use the name.
    pub(super) users: f32,
    /// For a member of a known type.
    pub(super) typed: f32,
    /// Times the number of signals that give the name.
    pub(super) given: f32,
    /// By kind of name: class, function, constant, method, property, class constant.
    pub(super) kinds: [f32; 6],
}
/// See [`EvidenceWeights::signals`].
pub(super) const EVIDENCE_SCALE: f32 = 1e4;
/// Names whose users are counted: a bound on the work.
pub(super) const WEIGHED_NAMES: usize = 400;

/// At the start of an empty body.
pub(super) const BODY_EVIDENCE: EvidenceWeights = EvidenceWeights {
    signals: [0.173, 0.544, 0.308, 0.484, 0.383],
    best: 1.788,
    users: 0.265,
    typed: 0.422,
    given: -0.598,
    kinds: [-9.515, -8.171, -8.254, -7.615, -7.851, -6.412],
};

/// Where an expression begins elsewhere.
pub(super) const EXPRESSION_EVIDENCE: EvidenceWeights = EvidenceWeights {
    signals: [0.461, 0.626, 0.258, 0.303, 0.32],
    best: 6.068,
    users: 0.105,
    typed: 1.077,
    given: -0.999,
    kinds: [-9.783, -8.496, -7.968, -8.510, -7.651, -6.449],
};

/// Share of the names that continue a half-typed name, on top of the
/// [`SignalShares`]. With this signal the context held 94 of 100 half-typed
/// names on wordpress, without it 86.
pub(super) const PREFIX_SHARE: f32 = 0.5;

/// Factor for a name that the buffer already holds: the model sees it without
/// a context. No measurement recorded.
pub(super) const NAME_IN_BUFFER: f32 = 0.15;

/// Factor for a name of a kind that the site asks for. No measurement
/// recorded.
pub(super) const EXPECTED_KIND: f32 = 1.0;
/// Factor for a property behind `::`. No measurement recorded.
pub(super) const STATIC_PROPERTY: f32 = 0.5;
/// Factor for a method where an expression begins: it comes later on the line.
/// No measurement recorded.
pub(super) const LATER_METHOD: f32 = 1.0;
/// Factor for a property or class constant where an expression begins. No
/// measurement recorded.
pub(super) const LATER_MEMBER: f32 = 0.3;

/// Factor for a property or class constant in an empty body.
pub(super) const MEMBER_IN_BODY: f32 = 0.5;

/// Weight of a member of a known type that `uses` files of the project use:
/// the logarithm keeps common members from drowning the rest. No measurement
/// recorded. `shared` is the weight of the words that its name shares with the code near the
/// cursor.
///
/// A member of a package that `packaged` of the packages' files use weighs more as
/// well: it is better known. No measurement recorded.
pub(super) fn member_weight(uses: u32, packaged: usize, shared: f32) -> f32 {
    let known = (1.0 + packaged as f32).ln();
    (1.0 + (1.0 + uses as f32).ln() + PACKAGED_USE * known) * (1.0 + shared)
}
/// What a use of a member in a package weighs beside one in the project.
const PACKAGED_USE: f32 = 0.25;

/// Factor for what a class of the project has from a package: the class itself says
/// more. 0.35, 0.6 and 1.0, which is none, were measured in two Laravel applications; 0.4
/// was not. `ident` of 300 holes at names of the project was .937 without the factor and
/// .967 at 0.35; of 240 holes at names of packages, .875 and .871.
pub(super) const PACKAGED_PARENT: f32 = 0.4;

/// Weight of an inherited method without a body, which a class must declare.
/// No measurement recorded.
pub(super) const ABSTRACT_METHOD: f32 = 3.0;
/// Weight of an inherited method with a body, which a class may override. No
/// measurement recorded.
pub(super) const INHERITED_METHOD: f32 = 1.0;
/// Weight of a method for each sibling class that declares it. No measurement
/// recorded.
pub(super) const SIBLING_METHOD: f32 = 0.25;
/// Weight of a class that the buffer imports and does not use yet. No
/// measurement recorded.
pub(super) const UNUSED_IMPORT: f32 = 1.0;

/// Weight of a function of a package that `users` other files of the project use,
/// where an expression begins. No measurement of other weights is recorded.
pub(super) fn package_function_weight(users: usize) -> f32 {
    (users as f32).sqrt()
}

/// Weight of a static method of a class that the buffer imports. No measurement
/// recorded.
pub(super) const IMPORTED_STATIC: f32 = 0.3;
/// Properties of `$this` whose types the reach signal asks: a bound on the work.
pub(super) const PROPERTIES_IN_REACH: usize = 16;

/// Probability of the signature of the call around the cursor: it comes first. A
/// second declaration counts half.
pub(super) const CALLEE: f32 = 0.9;
/// Declarations of a callee that are shown, where its receiver may be of several
/// classes.
pub(super) const CALLEES: usize = 2;
/// Tokens before the cursor that are searched for the `(` of a call: a bound on the
/// work.
pub(super) const CALL_TOKENS: usize = 400;

/// Files of the buffer's folder that are examined: a bound on the work.
pub(super) const NEARBY_FILES: usize = 200;
/// Classes of the folder that get a weight.
pub(super) const NEARBY_CLASSES: usize = 24;
/// Methods called like the one at the cursor whose bodies are read.
pub(super) const SAME_METHODS: usize = 24;
/// Share of the folder's classes among what the signal `nearby` gives; the rest are
/// names used in methods called like the one at the cursor.
pub(super) const NEARBY_CLASSES_SHARE: f32 = 0.5;
/// Weight of a class of the folder that `users` of its files use, and whose name
/// shares words of the weight `shared` with the code near the cursor.
pub(super) fn nearby_class(users: u32, shared: f32) -> f32 {
    (1.0 + (1.0 + users as f32).ln()) * (0.3 + shared)
}
/// Weight of a name of the namespace that is typed in front of the cursor, which
/// `users` files use. It stands `deeper` namespaces further inside; `is_named` says
/// whether the buffer names it without an import.
pub(super) fn namespace_name(users: usize, deeper: usize, is_named: bool, shared: f32) -> f32 {
    let named = if is_named { 50.0 } else { 1.0 };
    let near = 0.2_f32.powi(deeper.min(4) as i32);
    (1.0 + users as f32).sqrt() * near * named * (1.0 + shared)
}
/// Names of a typed namespace that get a weight.
pub(super) const NAMESPACE_NAMES: usize = 200;

/// Lines before the cursor whose words count.
pub(super) const WORD_BEFORE_LINES: usize = 12;
/// How fast a word's weight falls per line before the cursor, like
/// [`TERM_BEFORE_DECAY`].
pub(super) const WORD_BEFORE_DECAY: f32 = 0.3;
/// Lines after the cursor's whose words count.
pub(super) const WORD_AFTER_LINES: usize = 4;
/// Weight of a word on those lines.
pub(super) const WORD_AFTER: f32 = 0.3;
/// Weight of a word of the name that is being typed.
pub(super) const WORD_TYPED: f32 = 1.0;
/// Weight of a word of the name of the function at the cursor.
pub(super) const WORD_OF_FUNCTION: f32 = 0.8;
/// Weight of a word of the file's name.
pub(super) const WORD_OF_FILE: f32 = 0.4;
/// A word in the names of more functions or classes than this tells none of them.
pub(super) const SHARED_WORDS: usize = 250;
/// Functions, and classes, that the signal `words` gives.
pub(super) const WORD_NAMES: usize = 40;
/// A project with at most this many functions may show all of them.
pub(super) const FEW_FUNCTIONS: usize = 60;
/// How much a word tells that stands in `count` names.
pub(super) fn word_rarity(count: usize) -> f32 {
    1.0 / (2.0 + count as f32).ln()
}
/// Weight of a function or class that `users` files use, whose name shares words of
/// the weight `shared` with the code near the cursor.
pub(super) fn named_by_words(shared: f32, users: usize) -> f32 {
    shared * shared * (1.0 + (1.0 + users as f32).ln())
}

/// Strings that are shown where one is being typed.
pub(super) const LITERALS: usize = 20;
/// Strings that are shown where one may begin.
pub(super) const LITERAL_USES: usize = 8;
/// Uses of strings at one place that are examined in each segment: a bound on the work.
pub(super) const PLACE_USES: usize = 4000;
/// Weight of a string that `files` files write at the place of the cursor. `shared` is
/// the weight of the words that it shares with the code near the cursor.
pub(super) fn literal_weight(files: u32, shared: f32) -> f32 {
    files as f32 * (1.0 + 2.0 * shared)
}
/// Characters of the line of strings.
pub(super) const LITERAL_CHARS: usize = 400;
/// Share of the budget that this line takes at most, with its header, so that strings do
/// not crowd out declarations where the budget is small. `ident` of 200 literals was .555
/// and .725 with 512 and 1,024 characters on wordpress, .575 and .795 on mediawiki. No
/// other share was measured.
pub(super) const LITERAL_SHARE: f32 = 0.25;

/// Probability of the constructor of the class that a test is about.
pub(super) const TESTED_CONSTRUCTOR: f32 = 0.2;
/// Probability of another public member of that class. `shared` is the weight of the
/// words that its name shares with the code near the cursor; `is_own` says that the
/// class declares it itself.
pub(super) fn tested_member(shared: f32, is_own: bool) -> f32 {
    let own = if is_own { 0.03 } else { 0.006 };
    own * (1.0 + 2.0 * shared)
}

/// Variables in reach of the cursor whose types the reach signal asks. No
/// measurement recorded.
pub(super) const VARIABLES_IN_REACH: usize = 6;

/// Weight of a name that continues a half-typed name and that `users` files
/// use, at a site where its kind weighs `kind`. No measurement recorded.
pub(super) fn prefix_weight(kind: f32, users: usize) -> f32 {
    kind * (0.5 + users as f32).sqrt()
}
/// Declarations of one kind that may continue a half-typed name: a bound on
/// the work. No measurement recorded.
pub(super) const PREFIX_MATCHES: usize = 4000;

/// Classes of packages that the project does not use and that may continue a
/// half-typed name: a bound on the files that a request reads. No measurement
/// recorded.
pub(super) const LOCATED_CLASSES: usize = 12;
/// Bytes of a name that must be typed before such classes are offered. No
/// measurement recorded.
pub(super) const LOCATED_PREFIX: usize = 2;

/// Names that the ranking reserves room for before it mixes the signals: a
/// hint to the allocator.
pub(super) const RESERVED_NAMES: usize = 2048;

// ---------------------------------------------------------------------------
// The ranking: chunks and similar files
// ---------------------------------------------------------------------------

/// Chunks whose used names the ranking learns from. No measurement of other
/// numbers is recorded; for the signal as a whole see [`SignalShares`].
pub(super) const NEIGHBOUR_CHUNKS: usize = 32;
/// Exponent of a chunk's or a file's score relative to the best one. With 2 a
/// neighbour half as good counts a quarter. No measurement recorded.
pub(super) const NEIGHBOUR_EXPONENT: i32 = 2;
/// Similar files whose used names the ranking learns from. No measurement of
/// other numbers is recorded; for the signal as a whole see [`SignalShares`].
pub(super) const SIMILAR_FILES: usize = 24;
/// For each of the [`SIMILAR_FILES`], how many files compete for it by folder
/// and parent class. No measurement recorded.
pub(super) const FILES_COMPARED: usize = 4 * SIMILAR_FILES;
/// References before the cursor whose names find similar files. It was 120. One
/// change lowered it, lowered [`RELEVANT_CLASSES`] and added [`MAX_USERS`]; that
/// took a third off the time of an answer. What each of the three took off is not
/// recorded.
pub(super) const NAMES_BEFORE: usize = 100;
/// References after the cursor whose names find similar files, set as half of
/// [`NAMES_BEFORE`]. No measurement recorded.
pub(super) const NAMES_AFTER: usize = 50;
/// A name that more than one in this many files use does not tell files apart.
/// No measurement recorded.
pub(super) const COMMON_NAME: usize = 4;
/// Files that use a name, at most, for the name to find similar files. Names
/// with more users say little and cost most; see [`NAMES_BEFORE`] for the time.
pub(super) const MAX_USERS: usize = 300;

/// Weight of a name for finding similar files: its rarity, as `users` of the
/// project's `files` use it. No measurement recorded.
pub(super) fn rarity(files: usize, users: usize) -> f32 {
    (files as f32 / (1.0 + users as f32)).ln()
}

/// Similarity of a file with `references` references whose names in common
/// with the buffer weigh `shared`: long files share names by chance. No
/// measurement recorded.
pub(super) fn similarity(shared: f32, references: usize) -> f32 {
    shared / (20.0 + references as f32).sqrt()
}

/// Factor for a file that stands near the buffer's: 1 where the paths have no
/// folder in common, 2 in the same folder. `shared` of at most `longest`
/// folders are the same. No measurement recorded.
pub(super) fn nearness(shared: usize, longest: usize) -> f32 {
    if longest == 0 {
        2.0
    } else {
        1.0 + shared as f32 / longest as f32
    }
}

/// Factor for a file that declares a class with the same parent as the class
/// at the cursor. No measurement recorded.
pub(super) const SIBLING_FILE: f32 = 1.5;
/// Classes of one parent that count as siblings: a bound on the work. No
/// measurement recorded.
pub(super) const SIBLINGS: usize = 64;

// ---------------------------------------------------------------------------
// The ranking: which classes matter at the cursor
// ---------------------------------------------------------------------------

/// Relevance of the classes of the receiver. No measurement recorded.
pub(super) const RECEIVER_CLASS: f32 = 1.0;
/// Relevance of the classes of a variable in reach. No measurement recorded.
pub(super) const REACH_CLASS: f32 = 0.5;
/// Relevance of a class that the buffer imports. No measurement recorded.
pub(super) const IMPORTED_CLASS: f32 = 0.3;
/// Relevance of a class that a similar chunk or file uses, times the weight of
/// that chunk or file. No measurement recorded.
pub(super) const USED_CLASS: f32 = 0.2;

// ---------------------------------------------------------------------------
// From names to declarations
// ---------------------------------------------------------------------------

/// Characters of the budget for each name that is looked up: less than a line without
/// parameters, so that more declarations are found than fit. No measurement recorded.
const CHARS_PER_NAME: usize = 20;
/// Names that are looked up at least. No measurement recorded.
const MIN_NAMES: usize = 50;
/// Names that are looked up at most. It was 300 for every budget. No
/// measurement recorded.
const MAX_NAMES: usize = 600;

/// How many names are looked up for a context of `max_chars` characters.
pub(super) fn names_looked_up(max_chars: usize) -> usize {
    (max_chars / CHARS_PER_NAME).clamp(MIN_NAMES, MAX_NAMES)
}

/// Declarations that one name may stand for, where several classes declare it.
/// No measurement recorded.
pub(super) const OWNERS: usize = 2;
/// Probability of each such declaration, as a share of the one before it. No
/// measurement recorded.
pub(super) const NEXT_OWNER: f32 = 0.4;
/// Relevant classes whose members are looked up before those of the project.
/// It was 64; see [`NAMES_BEFORE`] for the time that the change saved.
pub(super) const RELEVANT_CLASSES: usize = 40;
/// A name with more declarations than this says nothing of any one of them, and
/// stands for none. No measurement recorded.
pub(super) const COMMON_DECLARATION: usize = 40;
/// The same for the method that the call around the cursor calls.
pub(super) const COMMON_CALLEE: usize = 400;

/// Probability added to a member that the buffer names, of a class that it imports,
/// names or inherits from. The heads of such classes were shown as well; they took 7 %
/// of a context's characters, and 1 to 4 % of these stood in a line of use.
pub(super) const DEPENDENCY_MEMBER: f32 = 0.0005;
/// Probability added to any other member of a class that the buffer inherits
/// from.
pub(super) const INHERITED_MEMBER: f32 = 0.004;

// ---------------------------------------------------------------------------
// The course: a context that is added to while somebody types
// ---------------------------------------------------------------------------

/// Share of the budget that a course begins with; the rest is room to grow. With 0.75,
/// and [`COURSE_ADDITION_SHARE`] at 0.15, 24 sessions of `fimd eval typing` in wordpress,
/// symfony and zabbix held .804, 1.0 and .763 of the names; with 0.6 and 0.1, .768, 1.0
/// and .680. A tenth more tokens are read.
pub(super) const COURSE_FIRST_SHARE: f32 = 0.75;
/// Share of the budget that is kept for the outline of the edited file.
pub(super) const COURSE_OUTLINE_SHARE: f32 = 0.125;
/// The least probability of a declaration that a checkpoint adds.
pub(super) const COURSE_SCORE: f32 = 0.003;
/// Probability that the missing declarations must have together for a checkpoint to add
/// any, where names are judged by evidence: what is added makes a model server read all
/// that stands behind it again. With 0.08, and [`COURSE_MISSING_IN_MIXTURE`] at 0.3, ten
/// sessions in wordpress held .897 of the names for 195 tokens a request, and ten in
/// symfony .582 for 173; with 0.15 for both .757 for 189, and .592 for 175; with 0.08 and
/// 0.15, .850 for 205, and .592 for 190; with 0.04 and 0.3, .869 for 208, and .592 for 203.
pub(super) const COURSE_MISSING: f32 = 0.08;
/// The same where probabilities are shares of a mixture: those of all names add up to 1,
/// so that much is always missing.
pub(super) const COURSE_MISSING_IN_MIXTURE: f32 = 0.3;
/// Share of the budget that a checkpoint adds at most. See [`COURSE_FIRST_SHARE`].
pub(super) const COURSE_ADDITION_SHARE: f32 = 0.15;
/// Characters that a checkpoint may add in any case: in small budgets, the share has no
/// room for a header with one declaration.
pub(super) const COURSE_LEAST_ADDITION: usize = 300;
/// Share of the budget that the strings among it take at most, with their header.
pub(super) const COURSE_LITERAL_SHARE: f32 = 0.05;
/// Bytes between the start of a course and the cursor: a bound on the work.
pub(super) const COURSE_BYTES: usize = 16 << 10;
/// Checkpoints of a course: a bound on the work and the memory.
pub(super) const COURSE_CHECKPOINTS: usize = 256;
/// Checkpoints that one request may pass on a course that is remembered. Each takes as
/// long as a context.
pub(super) const COURSE_PASSED: usize = 48;
