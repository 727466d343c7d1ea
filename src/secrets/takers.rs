//! The places in code whose strings are secrets, as data.

/// A function, method or class whose call takes a secret.
pub(super) struct SecretCall {
    /// The name in small letters.
    pub(super) name: &'static str,
    /// What stands before the name.
    pub(super) before: Before,
    /// The arguments that are secrets, counted from 0.
    pub(super) secret: &'static [usize],
    /// What the arguments are.
    pub(super) takes: Takes,
}

/// What must stand before a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Anything but the rest of a longer name.
    Any,
    /// What stands before a function: no `->`, `::`, `$` or `function`.
    Function,
    /// `new`, and perhaps a namespace.
    New,
    /// `->`, `?->` or `::`.
    Member,
}

/// What an argument of a [`SecretCall`], or the value of an [`Entry`], is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// A password or passphrase.
    Password,
    /// A key, salt or token.
    Key,
    /// A secret, if it looks like one. Functions of other purposes have this name, too.
    Likely,
    /// A password, if it does not look like a name.
    Chosen,
    /// A user and a password in one, `user:password`, or a list of the two.
    Pair,
    /// A header: the last word is a secret.
    Header,
}

const fn call(
    name: &'static str,
    before: Before,
    secret: &'static [usize],
    takes: Takes,
) -> SecretCall {
    SecretCall {
        name,
        before,
        secret,
        takes,
    }
}

use Before::{Any, Function, Member, New};
use Takes::{Chosen, Header, Key, Likely, Pair, Password};

