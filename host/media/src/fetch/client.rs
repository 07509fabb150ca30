//! Requests: which are made, and which redirects are followed.

use std::collections::HashSet;
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, IF_RANGE, LOCATION, RANGE};
use reqwest::{Client, Response};
use url::Url;

use super::address::{PublicOnly, names_private_address};
use super::body::Refill;
use super::{Failure, FetchOptions};
use crate::error::MediaError;

/// Of one request.
const MOST_REDIRECTS: usize = 5;

/// Two clients: one for what a [`super::Source`] named, and one for where redirects lead.
#[derive(Debug)]
pub(super) struct Clients {
    trusted: Client,
    /// Made for the first redirect to another server: most files have none.
    public: OnceLock<Client>,
    options: FetchOptions,
    /// Host and port of each URL that a source gave.
    hosts: Mutex<HashSet<(String, u16)>>,
}

impl Clients {
    pub(super) fn new(options: &FetchOptions) -> Result<Self, MediaError> {
        Ok(Self {
            trusted: client(options, false)?,
            public: OnceLock::new(),
            options: options.clone(),
            hosts: Mutex::default(),
        })
    }

    /// Reads a URL that a source gave, and trusts its host from now on.
    pub(super) fn named(&self, url: &str) -> Result<Url, MediaError> {
        let url = Url::parse(url).map_err(|error| {
            // The text may be a URL with a signature and one wrong character.
            MediaError::invalid(format!(
                "expected a URL of the file, found a text that is none: {error}"
            ))
        })?;
        let url = checked(url).map_err(MediaError::invalid)?;
        if let Some(place) = place(&url) {
            self.hosts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(place);
        }
        Ok(url)
    }

    /// The answer to a request for a file, or for a part of it, after redirects.
    pub(super) async fn get(&self, url: &Url, range: Option<&Refill>) -> Result<Response, Failure> {
        let mut at = url.clone();
        let mut client = &self.trusted;
        for _ in 0..=MOST_REDIRECTS {
            let mut request = client
                .get(at.clone())
                // A part of a compressed body is of no use, and checksums are of the file as it is kept.
                .header(ACCEPT_ENCODING, "identity");
            if let Some(range) = range {
                request = request
                    .header(RANGE, format!("bytes={}-", range.from))
                    .header(IF_RANGE, &range.validator);
            }
            let response = request
                .send()
                .await
                .map_err(|error| self.no_answer(&at, &error))?;
            if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
                return Ok(response);
            }
            let location = response
                .headers()
                .get(LOCATION)
                .and_then(|value| value.to_str().ok());
            let to = self.redirect(&at, location).map_err(|reason| {
                Failure::Final(MediaError::other(format!(
                    "expected the file {}, found a redirect {reason}",
                    shown(&at)
                )))
            })?;
            if to.origin() != at.origin() && !self.options.local {
                client = self.public().map_err(Failure::Final)?;
            }
            at = to;
        }
        Err(Failure::Final(MediaError::other(format!(
            "expected the file {}, found more than {MOST_REDIRECTS} redirects",
            shown(url)
        ))))
    }

    /// Where a redirect leads, or why it is not followed.
    fn redirect(&self, from: &Url, location: Option<&str>) -> Result<Url, String> {
        let location = location.ok_or("that leads nowhere")?;
        let to = from
            .join(location)
            .map_err(|error| format!("to no URL: {error}"))?;
        let to = checked(to).map_err(|found| format!("to another kind of URL: {found}"))?;
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(format!("from https to {}", shown(&to)));
        }
        if to.origin() == from.origin() {
            return Ok(to);
        }
        if !self.is_named(&to) {
            return Err(format!(
                "to {}, a server that no URL of a file has named",
                shown(&to)
            ));
        }
        if !self.options.local && names_private_address(&to) {
            return Err(format!("to {}, a private address", shown(&to)));
        }
        Ok(to)
    }

    /// Whether a source named the host, with this port or with the usual one.
    fn is_named(&self, url: &Url) -> bool {
        let Some((host, port)) = place(url) else {
            return false;
        };
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts
            .iter()
            .any(|(named, at)| *named == host && (*at == port || url.port().is_none()))
    }

    fn public(&self) -> Result<&Client, MediaError> {
        if let Some(client) = self.public.get() {
            return Ok(client);
        }
        let made = client(&self.options, true)?;
        Ok(self.public.get_or_init(|| made))
    }

    /// Of a request that was not answered, or not to the end.
    pub(super) fn no_answer(&self, url: &Url, error: &reqwest::Error) -> Failure {
        let reason = root_cause(error, self.options.connect, self.options.silence);
        let error =
            MediaError::unavailable(format!("expected the file {}, found {reason}", shown(url)));
        Failure::Passing {
            error,
            retry_after: None,
        }
    }
}

