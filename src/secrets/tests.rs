//! Tests with planted secrets, with look-alikes, and with random texts.

use proptest::prelude::*;

use super::rules::Alphabet;
use super::*;

fn secrets() -> Secrets {
    Secrets::new().unwrap()
}

/// `len` characters of `alphabet` that no rule takes for an example. The tests
/// build tokens at run time, because code hosts refuse files that spell one.
fn body(alphabet: Alphabet, len: usize) -> String {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut body = String::new();
    while body.len() < len {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let byte = (state >> 57) as u8;
        if alphabet.has(byte) && (byte.is_ascii_alphanumeric()) {
            body.push(char::from(byte));
        }
    }
    body
}

/// Alphabets of random keys.
pub(super) const ALPHABETS: [&str; 9] = [
    "0123456789abcdef",
    "0123456789ABCDEF",
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
];

/// `len` random characters of `alphabet`; the same for the same `seed`.
pub(super) fn drawn(alphabet: &str, len: usize, seed: u64) -> String {
    use rand::{RngExt, SeedableRng};
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    (0..len)
        .map(|_| char::from(alphabet.as_bytes()[rng.random_range(0..alphabet.len())]))
        .collect()
}

/// PHP code with `{}` for a secret, the secret and its kind.
#[expect(clippy::too_many_lines, reason = "one table of cases")]
fn named() -> Vec<(&'static str, String, &'static str)> {
    let (password, secret) = ("password", "secret");
    let key = body(Alphabet::Alnum, 32);
    let hex = body(Alphabet::Hex, 40);
    let noise = "Xakm<o xQy rw4EMsLKM-?!T+,PFF})H4lzcW57AF0U@N@< >M%G4Yt>f`z]MON";
    let chosen = "tr0ub4dor&3";
    [
        ("$password = '{}';", chosen, password),
        ("$db_password='{}';", chosen, password),
        ("private string $passwd = \"{}\";", chosen, password),
        ("    'password' => '{}',", chosen, password),
        ("    \"password\" => \"{}\",", chosen, password),
        ("$config['db']['password'] = '{}';", chosen, password),
        ("$this->password = '{}';", chosen, password),
        ("self::$pwd = '{}';", chosen, password),
        ("define('DB_PASSWORD', '{}');", chosen, password),
        ("define( \"SMTP_PASS\", \"{}\" );", chosen, password),
        ("const FTP_PASSWORD = '{}';", chosen, password),
        ("$mailer->setPassword('{}');", chosen, password),
        ("connect(user: 'root', password: '{}')", chosen, password),
        ("$p = getenv('DB_PASSWORD') ?: '{}';", chosen, password),
        ("$p = $_ENV['DB_PASSWORD'] ?? '{}';", chosen, password),
        ("'password' => env('DB_PASSWORD', '{}'),", chosen, password),
        ("$env = <<<ENV\nDB_PASSWORD={}\nENV;", chosen, password),
        ("$env = \"DB_PASSWORD={}\\n\";", "tr0ub4dor3", password),
        (
            "new PDO('sqlsrv:Server=db;Password={};Encrypt=1')",
            "Xk9#mQ2!v",
            password,
        ),
        (
            "new PDO('mysql://root:{}@db.internal/app')",
            "Xk9mQ2vL",
            password,
        ),
        (
            "'dsn' => \"amqp://guest:{}@[::1]:5672\"",
            "Xk9mQ2vL",
            password,
        ),
        ("    password: {}", "Xk9mQ2vL7", password),
        ("{\"password\": \"{}\"}", chosen, password),
        ("const API_KEY = '{}';", &key, secret),
        ("public const string CLIENT_SECRET = '{}';", &key, secret),
        ("$apiKey = '{}';", &key, secret),
        ("$secret = '{}';", &hex, secret),
        ("'token' => '{}',", &hex, secret),
        ("$client->withAccessToken(\"{}\");", &key, secret),
        ("$client->setApiKey('{}');", &key, secret),
        ("define('AUTH_KEY', '{}');", noise, secret),
        ("define('NONCE_SALT',       '{}');", noise, secret),
        ("AWS_SECRET_ACCESS_KEY={}", &key, secret),
        ("$h = ['X-Api-Key: {}'];", &key, secret),
        (
            "file_get_contents('https://a.b/c?access_token={}&x=1');",
            &key,
            secret,
        ),
        ("'encryption_key' => '{}'", &key, secret),
    ]
    .map(|(php, value, kind)| (php, value.to_owned(), kind))
    .to_vec()
}