/// The functions, methods and classes.
pub(super) const CALLS: &[SecretCall] = &[
    // Databases.
    call("pdo", New, &[2], Password),
    call("mysqli", New, &[2], Password),
    call("mysqli_connect", Function, &[2], Password),
    call("mysqli_real_connect", Function, &[3], Password),
    call("mysqli_change_user", Function, &[2], Password),
    call("real_connect", Member, &[2], Password),
    call("change_user", Member, &[1], Password),
    call("mysql_connect", Function, &[2], Password),
    call("mysql_pconnect", Function, &[2], Password),
    call("maxdb_connect", Function, &[2], Password),
    call("mssql_connect", Function, &[2], Password),
    call("mssql_pconnect", Function, &[2], Password),
    call("sybase_connect", Function, &[2], Password),
    call("oci_connect", Function, &[1], Password),
    call("oci_pconnect", Function, &[1], Password),
    call("oci_new_connect", Function, &[1], Password),
    call("ocilogon", Function, &[1], Password),
    call("oci_password_change", Function, &[2, 3], Password),
    call("odbc_connect", Function, &[2], Password),
    call("odbc_pconnect", Function, &[2], Password),
    call("ibase_connect", Function, &[2], Password),
    call("ibase_pconnect", Function, &[2], Password),
    call("fbird_connect", Function, &[2], Password),
    call("ifx_connect", Function, &[2], Password),
    call("db2_connect", Function, &[2], Password),
    call("db2_pconnect", Function, &[2], Password),
    call("cubrid_connect", Function, &[4], Password),
    call("ingres_connect", Function, &[2], Password),
    call("amqpstreamconnection", New, &[3], Password),
    call("amqpsslconnection", New, &[3], Password),
    call("connect", Member, &[2, 3], Chosen),
    call("auth", Member, &[0, 1], Likely),
    call("setsaslauthdata", Member, &[1], Password),
    // Files, mail and directories on other machines.
    call("ftp_login", Function, &[2], Password),
    call("ssh2_auth_password", Function, &[2], Password),
    call("ssh2_auth_pubkey_file", Function, &[4], Password),
    call("ssh2_auth_hostbased_file", Function, &[5], Password),
    call("login", Member, &[1], Chosen),
    call("loginuser", Member, &[1], Chosen),
    call("authenticate", Member, &[1], Chosen),
    call("authorize", Member, &[1], Likely),
    call("imap_open", Function, &[2], Password),
    call("ldap_bind", Function, &[2], Password),
    call("ldap_bind_ext", Function, &[2], Password),
    call("ldap_exop_passwd", Function, &[2, 3], Password),
    call("bind", Member, &[1], Password),
    call("smbclient_state_init", Function, &[3], Password),
    call("svn_auth_set_parameter", Function, &[1], Likely),
    call("snmp3_get", Function, &[4, 6], Password),
    call("snmp3_walk", Function, &[4, 6], Password),
    call("snmp3_set", Function, &[4, 6], Password),
    call("radius_put_attr", Function, &[2], Likely),
    call("radius_add_server", Function, &[3], Password),
    // HTTP.
    call("withbasicauth", Any, &[1], Password),
    call("withdigestauth", Any, &[1], Password),
    call("withntlmauth", Any, &[1], Password),
    call("basicauth", Any, &[1], Password),
    call("digestauth", Any, &[1], Password),
    call("setauth", Member, &[1, 2], Chosen),
    call("setbasicauth", Member, &[1], Password),
    call("setbasicauthentication", Member, &[1], Password),
    call("setauthentication", Member, &[1, 2], Chosen),
    call("sethttpauth", Member, &[1], Password),
    call("setcredentials", Member, &[1], Chosen),
    call("setlogin", Member, &[1], Chosen),
    call("setuserpwd", Member, &[0], Pair),
    call("soapheader", New, &[2], Likely),
    // Encryption.
    call("openssl_encrypt", Function, &[2], Key),
    call("openssl_decrypt", Function, &[2], Key),
    call("openssl_pbkdf2", Function, &[0, 1], Key),
    call("openssl_pkey_get_private", Function, &[1], Password),
    call("openssl_get_privatekey", Function, &[1], Password),
    call("openssl_pkey_export", Function, &[2], Password),
    call("openssl_pkey_export_to_file", Function, &[2], Password),
    call("openssl_pkcs12_read", Function, &[2], Password),
    call("openssl_pkcs12_export", Function, &[3], Password),
    call("openssl_pkcs12_export_to_file", Function, &[3], Password),
    call("mcrypt_encrypt", Function, &[1], Key),
    call("mcrypt_decrypt", Function, &[1], Key),
    call("mcrypt_generic_init", Function, &[1], Key),
    call("mcrypt_cbc", Function, &[1], Key),
    call("mcrypt_ecb", Function, &[1], Key),
    call("crypt", Function, &[0, 1], Password),
    call("password_hash", Function, &[0], Password),
    call("password_verify", Function, &[0], Password),
    call("sodium_crypto_secretbox", Function, &[2], Key),
    call("sodium_crypto_secretbox_open", Function, &[2], Key),
    call("sodium_crypto_stream_xor", Function, &[2], Key),
    call("sodium_crypto_pwhash", Function, &[1, 2], Password),
    call("sodium_crypto_pwhash_str", Function, &[0], Password),
    call("sodium_crypto_pwhash_str_verify", Function, &[1], Password),
    call("sodium_crypto_aead_aes256gcm_encrypt", Function, &[3], Key),
    call("sodium_crypto_aead_aes256gcm_decrypt", Function, &[3], Key),
    call(
        "sodium_crypto_aead_chacha20poly1305_encrypt",
        Function,
        &[3],
        Key,
    ),
    call(
        "sodium_crypto_aead_chacha20poly1305_decrypt",
        Function,
        &[3],
        Key,
    ),
    call(
        "sodium_crypto_aead_chacha20poly1305_ietf_encrypt",
        Function,
        &[3],
        Key,
    ),
    call(
        "sodium_crypto_aead_chacha20poly1305_ietf_decrypt",
        Function,
        &[3],
        Key,
    ),
    call(
        "sodium_crypto_aead_xchacha20poly1305_ietf_encrypt",
        Function,
        &[3],
        Key,
    ),
    call(
        "sodium_crypto_aead_xchacha20poly1305_ietf_decrypt",
        Function,
        &[3],
        Key,
    ),
    call("encryptwithpassword", Any, &[1], Password),
    call("decryptwithpassword", Any, &[1], Password),
    call("loadfromasciisafestring", Any, &[0], Key),
    call("encrypter", New, &[0], Key),
    call("encryption", New, &[0], Likely),
    call("hashids", New, &[0], Key),
    call("setencryptionkey", Any, &[0], Key),
    call("setprotection", Member, &[1, 2], Password),
    // Signatures.
    call("hash_hmac", Function, &[2], Key),
    call("hash_hmac_file", Function, &[2], Key),
    call("hash_init", Function, &[2], Key),
    call("hash_pbkdf2", Function, &[1, 2], Key),
    call("hash_hkdf", Function, &[1], Key),
    call("hash_equals", Function, &[0, 1], Likely),
    call("mhash", Function, &[2], Key),
    call("sodium_crypto_auth", Function, &[1], Key),
    call("sodium_crypto_auth_verify", Function, &[2], Key),
    call("sodium_crypto_generichash", Function, &[1], Key),
    call("sodium_crypto_shorthash", Function, &[1], Key),
    call("sodium_crypto_sign", Function, &[1], Key),
    call("sodium_crypto_sign_detached", Function, &[1], Key),
    call("sodium_crypto_sign_seed_keypair", Function, &[0], Key),
    call("sodium_crypto_kdf_derive_from_key", Function, &[3], Key),
    call("jwt::encode", Any, &[1], Key),
    call("jwt::decode", Any, &[1], Key),
    call("key", New, &[0], Likely),
    call("inmemory::plaintext", Any, &[0], Key),
    call("inmemory::base64encoded", Any, &[0], Key),
    call("sign", Member, &[1], Likely),
    // Clients of services.
    call("credentials", New, &[1, 2], Likely),
    call("basic", New, &[0, 1], Likely),
    call("client", New, &[0, 1, 2], Likely),
    call("oauthtokencredential", New, &[1], Key),
    call("oauthconsumer", New, &[1], Key),
    call("consumer", New, &[1], Likely),
    call("token", New, &[0, 1], Likely),
    call("twitteroauth", New, &[1, 3], Key),
    call("pusher", New, &[0, 1], Likely),
    call("recaptcha", New, &[0], Key),
    call("mailchimp", New, &[0], Key),
    call("sendgrid", New, &[0], Key),
    call("mailgun", New, &[0], Key),
    call("mailgun::create", Any, &[0], Key),
    call("searchclient::create", Any, &[1], Key),
    call("openai::client", Any, &[0], Key),
    call("stripeclient", New, &[0], Key),
    call("setdeveloperkey", Member, &[0], Key),
    call("base64_encode", Function, &[0], Pair),
];

