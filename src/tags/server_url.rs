//! URLs of model servers.

use url::{Host, Url};

/// Parses the URL of a model server.
///
/// # Errors
/// A message that says what is expected.
pub fn server_url(text: &str) -> Result<Url, String> {
    let expected = "expected http://HOST or https://HOST";
    let url = Url::parse(text).map_err(|error| format!("{expected}: {error}"))?;
    // The message does not repeat a password.
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!(
            "{expected} without a user and a password; a key goes into api_key under [endpoint] \
             in the settings file"
        ));
    }
    if !["http", "https"].contains(&url.scheme()) || url.host().is_none() {
        return Err(format!("{expected}, found {text:?}"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("{expected} without ? and #, found {text:?}"));
    }
    Ok(url)
}

/// Whether the host of `url` is a name or address of this machine.
#[must_use]
pub fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