/// Texts with a secret that the rules must find: text, secret and kind.
fn planted() -> Vec<(String, String, &'static str)> {
    let mut planted: Vec<_> = named()
        .into_iter()
        .map(|(php, value, kind)| (php.replace("{}", &value), value, kind))
        .collect();
    for form in FORMS {
        let value = body(form.alphabet, form.min);
        let token = format!("{}{value}", form.prefix);
        let introduces = form.prefix.ends_with([' ', '=', '/']);
        let secret = if introduces { value } else { token.clone() };
        planted.push((format!("f('{token}');"), secret.clone(), form.kind));
        planted.push((format!("// see {token}\n"), secret, form.kind));
    }
    let jwt = [
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJzdWIiOiJhYmMiLCJuYW1lIjoiSm8ifQ",
        "dBjftJeZ4CVPmB92K27uhbUJU1p1r",
    ]
    .join(".");
    planted.push((format!("$x = '{jwt}';"), jwt, "json_web_token"));
    let (line, last) = (body(Alphabet::Alnum, 64), body(Alphabet::Alnum, 30));
    let (begin, end) = (
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
    );
    let key = format!("{line}\n{last}=");
    planted.push((format!("$k = '{begin}\n{key}\n{end}';"), key, "private_key"));
    let key = format!("{line}\\n{last}=");
    planted.push((
        format!("$k = \"{begin}\\n{key}\\n{end}\";"),
        key,
        "private_key",
    ));
    planted
}

