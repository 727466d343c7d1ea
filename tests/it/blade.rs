//! The PHP of Blade templates in the buffer.

use serde_json::json;

use crate::common::Project;
use crate::common::contexts::contexts_at;

/// The context at the `|` of the template `buffer`.
fn context(root: &str, buffer: &str) -> String {
    let initialize = json!({"project_root": root, "bm25": true});
    contexts_at(&initialize, "resources/views/users.blade.php", &[buffer]).remove(0)
}

#[test]
fn the_php_of_a_template_is_answered() {
    let project = Project::new(&[
        (
            "app/User.php",
            "<?php namespace App; class User { public string $email; /** @return Post[] */ public function posts() {} }",
        ),
        (
            "app/Post.php",
            "<?php namespace App; class Post { public function headline(): string {} }",
        ),
        (
            "routes/web.php",
            "<?php function route(string $name) {} route('users.index'); route('users.show');",
        ),
    ]);
    let root = project.path().to_str().unwrap();
    let typed = "@php /** @var \\App\\User $user */ @endphp\n<ul>\n";
    for (code, expected) in [
        ("<li>{{ $user->| }}</li>", "function posts()"),
        ("@if($user->|)", "public string $email"),
        (
            "@foreach($user->posts() as $post)\n <li>{!! $post->| !!}\n@endforeach",
            "function headline()",
        ),
        (
            "@forelse ($user->posts() as $post) @if (true) a @endif @empty {{ $user->| }}",
            "function posts()",
        ),
        ("<a href=\"{{ route('|') }}\">", "users.show"),
        (
            "@php\n$p = $user->posts()[0];\n$p->|\n@endphp",
            "function headline()",
        ),
        ("@include('row', ['user' => $user->|])", "function posts()"),
    ] {
        let found = context(root, &format!("{typed}{code}\n</ul>\n"));
        assert!(found.contains(expected), "{code}: {found}");
    }
    assert_eq!(context(root, "<p>Text |</p> {{ $user->posts() }}"), "");
}
