//! The PHP of Blade templates in the buffer.

use serde_json::{Value, json};

use crate::common::{Client, Project, fimd};

/// The context at the `|` of the template `buffer`.
fn context(root: &str, buffer: &str) -> String {
    let mut client = Client::start(&mut fimd());
    let mut ask = |id: usize, method: &str, params: Value| -> Value {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        client.send(format!("{request}\n"));
        serde_json::from_str(&client.answer()).unwrap()
    };
    ask(0, "initialize", json!({"project_root": root, "bm25": true}));
    let (before, after) = buffer.split_once('|').unwrap();
    let params = json!({
        "filepath": "resources/views/users.blade.php",
        "content": format!("{before}{after}"),
        "cursor_offset": before.len(),
    });
    let answer = ask(1, "getContext", params);
    assert_eq!(client.close().code, Some(0));
    answer["result"]["context"].as_str().unwrap().to_owned()
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
