//! Classes of installed packages. fimd finds them through Composer's files,
//! shows them where a buffer uses them, and does not index them.

use serde_json::{Value, json};

use crate::common::contexts::contexts_at;
use crate::common::{Client, Project, fimd};

/// The contexts at the `|` of each of `buffers`, from one server.
fn contexts(root: &str, buffers: &[&str]) -> Vec<String> {
    let initialize = json!({"project_root": root, "bm25": true});
    contexts_at(&initialize, "src/buffer.php", buffers)
}

fn shop() -> String {
    format!("{}/tests/fixtures/shop", env!("CARGO_MANIFEST_DIR"))
}

const TYPED: &str = "<?php\nuse Acme\\Money\\Money;\nfunction f(Money $m) {\n    $m->|\n}\n";
const CHAINED: &str = "<?php\nuse Acme\\Money\\Money;\n$x = Money::ofCents(1, 'EUR')->|;\n";

#[test]
fn the_members_of_a_package_s_class_are_offered() {
    for context in contexts(&shop(), &[TYPED, CHAINED]) {
        assert!(
            context.contains("// --- vendor/acme/money/src/Money.php ---\n"),
            "{context}"
        );
        for member in [
            "function plus(self $other): self;",
            "function format(): string;",
        ] {
            assert!(context.contains(member), "{context}");
        }
        assert!(!context.contains("$cents;"), "private: {context}");
    }
}

#[test]
fn an_answer_does_not_depend_on_what_was_asked_before() {
    let together = contexts(&shop(), &[CHAINED, TYPED, CHAINED]);
    let alone = contexts(&shop(), &[TYPED]);
    assert_eq!(together[1], alone[0]);
    assert_eq!(together[0], together[2]);
}

#[test]
fn a_package_is_not_indexed() {
    let mut client = Client::start(&mut fimd());
    let params = json!({"project_root": shop()});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params});
    client.send(format!("{request}\n"));
    let answer: Value = serde_json::from_str(&client.answer()).unwrap();
    let files = fimd().args(["files", &shop()]).output().unwrap();
    let files = String::from_utf8(files.stdout).unwrap();
    assert!(!files.contains("vendor/"), "{files}");
    assert_eq!(answer["result"]["file_count"], files.lines().count());
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn the_project_s_own_class_comes_before_a_package_s() {
    let project = Project::new(&[
        (
            "composer.json",
            r#"{"autoload": {"psr-4": {"": "vendor/x/"}}}"#,
        ),
        (
            "vendor/x/Both.php",
            "<?php class Both { function ofThePackage() {} }",
        ),
        (
            "vendor/x/Base.php",
            "<?php class Base { function inherited() {} }",
        ),
        (
            "src/Both.php",
            "<?php class Both extends Base { function own() {} }",
        ),
    ]);
    let root = project.path().to_str().unwrap();
    let context = &contexts(root, &["<?php (new Both)->|"])[0];
    assert!(context.contains("function own()"), "{context}");
    assert!(context.contains("function inherited()"), "{context}");
    assert!(!context.contains("ofThePackage"), "{context}");
}