/// A key of an array, an option or a header whose value is a secret.
pub(super) struct Entry {
    /// The name in small letters.
    pub(super) name: &'static str,
    /// Whether the name is a constant. Other names stand in quotes.
    pub(super) constant: bool,
    /// What the value is.
    pub(super) takes: Takes,
}

const fn entry(name: &'static str, constant: bool, takes: Takes) -> Entry {
    Entry {
        name,
        constant,
        takes,
    }
}

/// The entries. Those whose name says that they are passwords or tokens are not
/// among them: [`super::named`] finds these.
pub(super) const ENTRIES: &[Entry] = &[
    entry("curlopt_userpwd", true, Pair),
    entry("curlopt_proxyuserpwd", true, Pair),
    entry("curlopt_password", true, Password),
    entry("curlopt_proxypassword", true, Password),
    entry("curlopt_keypasswd", true, Password),
    entry("curlopt_sslkeypasswd", true, Password),
    entry("curlopt_sslcertpasswd", true, Password),
    entry("curlopt_sslengine", true, Likely),
    entry("curlopt_tlsauth_password", true, Password),
    entry("curlopt_proxy_tlsauth_password", true, Password),
    entry("curlopt_proxy_keypasswd", true, Password),
    entry("curlopt_xoauth2_bearer", true, Key),
    entry("auth", false, Pair),
    entry("auth_basic", false, Pair),
    entry("auth_ntlm", false, Pair),
    entry("auth_bearer", false, Key),
    entry("basic_auth", false, Pair),
    entry("basic", false, Pair),
    entry("digest", false, Pair),
    entry("http_auth", false, Pair),
    entry("httpauth", false, Pair),
    entry("userpwd", false, Pair),
    entry("userpass", false, Pair),
    entry("authorization", false, Header),
    entry("proxy-authorization", false, Header),
    entry("x-authorization", false, Header),
];