/// Texts without a secret.
const LOOK_ALIKES: &[&str] = &[
    "$password = '';",
    "$password = 'changeme';",
    "$password = 'your-password-here1';",
    "$password = $_POST['password1'];",
    "$password = \"{$user->pass1}word\";",
    "$password = \"x1-$suffix-abcd\";",
    "'password' => 'required|string|min:8',",
    "'password' => '%s',",
    "'password' => '********',",
    "'password' => PasswordType::class,",
    "'password' => 'App\\Form\\Password2Type',",
    "'password' => 'user.password.reset',",
    "'password' => 'varchar(255)',",
    "'old_password' => 'new_password',",
    "'password' => __('Enter your password'),",
    "'password', 'username2', 'address1'",
    "array('password', 'first_name2')",
    "db_drop('passwords', 'index_2');",
    "f(password: $this->pass1word, token: new Token3Factory())",
    "f(token: TYPE_2_TOKEN_IDENTIFIER)",
    "$passwordHash = 'kcqx41wv';",
    "$password_reset_url = 'kcqx41wv';",
    "'key' => 'kcqx41wvzr0p',",
    "if ($password === 'password123') {",
    "new PDO('mysql:host=localhost', 'user', 'password');",
    "new PDO($dsn, $user, $pass1word, ['x' => 'kcqx41wv']);",
    "new Shop\\Pdox('mysql:host=localhost', 'user', 'kcqx41wv');",
    "mysqli_connect('localhost', 'user', '', 'kcqx41wv');",
    "mysqli_connect('localhost', 'user', getenv('DB_9'), 'kcqx41wv');",
    "hash_hmac('sha256', $data, $this->key2);",
    "hash_hmac('sha256', $data, \"{$this->key2}\");",
    "openssl_encrypt($data, 'aes-256-cbc', '%kernel.key2%');",
    "$this->crypt('sha512', $password);",
    "function crypt($a = 'kcqx41wv') {}",
    "$app->bind('Shop', 'kcqx41wv');",
    "'auth' => ['guards', 'providers', 'passwords'],",
    "'auth' => 'verified',",
    "base64_encode('no colon at all 12');",
    "curl_setopt($ch, CURLOPT_USERPWD, \"$user:$pass1\");",
    "$sum = 'sha384-oqVuAfXRKap7fdgcCY5uykM6Rb8xj9lQxyCE8';",
    "$index = 'IDX_5A97604412946D8B';",
    "$url = 'https://cdn.example.com/css_LS9OUalDR9d_lCAvF3yUWjNU6yF8ZBm84jEPRvoyuQ.css';",
    "<meta name=\"google-site-verification\" content=\"LR29frqES-MZYtn3iZ6PtobclBfThr83rlNF4huiu0s\">",
    "'https://images.example.com/p?ixid=M3w2NTgwOTl8MHwxfGFsbHx8fHx8fHx8fDE3Mjc2ODMzMzZ8&x=1'",
    "// log in with a bot password: \"username@appId\"",
    "$id = '0f8fad5b-d9cb-469f-a165-70867728950e';",
    "const TOKEN = 'T_CONSTANT_ENCAPSED_STRING_2';",
    "const CACHE_KEY = 'revision-row-1.29-abcdefgh';",
    "$key = 'dash_v2_0f1e2d3c4b5a69788796a5b4c3d2e1f0';",
    "$tokenizer = '9a8f7e6d5c4b3a291807f6e5d4c3b2a1';",
    "$secret = 'd41d8cd98f00b204e9800998ecf8427e';",
    "$token = 'da39a3ee5e6b4b0d3255bfef95601890afd80709';",
    "const HASH = '9a8f7e6d5c4b3a291807f6e5d4c3b2a1';",
    "assertSame('900150983cd24fb0d6963f7d28e17f72', md5($abc));",
    "$token = 'Symfony\\Component\\Security\\Token2';",
    "$token = 'security.token_storage.v2';",
    "$apiKey = 'xxxxxxxxxxxxxxxxxxxxxxxx1';",
    "$apiKey = 'YOUR_API_KEY_HERE_123';",
    "$apiKey = '0123456789abcdef0123456789abcdef';",
    "$apiKey = getenv('API_KEY');",
    "foreach ($keys as $key => $value4you) {",
    "$id = 'AKIAIOSFODNN7EXAMPLE';",
    "// http://user:pass@example.com/",
    "'redis://user:%s@localhost'",
    "\"mysql://root:{$pass1word}@db\"",
    "'https://example.com:8080/path@2x'",
    "strpos($key, '-----BEGIN PRIVATE KEY-----') && strpos($k2, '-----END PRIVATE KEY-----')",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    "'Authorization: Bearer ' . $token",
    "Basic authentication_is_not_recommended",
    "Bearer of the longest-sword-in-the-kingdom",
    "$class = 'sk-navigation-bar-with-a-very-long-class-name-inside';",
    "sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
];

#[test]
fn every_planted_secret_is_found_whole() {
    let secrets = secrets();
    let mut missed = Vec::new();
    for (text, secret, kind) in planted() {
        let found: Vec<_> = secrets
            .find(&text)
            .into_iter()
            .map(|found| (text[found.range].to_owned(), found.kind))
            .collect();
        if found != [(secret, kind)] {
            missed.push((text, kind, found));
        }
    }
    assert_eq!(missed, []);
}

#[test]
fn no_look_alike_is_taken_for_a_secret() {
    let secrets = secrets();
    let taken: Vec<_> = LOOK_ALIKES
        .iter()
        .filter(|text| !secrets.find(text).is_empty())
        .collect();
    assert!(taken.is_empty(), "{taken:#?}");
}

#[test]
fn a_private_key_put_together_from_literals_keeps_its_quotes() {
    let (a, b) = (body(Alphabet::Alnum, 64), body(Alphabet::Base64, 48));
    let text = format!(
        "$k = \"-----BEGIN PRIVATE KEY-----\\n\" .\n'{a}' . \"\\n\" . '{b}' .\n\"\\n-----END PRIVATE KEY-----\";"
    );
    let (redacted, found) = secrets().redact(&text);
    assert_eq!(found.len(), 2);
    assert!(!redacted.contains(&a) && !redacted.contains(&b));
    assert_eq!(
        redacted.matches(['\'', '"']).collect::<String>(),
        text.matches(['\'', '"']).collect::<String>()
    );
}

