//! Where the API is.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

/// The API's base URL: a scheme and a host, for example `https://api.encord.com` (the default) or
/// `https://api.us.encord.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(Url);

/// Text that is not a [`Domain`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected the base URL of Encord's API, such as `https://api.encord.com`, found `{found}`: {reason}"
)]
pub struct InvalidDomain {
    found: String,
    reason: String,
}

impl Domain {
    /// Whether the API runs on this machine, so that no proxy stands between.
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
            Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }

    /// Whether connections to it are encrypted.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL of a path (without a leading slash) and a query string (which may be empty).
    pub(super) fn url(&self, path: &str, query: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(path);
        url.set_query((!query.is_empty()).then_some(query));
        url
    }
}

impl Default for Domain {
    fn default() -> Self {
        Domain(
            Url::parse("https://api.encord.com")
                .expect("the constant is a URL with a scheme and a host"),
        )
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `Url` writes an empty path as a slash.
        formatter.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for Domain {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|error| error.to_string());
        url.and_then(Domain::try_from_url)
            .map_err(|reason| InvalidDomain {
                found: without_credentials(text),
                reason,
            })
    }
}

impl TryFrom<Url> for Domain {
    type Error = InvalidDomain;

    fn try_from(url: Url) -> Result<Self, Self::Error> {
        let found = without_credentials(url.as_str());
        Domain::try_from_url(url).map_err(|reason| InvalidDomain { found, reason })
    }
}

impl Domain {
    fn try_from_url(mut url: Url) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "the scheme is `{}`, not `https` or `http`",
                url.scheme()
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it holds credentials".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has more than a scheme and a host".to_owned());
        }
        if !url.path().trim_end_matches('/').is_empty() {
            return Err(format!(
                "it has the path `{}`, which is not part of a domain",
                url.path()
            ));
        }
        url.set_path("");
        Ok(Domain(url))
    }
}

/// The text with what stands between the scheme and an `@` left out: errors are logged.
fn without_credentials(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!("{}://…{}", &text[..scheme], &text[at..])
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_no_credentials() {
        let error = "https://me:secret@api.encord.com"
            .parse::<Domain>()
            .expect_err("credentials");
        assert!(error.to_string().contains("`https://…@api.encord.com`"));
    }

    #[test]
    fn accepts_scheme_and_host() {
        for (text, shown, loopback) in [
            ("https://api.encord.com", "https://api.encord.com", false),
            (
                " https://api.us.encord.com/ ",
                "https://api.us.encord.com",
                false,
            ),
            ("http://127.0.0.1:8400", "http://127.0.0.1:8400", true),
            ("http://[::1]:1", "http://[::1]:1", true),
            ("http://localhost:9", "http://localhost:9", true),
            ("http://10.0.0.1", "http://10.0.0.1", false),
        ] {
            let domain: Domain = text.parse().expect(text);
            assert_eq!(domain.to_string(), shown);
            assert_eq!(domain.is_loopback(), loopback, "{text}");
        }
        assert_eq!(Domain::default().to_string(), "https://api.encord.com");
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "api.encord.com",
            "ftp://api.encord.com",
            "https://me:secret@api.encord.com",
            "https://api.encord.com/v2",
            "https://api.encord.com/?a=1",
            "",
        ] {
            assert!(text.parse::<Domain>().is_err(), "{text}");
        }
    }
}
