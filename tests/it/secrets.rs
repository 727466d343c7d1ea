//! Planted secrets of many kinds, made at run time, and false alarms on real projects.
//!
//! ```sh
//! FIMD_CORPORA=~/wordpress:~/symfony cargo test --release --test it secrets -- --nocapture
//! ```

use fimd::secrets::Secrets;

use crate::common::oracle;
use crate::common::skip;

/// How many secrets of each kind are planted.
const SAMPLES: u64 = 50;
/// The share of all planted secrets, in percent, that must be found.
const LEAST_FOUND: u64 = 97;

/// Random numbers, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn draw(&mut self, alphabet: &str, len: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..len)
            .map(|_| char::from(alphabet[self.below(alphabet.len())]))
            .collect()
    }

    /// A password as people choose them.
    fn chosen(&mut self) -> String {
        let words = [
            "Sommer",
            "winter",
            "Dragon",
            "barcelona",
            "Matrix",
            "coffee",
            "Tiger",
            "sunshine",
            "Krokodil",
            "purple",
            "Hunter",
            "violin",
            "Berlin",
            "mango",
            "Rocket",
            "glacier",
        ];
        let mut word = || words[self.below(words.len())].to_owned();
        let (first, second, third) = (word(), word(), word());
        let digits = self.draw(DIGITS, 2);
        match self.below(6) {
            0 => format!("{first}20{digits}!"),
            1 => format!("{first}-{second}-{third}"),
            2 => format!("{first}{second}{digits}"),
            3 => {
                first
                    .replace(['a', 'A'], "4")
                    .replace('e', "3")
                    .replace('o', "0")
                    + "_"
                    + &digits
                    + "x"
            }
            4 => self.draw(
                "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#%+=?@",
                12,
            ),
            _ => format!("{}{}", self.draw(ALNUM, 10), digits),
        }
    }
}

