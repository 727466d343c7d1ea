//! What fimd knows of frameworks, by the real binary in small projects.

use std::path::Path;

use serde_json::json;

use crate::common::Project;
use crate::common::contexts::contexts_at;

/// The framework as far as the tests need it, and models that use it.
const LARAVEL: &str = include_str!("../../src/context/infer/tests/laravel.php");
const APP: &str = include_str!("../../src/context/infer/tests/laravel_app.php");

/// A Laravel application with its framework under `vendor`.
fn laravel() -> Project {
    let facts = fimd::php::facts(LARAVEL);
    let classes = facts.classes.iter().map(|class| {
        let namespace = facts.namespaces[usize::from(class.namespace)].name;
        let name = format!("{}\\{}", namespace.of(LARAVEL), class.name.of(LARAVEL));
        format!("'{name}' => $vendorDir . '/laravel/framework/all.php',\n")
    });
    let map = classes.collect::<String>();
    let head = "<?php $vendorDir = dirname(__DIR__);";
    let map = format!("{head} return array({map});");
    let files = format!("{head} return array('1' => $vendorDir . '/laravel/framework/all.php');");
    Project::new(&[
        (
            "composer.json",
            r#"{"require": {"laravel/framework": "^12.0"}}"#,
        ),
        ("vendor/laravel/framework/all.php", LARAVEL),
        ("vendor/composer/autoload_classmap.php", &map),
        ("vendor/composer/autoload_files.php", &files),
        ("app/App.php", APP),
        (
            "config/shop.php",
            "<?php return ['name' => env('X', 'x'), 'mail' => ['from' => 'a@b.c']];",
        ),
        (
            "lang/en/orders.php",
            "<?php return ['shipped' => 'It is on its way'];",
        ),
        (
            "routes/web.php",
            "<?php Route::resource('parcels', ParcelController::class);",
        ),
    ])
}

/// The contexts at the `|` of each of `codes`, in the application's folder.
fn contexts(root: &Path, codes: &[&str]) -> Vec<String> {
    let buffer = |code: &&str| {
        format!("<?php\nnamespace App\\Http;\n\nuse App\\{{Bill, Post, User}};\n\n{code}\n")
    };
    let buffers: Vec<String> = codes.iter().map(buffer).collect();
    let initialize = json!({"project_root": root, "bm25": false});
    contexts_at(&initialize, "app/Http/controller.php", &buffers)
}

#[test]
fn everyday_places_of_a_laravel_application_are_known() {
    let project = laravel();
    let places = [
        ("User::|", "function active($since = null);"),
        ("User::|", "function popular();"),
        ("User::|", "function where("),
        ("User::where('a', 1)->|", "function active($since = null);"),
        ("User::find(1)->|", "public Collection<int, Post> $posts;"),
        ("User::find(1)->|", "public Role $role;"),
        ("User::find(1)->|", "public $email;"),
        ("User::find(1)->|", "public Address $home_address;"),
        ("User::find(1)->|", "$work_address;"),
        (
            "foreach (User::first()->posts as $p) { $p->|",
            "public ?User $author;",
        ),
        ("Post::first()->author->|", "function posts();"),
        ("Post::|", "function published(): static;"),
        ("Post::all()->|", "function titles(): array;"),
        ("Bill::|", "function invoice(): Invoice;"),
        ("auth()->user()->|", "function posts();"),
        (
            "collect([])->|",
            "// \\Illuminate\\Support\\Collection::macro('total', function ($of) {",
        ),
        ("config('|", "shop.mail.from"),
        ("__('|", "orders.shipped"),
        ("route('|", "parcels.index"),
    ];
    let codes: Vec<&str> = places.iter().map(|(code, _)| *code).collect();
    for ((code, wanted), context) in places.iter().zip(contexts(project.path(), &codes)) {
        assert!(
            context.contains(wanted),
            "{code} lacks {wanted}:\n{context}"
        );
    }
}

/// A project with no sign of a framework gets none of its conventions.
#[test]
fn a_project_without_the_framework_has_none_of_it() {
    let class = "<?php\nnamespace App;\nclass User extends Model {\n    \
                 public function scopeActive($query) { return $query; }\n}\n\
                 class Model {}\n";
    let project = Project::new(&[("composer.json", "{}"), ("app/User.php", class)]);
    let context = contexts(project.path(), &["User::|"]).remove(0);
    assert!(!context.contains("function active("), "{context}");
}
