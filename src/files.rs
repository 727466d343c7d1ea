//! All access to the project's files: finds, names, reads and watches them, and
//! caches what the index knows about them. Also replaces files in one step, for all rooms
//! above.

mod below;
mod cache;
mod error;
mod extensions;
mod find;
mod history;
mod ignores;
mod input;
mod library;
mod limits;
mod listing;
mod origin;
mod reach;
mod read;
mod regular;
mod replacement;
mod roots;
mod rules;
mod source_folders;
mod stamp;
mod walk;
pub mod watch;

pub use self::cache::{Cache, Survey};
pub use self::error::FilesError;
pub use self::extensions::{Extensions, file_holds_php};
pub use self::find::{root_of, root_within};
pub use self::history::GitHistory;
pub use self::ignores::{
    NameRules, belongs, belongs_by_default, is_brought_back, is_rule_file, is_walked,
};
pub use self::input::{Repositories, Repository};
pub use self::library::Composer;
pub use self::limits::WalkOptions;
pub use self::listing::{FoundBeside, ProjectFile, Walk};
pub use self::origin::origin_of;
pub use self::reach::folders_above;
pub use self::read::{decode, read, read_source, read_text};
pub use self::replacement::Replacement;
pub use self::roots::{Roots, named_path, resolve};
pub use self::source_folders::SourceFolders;
pub use self::stamp::Stamp;
pub use self::walk::{walk, walk_existing};