const DIGITS: &str = "0123456789";
const HEX: &str = "0123456789abcdef";
const LOWER: &str = "abcdefghijklmnopqrstuvwxyz";
const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const SMALL: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
const ALNUM: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const URL: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
const BASE32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What is planted.
#[derive(Clone, Copy)]
enum Value {
    /// A password that a person chose.
    Chosen,
    /// A pattern: runs of an alphabet, and text between them.
    Made(&'static [(&'static str, usize, &'static str)]),
    /// A run of a length in this range.
    Run(&'static str, usize, usize),
}

impl Value {
    fn draw(self, dice: &mut Dice) -> String {
        match self {
            Self::Chosen => dice.chosen(),
            Self::Made(parts) => parts
                .iter()
                .map(|(alphabet, len, text)| dice.draw(alphabet, *len) + text)
                .collect(),
            Self::Run(alphabet, least, most) => {
                let len = least + dice.below(most - least + 1);
                dice.draw(alphabet, len)
            }
        }
    }
}

use Value::{Chosen, Made, Run};

/// The kinds by which the rules were made: PHP with `{}` for the secret.
const KNOWN: &[(&str, Value)] = &[
    (
        "$db = new PDO('mysql:host=db;dbname=shop', 'shop', '{}');",
        Chosen,
    ),
    (
        "$db = new \\PDO($dsn, $user, \"{}\", [PDO::ATTR_PERSISTENT => true]);",
        Chosen,
    ),
    (
        "$link = mysqli_connect('10.0.0.3', 'root', '{}', 'crm');",
        Chosen,
    ),
    (
        "$link = new mysqli('localhost', 'crm', '{}', 'crm');",
        Chosen,
    ),
    (
        "$link = mysql_connect(\"localhost\", \"wp\", \"{}\");",
        Chosen,
    ),
    (
        "$c = pg_connect('host=db port=5432 dbname=x user=y password={}');",
        Chosen,
    ),
    ("$c = oci_connect('hr', '{}', 'localhost/XE');", Chosen),
    ("ftp_login($ftp, 'upload', '{}');", Chosen),
    ("ssh2_auth_password($session, 'deploy', '{}');", Chosen),
    ("if (!$sftp->login('deploy', '{}')) {", Chosen),
    (
        "imap_open('{mail:993/imap/ssl}INBOX', 'info@shop.de', '{}');",
        Chosen,
    ),
    ("ldap_bind($ldap, 'cn=admin,dc=shop,dc=de', '{}');", Chosen),
    ("$ldap->bind('cn=admin,dc=shop,dc=de', '{}');", Chosen),
    ("$redis->auth('{}');", Run(ALNUM, 12, 24)),
    ("$redis->auth(['app', '{}']);", Run(ALNUM, 12, 24)),
    (
        "openssl_encrypt($data, 'aes-256-cbc', '{}', 0, $iv);",
        Run(ALNUM, 16, 32),
    ),
    (
        "openssl_decrypt($data, $cipher, hex2bin('{}'), OPENSSL_RAW_DATA, $iv);",
        Run(HEX, 64, 64),
    ),
    ("openssl_pkey_get_private($pem, '{}');", Chosen),
    (
        "return hash_hmac('sha256', $payload, '{}');",
        Run(ALNUM, 20, 40),
    ),
    ("hash_pbkdf2('sha256', '{}', $salt, 1000);", Chosen),
    ("JWT::encode($claims, '{}', 'HS256');", Run(URL, 32, 43)),
    (
        "JWT::decode($jwt, new Key('{}', 'HS256'));",
        Run(ALNUM, 24, 40),
    ),
    (
        "sodium_crypto_secretbox($m, $nonce, '{}');",
        Run(ALNUM, 32, 32),
    ),
    (
        "mcrypt_encrypt(MCRYPT_RIJNDAEL_256, '{}', $text, MCRYPT_MODE_ECB);",
        Chosen,
    ),
    ("Http::withBasicAuth('api', '{}')->get($url);", Chosen),
    ("curl_setopt($ch, CURLOPT_USERPWD, 'api:{}');", Chosen),
    ("$o = [CURLOPT_USERPWD => 'api:{}'];", Chosen),
    (
        "curl_setopt($ch, CURLOPT_PROXYUSERPWD, \"squid:{}\");",
        Chosen,
    ),
    (
        "$client->get('/', ['auth' => ['api', '{}']]);",
        Run(ALNUM, 12, 20),
    ),
    (
        "$client->request('GET', '/', ['auth_basic' => 'api:{}']);",
        Chosen,
    ),
    (
        "$client->request('GET', '/', ['auth_bearer' => '{}']);",
        Run(URL, 24, 40),
    ),
    ("'Authorization' => 'Token {}',", Run(HEX, 40, 40)),
    ("$headers[] = 'Authorization: {}';", Run(ALNUM, 32, 40)),
    ("$h = ['X-Api-Key' => '{}'];", Run(SMALL, 24, 32)),
    (
        "$bot = new Api('{}');",
        Made(&[(DIGITS, 9, ":AA"), (URL, 33, "")]),
    ),
    (
        "$mg = Mailgun::create('{}');",
        Made(&[("k", 1, "ey-"), (HEX, 32, "")]),
    ),
    (
        "const KEY = '{}';",
        Made(&[(HEX, 32, "-us"), ("123456789", 1, "")]),
    ),
    (
        "$x = '{}'; // captcha",
        Made(&[("6", 1, "Ld"), (URL, 5, "AAAAA"), (URL, 27, "")]),
    ),
    ("private $apiKey = '{}';", Run(LOWER, 12, 16)),
    ("private string $apiKey = '{}';", Run(ALNUM, 10, 15)),
    ("define('API_SECRET', '{}');", Run(SMALL, 10, 15)),
    ("'secret_key' => '{}',", Run(LETTERS, 12, 20)),
    ("'client_secret' => '{}',", Run(BASE32, 16, 32)),
    ("const ENCRYPTION_KEY = '{}';", Run(HEX, 32, 64)),
    ("$this->token = \"{}\";", Run(URL, 16, 32)),
    (
        "config(['services.stripe.secret' => '{}']);",
        Run(ALNUM, 16, 24),
    ),
    (
        "$config->set('services.mail.password', '{}');",
        Made(&[(ALNUM, 10, "4x!")]),
    ),
    ("if ($request->get('token') !== '{}') {", Run(ALNUM, 16, 24)),
    ("if ($token == '{}') {", Run(SMALL, 12, 20)),
    ("hash_equals('{}', $given);", Run(HEX, 40, 40)),
    (
        "$xml = '<password>{}</password>';",
        Made(&[(ALNUM, 10, "7q")]),
    ),
    (
        "$dsn = 'pgsql://app:{}@db.internal:5432/app';",
        Run(ALNUM, 10, 20),
    ),
    (
        "Stripe\\Stripe::setApiKey('{}');",
        Made(&[("s", 1, "k_li"), ("v", 1, "e_"), (ALNUM, 24, "")]),
    ),
    (
        "$t = 'eyJhbGciOiJIUzI1NiJ9.{}';",
        Made(&[("e", 1, "yJzdWIiOiJ"), (ALNUM, 20, "."), (URL, 43, "")]),
    ),
    ("$pw = '{}';", Made(&[(ALNUM, 9, "3z")])),
    ("$client = new Client('ACCOUNT', '{}');", Run(HEX, 32, 32)),
];

/// The kinds that were kept back until the rules were done.
const KEPT_BACK: &[(&str, Value)] = &[
    (
        "new AMQPStreamConnection('mq', 5672, 'app', '{}', '/');",
        Chosen,
    ),
    (
        "$c = odbc_connect('Driver={SQL Server};Server=x', 'sa', '{}');",
        Chosen,
    ),
    (
        "curl_setopt($ch, CURLOPT_XOAUTH2_BEARER, '{}');",
        Run(URL, 30, 60),
    ),
    (
        "curl_setopt_array($ch, [CURLOPT_SSLKEYPASSWD => '{}', CURLOPT_TIMEOUT => 5]);",
        Chosen,
    ),
    (
        "snmp3_get('10.0.0.1', 'admin', 'authPriv', 'SHA', '{}', 'AES', $p, '1.3.6');",
        Chosen,
    ),
    ("openssl_pkcs12_read($pfx, $certs, '{}');", Chosen),
    (
        "ssh2_auth_pubkey_file($s, 'deploy', '/k.pub', '/k', '{}');",
        Chosen,
    ),
    (
        "$e = new Encrypter(base64_decode('{}'), 'AES-256-CBC');",
        Made(&[(ALNUM, 43, "=")]),
    ),
    ("$ids = new Hashids('{}', 8);", Run(ALNUM, 10, 24)),
    ("Http::withToken('{}')->post($url);", Run(ALNUM, 40, 40)),
    ("putenv('MAIL_PASSWORD={}');", Made(&[(ALNUM, 11, "8d")])),
    (
        "$ini = \"[smtp]\\nuser=x\\npassword={}\\n\";",
        Made(&[(ALNUM, 12, "5w")]),
    ),
    (
        "$s3 = new S3Client(['credentials' => ['key' => $id, 'secret' => '{}']]);",
        Run(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/",
            40,
            40,
        ),
    ),
    (
        "$pusher = new Pusher\\Pusher('{}', $secret, '12345');",
        Run(HEX, 20, 20),
    ),
    (
        "Braintree\\Configuration::privateKey('{}');",
        Run(HEX, 32, 32),
    ),
    ("$c = new OAuthConsumer($id, '{}');", Run(ALNUM, 30, 50)),
    ("return crypt($p, '{}');", Run(ALNUM, 22, 22)),
    ("$zip->setPassword('{}');", Chosen),
    ("$mail->Password = '{}';", Run(LOWER, 16, 16)),
    ("'app_key' => 'base64:{}',", Made(&[(ALNUM, 43, "=")])),
    (
        "$soap = new SoapClient($wsdl, ['login' => 'ws', 'password' => '{}']);",
        Chosen,
    ),
    ("$payload = '{\"access_token\":\"{}\"}';", Run(URL, 30, 60)),
    (
        "$hook = 'https://discord.com/api/webhooks/{}';",
        Made(&[(DIGITS, 18, "/"), (URL, 68, "")]),
    ),
    ("$gh = '{}';", Made(&[("g", 1, "hp_"), (ALNUM, 36, "")])),
    (
        "fsockopen_auth(\"Authorization: Basic {}\");",
        Made(&[("Y", 1, "WRtaW46"), (ALNUM, 18, "==")]),
    ),
    (
        "$smtp->authenticate('mailer', '{}');",
        Made(&[(ALNUM, 12, "9k")]),
    ),
    ("$memcached->setSaslAuthData('app', '{}');", Chosen),
    (
        "sodium_crypto_auth($message, sodium_hex2bin('{}'));",
        Run(HEX, 64, 64),
    ),
];

/// How many secrets of each of `kinds` are found, as text, and the share of all in percent.
fn found(kinds: &[(&str, Value)]) -> (String, u64) {
    let secrets = Secrets::new().unwrap();
    let mut report = String::new();
    let mut all = 0;
    for (number, (template, value)) in (1..).zip(kinds) {
        let mut missed = Vec::new();
        for sample in 0..SAMPLES {
            let mut dice = Dice(0x9e37_79b9 * number + 0x51_7cc1_b727 * (sample + 1));
            for _ in 0..20 {
                dice.below(2);
            }
            let secret = value.draw(&mut dice);
            let php = format!(
                "<?php\n\nfunction f($a) {{\n    {}\n}}\n",
                template.replace("{}", &secret)
            );
            if secrets.redact(&php).0.contains(&secret) {
                missed.push(secret);
            }
        }
        let hit = SAMPLES - missed.len() as u64;
        all += hit;
        if !missed.is_empty() {
            report += &format!(
                "{hit}/{SAMPLES} {template}, missed {:?}\n",
                &missed[..missed.len().min(4)]
            );
        }
    }
    (report, all * 100 / (kinds.len() as u64 * SAMPLES))
}

#[test]
fn planted_secrets_are_found() {
    let results = [("known", KNOWN), ("kept back", KEPT_BACK)].map(|(name, kinds)| {
        let (report, percent) = found(kinds);
        println!("{name}: {percent} % of {} kinds\n{report}", kinds.len());
        percent
    });
    assert!(results.iter().all(|percent| *percent >= LEAST_FOUND));
}

/// Prints every secret that is found in real projects, so that somebody can judge it.
#[test]
fn alarms_on_real_projects_are_few() {
    let Some(corpora) = std::env::var_os("FIMD_CORPORA") else {
        skip("folders of PHP code in FIMD_CORPORA, separated by colons");
        return;
    };
    let secrets = Secrets::new().unwrap();
    for folder in std::env::split_paths(&corpora) {
        let (mut bytes, mut alarms) = (0, 0);
        for path in oracle::php_files(&folder) {
            let text = oracle::read(&path);
            bytes += text.len();
            let found = secrets.find(&text);
            let name = path.strip_prefix(&folder).unwrap_or(&path);
            for secret in &found {
                alarms += 1;
                let line = text[..secret.range.start].matches('\n').count() + 1;
                println!(
                    "{}:{line}: {} {}",
                    name.display(),
                    secret.kind,
                    &text[secret.range.clone()]
                );
            }
        }
        let megabytes = bytes / 1_000_000;
        println!("{}: {alarms} in {megabytes} MB", folder.display());
        assert!(
            alarms <= 10 + megabytes * 2,
            "{}: {alarms} in {megabytes} MB",
            folder.display()
        );
    }
}