/// A project that uses a package with classes, a function and a constant.
fn application() -> Project {
    Project::new(&[
        (
            "composer.json",
            r#"{"autoload": {"psr-4": {"App\\": "app/"}}}"#,
        ),
        (
            "vendor/composer/autoload_psr4.php",
            r"<?php $vendorDir = dirname(__DIR__);
            return array('Kit\\Base\\' => array($vendorDir . '/kit/base'), 'Kit\\' => array($vendorDir . '/kit/src'));",
        ),
        (
            "vendor/composer/autoload_files.php",
            "<?php $vendorDir = dirname(__DIR__);
            return array('a' => $vendorDir . '/kit/src/helpers.php', 'b' => $vendorDir . '/symfony/polyfill-php84/bootstrap.php');",
        ),
        (
            "vendor/kit/src/helpers.php",
            "<?php if (! function_exists('kit_now')) { function kit_now(int $shift = 0): int { return 0; } }
            const KIT_ANSWER = 42;",
        ),
        (
            "vendor/symfony/polyfill-php84/bootstrap.php",
            "<?php function kit_polyfilled() {}",
        ),
        (
            "vendor/kit/base/Root.php",
            "<?php namespace Kit\\Base; abstract class Root { public function rootOnly(): int { return 1; } }",
        ),
        (
            "vendor/kit/src/Query.php",
            "<?php namespace Kit; class Query extends Base\\Root { public function whereAny(string $column): static { return $this; } }",
        ),
        (
            "vendor/kit/src/Deep/Quiet.php",
            "<?php namespace Kit\\Deep; final class Quiet { const LOUD = 1; }",
        ),
        (
            "vendor/kit/src/Tests/QuietTest.php",
            "<?php namespace Kit\\Tests; class QuietTest {}",
        ),
        (
            "app/Orders.php",
            "<?php namespace App; use Kit\\Query; class Orders {
                function open($unknown) { $q = new Query(); $unknown->whereAny('a'); $unknown->rootOnly(); return kit_now(1) + KIT_ANSWER; }
            }",
        ),
    ])
}

/// The context at the `|` of `buffer` in [`application`].
fn in_application(buffer: &str) -> String {
    let project = application();
    let root = project.path().to_str().unwrap();
    contexts(root, &[buffer]).remove(0)
}

#[test]
fn functions_and_constants_of_packages_are_offered() {
    let context = in_application("<?php namespace App; function f() { return kit|");
    assert!(
        context.contains("function kit_now(int $shift = 0): int;"),
        "{context}"
    );
    assert!(!context.contains("kit_polyfilled"), "{context}");
    let context = in_application("<?php namespace App; function f() { return KIT|");
    assert!(context.contains("const KIT_ANSWER = 42;"), "{context}");
    // Names that similar code uses are declared in the package.
    let context = in_application(
        "<?php namespace App; use Kit\\Query; class Bills { function open() { $q = new Query(); return |",
    );
    assert!(context.contains("function kit_now("), "{context}");
}

#[test]
fn classes_of_packages_are_offered_where_a_class_may_stand() {
    for buffer in [
        "<?php namespace App; new Qui|",
        "<?php namespace App; function f(?Qui|",
        "<?php namespace App; use Kit\\Deep\\|",
        "<?php namespace App; use Kit\\Deep\\Q|",
        "<?php namespace App; use Kit\\D|",
        "<?php namespace App; return \\Kit\\Deep\\|",
        "<?php namespace App; use Kit\\Deep; new Deep\\|",
    ] {
        let context = in_application(buffer);
        assert!(context.contains("final class Quiet"), "{buffer}: {context}");
        assert!(!context.contains("QuietTest"), "{buffer}: {context}");
    }
    let context = in_application("<?php namespace App; use Kit\\Query\\|");
    assert!(!context.contains("Quiet"), "{context}");
}

#[test]
fn a_name_of_similar_code_is_shown_where_a_package_declares_it() {
    let context = in_application(
        "<?php namespace App; use Kit\\Query; class Bills { function open($some) { $q = new Query(); $some->|",
    );
    for line in [
        "function whereAny(string $column): static;",
        "abstract class Root",
        "function rootOnly(): int;",
    ] {
        assert!(context.contains(line), "{line}: {context}");
    }
}

#[test]
fn a_file_is_no_reason_for_its_own_context() {
    let project = application();
    let root = project.path().to_str().unwrap();
    // Only the edited file, as it is on disk, names the package's class.
    let mut client = Client::start(&mut fimd());
    let request = |id: usize, method: &str, params: Value| {
        format!(
            "{}\n",
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        )
    };
    client.send(request(1, "initialize", json!({"project_root": root})));
    client.answer();
    let content = "<?php namespace App; function f($some) { $some->";
    let params =
        json!({"filepath": "app/Orders.php", "content": content, "cursor_offset": content.len()});
    client.send(request(2, "getContext", params));
    let answer = client.answer();
    assert!(!answer.contains("whereAny"), "{answer}");
    assert_eq!(client.close().code, Some(0));
}