/// A URL in messages: without its query and its credentials.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    format!("`{url}`")
}

/// Host and port.
fn place(url: &Url) -> Option<(String, u16)> {
    Some((url.host_str()?.to_owned(), url.port_or_known_default()?))
}

/// A URL that can be asked, without credentials, or what is wrong with it.
fn checked(mut url: Url) -> Result<Url, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "expected a URL with http or https, found one with {}",
            url.scheme()
        ));
    }
    // They would be sent. URLs with http have a host, so that this does not fail.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Ok(url)
}

fn client(options: &FetchOptions, public_only: bool) -> Result<Client, MediaError> {
    install_crypto_provider();
    let builder = || {
        let mut builder = Client::builder()
            .user_agent(concat!("runner-host/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(options.connect)
            .read_timeout(options.silence)
            .tcp_nodelay(true)
            .no_gzip()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        if options.local {
            // A proxy's own loopback is another machine's.
            builder = builder.no_proxy();
        }
        if public_only {
            builder = builder.dns_resolver(PublicOnly);
        }
        builder
    };
    let built = builder().build().or_else(|error| {
        // A system without certificates can still reach what is on loopback.
        if options.local {
            builder().tls_certs_only([]).build()
        } else {
            Err(error)
        }
    });
    built.map_err(|error| {
        let reason = root_cause(&error, options.connect, options.silence);
        MediaError::other(format!("cannot prepare connections: {reason}")).with_help(
            "install the system's CA certificates (the package `ca-certificates`), or set SSL_CERT_FILE to a file of them",
        )
    })
}

/// The innermost cause, which is the one that says something ("Connection refused").
fn root_cause(error: &reqwest::Error, connect: Duration, silence: Duration) -> String {
    if error.is_timeout() {
        return if error.is_connect() {
            format!("no connection within {} s", connect.as_secs_f64())
        } else {
            format!("silence for {} s", silence.as_secs_f64())
        };
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    let reason = cause.to_string();
    if error.is_body() || error.is_decode() {
        return format!("that it breaks off: {reason}");
    }
    format!("no answer: {reason}")
}

fn install_crypto_provider() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Fails only if one is installed already, which is then as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_redirects_are_followed() {
        let clients = Clients::new(&FetchOptions::default()).expect("clients");
        for named in [
            "https://storage.example.com/a?signature=x",
            "http://10.0.0.7/a",
            "https://files.example.com:9000/a",
        ] {
            clients.named(named).expect("a URL");
        }
        let from = Url::parse("https://storage.example.com/a/b?signature=x").expect("a URL");
        for (location, expected) in [
            ("c", Ok("https://storage.example.com/a/c")),
            ("/c?x=1", Ok("https://storage.example.com/c?x=1")),
            (
                "https://files.example.com:9000/c",
                Ok("https://files.example.com:9000/c"),
            ),
            (
                "https://me:secret@files.example.com/c",
                Ok("https://files.example.com/c"),
            ),
            (
                "http://storage.example.com/c",
                Err("from https to `http://storage.example.com/c`"),
            ),
            (
                "https://storage.example.com:8443/c",
                Err(
                    "to `https://storage.example.com:8443/c`, a server that no URL of a file has named",
                ),
            ),
            (
                "//storage.example.com.evil.example/c?y",
                Err(
                    "to `https://storage.example.com.evil.example/c`, a server that no URL of a file has named",
                ),
            ),
            (
                "https://10.0.0.7/c",
                Err("to `https://10.0.0.7/c`, a private address"),
            ),
        ] {
            let found = clients.redirect(&from, Some(location));
            let found = found.as_ref().map(Url::as_str).map_err(String::as_str);
            assert_eq!(found, expected, "{location}");
        }
        // What a source named is trusted, wherever it is.
        let private = Url::parse("http://10.0.0.7/a").expect("a URL");
        let within = clients
            .redirect(&private, Some("/b"))
            .expect("the same server");
        assert_eq!(within.as_str(), "http://10.0.0.7/b");
    }
}
