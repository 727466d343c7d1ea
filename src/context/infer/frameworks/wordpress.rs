//! WordPress: its global variables, and the parameters of the callbacks of its hooks,
//! which the doc comment in front of `do_action` or `apply_filters` states.

use crate::context::infer::doc_tags::doc_tags;
use crate::context::infer::framework::{CalledFunction, Framework, ProjectSigns};
use crate::context::infer::function_ref::FunctionRef;
use crate::context::infer::inference::Inference;
use crate::context::infer::resolve::Resolver;
use crate::context::infer::types::Type;
use crate::index::SourceFile;
use crate::php::names::Scope;
use crate::php::{literal_uses, place_hash};

/// The global variables and their classes, by WordPress's manual.
/// <https://developer.wordpress.org/apis/global-variables/>
const GLOBALS: [(&str, &str); 24] = [
    ("$authordata", "WP_User"),
    ("$comment", "WP_Comment"),
    ("$current_screen", "WP_Screen"),
    ("$current_user", "WP_User"),
    ("$post", "WP_Post"),
    ("$wp", "WP"),
    ("$wp_admin_bar", "WP_Admin_Bar"),
    ("$wp_customize", "WP_Customize_Manager"),
    ("$wp_embed", "WP_Embed"),
    ("$wp_filesystem", "WP_Filesystem_Base"),
    ("$wp_hasher", "PasswordHash"),
    ("$wp_list_table", "WP_List_Table"),
    ("$wp_locale", "WP_Locale"),
    ("$wp_object_cache", "WP_Object_Cache"),
    ("$wp_query", "WP_Query"),
    ("$wp_rewrite", "WP_Rewrite"),
    ("$wp_roles", "WP_Roles"),
    ("$wp_scripts", "WP_Scripts"),
    ("$wp_styles", "WP_Styles"),
    ("$wp_taxonomies", ""),
    ("$wp_textdomain_registry", "WP_Textdomain_Registry"),
    ("$wp_the_query", "WP_Query"),
    ("$wp_widget_factory", "WP_Widget_Factory"),
    ("$wpdb", "wpdb"),
];
/// The functions that add a callback to a hook, with the place of the name of the hook
/// in the calls that run it.
const ADDS: [(&str, &str); 2] = [
    ("add_action", "do_action#0"),
    ("add_filter", "apply_filters#0"),
];
/// Strings at one place that are looked at, in each part of the index.
const USES: usize = 20_000;
/// Bytes between a doc comment and the call that it stands in front of.
const BEFORE_CALL: usize = 400;

pub(super) struct WordPress;

impl Framework for WordPress {
    fn applies(&self, project: &ProjectSigns<'_, '_>) -> bool {
        let functions = ["add_action", "add_filter", "get_header"];
        functions.iter().any(|name| project.calls_function(name)) || project.knows_class("WP_Query")
    }

    fn global(&self, inference: &Inference<'_>, name: &str) -> Type {
        let known = GLOBALS.binary_search_by(|(global, _)| (*global).cmp(name));
        let class = known
            .ok()
            .map(|at| GLOBALS[at].1)
            .filter(|class| !class.is_empty());
        Type::of_class(
            class
                .filter(|class| inference.class(class).is_some())
                .map(str::to_owned),
        )
    }

    fn handed_by_function<'a>(
        &self,
        inference: &Inference<'a>,
        call: &CalledFunction<'_, '_, 'a>,
        position: usize,
        number: usize,
    ) -> Type {
        let place = ADDS
            .iter()
            .find(|(adds, _)| *adds == call.name)
            .filter(|_| position == 1);
        let hook = call.args.ty(0, "$hook_name").and_then(|ty| ty.key());
        match place.zip(hook) {
            Some(((_, place), hook)) => hook_parameter(inference, place, &hook, number),
            None => Type::default(),
        }
    }

    fn parameter(
        &self,
        inference: &Inference<'_>,
        function: &FunctionRef<'_>,
        number: usize,
    ) -> Type {
        // `add_action('hook', 'function')`, `add_action('hook', [$this, 'method'])`
        let places = if function.class.is_some() {
            "#1["
        } else {
            "#1"
        };
        let name = function.short_name();
        for (adds, place) in ADDS {
            let at = place_hash(&format!("{adds}{places}"));
            let text = inference.buffer.content;
            let own = literal_uses(text, &inference.buffer.tokens);
            let own = own.filter(|literal| literal.place == at);
            let mut own = own.map(|literal| literal.text().of(text));
            let mut hook = own
                .find(|callback| *callback == name)
                .and_then(|callback| hook_before(text, callback));
            // A method is usually added by its own class.
            if hook.is_none() && function.class.is_none() {
                let others = inference.snapshot.literals_at(at, USES);
                let others = others.filter(|(_, callback)| *callback == name);
                let first = others.min_by_key(|(file, callback)| (&file.path, callback.as_ptr()));
                hook = first.and_then(|(file, callback)| hook_before(&file.text, callback));
            }
            if let Some(hook) = hook {
                return hook_parameter(inference, place, hook, number);
            }
        }
        Type::default()
    }
}

/// The name of the hook in the call whose second argument holds the string `callback`,
/// a part of `text`.
fn hook_before<'t>(text: &'t str, callback: &str) -> Option<&'t str> {
    let at = callback.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let start = text.floor_char_boundary(at.saturating_sub(BEFORE_CALL));
    let (_, arguments) = text.get(start..at)?.rsplit_once("add_")?;
    let (_, rest) = arguments.split_once('(')?;
    let rest = rest.trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|quote| matches!(quote, '\'' | '"'))?;
    rest[1..].split(quote).next()
}

/// The type of the parameter with this number that a hook hands to its callbacks.
fn hook_parameter(inference: &Inference<'_>, place: &str, hook: &str, number: usize) -> Type {
    let mut runs: Vec<(&SourceFile, &str)> = inference
        .snapshot
        .literals_at(place_hash(place), USES)
        .filter(|(_, name)| *name == hook)
        .map(|(file, name)| (&**file, name))
        .collect();
    runs.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    let types = runs.into_iter().map(|(file, name)| {
        let doc = doc_before(&file.text, name).unwrap_or("");
        let mut tags = doc_tags(doc).filter(|tag| tag.name == "param");
        let tag = tags.nth(number);
        tag.map_or_else(Type::default, |tag| {
            let scope = Scope::at(&file.facts, &file.text, 0);
            Resolver::new(inference, scope, Type::default()).read(tag.ty())
        })
    });
    { types }.find(|ty| !ty.is_empty()).unwrap_or_default()
}

/// The doc comment in front of the statement that runs the hook whose name is the part
/// `name` of `text`.
fn doc_before<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let at = name.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let from = text.floor_char_boundary(at.saturating_sub(BEFORE_CALL));
    let end = from + text.get(from..at)?.rfind("*/")? + 2;
    if text[end..at].contains([';', '{', '}']) {
        return None;
    }
    let start = text[..end].rfind("/**")?;
    text.get(start..end)
}