#[test]
fn the_same_secret_has_the_same_placeholder_and_another_has_another() {
    let secrets = secrets();
    let redact = |text: &str| secrets.redact(text).0.into_owned();
    assert_eq!(
        redact("$a->password = 'tr0ub4dor&3';"),
        "$a->password = 'REDACTED_PASSWORD_b483';"
    );
    assert_eq!(
        redact("DB_PASSWORD=tr0ub4dor&3"),
        "DB_PASSWORD=REDACTED_PASSWORD_b483"
    );
    assert_eq!(
        redact("\"pwd\": \"tr0ub4dor&3\""),
        "\"pwd\": \"REDACTED_PASSWORD_b483\""
    );
    assert_ne!(
        redact("$password = 'tr0ub4dor&4';"),
        "$password = 'REDACTED_PASSWORD_b483';"
    );
}

#[test]
fn nothing_is_left_of_a_secret_that_a_hole_cuts_through() {
    let text = "$password = 'tr0ub4dor&3';";
    let found = secrets().find(text);
    let at = text.find("dor").unwrap();
    assert_eq!(cut(&found, at), Some(&found[0]));
    assert_eq!(cut(&found, found[0].range.start), None);
    assert_eq!(cut(&found, found[0].range.end), None);
    assert_eq!(
        replace(text, 0..at, &found),
        "$password = 'REDACTED_PASSWORD_b483"
    );
    assert_eq!(
        replace(text, at..text.len(), &found),
        "REDACTED_PASSWORD_b483';"
    );
    assert_eq!(replace(text, at..at + 1, &found), "REDACTED_PASSWORD_b483");
    assert_eq!(replace(text, 0..9, &found), "$password");
    assert_eq!(replace(text, 5..999, &found), "");
}

#[test]
fn what_is_logged_of_a_secret_does_not_tell_it() {
    let found = secrets().find("$password = 'tr0ub4dor&3';");
    let logged = format!("{found:?}");
    assert!(
        logged.contains("password") && !logged.contains("tr0ub4dor"),
        "{logged}"
    );
}

/// Pieces that the rules look for, so that random texts resemble secrets.
fn piece() -> impl Strategy<Value = String> {
    let planted: Vec<String> = planted().into_iter().map(|(text, ..)| text).collect();
    prop_oneof![
        3 => proptest::sample::select(planted),
        2 => proptest::sample::select(LOOK_ALIKES).prop_map(str::to_owned),
        2 => "[ \n'\"=>:;,.$@/\\\\(){}a-zA-Z0-9_\u{e4}\u{1f600}-]{0,12}",
        1 => proptest::sample::select(vec!["REDACTED_PASSWORD_1a2b", "://", "eyJ", "key", "secret", "-----BEGIN ", "-----END ", "PRIVATE KEY-----", "Bearer ", "\\n"]).prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn any_text_is_redacted_once_and_for_all(pieces in prop::collection::vec(piece(), 0..12)) {
        let secrets = secrets();
        let text = pieces.concat();
        let (redacted, found) = secrets.redact(&text);
        prop_assert!(found.windows(2).all(|pair| pair[0].range.end <= pair[1].range.start));
        prop_assert!(found.iter().all(|secret| !secret.range.is_empty()));
        let again = secrets.redact(&redacted);
        prop_assert_eq!(&*again.0, &*redacted, "{}", text);
    }

    #[test]
    fn cutting_where_no_secret_is_told_and_redacting_commute(
        pieces in prop::collection::vec(proptest::sample::select(planted()), 1..10),
        from in 0..10_usize,
        count in 1..10_usize,
    ) {
        // The comment between two pieces keeps the bytes in front of a secret
        // in one piece with it.
        let pieces: Vec<_> = pieces.into_iter().map(|(text, ..)| text + "\n# ~\n").collect();
        let from = from.min(pieces.len() - 1);
        let to = (from + count).min(pieces.len());
        let text = pieces.concat();
        let window = pieces[..from].concat().len()..pieces[..to].concat().len();
        let secrets = secrets();
        let cut_last = replace(&text, window.clone(), &secrets.find(&text)).into_owned();
        let cut_first = secrets.redact(&text[window]).0.into_owned();
        prop_assert_eq!(cut_last, cut_first);
    }
}