#[test]
fn a_package_of_a_monorepo_sees_what_the_projects_around_it_load() {
    let class = |namespace: &str, name: &str, method: &str| {
        format!(
            "<?php\nnamespace {namespace};\nclass {name}\n{{\n    public function {method}(): int {{ return 1; }}\n}}\n"
        )
    };
    let installed = "<?php $vendorDir = dirname(__DIR__); return array('Acme\\\\' => array($vendorDir . '/acme/src'));";
    let autoload =
        |prefix: &str| format!(r#"{{"autoload": {{"psr-4": {{"{prefix}\\": "src/"}}}}}}"#);
    let project = Project::new(&[
        (".git/HEAD", ""),
        (
            "mono/composer.json",
            r#"{"repositories": [{"type": "path", "url": "packages/*"}],
                "autoload": {"psr-4": {"Mono\\": "src/", "One\\": "src/One/"}}}"#,
        ),
        ("mono/vendor/composer/autoload_psr4.php", installed),
        (
            "mono/vendor/acme/src/Tool.php",
            &class("Acme", "Tool", "installed"),
        ),
        ("mono/src/App.php", &class("Mono", "App", "around")),
        ("mono/src/One/Thing.php", &class("One", "Thing", "wrong")),
        ("mono/packages/one/composer.json", &autoload("One")),
        (
            "mono/packages/one/src/Thing.php",
            &class("One", "Thing", "own"),
        ),
        ("mono/packages/two/composer.json", &autoload("Two")),
        (
            "mono/packages/two/src/Thing.php",
            &class("Two", "Thing", "sibling"),
        ),
    ]);
    let root = project.path().join("mono/packages/one");
    let buffers = [
        "<?php\n$x = new \\Acme\\Tool();\n$x->|",
        "<?php\n$x = new \\Mono\\App();\n$x->|",
        "<?php\n$x = new \\One\\Thing();\n$x->|",
        "<?php\n$x = new \\Two\\Thing();\n$x->|",
    ];
    let contexts = contexts(root.to_str().unwrap(), &buffers);
    let methods = ["installed", "around", "own", "sibling"];
    for (context, method) in contexts.iter().zip(methods) {
        assert!(
            context.contains(&format!("function {method}()")),
            "{context}"
        );
    }
    assert!(
        contexts[3].contains("// --- ../two/src/Thing.php ---")
            || contexts[3].contains("// --- ../../packages/two/src/Thing.php ---"),
        "{}",
        contexts[3]
    );
}

/// What Composer writes for the package in the folder `folder` of `vendor`.
fn installs(prefix: &str, folder: &str) -> String {
    format!(
        "<?php $vendorDir = dirname(__DIR__); return array('{prefix}\\\\' => array($vendorDir . '/{folder}'));"
    )
}

#[test]
fn the_packages_of_a_plugin_are_known() {
    let project = Project::new(&[
        (".git/HEAD", ""),
        ("plugins/pay/pay.php", "<?php function pay() {}"),
        (
            "plugins/pay/vendor/composer/autoload_psr4.php",
            &installs("Pay", "pay/src"),
        ),
        (
            "plugins/pay/vendor/pay/src/Purse.php",
            "<?php namespace Pay; class Purse { function ofPay() {} }",
        ),
        (
            "plugins/ship/composer.json",
            r#"{"type": "wordpress-plugin", "config": {"vendor-dir": "third-party"},
                "repositories": [{"type": "path", "url": "../../shared/*"}]}"#,
        ),
        (
            "plugins/ship/third-party/composer/autoload_psr4.php",
            &installs("Ship", "ship/src"),
        ),
        (
            "plugins/ship/third-party/ship/src/Box.php",
            "<?php namespace Ship; class Box { function ofShip() {} }",
        ),
        (".gitignore", "third-party\nshared\n"),
        (
            "shared/base/composer.json",
            r#"{"autoload": {"psr-4": {"Shared\\": "src"}}}"#,
        ),
        (
            "shared/base/src/Base.php",
            "<?php namespace Shared; class Base { function ofShared() {} }",
        ),
    ]);
    let root = project.path().to_str().unwrap();
    let buffers = [
        "<?php (new \\Pay\\Purse)->|",
        "<?php (new \\Ship\\Box)->|",
        "<?php (new \\Shared\\Base)->|",
    ];
    let methods = ["ofPay", "ofShip", "ofShared"];
    for (context, method) in contexts(root, &buffers).iter().zip(methods) {
        assert!(
            context.contains(&format!("function {method}()")),
            "{method}: {context}"
        );
    }
}

#[test]
fn the_folder_of_installed_packages_is_no_source_whatever_it_is_called() {
    let project = Project::new(&[
        (
            "composer.json",
            r#"{"config": {"vendor-dir": "./lib/packages"}}"#,
        ),
        (
            "lib/packages/composer/autoload_psr4.php",
            &installs("Kit", "kit/src"),
        ),
        (
            "lib/packages/kit/src/Tool.php",
            "<?php namespace Kit; class Tool { function ofKit() {} }",
        ),
        ("lib/own.php", "<?php function own() {}"),
    ]);
    let root = project.path().to_str().unwrap();
    let context = &contexts(root, &["<?php (new \\Kit\\Tool)->|"])[0];
    assert!(context.contains("function ofKit()"), "{context}");
    let files = fimd().args(["files", root]).output().unwrap();
    assert_eq!(String::from_utf8(files.stdout).unwrap(), "lib/own.php\n");
    let why = fimd().args(["files", root, "--why"]).output().unwrap();
    let why = String::from_utf8(why.stdout).unwrap() + &String::from_utf8(why.stderr).unwrap();
    assert!(why.contains("composer.json: vendor-dir"), "{why}");
}

/// A project with packages of stubs and files that state things for editors.
fn with_stubs() -> Project {
    Project::new(&[
        (".gitignore", "/vendor\n_ide_helper*.php\n"),
        ("composer.json", r#"{"autoload": {"psr-4": {"App\\": "app/"}}}"#),
        (
            "vendor/composer/autoload_psr4.php",
            &installs("Kit", "kit/kit/src"),
        ),
        (
            "vendor/kit/kit/src/Bag.php",
            "<?php namespace Kit; class Bag { public function first() { return $this->items[0]; } }",
        ),
        (
            "vendor/phpstan/phpstan-kit/stubs/Bag.stub",
            "<?php namespace Kit; class Bag { /** @return \\App\\User */ public function first() {} }",
        ),
        (
            "vendor/press/press-stubs/press-stubs.php",
            "<?php namespace { /** @return Press_Query */ function press_query(string $name) {}
             class Press_Query { public function press_posts() {} } }",
        ),
        (
            "vendor/press/press-stubs/tests/Faked.php",
            "<?php class Press_Faked {}",
        ),
        (
            "vendor/jetbrains/phpstorm-stubs/Core/Core.php",
            "<?php function press_of_php() {}",
        ),
        (
            "_ide_helper.php",
            "<?php namespace { class Shortcut extends \\Kit\\Bag {} }",
        ),
        (
            "_ide_helper_models.php",
            "<?php namespace App { /** @property string $nickname
              * @method static \\App\\User whereNickname($value) */ class User extends \\Shortcut {} }",
        ),
        (
            "app/User.php",
            "<?php namespace App; class User { public function greet() {} }",
        ),
    ])
}

#[test]
fn stubs_state_what_nothing_else_declares() {
    let project = with_stubs();
    let root = project.path().to_str().unwrap();
    let contexts = contexts(
        root,
        &[
            "<?php press_query('a')->|",
            "<?php press_query(|",
            "<?php press_|",
            "<?php new Press_|",
            "<?php (new Shortcut)->|",
        ],
    );
    for (context, text) in contexts.iter().zip([
        "function press_posts()",
        "function press_query(string $name)",
        "function press_query(string $name)",
        "class Press_Query",
        "function first()",
    ]) {
        assert!(context.contains(text), "{text}: {context}");
        for none in ["press_of_php", "Press_Faked"] {
            assert!(!context.contains(none), "{none}: {context}");
        }
    }
}

#[test]
fn stubs_complete_what_a_class_declares() {
    let project = with_stubs();
    let root = project.path().to_str().unwrap();
    let contexts = contexts(
        root,
        &[
            "<?php $u = new \\App\\User; $u->|",
            "<?php (new \\Kit\\Bag)->first()->|",
            "<?php (new \\Kit\\Bag)->|",
        ],
    );
    for line in [
        "function greet()",
        "public string $nickname;",
        "whereNickname($value)",
    ] {
        assert!(contexts[0].contains(line), "{line}: {}", contexts[0]);
    }
    assert!(contexts[1].contains("function greet()"), "{}", contexts[1]);
    // The class itself is shown, not the stub.
    assert!(
        contexts[2].contains("// --- vendor/kit/kit/src/Bag.php"),
        "{}",
        contexts[2]
    );
    assert!(!contexts[2].contains("Bag.stub"), "{}", contexts[2]);
    let files = fimd().args(["files", root]).output().unwrap();
    assert_eq!(String::from_utf8(files.stdout).unwrap(), "app/User.php\n");
}

#[test]
fn services_have_the_classes_that_yaml_files_state() {
    let project = Project::new(&[
        (
            "composer.json",
            r#"{"require": {"psr/container": "*", "drupal/core": "*"}}"#,
        ),
        (
            "config/services.yaml",
            "services:\n    app.mailer:\n        class: App\\Mailer\n    mail: '@app.mailer'\n    App\\MailerInterface: '@mail'\n",
        ),
        (
            "config/other.yaml",
            "services:\n    app.other: { class: App\\Mailer }\n",
        ),
        (
            "src/Mailer.php",
            "<?php namespace App; interface MailerInterface {} class Mailer implements MailerInterface { function deliver() {} }",
        ),
        (".gitignore", "/web/core\n/vendor\n"),
        (
            "vendor/composer/autoload_psr4.php",
            "<?php $vendorDir = dirname(__DIR__); $baseDir = dirname($vendorDir);
             return array('Psr\\\\Container\\\\' => array($vendorDir . '/psr'),
             'Drupal\\\\Core\\\\' => array($baseDir . '/web/core/lib/Drupal/Core'));",
        ),
        (
            "vendor/psr/ContainerInterface.php",
            "<?php namespace Psr\\Container; interface ContainerInterface { public function get(string $id); }",
        ),
        (
            "web/core/lib/Drupal/Core/A.php",
            "<?php namespace Drupal\\Core; class A {}",
        ),
        (
            "web/core/core.services.yml",
            "services:\n  a:\n    class: Drupal\\Core\\A\n",
        ),
        ("web/core/modules/node/node.info.yml", "name: Node\n"),
        (
            "web/core/modules/node/node.services.yml",
            "services:\n  node.grants:\n    class: Drupal\\node\\Grants\n",
        ),
        (
            "web/core/modules/node/src/Grants.php",
            "<?php namespace Drupal\\node; class Grants { function ofNode() {} }",
        ),
    ]);
    let root = project.path().to_str().unwrap();
    let get = |id: &str| {
        format!(
            "<?php function f(\\Psr\\Container\\ContainerInterface $some) {{ $some->get({id})->|"
        )
    };
    let buffers = [
        get("'app.mailer'"),
        get("'mail'"),
        get("\\App\\MailerInterface::class"),
        get("'node.grants'"),
        get("'app.other'"),
    ];
    let buffers: Vec<&str> = buffers.iter().map(String::as_str).collect();
    let contexts = contexts(root, &buffers);
    for (context, method) in contexts
        .iter()
        .zip(["deliver", "deliver", "deliver", "ofNode"])
    {
        assert!(
            context.contains(&format!("function {method}()")),
            "{method}: {context}"
        );
    }
    assert!(!contexts[4].contains("deliver"), "{}", contexts[4]);
}
